"""Every format of JSON, with every fault: one spelling of each value, and words for all else."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.parsers.documents import DOCUMENTS
from tests.unit.parsers.parsers import Parser, assert_refuses, assert_refuses_or_reads

MEGABYTES = 3 * 1024 * 1024
_LONG_BASE64 = re.compile(rb'"[A-Za-z0-9+/]{20,}={1,2}"')
_TIME = re.compile(rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"')
_HEX = re.compile(rb'"(?:[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
_NUMBER = re.compile(rb"(?<=:)[0-9]+(?=[,}])")
_KEY = re.compile(rb'(?<=[{,])"([A-Za-z]+)":')
_TEXT = re.compile(rb'(?<=:)"[^"]+"')
FREE = {"before", "after"}
"""Whose fields have any names, and texts of any kind."""
OPTIONAL = {
    *("step", "reportedTime", "inReplyTo", "right", "paperSender", "requestId"),
    *("site", "unprintable", "effect"),
}
"""Keys that may be missing wherever they may be."""
OPTIONAL_OF = {
    "LetterHandedOver": {"tracking", "receiver", "scan"},
    "LetterRefused": {"tracking", "cause", "scan"},
    "LetterReturned": {"tracking", "cause"},
    "NoticePublished": {"place"},
    "ReceivedFromNonERDS": {"name", "address", "tracking"},
    "SmsAccepted": {"consignment"},
    "act of the operator": {"before", "after", "organisation"},
    "act of an administrator": set(),
}


def _bytes(parser: Parser) -> Iterator[bytes]:
    sample = parser.sample
    middle = sample.index(b'":"') + 4
    for wrong in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\0", b"\x01", b"\n", b"\r", b"\x7f", b"\xc2\x80"):
        yield sample[:middle] + wrong + sample[middle:]
    for wrong in (b"\\ud800", b"\\udfff", b"\\u0000", b"\\n", b"\\u2028", b"\\x41", b"\\"):
        yield sample[:middle] + wrong + sample[middle:]
    yield from (b"\xef\xbb\xbf" + sample, sample + b"\0", sample + b"{}", sample.rstrip()[:-1], sample + b"}")
    yield from (sample.decode().encode("utf-16"), sample.decode().encode("utf-32-le"))
    yield from (b"", b"\0", b"null", b"[]", b'""', b"0", b"{}", b"[" + sample + b"]")
    yield json.dumps(sample.decode()).encode()


def _keys(parser: Parser) -> Iterator[bytes]:
    for key in _KEY.finditer(parser.sample):
        before, behind = parser.sample[: key.start()], parser.sample[key.start() :]
        yield before + key[0] + b"null," + behind
        yield before + b'"more":0,' + behind
        yield before + behind.replace(key[1], key[1] + b"\\u200b", 1)
        yield before + behind.replace(key[1], key[1].swapcase(), 1)


def _numbers(parser: Parser) -> Iterator[bytes]:
    for number in _NUMBER.finditer(parser.sample):
        value = number[0]
        for other in (
            *(b"0" + value, b"-" + value, b"-0", b"+" + value, value + b".0", value + b"e0", b"0x1", b"1_0"),
            *(b'"' + value + b'"', b"true", b"NaN", b"Infinity", b"-1", b"%d" % 2**63, b"9" * 5000, b"1e400"),
        ):
            yield parser.sample[: number.start()] + other + parser.sample[number.end() :]


def _strings(parser: Parser) -> Iterator[bytes]:
    for found in _LONG_BASE64.finditer(parser.sample):
        for other in (b"%b" % found[0].replace(b"=", b""), found[0].replace(b'="', b'=="'), b'"="', b'""'):
            yield parser.sample[: found.start()] + other + parser.sample[found.end() :]
        yield parser.sample[: found.end() - 1] + b"\\n" + parser.sample[found.end() - 1 :]
    for found in _TIME.finditer(parser.sample):
        for old, new in (
            *((b"Z", b"+00:00"), (b"Z", b""), (b"T", b" "), (b"Z", b"z"), (b".", b","), (b"-", b"/")),
            *((b"T20", b"T24"), (b"00:00", b"00:60"), (b"2026", b"0000"), (b"11", b"13")),
            *((b"2026", "٢٠٢٦".encode()), (b"Z", b"0Z"), (b"2", b""), (b"2026", b"10000")),
        ):
            wrong = found[0].replace(old, new, 1)
            if wrong != found[0]:
                yield parser.sample[: found.start()] + wrong + parser.sample[found.end() :]
    for found in _HEX.finditer(parser.sample):
        for other in (found[0][:-2] + b'"', found[0][:-1] + b'0"', found[0].replace(b"0", "０".encode(), 1)):
            if other != found[0]:
                yield parser.sample[: found.start()] + other + parser.sample[found.end() :]
        if found[0].upper() != found[0]:
            yield parser.sample[: found.start()] + found[0].upper() + parser.sample[found.end() :]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields every object and list, and every key and place in it."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if key not in FREE and isinstance(value[key], dict | list):
            yield from _places(value[key])


def _kinds(parser: Parser) -> Iterator[bytes]:
    whole = json.loads(parser.sample)
    for holder, key in _places(whole):
        kept = holder[key]
        others: list[object] = ["", "\ud800", [], {}, [kept], {"a": kept}, [[]], None, True, 1.5]
        if not isinstance(kept, int):
            others += [0, -1]
        for other in others:
            if key != "subject" or not isinstance(other, str) or other > "":
                holder[key] = other
                yield json.dumps(whole).encode()
        holder[key] = kept


def _missing(parser: Parser) -> Iterator[bytes]:
    whole = json.loads(parser.sample)
    for holder, key in _places(whole):
        if isinstance(holder, dict) and key not in OPTIONAL | OPTIONAL_OF.get(parser.name, set()):
            kept = holder.pop(key)
            yield json.dumps(whole).encode()
            holder[key] = kept


def _megabytes(parser: Parser) -> Iterator[bytes]:
    sample = parser.sample
    yield from (bytes(MEGABYTES), b" " * MEGABYTES + sample, sample + b" " * MEGABYTES, b"[" * MEGABYTES)
    yield from (b'{"a":' * 500_000, b'"' + b"\\u0041" * 500_000, b"1" * MEGABYTES, b"-" * MEGABYTES)
    # Within what a document may have.
    yield from (b"[" * 200_000, b'{"a":' * 40_000, b'"' + b"A" * 200_000, b"[" + b"0," * 100_000 + b"0]")
    yield b"{" + b",".join(b'"%d":0' % number for number in range(20_000)) + b"}"
    yield sample[:-1] + b',"more":[' + b"9" * 4000 + b"," * 1 + b"0]}"
    yield sample.replace(b'":"', b'":"' + b"A" * 200_000, 1)


FAULTS: dict[str, Callable[[Parser], Iterator[bytes]]] = {
    "bytes": _bytes,
    "keys": _keys,
    "numbers": _numbers,
    "spellings": _strings,
    "kinds": _kinds,
    "missing": _missing,
}
OF_EACH_KIND = ("ReadingConfirmed", "act of the operator", "OutageBegan", "certificate's statement")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("parser", DOCUMENTS, ids=lambda parser: parser.name)
def test_refuses(parser: Parser, fault: str) -> None:
    parser.parse(parser.sample)
    for data in FAULTS[fault](parser):
        if fault in parser.permits:
            assert_refuses_or_reads(parser, data)
        else:
            assert_refuses(parser, data)


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_refuses_megabytes(name: str) -> None:
    parser = next(each for each in DOCUMENTS if each.name == name)
    for data in _megabytes(parser):
        assert_refuses(parser, data)
