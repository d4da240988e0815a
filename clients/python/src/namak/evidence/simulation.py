"""Plays a notification policy over facts that somebody imagines, offline: what would come of them, and
when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import DETAILS_OF
from namak.evidence.details_outside import OutsideDetails
from namak.evidence.document import EvidenceDocument, Issuer, Recipient, RecordedFact, Sender, subject_part
from namak.evidence.events import Event
from namak.evidence.notification_steps import Action
from namak.evidence.policy_rules import NotificationPolicy

FACTS_AT_MOST: Final = 100
"""So many facts are played at most."""

_NOBODY = "0" * 64
_LAST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ImaginedFact:
    """A fact of an event that a server recorded at ``at``; ``reported`` is when others say that it
    happened."""

    event: Event
    at: datetime
    reported: datetime | None = None


class Kind(StrEnum):
    """What an entry of a timeline tells."""

    FACT = "fact"
    """A fact that was given."""
    STEP = "step"
    """A step becomes due."""
    EFFECT = "effect"
    """From here on the recipient is properly notified."""
    WITHDRAWN = "withdrawn"
    """The sender took the message back: nothing notifies any more."""
    LATE = "late"
    """A fact that was given, and that changes nothing any more."""


class Why(StrEnum):
    """Why a fact did not notify, though the timeline holds it."""

    NO_RULE = "no-rule"
    """No rule of the policy notifies by such a fact, and none requires one."""
    REQUIRED_MISSING = "required-missing"
    """What the rule requires was not there before the fact: no consignment, say."""
    BEFORE_RULE = "before-rule"
    """It was recorded before the time from which the rule counts it."""
    OVERTAKEN = "overtaken"
    """It would have notified; another fact did so first."""
    WITHDRAWN_FIRST = "withdrawn-first"
    """It would have notified once its wait was over; the sender took the message back before."""
    AFTER_EFFECT = "after-effect"
    """The recipient was notified already."""
    AFTER_WITHDRAWAL = "after-withdrawal"
    """The message was withdrawn already."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One moment of a timeline: the fact's ``event`` (of an effect that which it rests on), the ``rule`` or
    the ``step`` by its name, and a step's ``action``. ``since`` is when the fact that an effect rests on was
    recorded. ``why`` is why a fact did not notify, with the ``rule`` by which it might have and the events
    that were ``missing``; None of one that did, and of what rules merely require.
    """

    at: datetime
    kind: Kind
    event: Event | None = None
    rule: str | None = None
    step: str | None = None
    action: Action | None = None
    since: datetime | None = None
    why: Why | None = None
    missing: tuple[Event, ...] = ()


def imagined(
    facts: Sequence[ImaginedFact], policy: NotificationPolicy, profile: str
) -> Sequence[RecordedFact]:
    """Returns the facts as the derivation takes them, in the order of their times. ``profile`` is that of
    ``EvidenceIssuerPolicyID``, whose calendar counts.
    """
    ordered = sorted(facts, key=lambda fact: fact.at)
    return [_recorded(fact, number, policy.key, profile) for number, fact in enumerate(ordered)]


def timeline(policy: NotificationPolicy, facts: Sequence[RecordedFact]) -> Sequence[Entry]:
    """Returns what happens, in its order: the facts given, steps when they are due, and the effect.

    Raises UnknownCalendar and UnsettledCalendar where a wait can't be counted.
    """
    entries: list[Entry] = []
    carrying: dict[int, str] = {}
    # Facts that notify unless something comes before their time, as places among the entries.
    known: list[RecordedFact] = []
    taken: list[str] = []
    left = list(facts)
    over = False
    while True:
        effect = None if over else policy.effect_at(known, _LAST)
        steps = [] if over else policy.steps_left(known, taken)
        arrives = left[0].document.event_time if left else _LAST
        due = steps[0].due if steps else _LAST
        if effect is not None and effect.effective_time <= min(arrives, due):
            over = True
            cause = next(fact for fact in known if fact.digest == effect.fact_digest)
            _cut_short(
                entries, (place for place, of in carrying.items() if of != cause.digest), Why.OVERTAKEN
            )
            entries.append(
                Entry(
                    effect.effective_time,
                    Kind.EFFECT,
                    cause.document.event,
                    rule=effect.rule,
                    since=cause.document.event_time,
                )
            )
        elif steps and due <= arrives:
            taken.append(steps[0].step.id)
            entries.append(Entry(due, Kind.STEP, step=steps[0].step.id, action=steps[0].step.action))
        elif left:
            fact = left.pop(0)
            entry = Entry(fact.document.event_time, Kind.FACT, fact.document.event)
            if over:
                withdrawn = any(each.kind is Kind.WITHDRAWN for each in entries)
                why = Why.AFTER_WITHDRAWAL if withdrawn else Why.AFTER_EFFECT
                entry = replace(entry, kind=Kind.LATE, why=why)
            elif fact.document.event == events.WITHDRAWN:
                over = True
                _cut_short(entries, carrying, Why.WITHDRAWN_FIRST)
                entry = replace(entry, kind=Kind.WITHDRAWN)
            elif policy.carried_by(fact, known) is not None:
                carrying[len(entries)] = fact.digest
            else:
                entry = _without_effect(entry, policy, fact, known)
            known.append(fact)
            entries.append(entry)
        else:
            return sorted(entries, key=lambda entry: entry.at)


def _cut_short(entries: list[Entry], places: Iterable[int], why: Why) -> None:
    for place in places:
        entries[place] = replace(entries[place], why=why)


def _without_effect(
    entry: Entry, policy: NotificationPolicy, fact: RecordedFact, known: Sequence[RecordedFact]
) -> Entry:
    """Returns the entry with why the fact, which follows on those ``known``, carries no effect."""
    event = fact.document.event
    if not policy.asks_for(event):
        return replace(entry, why=Why.NO_RULE)
    found = entry
    there = {earlier.document.event for earlier in known}
    for rule in policy.rules:
        if rule.fact != event:
            continue
        missing = tuple(each for each in rule.requires if each not in there)
        if not missing:
            return replace(entry, why=Why.BEFORE_RULE, rule=rule.id)
        if found.why is None:
            found = replace(entry, why=Why.REQUIRED_MISSING, rule=rule.id, missing=missing)
    return found


def _recorded(fact: ImaginedFact, number: int, policy: str, profile: str) -> RecordedFact:
    document = EvidenceDocument(
        evidence_id=UUID(int=number),
        event=fact.event,
        event_time=fact.at,
        policy_id=profile,
        issuer=Issuer("nobody", "nobody"),
        sender=Sender("nobody@example.am", "0", "nobody"),
        recipient=Recipient("nobody@example.am"),
        submission_time=fact.at,
        parts=(subject_part("imagined"),),
        salt=bytes(16),
        notification_policy=policy,
        details=_details(fact),
        delivery_id=UUID(int=0),
    )
    # Its bytes only tell it from the others: nobody imagined what it says besides.
    return RecordedFact(document, b"%d" % number)


def _details(fact: ImaginedFact) -> Any:
    kind = DETAILS_OF[fact.event]
    if issubclass(kind, OutsideDetails):
        # The derivation looks at nothing else of what happens outside.
        return OutsideDetails(_NOBODY, None, fact.reported)
    return None


_NOT_IMAGINED: Final = (
    events.NOTIFICATION_EFFECTED,
    events.SUBMISSION_ACCEPTANCE,
    events.RECEIVED_FROM_NON_ERDS,
)

POSSIBLE: Final[Sequence[Event]] = tuple(
    event for event in DETAILS_OF if event.of_delivery and event not in _NOT_IMAGINED
)
"""The events that somebody may imagine facts of. Effects are derived; an acceptance, on paper or not, comes
before whatever a policy reads.
"""
