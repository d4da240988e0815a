"""Finds nothing wrong with deliveries to which only what is usual happened, by their bytes.

Accepted and consigned, perhaps opened, confirmed, notified at that moment, or withdrawn unopened: nearly all
deliveries are so, and their evidence is written by one template each. It is compared with what that gives
for the row, which takes a fraction of reading it. Whatever differs in any way is judged after reading
(`effects`), which also says what is wrong: nothing is found here, only found in order.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Final
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import CMS_LIMIT, INLINE_LIST_LIMIT, LISTS_LIMIT, WithdrawalDetails
from namak.evidence.document import (
    DOCUMENT_LIMIT,
    EvidenceDocument,
    Issuer,
    Recipient,
    RecordedFact,
    Sender,
    subject_part,
)
from namak.evidence.mailbox_link import LINK_BYTES
from namak.evidence.notification_policy import POLICIES, NotificationPolicy
from namak.evidence.notification_steps import TimeOf
from namak.evidence.statement import PURPOSE, TRANSLATIONS, language_under
from namak.evidence.strict_json import UUID_FORM
from server.domain.deliveries import DeliveryState
from server.fsck.delivery_ports import StoredDelivery
from server.fsck.ours import (
    ACCEPTANCE,
    HEAD,
    SALT,
    SALTED,
    TIME,
    Message,
    is_ip_address,
    is_time,
    message_in,
    middle_of,
    time_text,
)

Lists = Sequence[tuple[UUID, bytes]]
"""Evidence of confirmations, and the SHA-256 of a revocation list that must be published for it."""

_ACCEPTED, _CONSIGNED = events.SUBMISSION_ACCEPTANCE.uri, events.CONTENT_CONSIGNMENT.uri
_OPENED, _CONFIRMED = events.CONTENT_ACCESS_TRACKING.uri, events.READING_CONFIRMED.uri
_EFFECTED, _WITHDRAWN = events.NOTIFICATION_EFFECTED.uri, events.WITHDRAWN.uri
_FIRST: Final = (_ACCEPTED, _CONSIGNED)
_LATER: Final = frozenset({_OPENED, _CONFIRMED, _EFFECTED, _WITHDRAWN})

_CONSIGNMENT: Final = re.compile(rb',"mailboxLink":"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="\}\}')
_CMS: Final = b'","cms":"'
_REVOCATION: Final = b'","revocation":['
_WHOLE: Final = b'{"crl":"'
_NAMED: Final = re.compile(rb'\{"crlDigest":"([0-9a-f]{64})"\}')
_STATEMENT_ENDS: Final = re.compile(rf"issued: ({TIME})\\nexpires: ({TIME})\\n".encode())
_UUID: Final = re.compile(UUID_FORM.pattern.encode())


@dataclass(frozen=True, slots=True)
class Shape:
    """What follows from events in an order: by which rule from which of them, None where from none."""

    cause: int | None
    rule: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be in order of evidence of some events in an order.

    Attributes:
        named: how each stands in its document, between identifier and time.
        cause, rule: which of them has the effect that is among them, and by which rule.
    """

    named: Sequence[str]
    cause: int | None
    rule: str


@lru_cache(4096)
def plan_of(policy: str, told: tuple[str, ...]) -> Plan | None:
    """Returns what is to be in order of evidence of these events; None where that is not usual."""
    later = told[len(_FIRST) :]
    if told[: len(_FIRST)] != _FIRST or not (_LATER.issuperset(later) and _is_usual_order(later)):
        return None
    follows = shape_of(policy, tuple(each for each in told if each != _EFFECTED))
    if follows is None:
        return None
    cause = follows.cause
    if _EFFECTED in later:
        # Places are counted without the effect, so those before it stay.
        if cause is None or cause >= told.index(_EFFECTED):
            return None
    elif cause is not None:
        return None
    return Plan([f'","ERDSEventId":"{each}","EventTime":"' for each in told], cause, follows.rule)


def usual(delivery: StoredDelivery, digests: Sequence[bytes] | None = None) -> Lists | None:
    """Returns what is still to be looked up of a delivery that is in order; None where it is to be read.

    `digests` are the SHA-256 of its evidence, where that is known. If the delivery has a link, it is that of
    the consignment.
    """
    facts = delivery.facts
    plan = plan_of(delivery.notification_policy, tuple([fact.event for fact in facts]))
    if plan is None or not delivery.linked:
        return None
    middle = middle_of(facts[0].document)
    if middle is None:
        return None
    submitted = time_text(delivery.submitted_at)
    message = message_in(middle, delivery.recipient, submitted, str(delivery.id))
    if message is None or message.parties.sender != delivery.sender:
        return None
    tails = _tails(delivery, plan, middle, submitted)
    if tails is None or not _are_first(tails, delivery.link):
        return None
    if len(facts) > len(_FIRST):
        return _Story(delivery, plan, message, tails, digests).lists()
    in_order = not delivery.openings and not delivery.confirmations and _is_in_state(delivery, None, None)
    return [] if in_order else None


def _is_usual_order(later: Sequence[str]) -> bool:
    """Tells whether only one thing each happened, and nothing before or beside a withdrawal."""
    if _WITHDRAWN in later:
        return len(later) == 1
    return later.count(_CONFIRMED) <= 1 and later.count(_EFFECTED) <= 1


def _tails(delivery: StoredDelivery, plan: Plan, middle: bytes, submitted: str) -> list[bytes] | None:
    """Returns each document from behind its notification policy on; None where what is before differs."""
    common = middle + SALT
    policy = delivery.notification_policy.encode() + b'"'
    found = []
    told, at = submitted, delivery.submitted_at
    for fact, named in zip(delivery.facts, plan.named, strict=True):
        document = fact.document
        # Several are often of one moment.
        if fact.recorded_at != at:
            at = fact.recorded_at
            told = time_text(at)
        head = f'{HEAD}{fact.id}{named}{told}",'.encode() + common
        if not document.startswith(head) or len(document) > DOCUMENT_LIMIT:
            return None
        salted = SALTED.match(document, len(head))
        if salted is None or not document.startswith(policy, salted.end()):
            return None
        found.append(document[salted.end() + len(policy) :])
    return found


def _are_first(tails: Sequence[bytes], link: bytes) -> bool:
    acceptance = ACCEPTANCE.fullmatch(tails[0])
    if acceptance is None or not is_ip_address(acceptance[1].decode()):
        return False
    if len(link) == LINK_BYTES:
        return tails[1] == b',"mailboxLink":"%b"}}' % binascii.b2a_base64(link, newline=False)
    return not link and _CONSIGNMENT.fullmatch(tails[1]) is not None


def _is_in_state(
    delivery: StoredDelivery, notified_at: datetime | None, withdrawn_at: datetime | None
) -> bool:
    state = DeliveryState.CONSIGNED
    if notified_at is not None:
        state = DeliveryState.NOTIFIED
    elif withdrawn_at is not None:
        state = DeliveryState.WITHDRAWN
    return (delivery.state, delivery.notified_at, delivery.withdrawn_at) == (state, notified_at, withdrawn_at)


class _Story:
    """What became of a delivery, whose acceptance and consignment are in order."""

    def __init__(
        self,
        delivery: StoredDelivery,
        plan: Plan,
        message: Message,
        tails: Sequence[bytes],
        digests: Sequence[bytes] | None,
    ) -> None:
        self._delivery = delivery
        self._plan = plan
        self._message = message
        self._tails = tails
        self._digests = (
            [sha256(fact.document).hexdigest() for fact in delivery.facts]
            if digests is None
            else [each.hex() for each in digests]
        )

    def lists(self) -> Lists | None:
        """See `usual`."""
        delivery, facts, tails = self._delivery, self._delivery.facts, self._tails
        named: list[tuple[UUID, bytes]] = []
        opened: set[UUID] = set()
        confirmed: tuple[UUID, bytes] | None = None
        notified_at = withdrawn_at = None
        consigned = b',"consignment":"%b"}}' % self._digests[1].encode()
        for number in range(len(_FIRST), len(facts)):
            fact, event = facts[number], facts[number].event
            if event == _CONFIRMED:
                found = self._confirmation(number)
                if found is None:
                    return None
                confirmed = fact.id, found[0]
                named += [(fact.id, digest) for digest in found[1]]
            elif event == _EFFECTED:
                notified_at = self._notified_at(number)
                if notified_at is None:
                    return None
            elif tails[number] != consigned:
                return None
            elif event == _OPENED:
                opened.add(fact.id)
            else:
                withdrawn_at = fact.recorded_at
        acts = set(delivery.openings) == opened and self._is_confirmed(confirmed)
        return named if acts and _is_in_state(delivery, notified_at, withdrawn_at) else None

    def _notified_at(self, number: int) -> datetime | None:
        """Returns since when it is notified, if that is what the effect says."""
        cause, rule = self._plan.cause, self._plan.rule
        assert cause is not None
        at = self._delivery.facts[cause].recorded_at
        told = f',"fact":"{self._digests[cause]}","rule":"{rule}","effectiveTime":"{time_text(at)}"}}}}'
        return at if self._tails[number] == told.encode() else None

    def _is_confirmed(self, confirmed: tuple[UUID, bytes] | None) -> bool:
        """Tells whether what was stored of a confirmation is of that evidence and that signature."""
        stored = self._delivery.confirmations
        if confirmed is None or len(stored) != 1:
            return confirmed is None and not stored
        ids = set(stored[0].evidence_ids)
        return (
            confirmed[0] in ids
            and stored[0].cms_digest == confirmed[1]
            and ids <= {fact.id for fact in self._delivery.facts}
        )

    def _confirmation(self, number: int) -> tuple[bytes, Sequence[bytes]] | None:
        """Returns the SHA-256 of a confirmation's signature, and of the lists that it names."""
        facts, tail = self._delivery.facts, self._tails[number]
        for place in range(2, number):
            named = f',"consignment":"{self._digests[1]}","access":"{self._digests[place]}","statement":"'
            if facts[place].event == _OPENED and tail.startswith(named.encode()):
                break
        else:
            return None
        statement_ends = tail.find(_CMS, len(named))
        cms_ends = tail.find(_REVOCATION, statement_ends + len(_CMS))
        if not 0 < statement_ends < cms_ends or not tail.endswith(b"]}}"):
            return None
        if not self._is_stated(tail[len(named) : statement_ends], time_text(facts[number].recorded_at)):
            return None
        cms = decoded(tail[statement_ends + len(_CMS) : cms_ends], CMS_LIMIT)
        lists = lists_in(tail[cms_ends + len(_REVOCATION) : -3])
        return None if cms is None or lists is None else (sha256(cms).digest(), lists)

    def _is_stated(self, statement: bytes, at: str) -> bool:
        """Tells whether the statement, in JSON without quotation marks, is of this delivery and moment."""
        delivery, message = self._delivery, self._message
        sentence = TRANSLATIONS[language_under(message.parties.policy_id)]
        begin = f"{PURPOSE}\\n{sentence}\\nstatement: ".encode()
        identifier = _UUID.match(statement, len(begin))
        if not statement.startswith(begin) or identifier is None:
            return False
        rest = (
            f"\\ndelivery: {delivery.id}\\nsender: {delivery.sender}"
            f"\\nrecipient: {delivery.recipient}\\n{''.join(_part_lines(message))}"
        ).encode()
        times = _STATEMENT_ENDS.fullmatch(statement, identifier.end() + len(rest))
        if times is None or not statement.startswith(rest, identifier.end()):
            return False
        # In their one spelling later times are greater as text too.
        issued, expires = times[1].decode(), times[2].decode()
        return is_time(issued) and is_time(expires) and issued < expires and issued <= at <= expires


def _part_lines(message: Message) -> Iterator[str]:
    for number, digest in enumerate(message.digests):
        yield f"part: {number or 'subject'} sha-256:{base64.b64decode(digest).hex()}\\n"


def decoded(text: bytes, limit: int) -> bytes | None:
    """Returns 1 to `limit` bytes from their one spelling in base64."""
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        return None
    if not 1 <= len(data) <= limit or len(text) != (len(data) + 2) // 3 * 4:
        return None
    # Of a text of just this length each character counted, if its last four are right: a character that was
    # passed over leaves six bits less, and an end that is right makes up for four at most.
    rest = data[-(len(data) % 3 or 3) :]
    return data if binascii.b2a_base64(rest, newline=False) == text[-4:] else None


def lists_in(text: bytes) -> Sequence[bytes] | None:
    """Returns the digests of the lists that are named; those that stand there whole need to be nowhere."""
    named, count, place = [], 0, 0
    while True:
        if text.startswith(_WHOLE, place):
            end = text.find(b'"', place + len(_WHOLE))
            if not text.startswith(b'"}', end) or end < 0:
                return None
            if decoded(text[place + len(_WHOLE) : end], INLINE_LIST_LIMIT) is None:
                return None
            place = end + 2
        elif (found := _NAMED.match(text, place)) is not None:
            named.append(bytes.fromhex(found[1].decode()))
            place = found.end()
        else:
            return None
        count += 1
        if place == len(text):
            return named if count <= LISTS_LIMIT else None
        if not text.startswith(b",", place):
            return None
        place += 1


@lru_cache(4096)
def shape_of(policy: str, known: tuple[str, ...]) -> Shape | None:
    """Returns what follows by a policy from events in this order; None where that depends on their times.

    A rule without a wait or a time of others has its effect with its fact, whenever that was. So what
    follows is asked of the derivation itself, with stand-ins a second apart.
    """
    named = POLICIES.get(policy)
    if named is None or not _is_timeless(named, frozenset(known)):
        return None
    facts = [_stand_in(policy, number, uri) for number, uri in enumerate(known)]
    effect = named.effect_at(facts, facts[-1].document.event_time)
    if effect is None:
        return Shape(None, "")
    digests = [fact.digest for fact in facts]
    cause = digests.index(effect.fact_digest)
    return Shape(cause, effect.rule) if effect.effective_time == facts[cause].document.event_time else None


def _is_timeless(policy: NotificationPolicy, known: frozenset[str]) -> bool:
    return all(
        rule.fact.uri not in known
        or (not rule.wait.days and rule.time is TimeOf.RECORDED and rule.not_before is None)
        for rule in policy.rules
    )


def _stand_in(policy: str, number: int, uri: str) -> RecordedFact:
    at = datetime.fromisoformat("2026-01-01T00:00:00Z") + timedelta(seconds=number)
    document = EvidenceDocument(
        evidence_id=UUID(int=number),
        event=events.by_uri[uri],
        event_time=at,
        policy_id="namak:am:1",
        issuer=Issuer("e-citizen.am", "e-citizen.am"),
        sender=Sender("a@b", "1", "a"),
        recipient=Recipient("a@b"),
        submission_time=at,
        parts=(subject_part("a"),),
        salt=bytes(16),
        notification_policy=policy,
        # Nothing that follows without a time of others asks for more.
        details=WithdrawalDetails("00" * 32),
        delivery_id=UUID(int=0),
    )
    return RecordedFact(document, b"%d" % number)
