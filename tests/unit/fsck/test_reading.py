"""Reading what the server wrote, against the reader of what comes from outside."""

import contextlib
import os
import re
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.document import RecordedFact
from namak.evidence.failures import MalformedEvidence
from scripts.benchmark.stored_post import StoredOffice
from server.fsck.reading import FactReader

FACTS = [fact.data for _, facts, _ in StoredOffice(UUID(int=7)).portion(20) for fact in facts]
"""Evidence of all kinds of deliveries, as the server writes it."""


def test_it_reads_what_the_server_writes_whatever_was_before() -> None:
    reader = FactReader()
    for data in (*FACTS, *FACTS[::3], *FACTS[::-1]):
        assert reader.read(data) == RecordedFact.parse(data)


def outcome(reader: FactReader | type[RecordedFact], data: bytes) -> object:
    try:
        return reader.read(data) if isinstance(reader, FactReader) else reader.parse(data)
    except MalformedEvidence as refused:
        return refused.detail


@settings(max_examples=150)
@given(
    st.sampled_from(FACTS),
    st.sampled_from(FACTS),
    st.integers(0, 3000),
    st.integers(0, 5),
    st.binary(max_size=3) | st.sampled_from([b" ", b'"', b"\\u0041", b"}", b"0", b'"version":"x",']),
)
def test_changed_bytes_are_read_or_refused_as_by_the_strict_reader(
    before: bytes, data: bytes, place: int, left_out: int, put_in: bytes
) -> None:
    reader = FactReader()
    reader.read(before)
    place = min(place, len(data))
    changed = data[:place] + put_in + data[place + left_out :]
    assert outcome(reader, changed) == outcome(RecordedFact, changed)
    # What was changed spoils nothing for the next.
    assert reader.read(data) == RecordedFact.parse(data)


@pytest.mark.parametrize(
    ("this", "that"),
    [
        (rb'"EventTime":"', b'"EventTime": "'),
        (rb'"Size":(\d+)', rb'"Size":0\1'),
        (rb"Z\"", b'+00:00"'),
        (rb'"version":', b'"version":"x","version":'),
        (rb'"Algorithm":"SHA-256"', b'"Algorithm":"SHA-512"'),
        (rb'"salt":"', b'"salt":"AAAA'),
        (rb'"MediaType":"text/plain;charset=utf-8"', b'"MediaType":"text/html"'),
        (rb"\}\}$", b',"more":"x"}}'),
        (rb'"MessageIdentifier":"(.*?)"', rb'"MessageIdentifier":"{\1}"'),
        (rb"$", b"\n"),
    ],
)
def test_second_spellings_are_no_evidence_here_either(this: bytes, that: bytes) -> None:
    reader = FactReader()
    for data in FACTS[:12]:
        changed = re.sub(this, that, data, count=1)
        assert changed != data
        with contextlib.suppress(MalformedEvidence):
            reader.read(data)
        assert outcome(reader, changed) == outcome(RecordedFact, changed)


def test_bytes_that_are_nothing_are_refused() -> None:
    for data in (b"", b"{}", b"null", os.urandom(50)):
        with pytest.raises(MalformedEvidence):
            FactReader().read(data)
