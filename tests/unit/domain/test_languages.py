"""Which language somebody is spoken to, whatever they ask for."""

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from server.domain.languages import LONGEST, chosen

AM = ("hy", "ru", "en")
KZ = ("kk", "ru", "en")


@pytest.mark.parametrize(
    ("wish", "offered", "language"),
    [
        ("", AM, "hy"),
        ("ru", AM, "ru"),
        ("RU", AM, "ru"),
        ("kk", AM, "hy"),
        ("kk", KZ, "kk"),
        ("kk-Cyrl-KZ", KZ, "kk"),
        ("kk-x-dialect", KZ, "kk"),
        ("hy-arevela, ru", AM, "hy"),
        ("fr, ru;q=0.5, en;q=0.8", AM, "en"),
        ("fr, en;q=0.8, ru;q=0.8", AM, "en"),
        ("en;q=0, ru;q=0.1", AM, "ru"),
        ("en;q=0", AM, "hy"),
        ("*", AM, "hy"),
        ("*, ru;q=0.5", AM, "ru"),
        ("en ; q=0.3 , ru ; q=0.9", AM, "ru"),
        ("r", AM, "hy"),
        ("russian", AM, "hy"),
        # Not in form, and so not asked for.
        ("en;q=2, ru;q=0.1", AM, "ru"),
        ("en;level=1, ru;q=0.1", AM, "ru"),
        ("en_US, ru;q=0.1", AM, "ru"),
        ("en; q =1", AM, "hy"),
        ("հայերեն, ru", AM, "ru"),
        ("en" + " " * LONGEST, AM, "hy"),
        # One that is offered with its region is found by its own tag.
        ("pt-BR", ("en", "pt-BR"), "pt-BR"),
        ("pt", ("en", "pt-BR"), "en"),
    ],
)
def test_the_best_language_is_chosen(wish: str, offered: tuple[str, ...], language: str) -> None:
    assert chosen(wish, offered) == language


@given(
    st.text() | st.lists(st.sampled_from(["ru", "en-GB", ";", "q=", "0.5", ",", "*", "-", "x"])).map("".join)
)
@example("," * 10_000)
@example("a-" * 5_000)
def test_any_wish_ends_with_a_language_that_is_offered(wish: str) -> None:
    assert chosen(wish, AM) in AM
