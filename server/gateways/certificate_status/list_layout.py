"""Where things stand in a revocation list (RFC 5280, 5.1), found without reading its entries.

A list of a million entries has fifty megabytes. What reads it whole, entry by entry, into objects takes
seconds and gigabytes; here it stays the bytes it came as. Everything but the entries is read by
`cryptography`, from a copy of the list without them: the *frame*. That copy has no valid signature of
its own; the signature is over `signed`, the bytes as they came.
"""

import base64
import binascii
import re
from dataclasses import dataclass

_SEQUENCE, _BIT_STRING, _INTEGER, _EXTENSIONS = 0x30, 0x03, 0x02, 0xA0
_TIMES = (0x17, 0x18)
_ARMOUR = re.compile(rb"-----BEGIN X509 CRL-----(.*?)-----END X509 CRL-----", re.DOTALL)


class ListUnusable(ValueError):
    """The bytes are no revocation list that can be gone by; the text says why."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a list stand in its DER: half-open ranges of offsets."""

    signed: tuple[int, int]
    """The tbsCertList with its tag and length: what is signed."""
    entries: tuple[int, int]
    """The contents of revokedCertificates; empty where the list has none."""
    inner_algorithm: bytes
    outer_algorithm: bytes
    signature: bytes
    frame: bytes
    """The list without its entries, DER."""


def list_der(content: bytes) -> bytes:
    """Returns the DER of a list that is DER or PEM. Raises ListUnusable."""
    if content.lstrip()[:5] != b"-----":
        return content
    armour = _ARMOUR.search(content)
    if armour is None:
        raise ListUnusable("the file holds no revocation list")
    try:
        return base64.b64decode(b"".join(armour[1].split()), validate=True)
    except binascii.Error:
        raise ListUnusable("the file's PEM is damaged") from None


def element(data: bytes, at: int, limit: int) -> tuple[int, int, int]:
    """Returns tag, begin and end of the contents of the DER value at `at`, which must end by `limit`.

    Raises ListUnusable.
    """
    body = at + 2
    if limit < body:
        raise ListUnusable("the list is cut off")
    tag, size = data[at], data[at + 1]
    if size >= 0x80:
        octets = size & 0x7F
        body += octets
        size = int.from_bytes(data[at + 2 : body], "big")
        # 0x80 alone is BER's indefinite length.
        if not 1 <= octets <= 4 or body > limit or size < 0x80 or data[at + 2] == 0:
            raise ListUnusable("the list is not DER: a length is not minimal")
    if tag & 0x1F == 0x1F:
        raise ListUnusable("the list is not DER of this kind: a long tag")
    if body + size > limit:
        raise ListUnusable("the list is cut off")
    return tag, body, body + size


def lay_out(der: bytes) -> Layout:
    """Returns where the parts of the list stand. Raises ListUnusable."""
    begin, end = _inside(der, 0, len(der), _SEQUENCE)
    if end != len(der):
        raise ListUnusable("there are bytes after the list")
    tbs, tbs_end = _inside(der, begin, end, _SEQUENCE)
    _, algorithm_end = _inside(der, tbs_end, end, _SEQUENCE)
    bits, bits_end = _inside(der, algorithm_end, end, _BIT_STRING)
    if bits_end != end or bits == bits_end or der[bits] != 0:
        raise ListUnusable("the list's signature is not one of whole octets at its end")
    inner, entries, entries_end = _entries(der, tbs, tbs_end)
    return Layout(
        signed=(begin, tbs_end),
        entries=(0, 0) if entries is None else (entries[0], entries[1]),
        inner_algorithm=inner,
        outer_algorithm=der[tbs_end:algorithm_end],
        signature=der[bits + 1 : end],
        frame=_frame(der, tbs, tbs_end, end, entries_end),
    )


def _entries(
    der: bytes, begin: int, end: int
) -> tuple[bytes, tuple[int, int] | None, tuple[int, int] | None]:
    """Returns the algorithm inside, and where the entries' contents and their whole value stand, if there are
    any.
    """
    at = begin
    tag, _, after = element(der, at, end)
    if tag == _INTEGER:
        at = after
    _, algorithm_end = _inside(der, at, end, _SEQUENCE)
    algorithm = der[at:algorithm_end]
    _, at = _inside(der, algorithm_end, end, _SEQUENCE)
    tag, _, at = element(der, at, end)
    if tag not in _TIMES:
        raise ListUnusable("the list does not say when it was issued")
    while at < end:
        tag, body, after = element(der, at, end)
        if tag == _SEQUENCE:
            return algorithm, (body, after), (at, after)
        if tag not in (*_TIMES, _EXTENSIONS):
            raise ListUnusable("the list has a part that lists do not have")
        at = after
    return algorithm, None, None


def _frame(der: bytes, tbs: int, tbs_end: int, end: int, entries: tuple[int, int] | None) -> bytes:
    if entries is None:
        return der
    shortened = _value(_SEQUENCE, der[tbs : entries[0]] + der[entries[1] : tbs_end])
    return _value(_SEQUENCE, shortened + der[tbs_end:end])


def _inside(data: bytes, at: int, limit: int, expected: int) -> tuple[int, int]:
    tag, begin, end = element(data, at, limit)
    if tag != expected:
        raise ListUnusable("the bytes are not laid out as a revocation list is")
    return begin, end


def _value(tag: int, contents: bytes) -> bytes:
    size = len(contents)
    if size < 0x80:
        return bytes([tag, size]) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + contents
