"""Delegations: from when until when they count, and for how long they may be given."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.delegation import DelegationTerms, Right
from server.domain import limits
from server.domain.delegations import Delegation, may_confirm, term_problems

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_times = st.datetimes(NOON.replace(tzinfo=None), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def delegation(start: datetime, expire: datetime, revoked_at: datetime | None = None) -> Delegation:
    terms = DelegationTerms("5001950015@e-citizen.am", "5001950016", Right.READ, start, expire)
    return Delegation(
        UUID(int=1), UUID(int=2), terms, "5001950015", NOON, UUID(int=3), bytes(32), None, revoked_at
    )


@given(_times, _times, st.none() | _times, _times)
def test_is_in_force_from_its_start_until_its_end_and_never_once_revoked(
    start: datetime, expire: datetime, revoked_at: datetime | None, at: datetime
) -> None:
    given_ = delegation(start, expire, revoked_at)

    assert given_.is_in_force(at) == (start <= at < expire and revoked_at is None)
    assert not (given_.is_in_force(at) and given_.is_ended(at))


@given(_times, _times, _times)
def test_once_ended_it_stays_so(start: datetime, expire: datetime, at: datetime) -> None:
    over = delegation(start, expire)

    if over.is_ended(at):
        assert over.is_ended(at + timedelta(days=1))
        assert not over.is_in_force(at + timedelta(days=1))


@given(_times, _times, _times)
def test_is_granted_for_a_time_that_begins_before_it_ends_and_is_not_too_long(
    start: datetime, expire: datetime, now: datetime
) -> None:
    problems = term_problems(start, expire, now)

    good = max(start, now) < expire <= now + limits.DELEGATION_LIFE
    assert (problems == []) == good
    assert all(problem.field == "expire_time" for problem in problems)


def test_the_bounds_are_exact() -> None:
    tick = timedelta(microseconds=1)
    longest = NOON + limits.DELEGATION_LIFE

    assert term_problems(NOON, longest, NOON) == []
    assert [each.reason for each in term_problems(NOON, longest + tick, NOON)] == ["TOO_LATE"]
    assert term_problems(NOON, NOON + tick, NOON) == []
    assert [each.reason for each in term_problems(NOON, NOON, NOON)] == ["TIMES_REVERSED"]


def test_reading_is_not_confirming() -> None:
    assert [right for right in Right if may_confirm(right)] == [Right.READ_AND_CONFIRM]
