"""Delivery reports as centres write them."""

import pytest

from server.gateways.sms.pdu import Delivered, Tag
from server.gateways.sms.reports import report_of

REPORT = 0x04


@pytest.mark.parametrize("written", [b"5f3a\x00", b"5f3a", b"5f3a\x00garbage\x00", b"5f3a\x00\x00\x00"])
def test_an_identifier_ends_at_its_first_zero_which_no_table_takes(written: bytes) -> None:
    tags: dict[int, bytes] = {Tag.RECEIPTED_MESSAGE_ID: written, Tag.MESSAGE_STATE: b"\x02"}
    report = report_of(Delivered("37491123456", REPORT, 0, b"", tags))
    assert report is not None
    assert report.segment_id == "5f3a"


def test_what_begins_with_a_zero_names_no_segment_but_by_its_text() -> None:
    tags: dict[int, bytes] = {Tag.RECEIPTED_MESSAGE_ID: b"\x005f3a", Tag.MESSAGE_STATE: b"\x02"}
    assert report_of(Delivered("37491123456", REPORT, 0, b"", tags)) is None
    report = report_of(Delivered("37491123456", REPORT, 0, b"id:77 stat:DELIVRD", tags))
    assert report is not None
    assert report.segment_id == "77"
