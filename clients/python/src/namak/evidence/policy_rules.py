"""What a notification policy is, and the pure derivation of the legal effect of facts from it.

The server derives an effect once and records it as evidence; a verifier derives it again from the same facts
and must come to the same. An effect comes with a fact, or by lapse of time after one. More facts never move
it to a later time and never take it away, but for the sender's withdrawal, before it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from namak.evidence import events
from namak.evidence.calendars import NO_WAIT, Span
from namak.evidence.document import RecordedFact
from namak.evidence.events import Event
from namak.evidence.failures import UnsettledCalendar
from namak.evidence.notification_steps import DueStep, Since, SinceStep, SourceText, Step, TimeOf, Wait


@dataclass(frozen=True, slots=True)
class Effect:
    """Properly notified: since ``effective_time``, by ``rule`` of ``policy``, because of ``fact_digest``."""

    policy: str
    rule: str
    fact_digest: str
    effective_time: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to become properly notified: ``wait`` after that ``time`` of a ``fact``, given ``requires``.

    A fact that is recorded before ``not_before`` is over has no effect by the rule. A reported time counts
    from the facts required on: nobody is notified before the message lay in the mailbox.
    """

    id: str
    fact: Event
    requires: tuple[Event, ...]
    wait: Span = NO_WAIT
    time: TimeOf = TimeOf.RECORDED
    not_before: Wait | None = None

    def start(self, fact: RecordedFact, after: Sequence[RecordedFact]) -> datetime | None:
        """Returns from when the rule's wait counts if ``fact`` is this rule's, and what the rule requires is
        among the facts before it; else None.
        """
        if fact.document.event != self.fact:
            return None
        first: dict[str, datetime] = {}
        for earlier in after:
            at = earlier.document.event_time
            if at <= fact.document.event_time:
                uri = earlier.document.event.uri
                first[uri] = min(first.get(uri, at), at)
        required = [first.get(event.uri) for event in self.requires]
        if None in required:
            return None
        return max([self.time.of(fact), *(at for at in required if at is not None)])


_ENDS = frozenset({events.NOTIFICATION_EFFECTED, events.WITHDRAWN})
# After one of these nothing that becomes of the delivery has an effect, under whichever policy.
_AT_OWN_RISK = frozenset(
    {
        events.CONSIGNMENT_NOTIFICATION,
        events.CONSIGNMENT_NOTIFICATION_FAILURE,
        events.RELAY_TO_NON_ERDS,
        events.RELAY_TO_NON_ERDS_FAILURE,
    }
)
# What becomes of copies and nudges changes nobody's right, whichever policy says so (POST-7).


@dataclass(frozen=True, slots=True)
class NotificationPolicy:
    """A policy: its name, its version, its rules, the steps of its ladder, and what its data rests on.

    Of the rules that apply the one with the earliest effect counts, and of those the first. ``assumed`` says
    what no source settles.
    """

    name: str
    version: int
    rules: tuple[Rule, ...]
    steps: tuple[Step, ...] = ()
    sources: tuple[SourceText, ...] = ()
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [*(rule.id for rule in self.rules), *(step.id for step in self.steps)]
        if len(set(ids)) != len(ids):
            raise ValueError(f"{self.key}: two rules or steps have the same name")
        known: set[str] = set()
        for step in self.steps:
            if isinstance(step.wait.since, SinceStep) and step.wait.since.step not in known:
                raise ValueError(f"{self.key}: {step.id} waits for a step that is not before it")
            known.add(step.id)
        for rule in self.rules:
            since = rule.not_before.since if rule.not_before else None
            if isinstance(since, SinceStep) and since.step not in known:
                raise ValueError(f"{self.key}: {rule.id} names a step that there is not")
            start = since.event if isinstance(since, Since) else rule.fact
            if _AT_OWN_RISK & {rule.fact, start, *rule.requires}:
                raise ValueError(f"{self.key}: {rule.id} rests on a copy or a nudge (POST-7)")

    @property
    def key(self) -> str:
        """How evidence names it, for example ``am-2015@1``."""
        return f"{self.name}@{self.version}"

    @property
    def goes_on_by_itself(self) -> bool:
        """Whether anything happens by lapse of time alone: a step, or an effect."""
        return bool(self.steps) or any(rule.wait.days for rule in self.rules)

    def asks_for(self, event: Event) -> bool:
        """Tells whether a fact of this event can matter under the policy: what none asks for of things that
        happen apart from a delivery, a sign-in say, is not recorded of it.
        """
        return any(rule.fact == event or event in rule.requires for rule in self.rules)

    def carried_by(self, fact: RecordedFact, after: Sequence[RecordedFact]) -> Effect | None:
        """Returns the effect that follows from ``fact`` after the facts ``after``, be its time later, or
        None.

        Only facts of the same delivery, accepted under this policy, are looked at. A delivery has one effect:
        where ``after`` holds a NotificationEffected, nothing has another (the facts that come later are
        recorded all the same). A withdrawn delivery has none, whatever comes after the withdrawal.
        Raises UnknownCalendar and UnsettledCalendar where the time can't be said.
        """
        earlier = self._same(fact, after)
        if any(other.document.event in _ENDS for other in earlier):
            return None
        return self._effect(fact, earlier)

    def effect_of(self, fact: RecordedFact, after: Sequence[RecordedFact]) -> Effect | None:
        """Returns the effect that there is once ``fact`` is recorded, and was not before by the record: one
        by lapse, if the time for it came before the fact, or the fact's own, unless its time is yet to come.
        """
        earlier = self._same(fact, after)
        if any(other.document.event in _ENDS for other in earlier):
            return None
        lapsed = self._lapsed(earlier, fact.document.event_time)
        if lapsed is not None:
            return lapsed
        effect = self._effect(fact, earlier)
        come = effect is not None and effect.effective_time <= fact.document.event_time
        return effect if come else None

    def effect_at(self, facts: Sequence[RecordedFact], now: datetime) -> Effect | None:
        """Returns the effect that a delivery's ``facts`` have by ``now``, effects aside that are recorded
        among them. ``facts`` stand in the order of recording; those after ``now`` are not looked at.
        """
        known: list[RecordedFact] = []
        waiting: list[Effect] = []
        for fact in facts:
            at = fact.document.event_time
            if at > now or fact.document.event == events.NOTIFICATION_EFFECTED:
                continue
            if (lapsed := _first_by(waiting, at)) is not None:
                return lapsed
            if fact.document.event in _ENDS:
                return None
            effect = self._effect_by(fact, known, now)
            if effect is not None and effect.effective_time <= at:
                return effect
            waiting += [effect] if effect is not None else []
            known.append(fact)
        return _first_by(waiting, now)

    def lapses_at(self, facts: Sequence[RecordedFact]) -> datetime | None:
        """Returns when an effect will come by lapse of time, if nothing comes before; else None."""
        return min((effect.effective_time for effect in self._waiting(facts, None)), default=None)

    def steps_left(self, facts: Sequence[RecordedFact], taken: Collection[str] = ()) -> Sequence[DueStep]:
        """Returns the steps whose instant is known and which are not yet ``taken``, in the order in which
        they are due, and of those at the same instant in the policy's order. The delivery MUST be without an
        effect, and not withdrawn: then no step is left.
        """
        there = {fact.document.event for fact in facts}
        left = []
        for step in self.steps:
            if step.id in taken or not there.isdisjoint(step.unless):
                continue
            due = self.over_at(step.wait, facts)
            if due is not None:
                left.append(DueStep(step, due))
        return sorted(left, key=lambda each: each.due)

    def over_at(self, wait: Wait, facts: Sequence[RecordedFact]) -> datetime | None:
        """Returns when ``wait`` is over, or None while what it starts from is not among the facts."""
        over = self._over(wait, facts)
        return over[0] if over else None

    def _over(self, wait: Wait, facts: Sequence[RecordedFact]) -> tuple[datetime, str] | None:
        """Returns it with the profile whose calendar counts: that of the fact which all started from."""
        if isinstance(wait.since, SinceStep):
            named = wait.since.step
            step = next(step for step in self.steps if step.id == named)
            start = self._over(step.wait, facts)
            return None if start is None else (wait.span.after(*start), start[1])
        ends = [
            (wait.span.after(wait.since.time.of(fact), fact.document.policy_id), fact.document.policy_id)
            for fact in facts
            if fact.document.event == wait.since.event
        ]
        return min(ends, default=None)

    def _same(self, fact: RecordedFact, after: Sequence[RecordedFact]) -> list[RecordedFact]:
        document = fact.document
        if document.delivery_id is None or document.notification_policy != self.key:
            return []
        return [
            other
            for other in after
            if other.document.delivery_id == document.delivery_id
            and other.document.recipient == document.recipient
            and other.document.notification_policy == self.key
        ]

    def _effect(self, fact: RecordedFact, earlier: Sequence[RecordedFact]) -> Effect | None:
        document = fact.document
        if document.delivery_id is None or document.notification_policy != self.key:
            return None
        found: Effect | None = None
        for rule in self.rules:
            start = rule.start(fact, earlier)
            if start is None:
                continue
            if rule.not_before is not None:
                opened = self.over_at(rule.not_before, [*earlier, fact])
                if opened is None or document.event_time < opened:
                    continue
            effective = rule.wait.after(start, document.policy_id)
            if found is None or effective < found.effective_time:
                found = Effect(self.key, rule.id, fact.digest, effective)
        return found

    def _waiting(self, facts: Sequence[RecordedFact], now: datetime | None) -> list[Effect]:
        """Returns the effects by lapse of the facts; those whose time can't be said yet, and can't have come
        by ``now``, are left out.
        """
        if not any(rule.wait.days or rule.time is TimeOf.REPORTED for rule in self.rules):
            return []
        found = []
        for number, fact in enumerate(facts):
            effect = self._effect_by(fact, facts[:number], now)
            if effect is not None and effect.effective_time > fact.document.event_time:
                found.append(effect)
        return found

    def _lapsed(self, facts: Sequence[RecordedFact], now: datetime) -> Effect | None:
        return _first_by(self._waiting(facts, now), now)

    def _effect_by(
        self, fact: RecordedFact, earlier: Sequence[RecordedFact], now: datetime | None
    ) -> Effect | None:
        """Returns the effect of a fact; None also where its time can't be said yet, and can't have come by
        ``now``.
        """
        try:
            return self._effect(fact, earlier)
        except UnsettledCalendar as unsettled:
            if now is None or unsettled.not_before > now:
                return None
            raise


def _first_by(waiting: Sequence[Effect], now: datetime) -> Effect | None:
    """Returns the earliest of the effects whose time has come."""
    due = [effect for effect in waiting if effect.effective_time <= now]
    return min(due, key=lambda effect: effect.effective_time, default=None)
