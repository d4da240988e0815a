"""DER (ITU-T X.690, 10 and 11), checked over a whole value: each value has one encoding, and only that is
taken.

Parsers accept BER's other encodings as well. In a signature that would leave room to change bytes without
changing what they say, and evidence carries signatures byte for byte.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from namak.evidence.failures import SignatureInvalid

_MAX_DEPTH = 32
_CERTIFICATES_DEPTH = 4
# Below ContentInfo, its content, SignedData and its set of certificates (RFC 5652, 5.1).
_SEQUENCE, _SET = 0x10, 0x11

# Each arc is whole and begins with a digit that counts (X.690, 8.19.2).
_IDENTIFIER = re.compile(rb"(?:[\x00-\x7f]|[\x81-\xff][\x80-\xff]*[\x00-\x7f])+")


def check_der(data: bytes) -> None:
    """Raises :class:`SignatureInvalid` unless ``data`` is one value in definite, minimal lengths throughout.

    Primitive values under context-specific tags are opaque here, and the order within sets is for who reads
    them.
    """
    if _extent(data, 0, len(data))[1] != len(data):
        raise SignatureInvalid("there are bytes after the signature")
    _check_values(data, 0, len(data), 0)


def contents(value: bytes) -> bytes:
    """Returns what stands under tag and length of ``value``, which :func:`check_der` has passed."""
    body, end = _extent(value, 0, len(value))
    return value[body:end]


def children(value: bytes) -> list[bytes]:
    """Returns the values inside the constructed ``value``, as they stand."""
    position, limit = _extent(value, 0, len(value))
    values = []
    while position < limit:
        # As in `_check_values`: nearly all are short.
        body = position + 2
        if (
            body > limit
            or value[position] & 0x1F == 0x1F
            or (size := value[position + 1]) >= 0x80
            or (end := body + size) > limit
        ):
            _, end = _extent(value, position, limit)
        values.append(value[position:end])
        position = end
    return values


def encode(tag: int, contents: bytes) -> bytes:
    """Returns ``contents`` under a tag of one octet."""
    size = len(contents)
    if size < 0x80:
        return bytes([tag, size]) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + contents


def _check_values(data: bytes, start: int, limit: int, depth: int) -> None:
    """Checks the values that stand side by side from ``start`` to ``limit``, and what is in them."""
    if depth > _MAX_DEPTH:
        raise SignatureInvalid("the signature is nested too deeply")
    while start < limit:
        tag = data[start]
        body = start + 2
        # Nearly all are short; what is not, and what is cut off, is left to the function.
        if body <= limit and (size := data[start + 1]) < 0x80 and (end := body + size) <= limit:
            if tag & 0x1F == 0x1F:
                _extent(data, start, limit)
        else:
            body, end = _extent(data, start, limit)
        start = end
        if tag & 0x20:
            # Universal values are constructed exactly if they are sequences and sets: DER has no strings in
            # pieces.
            if tag < 0x40 and tag & 0x1F not in (_SEQUENCE, _SET):
                raise SignatureInvalid("the signature is not DER: a value is in pieces")
            if depth == _CERTIFICATES_DEPTH:
                _check_kept(data[body:end])
            elif body < end:
                _check_values(data, body, end, depth + 1)
        elif (check := _CHECKED.get(tag)) is not None:
            check(data, body, end)


# The authorities' certificates stand in one signature after the other.
@lru_cache(maxsize=64)
def _check_kept(inside: bytes) -> None:
    _check_values(inside, 0, len(inside), _CERTIFICATES_DEPTH + 1)


def _check_constructed(_data: bytes, _body: int, _end: int) -> None:
    raise SignatureInvalid("the signature is not DER: a sequence or a set is not made of values")


def _check_boolean(data: bytes, body: int, end: int) -> None:
    if data[body:end] not in (b"\x00", b"\xff"):
        raise SignatureInvalid("the signature is not DER: a truth value is neither true nor false")


def _check_integer(data: bytes, body: int, end: int) -> None:
    if not _is_minimal(data[body:end]):
        raise SignatureInvalid("the signature is not DER: a number is longer than it has to be")


def _check_bits(data: bytes, body: int, end: int) -> None:
    # Keys and signatures are whole octets.
    if body == end or data[body] != 0:
        raise SignatureInvalid("the signature is not DER of a kind that signatures use: bits left over")


def _check_null(_data: bytes, body: int, end: int) -> None:
    if body != end:
        raise SignatureInvalid("the signature is not DER: there is something in a null")


def _check_identifier(data: bytes, body: int, end: int) -> None:
    if not _IDENTIFIER.fullmatch(data, body, end):
        raise SignatureInvalid("the signature is not DER: an object identifier is not minimal")


_CHECKED: Final[Mapping[int, Callable[[bytes, int, int], None]]] = {
    0x01: _check_boolean,
    0x02: _check_integer,
    0x03: _check_bits,
    0x05: _check_null,
    0x06: _check_identifier,
    _SEQUENCE: _check_constructed,
    _SET: _check_constructed,
}
"""What is checked of primitive values, by their tags."""


def _is_minimal(number: bytes) -> bool:
    if len(number) < 2:
        return len(number) == 1
    return (number[0], number[1] >> 7) not in ((0x00, 0), (0xFF, 1))


def _extent(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """Returns where the contents of the value at ``start`` begin and end."""
    body = start + 2
    if body > limit:
        raise SignatureInvalid("the signature is not DER: a value is cut off")
    if data[start] & 0x1F == 0x1F:
        raise SignatureInvalid("the signature is not DER of a kind that signatures use: a long tag")
    if (size := data[start + 1]) >= 0x80:
        octets = size & 0x7F
        length = data[body : body + octets]
        body += octets
        size = int.from_bytes(length, "big")
        # 0x80 alone is BER's indefinite length.
        if not 1 <= octets <= 4 or body > limit or size < 0x80 or length[0] == 0:
            raise SignatureInvalid("the signature is not DER: a length is not minimal")
    if body + size > limit:
        raise SignatureInvalid("the signature is not DER: a value is cut off")
    return body, body + size
