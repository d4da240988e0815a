"""Every format of DER, with every fault."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.der import children, encode
from tests.unit.parsers.mutations import damaged
from tests.unit.parsers.parsers import Parser, assert_clear, assert_refuses
from tests.unit.parsers.signatures import NAMES, signatures

MEGABYTES = 3 * 1024 * 1024


def named(name: str) -> Parser:
    return next(each for each in signatures() if each.name == name)


def _cut_short(data: bytes) -> Iterator[bytes]:
    for length in (0, 1, 2, 3, len(data) // 2, len(data) - 1):
        yield data[:length]


def _more(data: bytes) -> Iterator[bytes]:
    for more in (b"\0", b"\0\0", b"\n", b"\x05\x00", data, bytes(MEGABYTES)):
        yield data + more
        yield more + data


def _lengths(data: bytes) -> Iterator[bytes]:
    """The outermost length: in BER's other forms, too long, too short, none."""
    contents = b"".join(children(data))
    size = len(contents)
    for spelled in (
        b"\x80",
        b"\x83" + size.to_bytes(3, "big"),
        b"\x88" + size.to_bytes(8, "big"),
        b"\xff" + size.to_bytes(127, "big"),
        b"\x82" + (size + 1).to_bytes(2, "big"),
        b"\x82" + (size - 1).to_bytes(2, "big"),
        b"\x84\xff\xff\xff\xff",
        b"\x88" + b"\xff" * 8,
        b"\x00",
        b"",
    ):
        yield b"\x30" + spelled + contents
    yield b"\x30\x80" + contents + b"\0\0"


def _tags(data: bytes) -> Iterator[bytes]:
    for tag in (0x10, 0x31, 0x24, 0x3F, 0x70, 0xA0, 0x00, 0x04, 0x1F, 0xFF):
        yield bytes([tag]) + data[1:]
    yield encode(0x30, data)
    yield encode(0x04, data)


def _fields(data: bytes) -> Iterator[bytes]:
    """A field doubled, missing, in another place, or empty."""
    fields = children(data)
    for number, field in enumerate(fields):
        for others in (
            [*fields[:number], field, *fields[number:]],
            [*fields[:number], *fields[number + 1 :]],
            [*fields[:number], b"\x05\x00", *fields[number + 1 :]],
            [*fields[:number], encode(field[0], b""), *fields[number + 1 :]],
        ):
            yield encode(0x30, b"".join(others))
    yield encode(0x30, b"".join(fields[::-1]))


def _nested(data: bytes) -> Iterator[bytes]:
    yield b"\x30\x80" * 100_000
    deep = b""
    for _ in range(200):
        deep = encode(0x30, deep)
    yield deep
    yield encode(0x30, b"\x30\x00" * 10_000)


def _text(data: bytes) -> Iterator[bytes]:
    yield from (b"\n", b" " * 100, data.hex().encode(), b"-----BEGIN CMS-----\n", bytes(MEGABYTES))
    yield b"\xef\xbb\xbf" + data


FAULTS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "cut short": _cut_short,
    "more": _more,
    "lengths": _lengths,
    "tags": _tags,
    "fields": _fields,
    "nested": _nested,
    "text": _text,
}
NOT_OURS = "only the form of DER is looked at"
PERMITS = {
    ("DER", "fields"): NOT_OURS,
    ("DER", "tags"): NOT_OURS,
    ("DER", "nested"): NOT_OURS,
    ("answer of an authority", "lengths"): "what is around the token is not kept",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", NAMES)
def test_refuses(name: str, fault: str) -> None:
    parser = named(name)
    parser.parse(parser.sample)
    for data in FAULTS[fault](parser.sample):
        if data == parser.sample:
            continue
        if (name, fault) in PERMITS:
            try:
                found = parser.parse(data)
            except parser.refusal as refused:
                assert_clear(refused)
                continue
            assert found == parser.parse(parser.sample)
        else:
            assert_refuses(parser, data)


# Libraries warn of certificates that are odd but readable; a warning is no refusal.
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_damage_leaks_no_other_error(name: str, data: st.DataObject) -> None:
    parser = named(name)
    damage = data.draw(damaged(parser.sample))
    try:
        found = parser.parse(damage)
    except parser.refusal as refused:
        assert_clear(refused)
        return
    if damage != parser.sample:
        assert _said(name, found) == _said(name, parser.parse(parser.sample))


def _said(name: str, found: Any) -> object:
    """Returns what may not become something else: who signed, and when it was."""
    match name:
        case "signature":
            # The certificates beside it nobody signed; they count as far as they lead to a root.
            return found.certificate
        case "confirmation":
            return found.person.number, found.person.certificate
        case "answer of an authority":
            return found
        case _:
            return None
