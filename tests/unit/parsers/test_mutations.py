"""Damage at random: each format refuses it by its own error, or reads it as something that is written so.

`scripts/fuzz` runs these for as long as one likes.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.parsers.documents import DOCUMENTS
from tests.unit.parsers.lines import LINES
from tests.unit.parsers.mutations import damaged
from tests.unit.parsers.parsers import Parser, assert_refuses_or_reads

# All documents are read by the same few functions, and noise gets nowhere.
_FEWER = settings(max_examples=max(4, settings().max_examples // 10))


def by_name(parser: Parser) -> str:
    return parser.name


@pytest.mark.parametrize("parser", LINES, ids=by_name)
@settings(max_examples=settings().max_examples * 3 // 4)
@given(data=st.data())
def test_damaged_lines(parser: Parser, data: st.DataObject) -> None:
    assert_refuses_or_reads(parser, data.draw(damaged(parser.sample)))


@pytest.mark.parametrize("parser", DOCUMENTS, ids=by_name)
@_FEWER
@given(data=st.data())
def test_damaged_documents(parser: Parser, data: st.DataObject) -> None:
    assert_refuses_or_reads(parser, data.draw(damaged(parser.sample)))


@pytest.mark.parametrize("parser", [*LINES, DOCUMENTS[0]], ids=by_name)
@_FEWER
@given(noise=st.binary(max_size=300))
def test_noise(parser: Parser, noise: bytes) -> None:
    assert_refuses_or_reads(parser, noise)
