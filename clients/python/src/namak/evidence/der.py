"""DER (ITU-T X.690, 10 and 11), checked over a whole value: each value has one encoding, and only that is
taken.

Parsers accept BER's other encodings as well. In a signature that would leave room to change bytes without
changing what they say, and evidence carries signatures byte for byte.
"""

from namak.evidence.failures import SignatureInvalid

_MAX_DEPTH = 32
_BOOLEAN, _INTEGER, _BIT_STRING, _NULL, _OBJECT_IDENTIFIER = 0x01, 0x02, 0x03, 0x05, 0x06
_SEQUENCE, _SET = 0x10, 0x11


def check_der(data: bytes) -> None:
    """Raises :class:`SignatureInvalid` unless ``data`` is one value in definite, minimal lengths throughout.

    Primitive values under context-specific tags are opaque here, and the order within sets is for who reads
    them.
    """
    if _check_value(data, 0, len(data), 0) != len(data):
        raise SignatureInvalid("there are bytes after the signature")


def contents(value: bytes) -> bytes:
    """Returns what stands under tag and length of ``value``, which :func:`check_der` has passed."""
    body, end = _extent(value, 0, len(value))
    return value[body:end]


def children(value: bytes) -> list[bytes]:
    """Returns the values inside the constructed ``value``, as they stand."""
    data = contents(value)
    values, position = [], 0
    while position < len(data):
        _, end = _extent(data, position, len(data))
        values.append(data[position:end])
        position = end
    return values


def encode(tag: int, contents: bytes) -> bytes:
    """Returns ``contents`` under a tag of one octet."""
    size = len(contents)
    if size < 0x80:
        return bytes([tag, size]) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + contents


def _check_value(data: bytes, start: int, limit: int, depth: int) -> int:
    if depth > _MAX_DEPTH:
        raise SignatureInvalid("the signature is nested too deeply")
    body, end = _extent(data, start, limit)
    tag = data[start]
    # Universal values are constructed exactly if they are sequences and sets: DER has no strings in pieces.
    if tag < 0x40 and (tag & 0x20 != 0) != (tag & 0x1F in (_SEQUENCE, _SET)):
        raise SignatureInvalid("the signature is not DER: a value is in pieces, or a sequence is not")
    if tag & 0x20:
        position = body
        while position < end:
            position = _check_value(data, position, end, depth + 1)
    elif tag == _BOOLEAN and data[body:end] not in (b"\x00", b"\xff"):
        raise SignatureInvalid("the signature is not DER: a truth value is neither true nor false")
    elif tag == _INTEGER and not _is_minimal(data[body:end]):
        raise SignatureInvalid("the signature is not DER: a number is longer than it has to be")
    elif tag == _BIT_STRING and data[body : body + 1] != b"\x00":
        # Keys and signatures are whole octets.
        raise SignatureInvalid("the signature is not DER of a kind that signatures use: bits left over")
    elif tag == _NULL and body != end:
        raise SignatureInvalid("the signature is not DER: there is something in a null")
    elif tag == _OBJECT_IDENTIFIER and not _is_identifier(data[body:end]):
        raise SignatureInvalid("the signature is not DER: an object identifier is not minimal")
    return end


def _is_minimal(number: bytes) -> bool:
    if len(number) < 2:
        return len(number) == 1
    return (number[0], number[1] >> 7) not in ((0x00, 0), (0xFF, 1))


def _is_identifier(arcs: bytes) -> bool:
    """Tells whether each arc is whole and begins with a digit that counts (X.690, 8.19.2)."""
    if not arcs or arcs[-1] & 0x80:
        return False
    begins = (0, *(place for place in range(1, len(arcs)) if not arcs[place - 1] & 0x80))
    return all(arcs[place] != 0x80 for place in begins)


def _extent(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """Returns where the contents of the value at ``start`` begin and end."""
    if limit - start < 2:
        raise SignatureInvalid("the signature is not DER: a value is cut off")
    if data[start] & 0x1F == 0x1F:
        raise SignatureInvalid("the signature is not DER of a kind that signatures use: a long tag")
    size, body = data[start + 1], start + 2
    if size >= 0x80:
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
