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
    SALT,
    SALTED,
    TIME,
    Message,
    head_of,
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
_LATER: Final = frozenset({_OPENED, _CONFIRMED, _EFFECTED, _WITHDRAWN})

_CONSIGNMENT: Final = re.compile(rb',"mailboxLink":"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="\}\}')
_CMS: Final = b'","cms":"'
_REVOCATION: Final = b'","revocation":['
_LIST: Final = re.compile(rb'\{"crl":"([A-Za-z0-9+/]+={0,2})"\}|\{"crlDigest":"([0-9a-f]{64})"\}')
_STATEMENT_ENDS: Final = re.compile(rf"issued: ({TIME})\\nexpires: ({TIME})\\n".encode())
_UUID: Final = re.compile(UUID_FORM.pattern.encode())


@dataclass(frozen=True, slots=True)
class Shape:
    """What follows from events in an order: by which rule from which of them, None where from none."""

    cause: int | None
    rule: str


def usual(delivery: StoredDelivery, digests: Sequence[bytes] | None = None) -> Lists | None:
    """Returns what is still to be looked up of a delivery that is in order; None where it is to be read.

    `digests` are the SHA-256 of its evidence, where that is known. If the delivery has a link, it is that of
    the consignment.
    """
    facts = delivery.facts
    if not delivery.linked or len(facts) < 2 or (facts[0].event, facts[1].event) != (_ACCEPTED, _CONSIGNED):
        return None
    later = [fact.event for fact in facts[2:]]
    if later and not (_LATER.issuperset(later) and _is_usual_order(later)):
        return None
    middle = middle_of(facts[0].document)
    if middle is None:
        return None
    message = message_in(middle, delivery.recipient, time_text(delivery.submitted_at), str(delivery.id))
    if message is None or message.parties.sender != delivery.sender:
        return None
    tails = _tails(delivery, middle)
    if tails is None or not _are_first(tails, delivery.link):
        return None
    return _Story(delivery, message, tails, digests).lists() if later else _untouched(delivery)


def _is_usual_order(later: Sequence[str]) -> bool:
    """Tells whether only one thing each happened, and nothing before or beside a withdrawal."""
    if _WITHDRAWN in later:
        return len(later) == 1
    return later.count(_CONFIRMED) <= 1 and later.count(_EFFECTED) <= 1


def _tails(delivery: StoredDelivery, middle: bytes) -> list[bytes] | None:
    """Returns each document from behind its notification policy on; None where what is before differs."""
    common = middle + SALT
    policy = delivery.notification_policy.encode() + b'"'
    found = []
    for fact in delivery.facts:
        document = fact.document
        head = head_of(fact.id, fact.event, time_text(fact.recorded_at)) + common
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


def _untouched(delivery: StoredDelivery) -> Lists | None:
    follows = shape_of(delivery.notification_policy, (_ACCEPTED, _CONSIGNED))
    waits = follows is not None and follows.cause is None
    in_order = not delivery.openings and not delivery.confirmations and _is_in_state(delivery, None, None)
    return [] if waits and in_order else None


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
        message: Message,
        tails: Sequence[bytes],
        digests: Sequence[bytes] | None,
    ) -> None:
        self._delivery = delivery
        self._message = message
        self._tails = tails
        self._digests = (
            [sha256(fact.document).hexdigest() for fact in delivery.facts]
            if digests is None
            else [each.hex() for each in digests]
        )

    def lists(self) -> Lists | None:
        """See `usual`."""
        delivery = self._delivery
        named: list[tuple[UUID, bytes]] = []
        opened: set[UUID] = set()
        confirmed: tuple[UUID, bytes] | None = None
        notified_at = withdrawn_at = None
        for number, fact in enumerate(delivery.facts[2:], 2):
            if fact.event == _CONFIRMED:
                found = self._confirmation(number)
                if found is None:
                    return None
                confirmed = fact.id, found[0]
                named += [(fact.id, digest) for digest in found[1]]
            elif fact.event == _EFFECTED:
                notified_at = self._notified_at(number)
                if notified_at is None:
                    return None
            elif self._tails[number] != b',"consignment":"%b"}}' % self._digests[1].encode():
                return None
            elif fact.event == _OPENED:
                opened.add(fact.id)
            else:
                withdrawn_at = fact.recorded_at
        if notified_at is None and not self._waits():
            return None
        acts = set(delivery.openings) == opened and self._is_confirmed(confirmed)
        return named if acts and _is_in_state(delivery, notified_at, withdrawn_at) else None

    def _shape(self) -> Shape | None:
        known = tuple(fact.event for fact in self._delivery.facts if fact.event != _EFFECTED)
        return shape_of(self._delivery.notification_policy, known)

    def _waits(self) -> bool:
        follows = self._shape()
        return follows is not None and follows.cause is None

    def _notified_at(self, number: int) -> datetime | None:
        """Returns since when it is notified, if that is what the effect says."""
        follows = self._shape()
        # Places are counted without the effect, so those before it stay.
        if follows is None or follows.cause is None or follows.cause >= number:
            return None
        cause = self._delivery.facts[follows.cause]
        told = (
            f',"fact":"{self._digests[follows.cause]}","rule":"{follows.rule}",'
            f'"effectiveTime":"{time_text(cause.recorded_at)}"}}}}'
        )
        return cause.recorded_at if self._tails[number] == told.encode() else None

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
        cms = _decoded(tail[statement_ends + len(_CMS) : cms_ends], CMS_LIMIT)
        lists = _lists(tail[cms_ends + len(_REVOCATION) : -3])
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


def _decoded(text: bytes, limit: int) -> bytes | None:
    """Returns 1 to `limit` bytes from their one spelling in base64."""
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        return None
    is_canonical = binascii.b2a_base64(data, newline=False) == text
    return data if is_canonical and 1 <= len(data) <= limit else None


def _lists(text: bytes) -> Sequence[bytes] | None:
    """Returns the digests of the lists that are named; those that stand there whole need to be nowhere."""
    named, count, place = [], 0, 0
    while (found := _LIST.match(text, place)) is not None:
        if found[2] is not None:
            named.append(bytes.fromhex(found[2].decode()))
        elif _decoded(found[1], INLINE_LIST_LIMIT) is None:
            return None
        count, place = count + 1, found.end() + 1
        if text[place - 1 : place] != b",":
            break
    return named if 1 <= count <= LISTS_LIMIT and place == len(text) + 1 else None


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
