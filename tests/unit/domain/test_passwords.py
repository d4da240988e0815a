"""Passwords: in which form they are compared, and which may be set."""

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.fields import Malformed
from server.domain.passwords import in_one_form, new_password
from server.domain.profile import Passwords

RULES = Passwords(wrong=5, locked_for=timedelta(minutes=15), characters=12)
LOGIN = "aigul.s"


@pytest.mark.parametrize(
    "password",
    [
        "a long enough password",
        "пароль из четырёх слов",
        "құпиясөзім ұзын 7",
        "correct horse battery",
        "aigul.s und die sieben Zwerge",
        "   spaces count too   ",
        "twelve chars",
        "🦊 jumps over 🐕",
    ],
)
def test_a_good_password_is_taken_as_it_is(password: str) -> None:
    assert new_password(password, LOGIN, RULES) == unicodedata.normalize("NFC", password)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "PASSWORD_TOO_SHORT"),
        ("eleven char", "PASSWORD_TOO_SHORT"),
        # Composed it has eleven.
        ("eleven e\u0301cha", "PASSWORD_TOO_SHORT"),
        ("x1" * 129, "PASSWORD_TOO_LONG"),
        ("aigul.saigul.s", "PASSWORD_IS_LOGIN"),
        ("AIGUL.Saigul.S1", "PASSWORD_IS_LOGIN"),
        ("aigul.s12345", "PASSWORD_IS_LOGIN"),
        ("aaaaaaaaaaaaaa", "PASSWORD_PREDICTABLE"),
        ("passwordpassword", "PASSWORD_PREDICTABLE"),
        ("Password1Password1", "PASSWORD_PREDICTABLE"),
        ("123456789012", "PASSWORD_PREDICTABLE"),
        ("0987654321098", "PASSWORD_PREDICTABLE"),
        ("qwertyuiopasdf", "PASSWORD_PREDICTABLE"),
        ("1QAZ2WSX3EDC", "PASSWORD_PREDICTABLE"),
        ("йцукенгшщзхъ", "PASSWORD_PREDICTABLE"),
        ("lkjihgfedcba", "PASSWORD_PREDICTABLE"),
        ("a tab\tin the middle", "PASSWORD_CHARACTER"),
        ("two lines\nof password", "PASSWORD_CHARACTER"),
        ("unseen\u200b in the middle", "PASSWORD_CHARACTER"),
        ("turned \u202e around it", "PASSWORD_CHARACTER"),
        ("a filler \u3164 in the middle", "PASSWORD_CHARACTER"),
        ("private \ue000 use area", "PASSWORD_CHARACTER"),
        ("nul \x00 in the middle", "PASSWORD_CHARACTER"),
    ],
)
def test_a_bad_password_is_refused_and_not_repeated(password: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        new_password(password, LOGIN, RULES)

    assert refused.value.reason == reason
    assert not password or password not in refused.value.text


def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    composed, apart = "\u00e9t\u00e9 \u0439 caf\u00e9", "e\u0301te\u0301 \u0438\u0306 cafe\u0301"

    assert in_one_form(apart) == in_one_form(composed) == composed
    assert in_one_form("no\u00a0break\u3000wide") == "no break wide"


def test_a_ligature_and_another_case_are_other_passwords() -> None:
    assert in_one_form("\ufb01ne") != in_one_form("fine")
    assert in_one_form("Fine") != in_one_form("fine")


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_one_form_is_the_form_of_itself(password: str) -> None:
    form = in_one_form(password)

    assert in_one_form(form) == form
