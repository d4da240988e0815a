"""Digests and their codes, what fits on a phone's screen, and what citizens are told."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.mobile_identity import (
    DIGEST_BYTES,
    Digest,
    Failed,
    Failure,
    MobileKey,
    MobileSession,
    MobileUser,
    ScreenAlphabet,
    ScreenText,
    Started,
)
from server.domain.mobile_identity_texts import SCREENS, TEXTS, UNCOUNTED, Screen, screen_for, words_for
from server.domain.profile import MobileCode
from server.jurisdictions.am import AM
from server.jurisdictions.az import AZ
from server.jurisdictions.kz import KZ

LANGUAGES = ("hy", "ru", "en", "kk", "az")

digests = st.sampled_from(sorted(DIGEST_BYTES)).flatmap(
    lambda name: st.binary(min_size=DIGEST_BYTES[name], max_size=DIGEST_BYTES[name]).map(
        lambda value: Digest(value, name)
    )
)


def test_the_code_is_of_the_first_six_and_the_last_seven_bits_of_the_published_example() -> None:
    published = bytes.fromhex("2f665f6a6999e0ef0752e00ec9f453adf59d8cb6")
    assert Digest(published[:1] + bytes(30) + published[-1:]).code == "1462"


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(0x00, 0x00, "0000"), (0x00, 0x29, "0041"), (0x03, 0x80, "0000"), (0xFF, 0xFF, "8191")],
)
def test_the_code_has_always_four_digits(first: int, last: int, code: str) -> None:
    assert Digest(bytes([first, *bytes(30), last])).code == code


@given(digests)
def test_the_code_is_below_8192_and_known_again_with_spaces(digest: Digest) -> None:
    assert re.fullmatch("[0-8][0-9]{3}", digest.code)
    assert int(digest.code) < 8192
    assert digest.has_code(f" {digest.code[:2]} {digest.code[2:]} ")


@given(digests, st.text(max_size=6))
def test_no_other_text_passes_for_the_code(digest: Digest, entered: str) -> None:
    assert digest.has_code(entered) == ("".join(entered.split()) == digest.code)


@pytest.mark.parametrize(("length", "algorithm"), [(20, "sha1"), (32, "sha384"), (31, "sha256"), (0, "md5")])
def test_no_other_digest_is_taken(length: int, algorithm: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        Digest(bytes(length), algorithm)


def test_the_code_is_shown_where_it_is_compared_and_nowhere_else() -> None:
    digest = Digest(bytes(31) + b"\x29")
    session = MobileSession(
        "s", MobileKey.AUTHENTICATION, digest, "AB12345", datetime(2026, 1, 1, tzinfo=UTC)
    )
    begun = Started(session, digest.code)

    assert begun.shown(MobileCode.COMPARE) == "0041"
    assert begun.shown(MobileCode.ENTER) is None
    assert "0041" not in repr(begun)


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("994501234567", "AB12345"),
        ("+0501234567", "AB12345"),
        ("+99450123456789012", "AB12345"),
        ("+994 50 123 45 67", "AB12345"),
        ("+٩٩٤٥٠١٢٣٤٥٦٧", "AB12345"),
        ("+994501234567\n", "AB12345"),
        ("+994501234567", "ab12345"),
        ("+994501234567", "AB1"),
        ("+994501234567", "AB-12345"),
    ],
)
def test_a_user_s_numbers_have_their_forms(phone: str, number: str) -> None:
    with pytest.raises(ValueError, match="number") as error:
        MobileUser(phone, number)
    assert number not in str(error.value)
    assert phone not in str(error.value)


def test_a_user_s_numbers_are_not_in_its_text() -> None:
    assert repr(MobileUser("+994501234567", "AB12345")) == "MobileUser()"


@pytest.mark.parametrize(
    ("text", "alphabet"),
    [
        ("x" * 100, ScreenAlphabet.GSM_7),
        ("€[]^~" + "x" * 95, ScreenAlphabet.GSM_7),
        ("", ScreenAlphabet.GSM_7),
        ("ə" * 50, ScreenAlphabet.UCS_2),
        ("Вход", ScreenAlphabet.UCS_2),
    ],
)
def test_a_text_that_fits_takes_the_smallest_alphabet(text: str, alphabet: ScreenAlphabet) -> None:
    assert ScreenText(text, "en").alphabet is alphabet


@pytest.mark.parametrize("text", ["x" * 101, "€[]^~|", "ə" * 51, "👍"])
def test_a_text_that_would_not_come_out_whole_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="screen"):
        ScreenText(text, "en")


@given(
    digests,
    st.sampled_from(MobileKey),
    st.none() | st.binary(max_size=40),
    st.binary(max_size=16),
    st.lists(st.binary(max_size=32), max_size=3).map(tuple),
)
def test_a_session_comes_back_from_its_text(
    digest: Digest, key: MobileKey, certificate: bytes | None, nonce: bytes, counted: tuple[bytes, ...]
) -> None:
    ends = datetime(2026, 11, 21, 20, 0, 0, 123456, tzinfo=UTC)
    session = MobileSession("a-1", key, digest, "AB12345", ends, certificate, nonce, counted)
    assert MobileSession.from_text(session.as_text()) == session
    assert "AB12345" not in repr(session)


def test_a_session_that_was_kept_before_there_were_nonces_and_counts_goes_on() -> None:
    ends = datetime(2026, 11, 21, 20, 0, 0, 123456, tzinfo=UTC)
    session = MobileSession("a-1", MobileKey.SIGNATURE, Digest(bytes(32)), "AB12345", ends, b"certificate")
    kept = json.loads(session.as_text())
    del kept["nonce"], kept["counted"]

    assert MobileSession.from_text(json.dumps(kept)) == session


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"reference": 1}'])
def test_any_other_text_is_no_session(text: str) -> None:
    with pytest.raises(ValueError, match=r"session|JSON|Expecting"):
        MobileSession.from_text(text)


def test_every_failure_has_words_in_every_language_and_no_two_say_the_same() -> None:
    assert set(TEXTS) == {*Failure, UNCOUNTED}
    assert {*AM.languages, *KZ.languages, *AZ.languages} == set(LANGUAGES)
    for language in LANGUAGES:
        said = [TEXTS[name][language] for name in TEXTS]
        assert len(set(said)) == len(said)
        assert all(said)
    for words in TEXTS.values():
        assert set(words) == set(LANGUAGES)
        assert len(set(words.values())) == len(LANGUAGES)
        placeholders = {frozenset(re.findall(r"\{(\w*)\}", text)) for text in words.values()}
        assert len(placeholders) == 1


@pytest.mark.parametrize("key", MobileKey)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_pin_tells_which_and_how_many_tries_are_left(key: MobileKey, language: str) -> None:
    counted = words_for(Failed(Failure.WRONG_PIN, key, 2), language)
    assert key.value in counted
    assert "2" in counted.replace(key.value, "")
    uncounted = words_for(Failed(Failure.WRONG_PIN, key), language)
    assert key.value in uncounted
    assert "None" not in uncounted


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("language", LANGUAGES)
def test_words_leave_no_gap(failure: Failure, language: str) -> None:
    text = words_for(Failed(failure, MobileKey.SIGNATURE, 1), language)
    assert not set("{}") & set(text)
    assert text.endswith((".", "։"))


@pytest.mark.parametrize("screen", Screen)
def test_what_the_phone_shows_fits_in_every_language(screen: Screen) -> None:
    assert set(SCREENS) == set(Screen)
    assert set(SCREENS[screen]) == set(LANGUAGES)
    for language in LANGUAGES:
        assert screen_for(screen, language).text == SCREENS[screen][language]
