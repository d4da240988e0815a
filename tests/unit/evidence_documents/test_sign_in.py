from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.failures import MalformedSignIn, MalformedStatement
from namak.evidence.sign_in import SENTENCES, Purpose, SignInChallenge
from namak.evidence.statement import Statement

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHALLENGE = SignInChallenge(
    sign_in_id=UUID("0192f0c4-0000-7000-8000-0000000000aa"),
    purpose=Purpose.SIGN_IN,
    language="hy",
    post="e-citizen.am",
    portal="Էլեկտրոնային քաղաքացի",
    certificate_sha256=bytes(32),
    ends_others=False,
    issued=NOON,
    expires=NOON + timedelta(minutes=5),
    nonce=bytes(range(32)),
)
TEXT = CHALLENGE.encode()


def test_is_these_lines() -> None:
    assert TEXT.decode().splitlines() == [
        "namak-sign-in/1 sign-in",
        "Մուտք եմ գործում պաշտոնական փոստ",
        "sign-in: 0192f0c4-0000-7000-8000-0000000000aa",
        "post: e-citizen.am",
        "portal: Էլեկտրոնային քաղաքացի",
        f"certificate: sha-256:{'00' * 32}",
        "other sessions: keep",
        "issued: 2026-11-22T12:00:00.000000Z",
        "expires: 2026-11-22T12:05:00.000000Z",
        f"nonce: {bytes(range(32)).hex()}",
    ]


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("language", ["hy", "ru", "en", "kk", "az"])
def test_comes_back_in_every_language(purpose: Purpose, language: str) -> None:
    challenge = replace(CHALLENGE, purpose=purpose, language=language, certificate_sha256=None)

    assert SignInChallenge.parse(challenge.encode()) == challenge


def test_all_purposes_have_the_same_languages_and_no_sentence_serves_two() -> None:
    languages = {frozenset(sentences) for sentences in SENTENCES.values()}
    sentences = [words for each in SENTENCES.values() for words in each.values()]

    assert len(languages) == 1
    assert len(sentences) == len(set(sentences))


def test_is_no_statement_and_no_statement_is_one() -> None:
    with pytest.raises(MalformedStatement):
        Statement.parse(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("namak-sign-in/1 sign-in", "namak-sign-in/2 sign-in"),
        ("namak-sign-in/1 sign-in", "namak-sign-in/1 step-up"),
        ("namak-sign-in/1 sign-in", "namak-statement/1 reading-confirmation"),
        ("Մուտք եմ գործում պաշտոնական փոստ", "Տալիս եմ ամբողջ ունեցվածքս"),
        ("other sessions: keep", "other sessions: KEEP"),
        ("other sessions: keep\n", ""),
        ("post: e-citizen.am", "post: "),
        ("post: e-citizen.am\n", "post: e-citizen.am\npost: other.am\n"),
        ("post: e-citizen.am\n", "post: e-citizen.am\nowed: everything\n"),
        ("portal: ", "portal:  \x1b[2K"),
        ("sha-256:00", "sha-256:0g"),
        ("sha-256:00", "sha-1:00"),
        ("nonce: 00", "nonce: "),
        ("expires: 2026-11-22T12:05", "expires: 2026-11-22T11:05"),
        ("issued: 2026-11-22T12:00:00.000000Z", "issued: yesterday"),
        ("sign-in: 0192F0C4", "sign-in: 0192f0c4"),
        ("aa\n", "AA\n"),
    ],
)
def test_nothing_else_is_one(old: str, new: str) -> None:
    changed = TEXT.decode().replace(old, new, 1)
    if changed == TEXT.decode():
        changed = changed.replace("0192f0c4", "0192F0C4", 1)

    with pytest.raises(MalformedSignIn):
        SignInChallenge.parse(changed.encode())


@pytest.mark.parametrize("data", [b"", b"\n", TEXT[:-1], TEXT + b"\n", b"\xff" + TEXT, TEXT + b"x" * 5000])
def test_damaged_bytes_are_none(data: bytes) -> None:
    with pytest.raises(MalformedSignIn):
        SignInChallenge.parse(data)


@pytest.mark.parametrize(
    "change",
    [
        {"portal": "two\nlines"},
        {"portal": ""},
        {"portal": "x" * 300},
        {"language": "fr"},
        {"nonce": bytes(31)},
        {"expires": NOON},
    ],
)
def test_what_would_not_come_back_is_not_issued(change: dict[str, object]) -> None:
    with pytest.raises(MalformedSignIn):
        replace(CHALLENGE, **change).encode()  # type: ignore[arg-type]


@given(st.binary(max_size=300))
def test_strange_bytes_end_as_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(MalformedSignIn):
        SignInChallenge.parse(data)
