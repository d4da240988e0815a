"""Which logins there can be, and which of them look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.fields import Malformed
from server.domain.logins import login, skeleton

ALPHABET = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=3, max_size=20)


@pytest.mark.parametrize(
    ("given", "canonical"), [("aida", "aida"), ("Aida.K-1", "aida.k-1"), ("ABC", "abc"), ("a" * 64, "a" * 64)]
)
def test_a_login_has_one_form(given: str, canonical: str) -> None:
    assert login(given) == canonical


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ab",
        "1aida",
        ".aida",
        "aida.",
        "ai..da",
        "ai._da",
        "aida k",
        "aida\n",
        "аida",  # a Cyrillic letter
        "aıda",  # a dotless i
        "aida@post.kz",
        "a" * 65,
        "ﬁona",  # a ligature
        "\u212aate",  # the Kelvin sign
    ],
)
def test_nothing_else_is_one(given: str) -> None:
    with pytest.raises(Malformed) as refused:
        login(given)
    assert refused.value.reason == "LOGIN_MALFORMED"
    assert given == "" or given.strip() not in refused.value.text


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("aida", "alda"),
        ("aida", "a1da"),
        ("bolat", "b0lat"),
        ("marat", "rnarat"),
        ("wanda", "vvanda"),
        ("dana", "clana"),
        ("c1ara", "dara"),
        ("aida.k", "aida-k"),
        ("aidak", "a.i.d.a.k"),
        ("sara", "5ara"),
    ],
)
def test_what_looks_alike_has_one_skeleton(one: str, another: str) -> None:
    assert skeleton(one) == skeleton(another)


@pytest.mark.parametrize(("one", "another"), [("aida", "aids"), ("dana", "dara"), ("kate", "katya")])
def test_what_looks_different_has_not(one: str, another: str) -> None:
    assert skeleton(one) != skeleton(another)


@given(ALPHABET)
def test_a_login_has_the_skeleton_of_its_canonical_form(text: str) -> None:
    try:
        canonical = login(text)
    except Malformed:
        return
    assert skeleton(login(text.upper())) == skeleton(canonical)
    assert skeleton(canonical)
