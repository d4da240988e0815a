"""What may be wrong with lines of text, as data: each fault makes bad ones of a good one."""

from collections.abc import Callable, Iterator

from tests.unit.parsers.lines import ONE_LINE, WRONG_KEY_ID
from tests.unit.parsers.parsers import Parser

MEGABYTES = 3 * 1024 * 1024
Fault = Callable[[Parser], Iterator[bytes]]


def _no_final_newline(parser: Parser) -> Iterator[bytes]:
    if parser.name not in ONE_LINE:
        yield parser.sample[:-1]


def _carriage_returns(parser: Parser) -> Iterator[bytes]:
    sample = parser.sample
    yield sample + b"\r" if parser.name in ONE_LINE else sample.replace(b"\n", b"\r\n")
    yield sample.replace(b"\n", b"\r") if b"\n" in sample else sample + b"\r\n"
    for place in _places(sample, b"\n"):
        yield sample[:place] + b"\r" + sample[place:]
        yield sample[:place] + b"\r" + sample[place + 1 :]


def _nul(parser: Parser) -> Iterator[bytes]:
    for place in range(0, len(parser.sample) + 1, 7):
        yield parser.sample[:place] + b"\0" + parser.sample[place:]
    yield parser.sample + b"\0"
    yield b"\0" + parser.sample


def _not_utf8(parser: Parser) -> Iterator[bytes]:
    # No UTF-8, a slash in two bytes, a surrogate, a character beyond the last, half of one.
    for wrong in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80"):
        for place in (0, len(parser.sample) // 2, len(parser.sample) - 1, len(parser.sample)):
            yield parser.sample[:place] + wrong + parser.sample[place:]


def _byte_order_mark(parser: Parser) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + parser.sample


def _nothing(parser: Parser) -> Iterator[bytes]:
    yield from (b"", b"\n", b"\n\n", b" ", b"\0")


def _cut_short(parser: Parser) -> Iterator[bytes]:
    for place in _places(parser.sample, b"\n"):
        yield parser.sample[:place]
    lines = parser.sample.split(b"\n")
    if len(lines) > 2:
        yield b"\n".join(lines[:2]) + b"\n"


def _more_lines(parser: Parser) -> Iterator[bytes]:
    yield parser.sample + b"\n"
    yield parser.sample + b"more\n"


def _wrong_base64(parser: Parser) -> Iterator[bytes]:
    for before, value, behind in parser.base64:
        for other in _other_spellings(value):
            yield parser.sample.replace(before + value + behind, before + other + behind)


def _other_spellings(value: bytes) -> Iterator[bytes]:
    bare = value.rstrip(b"=")
    yield from (bare[:-1], value + b"=", value + b"====", b"=" + value, value[:4] + b"=" + value[4:])
    yield from (value[:4] + b" " + value[4:], value[:4] + b"\t" + value[4:], value[:4] + b"\n" + value[4:])
    yield from (value[:4] + b"-_" + value[6:], b"%41" + value[1:], value[:-1] + "а".encode(), value + b"\\n")
    if bare != value:
        yield bare
        last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(bare[-1:])
        # The bits that stand for nothing.
        after = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[last + 1 : last + 2]
        yield bare[:-1] + after + b"=" * (len(value) - len(bare))


def _wrong_numbers(parser: Parser) -> Iterator[bytes]:
    for place in parser.numbers:
        value = place[1]
        for other in (
            *(b"0" + value, b"00" + value, b"+" + value, b"-" + value),
            *(value + b".0", value + b"e0", b"0x" + value, value + b"_0", value + b"L", b"", b"-0", b"1,000"),
            *("٣".encode(), "３".encode(), "²".encode(), "Ⅷ".encode(), value + "\u0660".encode()),
        ):
            yield parser.with_number(place, other)


def _numbers_amid_blanks(parser: Parser) -> Iterator[bytes]:
    for place in parser.numbers:
        for blank in (b" ", b"\t", b"\n", b"\v", "\u00a0".encode(), "\u200b".encode()):
            yield parser.with_number(place, blank + place[1])
            yield parser.with_number(place, place[1] + blank)


def _overflows(parser: Parser) -> Iterator[bytes]:
    for place in parser.numbers:
        for number in (2**63, 2**64, 2**64 + int(place[1]), 10**30):
            yield parser.with_number(place, b"%d" % number)
        # More digits than Python turns into a number.
        yield parser.with_number(place, b"9" * 5000)


def _a_signature_twice(parser: Parser) -> Iterator[bytes]:
    if line := parser.signature:
        yield parser.sample.replace(line, line + line)
        yield parser.sample + line


def _another_key_id(parser: Parser) -> Iterator[bytes]:
    for before, _, _ in parser.base64:
        if b"+" in before:
            key_id = before.split(b"+")[-2]
            others = (b"00000000", WRONG_KEY_ID.hex().encode(), key_id.upper(), key_id[:-1], key_id + b"0")
            for wrong in others:
                if wrong != key_id:
                    yield parser.sample.replace(before, before.replace(key_id, wrong))


def _short_signatures(parser: Parser) -> Iterator[bytes]:
    if line := parser.signature:
        for material in (b"", b"A" * 4, b"AAAAAA==", b"AAA="):
            yield parser.sample.replace(line, line[: line.rfind(b" ") + 1] + material + b"\n")


def _another_dash(parser: Parser) -> Iterator[bytes]:
    for dash in ("-", "--", "–", "―", "−", "——", " —", "—\u00a0"):
        if line := parser.signature:
            yield parser.sample.replace(line, line.replace("—".encode(), dash.encode()))


def _strange_names(parser: Parser) -> Iterator[bytes]:
    if line := parser.signature:
        name = line.split(b" ")[1]
        for other in ("", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\u2028b", "a\u0085b", "a\tb", "a\x1fb"):
            yield parser.sample.replace(line, line.replace(name, other.encode(), 1))


def _megabytes(parser: Parser) -> Iterator[bytes]:
    sample = parser.sample
    yield bytes(MEGABYTES)
    yield b"\n" * MEGABYTES
    yield sample + b"A" * MEGABYTES
    yield sample + b"A\n" * (MEGABYTES // 2)
    yield b"A" * MEGABYTES + sample
    yield sample * (MEGABYTES // len(sample))


FAULTS: dict[str, Fault] = {
    "no newline at the end": _no_final_newline,
    "carriage returns": _carriage_returns,
    "NUL": _nul,
    "no UTF-8": _not_utf8,
    "a byte order mark": _byte_order_mark,
    "nothing": _nothing,
    "cut short": _cut_short,
    "a line more": _more_lines,
    "base64 spelled otherwise": _wrong_base64,
    "numbers spelled otherwise": _wrong_numbers,
    "blanks around numbers": _numbers_amid_blanks,
    "numbers too large": _overflows,
    "a signature twice": _a_signature_twice,
    "another key id": _another_key_id,
    "no signature": _short_signatures,
    "another dash": _another_dash,
    "strange names": _strange_names,
    "megabytes": _megabytes,
}


def _places(sample: bytes, what: bytes) -> Iterator[int]:
    place = sample.find(what)
    while place >= 0:
        yield place
        place = sample.find(what, place + 1)
