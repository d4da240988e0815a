"""Identifiers sort by their making, whatever the clock does, and are UUIDs of version 7."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.fields import Malformed
from server.domain.ids import MonotonicIds, first_id, moved, parse_id


def made(times: list[int], fill: int) -> list[UUID]:
    clock: Iterator[int] = iter(times)
    ids = MonotonicIds(lambda: next(clock), lambda count: bytes([fill]) * count)
    return [ids.new_id() for _ in times]


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=50), st.sampled_from([0x00, 0x5A, 0xFF]))
def test_each_identifier_is_greater_than_the_one_before(times: list[int], fill: int) -> None:
    identifiers = made(times, fill)
    assert identifiers == sorted(set(identifiers))
    assert all(one.version == 7 and one.variant == RFC_4122 for one in identifiers)


def test_the_first_48_bits_are_the_time() -> None:
    assert made([1_795_305_765_123], 0x11)[0].int >> 80 == 1_795_305_765_123


def test_a_burst_within_one_millisecond_stays_in_order() -> None:
    identifiers = made([1_795_305_765_123] * 5000, 0xFF)
    assert identifiers == sorted(set(identifiers))


def test_reads_uuids_and_nothing_else() -> None:
    assert parse_id("0192F0C3-4d5e-7a6b-8c9d-0e1f2a3b4c5d").int == 0x0192F0C3_4D5E_7A6B_8C9D_0E1F2A3B4C5D
    uuid = "0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d"
    for text in ("", uuid.replace("-", ""), f"{{{uuid}}}", f"{uuid}\n", uuid[:-1] + "g"):
        with pytest.raises(Malformed):
            parse_id(text)


def test_an_identifier_is_moved_to_the_bound_of_another_time_as_far_as_there_are_times() -> None:
    at = datetime(2026, 11, 22, 8, 0, 0, 123_000, tzinfo=UTC)
    (identifier,) = made([int(at.timestamp() * 1000)], 0x5A)
    hour = timedelta(hours=1)
    assert moved(identifier, hour) == first_id(at + hour)
    assert moved(identifier, -hour) == first_id(at - hour)
    assert moved(UUID(int=5 << 80), -hour) == UUID(int=0)
    assert moved(UUID(int=(1 << 128) - 1), hour) == UUID(int=((1 << 48) - 1) << 80)
