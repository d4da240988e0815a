"""The notification policies: versioned data (LADDER-2).

A policy never changes: what is to be different gets another version, and a delivery keeps the one it was
accepted under. What a policy is made of stands in :mod:`namak.evidence.policy_rules` and
:mod:`namak.evidence.notification_steps`; the days are counted by :mod:`namak.evidence.calendars`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from namak.evidence import events
from namak.evidence.calendars import Span
from namak.evidence.document import RecordedFact
from namak.evidence.failures import UnknownPolicy
from namak.evidence.notification_steps import Action, Since, SinceStep, SourceText, Step, TimeOf, Wait
from namak.evidence.policy_rules import Effect, NotificationPolicy, Rule

__all__ = [
    "POLICIES",
    "Effect",
    "NotificationPolicy",
    "RecordedFact",
    "Rule",
    "effect_at",
    "effect_of",
    "policy_named",
]

_SEED = SourceText(
    by="EKENG, guide to the official electronic post",
    where="seeds 000 and 002",
    says=(
        "A person is also properly notified when the information was sent to their official address and "
        "there is an electronic confirmation that it was read."
    ),
)

AM_2015 = NotificationPolicy(
    name="am-2015",
    version=1,
    rules=(
        # Sent to the official address, and an electronic confirmation that it was read.
        Rule(id="POST-2", fact=events.READING_CONFIRMED, requires=(events.CONTENT_CONSIGNMENT,)),
    ),
    sources=(_SEED,),
)

# As reported of law ZR-415: signing in to the platform counts as notified. Who opens the letter with their
# own card signs in as well.
_SIGN_IN = Rule(id="LADDER-1-SIGN-IN", fact=events.HOLDER_SIGNED_IN, requires=(events.CONTENT_CONSIGNMENT,))
_OPENING = Rule(
    id="LADDER-1-OPENING", fact=events.CONTENT_ACCESS_TRACKING, requires=(events.CONTENT_CONSIGNMENT,)
)

_REPORTS = (
    SourceText(
        by="ARKA, 11 November 2025",
        where="https://www.arkatelecom.am/en/news/telecom/"
        "armenia-to-introduce-a-comprehensive-electronic-notification-mechanism",
        says=(
            "Once a person signs in, the notice is delivered. Not within three days of posting: a registered "
            "letter. Not received or refused after seven days: azdarar.am; delivered on the seventh day."
        ),
    ),
    SourceText(
        by="reopen.media, 11 November 2025",
        where="https://reopen.media/en-gb/articles/armenia-to-launch-unified-electronic-notification-system",
        says=(
            "The seven days before the public notice are counted from the sending of the letter; the person "
            "is notified seven days after the publication. No figure for the wait before the letter."
        ),
    ),
    SourceText(
        by="Aurora News, 11 November 2025",
        where="https://en.auroranews.am/news/"
        "2025-11-11-citizens-will-receive-notifications-electronically-galyan",
        says=(
            "No figure for the wait before the letter. It is not received within seven days, or refused: "
            "azdarar.am, and properly notified on the seventh day."
        ),
    ),
    SourceText(
        by="Arménie Info, November 2025",
        where="https://armenieinfo.tv/"
        "mise-en-place-dun-nouveau-systeme-complet-et-progressif-de-notifications-electroniques",
        says=(
            "Three days without signing in, then the letter; where it fails or is refused the public notice, "
            "without a figure between them; notified seven days after the publication."
        ),
    ),
    SourceText(
        by="Law ZR-415 of 22 December 2025, in an unofficial translation",
        where="https://cis-legislation.com/document.fwx?rgn=174438",
        says=(
            "The beginning only could be read. A public notice is placed on the site within two working days "
            "of the receipt of its text; so it is the publication, and not our order, that the last "
            "wait starts from."
        ),
    ),
)

AM_2025 = NotificationPolicy(name="am-2025", version=1, rules=(_SIGN_IN, _OPENING), sources=_REPORTS[:1])

AM_2025_LADDER = NotificationPolicy(
    name="am-2025",
    version=2,
    rules=(
        _SIGN_IN,
        _OPENING,
        # Who got the letter was notified when they got it, and not when we heard of it.
        Rule(
            id="LADDER-1-LETTER",
            fact=events.LETTER_HANDED_OVER,
            requires=(events.CONTENT_CONSIGNMENT,),
            time=TimeOf.REPORTED,
        ),
        # Seven whole days from what witnesses bound, not from what a site says of itself. A notice ahead of
        # its turn notifies nobody.
        Rule(
            id="LADDER-1-NOTICE",
            fact=events.NOTICE_PUBLISHED,
            requires=(events.CONTENT_CONSIGNMENT,),
            wait=Span(7),
            not_before=Wait(SinceStep("LETTER"), Span(7)),
        ),
    ),
    steps=(
        Step("LETTER", Action.LETTER, Wait(Since(events.CONTENT_CONSIGNMENT), Span(3))),
        Step("NOTICE", Action.NOTICE, Wait(SinceStep("LETTER"), Span(7))),
    ),
    sources=_REPORTS,
    assumed=(
        (
            "Days are whole civil days: the day on which a wait starts does not count, the last one does to "
            "its end. No report says how they are counted."
        ),
        (
            "The wait before the public notice starts when the letter is due, three days after the "
            "consignment: one report counts it from the sending of the letter, the others do not say. A "
            "letter that is refused is followed by the notice at the same time as one that never came."
        ),
        (
            "Who is handed the letter is notified at the time that the post reports. No report says so in "
            "words; that only a letter not received is followed by a notice does."
        ),
    ),
)

POLICIES: Mapping[str, NotificationPolicy] = MappingProxyType(
    {policy.key: policy for policy in (AM_2015, AM_2025, AM_2025_LADDER)}
)
"""Every policy that a delivery was ever accepted under, by its key."""


def policy_named(key: str) -> NotificationPolicy:
    """Returns the policy ``key``. Raises :class:`UnknownPolicy`: no effect may be derived by guessing."""
    policy = POLICIES.get(key)
    if policy is None:
        raise UnknownPolicy(f"no notification policy {key!r}")
    return policy


def effect_of(fact: RecordedFact, after: Sequence[RecordedFact]) -> Effect | None:
    """Returns the effect that there is once ``fact`` is recorded, under the policy it names. Raises
    :class:`UnknownPolicy`.
    """
    return policy_named(fact.document.notification_policy).effect_of(fact, after)


def effect_at(facts: Sequence[RecordedFact], now: datetime) -> Effect | None:
    """Returns the effect that a delivery's facts, of which there is at least one, have by ``now``. Raises
    :class:`UnknownPolicy`.
    """
    return policy_named(facts[0].document.notification_policy).effect_at(facts, now)
