"""Recognising a consignment by its bytes, against reading it."""

import os
from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.details import ConsignmentDetails
from namak.evidence.document import EvidenceDocument
from namak.evidence.failures import MalformedEvidence
from namak.evidence.mailbox_chain import ChainCheck, ChainHead, Flaw, Opening
from server.fsck.mailboxes import is_consigned
from server.fsck.ours import acceptance_in, is_consignment
from tests.unit.fsck.stored import usual_deliveries

ACCEPTANCES = [each.facts[0].document for each in usual_deliveries()]
CONSIGNMENTS = [each.facts[1].document for each in usual_deliveries()]


def linked(data: bytes) -> tuple[str, str, bytes]:
    """Returns the address, the delivery and the link of a consignment."""
    document = EvidenceDocument.parse(data)
    assert isinstance(document.details, ConsignmentDetails)
    return document.recipient.identifier, str(document.delivery_id), document.details.mailbox_link


@pytest.mark.parametrize("number", range(len(CONSIGNMENTS)))
def test_consignments_of_ours_are_recognised_and_for_no_other_mailbox_delivery_or_link(number: int) -> None:
    data = CONSIGNMENTS[number]
    address, delivery, link = linked(data)
    assert is_consignment(data, address, delivery, link)
    assert not is_consignment(data, "x@y", delivery, link)
    assert not is_consignment(data, address, "01a20244-e827-7000-8000-00000000ffff", link)
    assert not is_consignment(data, address, delivery, bytes(32))


@settings(max_examples=150)
@given(
    st.sampled_from(CONSIGNMENTS),
    st.integers(0, 1400),
    st.integers(0, 3),
    st.binary(max_size=2) | st.sampled_from([b" ", b'"', b"\\", b"}", b"0", b",", b"\xc3\xa9", b"=", b"9"]),
)
def test_changed_bytes_are_recognised_only_where_reading_finds_the_same(
    data: bytes, place: int, left_out: int, put_in: bytes
) -> None:
    expected = linked(data)
    place = min(place, len(data))
    changed = data[:place] + put_in + data[place + left_out :]
    if is_consignment(changed, *expected):
        assert EvidenceDocument.parse(changed).event == events.CONTENT_CONSIGNMENT
        assert linked(changed) == expected


@pytest.mark.parametrize(
    ("this", "that"),
    [
        (b"ContentConsignment", b"ContentAccessTracking"),
        (b'"EventTime":"2026-11', b'"EventTime":"2026-13'),
        (b'"SubmissionTime":"2026-11', b'"SubmissionTime":"2026-13'),
        (b"am-2015@1", b"am-2015@0"),
        (b'"version":', b'"version": '),
        (b'"Size":10', b'"Size":-1'),
        (b"}}", b'},"more":"x"}'),
    ],
)
def test_what_is_no_consignment_or_spelled_otherwise_is_read(this: bytes, that: bytes) -> None:
    data = CONSIGNMENTS[0]
    changed = data.replace(this, that)
    assert changed != data
    assert not is_consignment(changed, *linked(data))


def test_a_chain_says_the_same_with_and_without_recognising_consignments() -> None:
    address, delivery, link = linked(CONSIGNMENTS[0])
    _, other, _ = linked(CONSIGNMENTS[1])
    for data, of in ((CONSIGNMENTS[0], delivery), (CONSIGNMENTS[0], other), (os.urandom(99), delivery)):
        opening = Opening(1, of, bytes(32), bytes(32), link, data)
        reports = []
        for check in (ChainCheck(address), ChainCheck(address, is_consigned=is_consigned)):
            check.add(opening)
            reports.append(check.report(ChainHead(1, link)))
        assert reports[0] == reports[1]
        assert (Flaw.CONSIGNMENT in {each.flaw for each in reports[0].findings}) == (
            data is not CONSIGNMENTS[0] or of != delivery
        )


def submitted(data: bytes) -> tuple[str, datetime] | None:
    """Returns what reading finds of an acceptance."""
    with suppress(MalformedEvidence):
        document = EvidenceDocument.parse(data)
        if document.event == events.SUBMISSION_ACCEPTANCE:
            return document.sender.identifier, document.submission_time
    return None


def test_acceptances_of_ours_are_recognised_and_nothing_else() -> None:
    for acceptance, consignment in zip(ACCEPTANCES, CONSIGNMENTS, strict=True):
        assert acceptance_in(acceptance) == submitted(acceptance) is not None
        assert acceptance_in(consignment) is None


@settings(max_examples=150)
@given(
    st.sampled_from(ACCEPTANCES),
    st.integers(0, 1400),
    st.integers(0, 3),
    st.binary(max_size=2)
    | st.sampled_from([b" ", b'"', b"\\", b"}", b"0", b",", b"\xc3\xa9", b"=", b"9", b":"]),
)
def test_a_changed_acceptance_is_recognised_only_as_what_reading_finds(
    data: bytes, place: int, left_out: int, put_in: bytes
) -> None:
    place = min(place, len(data))
    changed = data[:place] + put_in + data[place + left_out :]
    found = acceptance_in(changed)
    assert found is None or found == submitted(changed)
