"""Page tokens lead on in their own query and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.fields import Malformed
from server.domain.paging import Query, page_size
from server.domain.refusals import InvalidPageToken

parts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), max_size=4).map(tuple)
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(parts, keys)
def test_a_token_gives_its_key_back(query: tuple[str, ...], key: str) -> None:
    token = Query(query).token(key)
    assert token.isascii()
    assert Query(query).key(token) == key


@given(parts, parts, keys)
def test_a_token_of_another_query_is_refused(
    query: tuple[str, ...], other: tuple[str, ...], key: str
) -> None:
    if query != other:
        with pytest.raises(InvalidPageToken):
            Query(other).key(Query(query).token(key))


def test_moving_characters_between_filters_makes_another_query() -> None:
    with pytest.raises(InvalidPageToken):
        Query(("list", "a", "bc")).key(Query(("list", "ab", "c")).token("1"))
    with pytest.raises(InvalidPageToken):
        Query(("list", "a")).key(Query(("list",)).token("a"))


@given(keys, st.data())
def test_a_damaged_token_is_refused(key: str, data: st.DataObject) -> None:
    token = Query(("list",)).token(key)
    place = data.draw(st.integers(0, len(token) - 1))
    mark = data.draw(st.sampled_from("AZaz09-_=+/ é"))
    damaged = token[:place] + mark + token[place + 1 :]
    if damaged != token:
        with pytest.raises(InvalidPageToken):
            Query(("list",)).key(damaged)


@given(st.text(min_size=1, max_size=60))
def test_an_invented_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        Query(("list",)).key(token)


def test_a_padded_or_overlong_token_is_refused() -> None:
    token = Query(("list",)).token("key12")
    for other in (token + "=", token + "==", token + "\n", token + "A" * 600):
        with pytest.raises(InvalidPageToken):
            Query(("list",)).key(other)


def test_the_empty_token_asks_for_the_first_page() -> None:
    assert Query(("list",)).key("") is None


def test_page_sizes() -> None:
    assert [page_size(asked) for asked in (0, 1, 200, 201, 2**31 - 1)] == [50, 1, 200, 200, 200]
    with pytest.raises(Malformed):
        page_size(-1)
