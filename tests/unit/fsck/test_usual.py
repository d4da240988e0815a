"""Finding deliveries in order by their bytes, against reading all that is stored of them."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.details import LISTS_LIMIT
from namak.evidence.times import format_time
from server.fsck.delivery_ports import StoredConfirmation, StoredDelivery
from server.fsck.effects import judged
from server.fsck.usual import decoded, lists_in, shape_of, usual
from tests.unit.fsck.stored import usual_deliveries

DELIVERIES = [*usual_deliveries()]
NOW = datetime(2026, 12, 24, tzinfo=UTC)


@pytest.mark.parametrize("number", range(len(DELIVERIES)))
def test_what_usually_becomes_of_a_delivery_is_in_order_without_reading(number: int) -> None:
    verdict = judged(DELIVERIES[number], NOW)
    assert (verdict.flaws, verdict.underivable) == ([], "")
    assert usual(DELIVERIES[number]) == verdict.lists
    assert len({len(each.facts) for each in DELIVERIES}) == 5


def is_believed(delivery: StoredDelivery) -> bool:
    """Tells whether it is taken for in order; then the slow way MUST find nothing, and the same lists."""
    lists = usual(delivery)
    if lists is None:
        return False
    verdict = judged(delivery, NOW)
    assert (verdict.flaws, verdict.underivable, [*lists]) == ([], "", verdict.lists)
    return True


def with_document(delivery: StoredDelivery, number: int, document: bytes) -> StoredDelivery:
    facts = [*delivery.facts]
    facts[number] = facts[number]._replace(document=document)
    return delivery._replace(facts=facts)


@settings(max_examples=250)
@given(
    st.sampled_from(DELIVERIES),
    st.integers(0, 5),
    st.integers(0, 2500),
    st.integers(0, 3),
    st.binary(max_size=2)
    | st.sampled_from(
        [b" ", b'"', b"\\", b"\\u0041", b"}", b"0", b",", b"A", b"\xc3\xa9", b"\xff", b"=", b"9"]
    ),
    st.booleans(),
)
def test_changed_bytes_are_never_in_order_where_reading_finds_them_wrong(
    delivery: StoredDelivery, number: int, place: int, left_out: int, put_in: bytes, everywhere: bool
) -> None:
    """A change of all documents at the same place hides from comparing them with each other."""
    for each in range(len(delivery.facts)) if everywhere else [number % len(delivery.facts)]:
        data = delivery.facts[each].document
        # Heads are as long as their events' names.
        at = (
            place % len(data)
            if not everywhere
            else max(data.find(b'"EvidenceIssuerPolicyID"'), 0) + place % 900
        )
        delivery = with_document(delivery, each, data[:at] + put_in + data[at + left_out :])
    is_believed(delivery)


VALUES: dict[str, Any] = {
    "sender": "x@src.am",
    "recipient": "x@y",
    "notification_policy": "am-2025@1",
    "submitted_at": NOW,
    "state": "LOST",
    "notified_at": NOW,
    "withdrawn_at": NOW,
    "linked": False,
    "openings": [UUID(int=5)],
    "confirmations": [StoredConfirmation(bytes(32), [UUID(int=5)])],
    "facts": [],
    "id": UUID(int=5),
}


@pytest.mark.parametrize("field", VALUES)
@pytest.mark.parametrize("number", range(len(DELIVERIES)))
def test_a_row_that_says_something_else_is_not_in_order(number: int, field: str) -> None:
    delivery = DELIVERIES[number]
    assert not is_believed(delivery._replace(**{field: VALUES[field]}))


@pytest.mark.parametrize("number", range(len(DELIVERIES)))
def test_a_fact_that_is_gone_there_twice_or_stands_under_another_row_is_not_in_order(number: int) -> None:
    delivery = DELIVERIES[number]
    for place, fact in enumerate(delivery.facts):
        others = [*delivery.facts[:place], *delivery.facts[place + 1 :]]
        twice = [*delivery.facts[: place + 1], *delivery.facts[place:]]
        rows = (
            fact._replace(id=UUID(int=5)),
            fact._replace(event="urn:x"),
            fact._replace(recorded_at=fact.recorded_at + timedelta(microseconds=1)),
        )
        for facts in (others, twice, *([*others[:place], row, *others[place:]] for row in rows)):
            is_believed(delivery._replace(facts=facts))
        assert not is_believed(delivery._replace(facts=[*others[:place], rows[2], *others[place:]]))


@pytest.mark.parametrize(
    ("this", "that"),
    [
        (rb'"SenderDetails":', b'"Sender":'),
        (rb'"Name":"[^"]*"', b'"Name":""'),
        (rb'"Name":"[^"]*"', b'"Name":"\xe2\x80\xa8"'),
        (rb'"Size":10', b'"Size":010'),
        (rb'"PartIdentifier":"2"', b'"PartIdentifier":"3"'),
        (rb'"FileName":"decision-1.pdf"', b'"FileName":"a/b"'),
        (rb'"MediaType":"application/pdf"', b'"MediaType":"pdf"'),
        (rb"\]\},\"Extensions", b']},"More":1,"Extensions'),
        (rb'"Algorithm":"SHA-256"', b'"Algorithm":"SHA-512"'),
    ],
)
def test_what_is_wrong_in_all_documents_alike_is_not_in_order(this: bytes, that: bytes) -> None:
    for delivery in DELIVERIES:
        changed = delivery
        for number, fact in enumerate(delivery.facts):
            document = re.sub(this, that, fact.document, count=1)
            assert document != fact.document
            changed = with_document(changed, number, document)
        assert not is_believed(changed)


def test_names_in_all_scripts_and_with_quotation_marks_are_usual() -> None:
    delivery = DELIVERIES[0]
    for name in ("Կոմիտե «Ա»".encode(), rb"\"A\" \\ B"):
        changed = delivery
        for number, fact in enumerate(delivery.facts):
            changed = with_document(changed, number, fact.document.replace(b'"Committee"', b'"%b"' % name))
        assert is_believed(changed)


def test_an_effect_that_nobody_recorded_is_not_in_order() -> None:
    for delivery in DELIVERIES:
        facts = [fact for fact in delivery.facts if not fact.event.endswith("NotificationEffected")]
        forgotten = delivery._replace(facts=facts, state="CONSIGNED", notified_at=None)
        if len(facts) < len(delivery.facts):
            assert not is_believed(forgotten)


def test_what_depends_on_times_is_not_answered_for_events_alone() -> None:
    accepted, consigned, opened, *_ = (fact.event for fact in DELIVERIES[1].facts)
    published = "https://namak.am/event/NoticePublished"
    found = shape_of("am-2025@2", (accepted, consigned, opened))
    assert found is not None
    assert (found.cause, found.rule) == (2, "LADDER-1-OPENING")
    assert shape_of("am-2025@2", (accepted, consigned, published)) is None
    assert shape_of("am-2031@1", (accepted, consigned)) is None


@pytest.mark.parametrize("number", range(len(DELIVERIES)))
def test_facts_in_another_order_are_not_in_order_where_reading_finds_it_wrong(number: int) -> None:
    delivery = DELIVERIES[number]
    for place in range(len(delivery.facts) - 1):
        facts = [*delivery.facts]
        facts[place : place + 2] = facts[place + 1], facts[place]
        is_believed(delivery._replace(facts=facts))
    assert not is_believed(delivery._replace(facts=[delivery.facts[-1], *delivery.facts[:-1]]))


CONFIRMED = [
    (delivery, number)
    for delivery in DELIVERIES
    for number, fact in enumerate(delivery.facts)
    if fact.event.endswith("ReadingConfirmed")
]


@pytest.mark.parametrize(("delivery", "number"), CONFIRMED)
def test_what_was_confirmed_after_its_statement_had_expired_is_not_in_order(
    delivery: StoredDelivery, number: int
) -> None:
    fact = delivery.facts[number]
    found = re.search(rb"issued: ([^\\]+)\\nexpires: ([^\\\"]+)", fact.document)
    assert found is not None
    hour_before = format_time(fact.recorded_at - timedelta(hours=1)).encode()
    issued = fact.document.replace(b"issued: " + found[1], b"issued: " + hour_before)
    for late in (False, True):
        expires = fact.recorded_at - timedelta(microseconds=late)
        document = issued.replace(b"expires: " + found[2], b"expires: " + format_time(expires).encode())
        changed = with_document(delivery, number, document)
        # What follows from it names it.
        before, after = (sha256(each).hexdigest().encode() for each in (fact.document, document))
        for place, other in enumerate(delivery.facts[number + 1 :], number + 1):
            changed = with_document(changed, place, other.document.replace(before, after))
        assert is_believed(changed) is not late


@pytest.mark.parametrize(("delivery", "number"), CONFIRMED)
def test_a_confirmation_of_another_signature_is_not_in_order(delivery: StoredDelivery, number: int) -> None:
    (stored,) = delivery.confirmations
    assert not is_believed(delivery._replace(confirmations=[stored._replace(cms_digest=bytes(32))]))


BASE64 = [base64.b64encode(bytes(range(7, 7 + length))) for length in (1, 2, 3, 4, 5, 6, 30)]


@settings(max_examples=200)
@given(
    st.sampled_from(BASE64),
    st.integers(0, 40),
    st.integers(0, 3),
    st.binary(max_size=3) | st.text("AB=Zz+/ \n", max_size=4).map(str.encode),
)
def test_base64_is_decoded_only_from_its_one_spelling(
    text: bytes, place: int, left_out: int, put_in: bytes
) -> None:
    place = min(place, len(text))
    changed = text[:place] + put_in + text[place + left_out :]
    data = decoded(changed, 40)
    try:
        read = base64.b64decode(changed, validate=True)
    except binascii.Error:
        read = b""
    is_right = 1 <= len(read) <= 40 and base64.b64encode(read) == changed
    assert data == (read if is_right else None)


@pytest.mark.parametrize("text", BASE64)
@pytest.mark.parametrize("pad", [b"", b"=", b"==", b"===", b"A", b"!", b"\n"])
def test_base64_with_anything_put_in_is_not_decoded(text: bytes, pad: bytes) -> None:
    for place in range(len(text)):
        assert (decoded(text[:place] + pad + text[place:], 99) is None) is (pad != b"")
        assert (decoded(text[:place] + pad + text[place + len(pad) :], 99) is None) or (
            base64.b64encode(base64.b64decode(text[:place] + pad + text[place + len(pad) :]))
            == text[:place] + pad + text[place + len(pad) :]
        )


def test_lists_are_named_or_stand_there_whole() -> None:
    whole, named = b'{"crl":"AAAA"}', b'{"crlDigest":"' + b"ab" * 32 + b'"}'
    digest = bytes.fromhex("ab" * 32)
    assert lists_in(whole) == []
    assert lists_in(named + b"," + whole + b"," + named) == [digest, digest]
    assert lists_in(b",".join([whole] * LISTS_LIMIT)) == []
    for wrong in (
        b"",
        whole + b",",
        whole + whole,
        b"," + whole,
        whole + b" ",
        b'{"crl":"AAAA',
        b'{"crl":"AAAA"',
        b'{"crl":"AAAA"x',
        b'{"crl":"AAA"}',
        b'{"crl":""}',
        b'{"crl":"AAAA","x":1}',
        named.replace(b"ab", b"AB"),
        named[:-1],
        b",".join([whole] * (LISTS_LIMIT + 1)),
    ):
        assert lists_in(wrong) is None
