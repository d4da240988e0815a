"""Notification policies: versioned data, and the pure derivation of the legal effect of facts from it.

A policy never changes: what is to be different gets another version, and a delivery keeps the one it was
accepted under (LADDER-2). The server derives an effect once and records it as evidence; a verifier derives it
again from the same facts and must come to the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from namak.evidence import events
from namak.evidence.document import RecordedFact
from namak.evidence.events import Event
from namak.evidence.failures import UnknownPolicy

__all__ = ["POLICIES", "Effect", "NotificationPolicy", "RecordedFact", "Rule", "effect_of", "policy_named"]


@dataclass(frozen=True, slots=True)
class Effect:
    """Properly notified: since ``effective_time``, by ``rule`` of ``policy``, because of ``fact_digest``."""

    policy: str
    rule: str
    fact_digest: str
    effective_time: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to become properly notified: ``wait`` after the EventTime of ``fact``, given ``requires``."""

    id: str
    fact: Event
    requires: tuple[Event, ...]
    wait: timedelta = timedelta(0)

    def applies(self, fact: RecordedFact, after: Sequence[RecordedFact]) -> bool:
        """Tells whether ``fact`` is this rule's, and what the rule requires is among the facts before it."""
        before = {
            earlier.document.event
            for earlier in after
            if earlier.document.event_time <= fact.document.event_time
        }
        return fact.document.event == self.fact and before.issuperset(self.requires)


_ENDS = frozenset({events.NOTIFICATION_EFFECTED, events.WITHDRAWN})
# After one of these nothing that becomes of the delivery has an effect, under whichever policy.


@dataclass(frozen=True, slots=True)
class NotificationPolicy:
    """A policy: its name, its version, and its rules in order; the first that applies counts."""

    name: str
    version: int
    rules: tuple[Rule, ...]

    @property
    def key(self) -> str:
        """How evidence names it, for example ``am-2015@1``."""
        return f"{self.name}@{self.version}"

    def asks_for(self, event: Event) -> bool:
        """Tells whether a fact of this event can matter under the policy: what none asks for of things that
        happen apart from a delivery, a sign-in say, is not recorded of it.
        """
        return any(rule.fact == event or event in rule.requires for rule in self.rules)

    def effect_of(self, fact: RecordedFact, after: Sequence[RecordedFact]) -> Effect | None:
        """Returns the effect that ``fact`` has after the facts ``after``, or None.

        Only facts of the same delivery, accepted under this policy, are looked at. A delivery has one effect:
        where ``after`` holds a NotificationEffected, nothing has another (the facts that come later are
        recorded all the same). A withdrawn delivery has none, whatever comes after the withdrawal.
        """
        document = fact.document
        if document.delivery_id is None or document.notification_policy != self.key:
            return None
        earlier = [
            other
            for other in after
            if other.document.delivery_id == document.delivery_id
            and other.document.recipient == document.recipient
            and other.document.notification_policy == self.key
        ]
        if any(other.document.event in _ENDS for other in earlier):
            return None
        for rule in self.rules:
            if rule.applies(fact, earlier):
                return Effect(self.key, rule.id, fact.digest, document.event_time + rule.wait)
        return None


AM_2015 = NotificationPolicy(
    name="am-2015",
    version=1,
    rules=(
        # Sent to the official address, and an electronic confirmation that it was read.
        Rule(id="POST-2", fact=events.READING_CONFIRMED, requires=(events.CONTENT_CONSIGNMENT,)),
    ),
)

AM_2025 = NotificationPolicy(
    name="am-2025",
    version=1,
    rules=(
        # As reported of law ZR-415: signing in to the platform counts as notified. Who opens the letter with
        # their own card signs in as well. What follows where nobody signs in are steps of a later version.
        Rule(id="LADDER-1-SIGN-IN", fact=events.HOLDER_SIGNED_IN, requires=(events.CONTENT_CONSIGNMENT,)),
        Rule(
            id="LADDER-1-OPENING", fact=events.CONTENT_ACCESS_TRACKING, requires=(events.CONTENT_CONSIGNMENT,)
        ),
    ),
)

POLICIES: Mapping[str, NotificationPolicy] = MappingProxyType(
    {policy.key: policy for policy in (AM_2015, AM_2025)}
)
"""Every policy that a delivery was ever accepted under, by its key."""


def policy_named(key: str) -> NotificationPolicy:
    """Returns the policy ``key``. Raises :class:`UnknownPolicy`: no effect may be derived by guessing."""
    policy = POLICIES.get(key)
    if policy is None:
        raise UnknownPolicy(f"no notification policy {key!r}")
    return policy


def effect_of(fact: RecordedFact, after: Sequence[RecordedFact]) -> Effect | None:
    """Returns the effect that ``fact`` has under the policy it names. Raises :class:`UnknownPolicy`."""
    return policy_named(fact.document.notification_policy).effect_of(fact, after)
