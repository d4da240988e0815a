"""Damage at random that begins with something good, so that it gets past the first look."""

from hypothesis import strategies as st

_LOOKALIKES = {
    b"-": "‐",
    b"+": "＋",
    b"=": "＝",
    b"0": "О",
    b"1": "１",
    b"a": "а",
    b"e": "е",
    b"o": "ο",
    b" ": "\u00a0",
    b".": "․",
    b"/": "∕",
    b":": "：",
    b"\n": "\u2028",
    "—".encode(): "–",
}
_TOKENS = (
    *(b"\0", b"\r", b"\r\n", b"\n", b"\n\n", b"\t", b" ", b"\x0b", b"\x1b[31m", b"\x7f", b"\xc2\x85"),
    *(b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf", "\u202e".encode(), "\u200d".encode()),
    *(b"0", b"00", b"-", b"-1", b"+", b"=", b"==", b"A", b"9" * 20, b"9" * 400, b"%d" % 2**63, b"%d" % 2**64),
    *("— ".encode(), b"old ", b"index ", b"extra ", b"#", b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":"),
    *(b"\\ud800", b"\\u0000", b"null", b"true", b"1e5", b"NaN", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff"),
)


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """Draws what becomes of a sample by one to four changes."""
    data = sample
    for _ in range(draw(st.integers(1, 4))):
        data = draw(_changed(data))
    return data


def _changed(data: bytes) -> st.SearchStrategy[bytes]:
    if not data:
        return st.sampled_from(_TOKENS)
    place = st.integers(0, len(data) - 1)
    stretch = st.tuples(place, st.integers(1, 80)).map(lambda each: (each[0], each[0] + each[1]))
    return st.one_of(
        st.tuples(place, st.integers(1, 255)).map(lambda each: _flipped(data, *each)),
        st.tuples(place, st.sampled_from(_TOKENS)).map(lambda each: _put(data, each[0], each[0], each[1])),
        st.tuples(stretch, st.sampled_from(_TOKENS)).map(lambda each: _put(data, *each[0], each[1])),
        stretch.map(lambda each: _put(data, *each, b"")),
        # A piece of itself, elsewhere.
        st.tuples(place, stretch).map(
            lambda each: _put(data, each[0], each[0], data[each[1][0] : each[1][1]])
        ),
        st.tuples(st.integers(0, 400), st.integers(0, 400), st.sampled_from("dgms")).map(
            lambda each: _lines(data, *each)
        ),
        st.sampled_from(sorted(_LOOKALIKES)).flatmap(
            lambda each: st.integers(1, 5).map(
                lambda count: data.replace(each, _LOOKALIKES[each].encode(), count)
            )
        ),
        st.tuples(place, st.binary(max_size=20)).map(lambda each: _put(data, each[0], each[0], each[1])),
        place.map(lambda each: data[:each]),
        st.sampled_from((b"\r\n", b"\r", b"\n\n", b"\n ")).map(lambda each: data.replace(b"\n", each)),
    )


def _flipped(data: bytes, place: int, bits: int) -> bytes:
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]


def _put(data: bytes, begin: int, end: int, what: bytes) -> bytes:
    return data[:begin] + what + data[end:]


def _lines(data: bytes, one: int, other: int, how: str) -> bytes:
    """Doubles, drops, moves or swaps lines."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    one, other = one % len(lines), other % len(lines)
    match how:
        case "d":
            lines.insert(other, lines[one])
        case "g":
            del lines[one]
        case "m":
            lines.insert(other, lines.pop(one))
        case _:
            lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)
