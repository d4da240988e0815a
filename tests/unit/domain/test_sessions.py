"""Tokens of sessions, and when a session can be used."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.caller import Assurance
from server.domain.refusals import SessionEnded
from server.domain.sessions import TOKEN_BYTES, Ending, Method, Session, session_token, token_digest

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SESSION = Session(
    id=uuid4(),
    sign_in_id=uuid4(),
    person_number="5001950015",
    portal_sha256=bytes(32),
    portal_name="e-citizen.am",
    method=Method.CERTIFICATE,
    assurance=Assurance.SIGNATURE,
    started_at=NOON,
    expires_at=NOON + timedelta(minutes=500),
)


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_a_token_s_digest_is_that_of_its_random_bytes(random: bytes) -> None:
    token = session_token(random)

    assert len(token) == 43
    assert token_digest(token) == hashlib.sha256(random).digest()


@pytest.mark.parametrize("count", [0, 16, 31, 33])
def test_a_token_is_made_of_enough_randomness(count: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        session_token(bytes(count))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "A" * 42,
        "A" * 44,
        "A" * 42 + "=",
        "A" * 42 + "B",  # another spelling of the same bytes
        "A" * 42 + "!",
        "+" * 43,
        "é" * 43,
        "A" * 1_000_000,
    ],
)
def test_what_is_no_token_is_not_looked_up(given: str) -> None:
    assert token_digest(given) is None


def test_a_session_ends_at_its_time_and_not_before() -> None:
    SESSION.check_usable(SESSION.expires_at - timedelta(microseconds=1))

    with pytest.raises(SessionEnded) as ended:
        SESSION.check_usable(SESSION.expires_at)
    assert ended.value.metadata == {"ending": "EXPIRED", "end_time": "2026-11-22T20:20:00.000000Z"}


@pytest.mark.parametrize("ending", Ending)
def test_a_session_that_was_ended_says_how(ending: Ending) -> None:
    ended = replace(SESSION, ended_at=NOON, ending=ending)

    with pytest.raises(SessionEnded) as refused:
        ended.check_usable(NOON)
    assert refused.value.metadata["ending"] == ending.value
