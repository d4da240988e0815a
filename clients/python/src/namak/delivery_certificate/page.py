"""What stands on a certificate's pages, line by line: a pure function of the proofs and the statement.

Times are the civil time of the post's profile, by the calendar in :mod:`namak.evidence.calendars`, to the
second.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain

from namak.delivery_certificate.account import Account, Proven, ProvenFact
from namak.delivery_certificate.signer import signer_of
from namak.delivery_certificate.statement import Audience, Statement
from namak.delivery_certificate.words import WORDS, Words
from namak.evidence import events
from namak.evidence.administrative_act import RecordedAct
from namak.evidence.calendars import calendar_under
from namak.evidence.details import AccessDetails, ConfirmationDetails, EffectDetails, SignInDetails
from namak.evidence.details_outside import OutsideDetails
from namak.evidence.details_paper import PaperDetails
from namak.evidence.errors import EvidenceError
from namak.evidence.notification_policy import policy_named

COMMAND = "namak verify FILE.pdf"
"""How anybody verifies a certificate."""


class Mark(StrEnum):
    """How a moment is drawn."""

    FACT = "FACT"
    EFFECT = "EFFECT"
    END = "END"
    """The sender took the message back."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of the timeline: day and time of day, what happened, and small print below."""

    day: str
    time: str
    title: str
    lines: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and paragraphs below it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the pages hold, in the order in which it stands there.

    Attributes:
        title, operator: the heading, and who made it.
        effect: what is asked for: whether the recipient is notified, since when, and by which rule.
        rows: names and values of the delivery.
        story: the heading of the timeline and whom it concerns.
        moments: the timeline.
        acts: acts that gave rights, with no lines where there are none.
        parts: what was sent; each part's line with its digest below it.
        log, check: the sections below.
        command: what to type.
        notes: what stands below the command.
        code: what the QR code holds; none of it is personal.
        foot: what stands at the foot of every page, before the pages' numbers.
    """

    language: str
    title: str
    operator: str
    effect: Section
    rows: tuple[tuple[str, str], ...]
    story: Section
    moments: tuple[Moment, ...]
    acts: Section
    parts_heading: str
    parts: tuple[tuple[str, str], ...]
    log: Section
    check: Section
    command: str
    notes: tuple[str, ...]
    code: str
    foot: str

    def strings(self) -> Iterator[str]:
        """Yields the texts in the order of the pages, their feet aside."""
        yield from (self.title, self.operator, self.effect.heading, *self.effect.lines)
        yield from chain.from_iterable(self.rows)
        yield from (self.story.heading, *self.story.lines)
        for moment in self.moments:
            yield from (moment.day, moment.time, moment.title, *moment.lines)
        if self.acts.lines:
            yield from (self.acts.heading, *self.acts.lines)
        yield self.parts_heading
        yield from chain.from_iterable(self.parts)
        for section in (self.log, self.check):
            yield from (section.heading, *section.lines)
        yield self.command
        yield from self.notes


def page_of(account: Account, statement: Statement, statement_bytes: bytes) -> Page:
    """Returns what the pages hold. ``statement_bytes`` are the statement's as they are attached.

    Raises :class:`LookupError` for a language that there are no words of.
    """
    return _Writer(account, statement, hashlib.sha256(statement_bytes).hexdigest()).page()


class _Writer:
    """Writes the page of one certificate."""

    def __init__(self, account: Account, statement: Statement, digest: str) -> None:
        self._account = account
        self._statement = statement
        self._digest = digest
        self._words: Words = WORDS[statement.language]
        self._lacking: Mapping[int, str] = {
            ord(each): f"⟨U+{ord(each):04X}⟩" for each in statement.unprintable
        }
        self._zone, self._offset = _civil(account.document.policy_id)

    def page(self) -> Page:
        account, statement = self._account, self._statement
        checkpoint = account.checkpoints[-1].checkpoint
        return Page(
            language=statement.language,
            title=self._say("title"),
            operator=self._text(account.document.issuer.name),
            rows=self._rows(),
            parts_heading=self._say("parts"),
            parts=tuple(
                (
                    self._say(
                        "part", name=part.file_name or part.identifier, type=part.media_type, size=part.size
                    ),
                    f"SHA-256 {part.digest.hex()}",
                )
                for part in account.document.parts[1:]
            ),
            story=Section(
                self._say("story"),
                (
                    self._say(_STORIES[statement.audience]),
                    self._say("zone", zone=self._zone, offset=_signed(self._offset)),
                ),
            ),
            moments=tuple(self._moment(each) for each in account.facts),
            acts=Section(self._say("acts"), tuple(self._act(each) for each in account.acts)),
            effect=Section(self._say("effect"), tuple(self._effect())),
            log=Section(self._say("log"), tuple(self._log())),
            check=Section(self._say("check"), (self._say("attached", count=len(account.proofs)),)),
            command=COMMAND,
            notes=tuple(self._notes()),
            code="\n".join(
                (
                    "namak-certificate/1",
                    f"delivery {account.delivery_id}",
                    f"statement sha-256 {self._digest}",
                    f"log {checkpoint.origin} {checkpoint.size} {checkpoint.root.hex()}",
                )
            ),
            foot=f"{self._say('delivery')} {account.delivery_id}",
        )

    def _rows(self) -> tuple[tuple[str, str], ...]:
        document = self._account.document
        return (
            (self._say("sender"), self._text(self._sender())),
            (self._say("recipient"), self._text(document.recipient.identifier)),
            (self._say("subject"), self._text(self._statement.subject)),
            (self._say("accepted"), self._zoned(document.submission_time)),
            (self._say("delivery"), str(self._account.delivery_id)),
            (self._say("made"), self._zoned(self._statement.made_time)),
        )

    def _sender(self) -> str:
        sender = self._account.document.sender
        if sender.organisation_name == sender.identifier:
            return sender.identifier
        return f"{sender.organisation_name}, {sender.identifier}"

    def _moment(self, each: ProvenFact) -> Moment:
        at = each.proven.at.astimezone(UTC) + self._offset
        mark = {events.NOTIFICATION_EFFECTED.uri: Mark.EFFECT, events.WITHDRAWN.uri: Mark.END}
        event = each.document.event
        return Moment(
            day=f"{at:%d.%m.%Y}",
            time=f"{at:%H:%M:%S}",
            title=self._event(each),
            lines=(*self._details(each), self._entry(each.proven)),
            mark=mark.get(event.uri, Mark.FACT),
        )

    def _details(self, each: ProvenFact) -> Iterator[str]:
        match each.document.details:
            case ConfirmationDetails(right=right) as confirmed:
                if right is None:
                    yield self._say("own")
                else:
                    yield from self._behalf(right)
                signer = signer_of(confirmed, each.document.policy_id)
                if signer is not None:
                    yield self._say("signer", name=signer)
            case AccessDetails(right=str(right)):
                yield from self._behalf(right)
            case SignInDetails(method=method):
                yield self._say("method", method=self._code(method))
            case EffectDetails(effective_time=time, rule=rule):
                yield self._say("effective", time=self._time(time), rule=rule)
            case PaperDetails(original=place):
                yield self._say("original", place=place)
            case OutsideDetails() as outside:
                yield from self._outside(outside)

    def _behalf(self, digest: str) -> Iterator[str]:
        yield self._say("behalf", digest=digest)
        for proven in self._account.acts:
            if proven.evidence.digest == digest:
                yield self._say("right", act=self._kind(proven), time=self._time(proven.at))

    def _outside(self, details: OutsideDetails) -> Iterator[str]:
        if details.reported_time is not None:
            yield self._say("reported", time=self._time(details.reported_time))
        channel = getattr(details, "channel", None)
        if channel is not None:
            yield self._say("channel", channel=self._code(channel))
        for name in ("cause", "tracking", "receiver", "place"):
            value = getattr(details, name, None)
            if value is not None:
                yield self._say(name, **{name: value})

    def _act(self, proven: Proven) -> str:
        # Of the persons in it the page says nothing: whoever may see the act has it attached.
        return f"{self._time(proven.at)}: {self._kind(proven)}. {self._entry(proven)}"

    def _kind(self, proven: Proven) -> str:
        act = proven.evidence
        assert isinstance(act, RecordedAct)
        return self._code(act.document.details.resource.kind)

    def _entry(self, proven: Proven) -> str:
        return self._say(
            "entry",
            index=proven.index,
            origin=proven.checkpoint.origin,
            digest=proven.evidence.digest,
        )

    def _effect(self) -> Iterator[str]:
        account = self._account
        policy = account.document.notification_policy
        source = self._words.sources.get(policy, self._words.said["unknown-source"])
        parties = {"recipient": account.document.recipient.identifier, "sender": self._sender()}
        if account.effect is not None:
            details = account.effect[1]
            yield self._say("notified", time=self._zoned(details.effective_time), **parties)
            words = self._rule(details.rule)
            yield self._say("rule", rule=details.rule, policy=policy, words=words, source=source)
            carrier = account.named(details.fact)
            if carrier is not None:
                yield self._say("because", event=self._event(carrier), time=self._time(carrier.proven.at))
            return
        if account.withdrawn:
            yield self._say("withdrawn", **parties)
            return
        yield self._say("none", time=self._zoned(self._statement.made_time), **parties)
        yield self._say("ways", policy=policy, source=source)
        try:
            rules = policy_named(policy).rules
        except EvidenceError:
            return
        for rule in rules:
            yield self._say("way", rule=rule.id, words=self._rule(rule.id))

    def _log(self) -> Iterator[str]:
        yield self._say("logged")
        for proven in self._account.checkpoints:
            tree = proven.checkpoint
            yield self._say("state", origin=tree.origin, size=tree.size, root=tree.root.hex())
            if proven.witnesses:
                seen = "; ".join(f"{each.name} ({self._time(each.time)})" for each in proven.witnesses)
                yield self._say("witnesses", witnesses=seen)
            else:
                yield self._say("no-witnesses")
            if proven.timestamps:
                stamped = "; ".join(f"{each.name} ({self._time(each.time)})" for each in proven.timestamps)
                yield self._say("timestamps", timestamps=stamped)

    def _notes(self) -> Iterator[str]:
        yield self._say("trust")
        yield self._say("seal")
        if self._statement.site:
            yield self._say("site", site=self._statement.site)
        yield self._say("statement", digest=self._digest)

    def _event(self, each: ProvenFact) -> str:
        name = each.document.event.name
        return self._words.events.get(name, name)

    def _rule(self, rule: str) -> str:
        return self._words.rules.get(rule, self._words.said["unknown-rule"])

    def _code(self, code: str) -> str:
        return self._words.codes.get(code, code)

    def _time(self, at: datetime) -> str:
        return f"{at.astimezone(UTC) + self._offset:%d.%m.%Y %H:%M:%S}"

    def _zoned(self, at: datetime) -> str:
        return f"{self._time(at)} (UTC{_signed(self._offset)})"

    def _say(self, which: str, **values: object) -> str:
        return self._text(self._words.said[which].format(**values))

    def _text(self, text: str) -> str:
        return text.translate(self._lacking) if self._lacking else text


_STORIES: Mapping[Audience, str] = {
    Audience.SENDER: "story-sender",
    Audience.HOLDER: "story-holder",
    Audience.DELEGATE: "story-delegate",
}


def _civil(policy_id: str) -> tuple[str, timedelta]:
    """Returns the civil time of a profile: its zone's name, and its distance from UTC."""
    try:
        calendar = calendar_under(policy_id)
    except EvidenceError:
        return "UTC", timedelta()
    return calendar.zone, calendar.offset


def _signed(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
