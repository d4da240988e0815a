"""Every format of lines, with every fault: refused by its own error, in clear words."""

import pytest

from tests.unit.parsers.faults import FAULTS
from tests.unit.parsers.lines import LINES
from tests.unit.parsers.parsers import Parser, assert_refuses, assert_refuses_or_reads


def by_name(parser: Parser) -> str:
    return parser.name


@pytest.mark.parametrize("parser", LINES, ids=by_name)
def test_the_sample_is_good_and_comes_back(parser: Parser) -> None:
    found = parser.parse(parser.sample)
    if parser.write is not None:
        assert parser.write(found) == parser.sample


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("parser", LINES, ids=by_name)
def test_refuses(parser: Parser, fault: str) -> None:
    made = [data for data in FAULTS[fault](parser) if data != parser.sample]
    for data in made:
        if fault in parser.permits:
            assert_refuses_or_reads(parser, data)
        else:
            assert_refuses(parser, data)


@pytest.mark.parametrize("parser", LINES, ids=by_name)
def test_no_line_comes_twice_goes_or_moves_unnoticed(parser: Parser) -> None:
    lines = parser.sample.splitlines(keepends=True)
    assert_refuses_or_reads(parser, b"\n" + parser.sample)
    for number, line in enumerate(lines):
        for changed in (
            [*lines[:number], line, *lines[number:]],
            [*lines[:number], *lines[number + 1 :]],
            [*lines[:number], *lines[number + 1 :], line],
            [*lines[:number], line.upper(), *lines[number + 1 :]],
            [*lines[:number], b" " + line, *lines[number + 1 :]],
            [*lines[:number], line.replace(b" ", b"  "), *lines[number + 1 :]],
            [*lines[:number], line.rstrip(b"\n") + b" \n", *lines[number + 1 :]],
        ):
            assert_refuses_or_reads(parser, b"".join(changed))
