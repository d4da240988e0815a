"""The entries of a revocation list, found by serial number.

A hash table of offsets into the list's own bytes: four octets a place, at most two thirds of the places
taken. A million entries take 8 MiB besides the list itself, and a look-up some microseconds; date and reason
are read from the entry when it is found. Built in seconds for a million entries, in whatever thread: the
loop lets other threads in as it goes.
"""

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from server.gateways.certificate_status.list_layout import ListUnusable, element

MAX_SERIAL_OCTETS: Final = 64
"""RFC 5280, 4.1.2.2 has at most 20; some authorities did not keep to it."""

_ENTRY, _SERIAL, _BOOLEAN, _OCTETS, _ENUMERATED = 0x30, 0x02, 0x01, 0x04, 0x0A
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
# Tag, and octets with tag and length: RFC 5280 leaves one form of each.
_DATES: Final = frozenset({(_UTC_TIME, 15), (_GENERALIZED_TIME, 17)})
# The extension that nearly every entry has, up to the reason itself: 2.5.29.21, not critical.
_REASON_ONLY: Final = bytes.fromhex("300c300a0603551d1504030a01")
_REASON_OID: Final = bytes.fromhex("551d15")
_TRUE: Final = bytes.fromhex("0101ff")
# RFC 5280, 5.3.1.
_REASONS: Final = {
    0: x509.ReasonFlags.unspecified,
    1: x509.ReasonFlags.key_compromise,
    2: x509.ReasonFlags.ca_compromise,
    3: x509.ReasonFlags.affiliation_changed,
    4: x509.ReasonFlags.superseded,
    5: x509.ReasonFlags.cessation_of_operation,
    6: x509.ReasonFlags.certificate_hold,
    8: x509.ReasonFlags.remove_from_crl,
    9: x509.ReasonFlags.privilege_withdrawn,
    10: x509.ReasonFlags.aa_compromise,
}
# A thread that never waits would keep the event loop from running for 5 ms at a time (the interpreter's
# switch interval). A pause must be long enough for a waiting thread to be woken by it.
_ENTRIES_WITHOUT_PAUSE: Final = 1024
_PAUSE_SECONDS: Final = 0.0001
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Revocation:
    """An entry: since when (UTC), and why, where the authority says it."""

    since: datetime
    reason: x509.ReasonFlags | None


class RevokedSerials:
    """The entries of one list. Does not change; may be used by several threads."""

    def __init__(self, der: bytes, begin: int, end: int) -> None:
        """Reads the entries that stand in the list's DER from `begin` to `end`.

        Raises:
            ListUnusable: an entry is not DER, or has a critical extension. What such an extension means for
                the entry is not understood here (RFC 5280, 5.3): in indirect lists it says that the entry is
                of another issuer's certificate.
        """
        self._der = der
        entries, digests = _read(der, begin, end)
        self._count = len(entries)
        self._mask = (1 << max(1, self._count * 3 // 2).bit_length()) - 1
        self._places = _table(entries, digests, self._mask)

    def __len__(self) -> int:
        """How many entries there are."""
        return self._count

    def find(self, serial_number: int) -> Revocation | None:
        """Returns the entry of a serial number, of several the earliest; None when there is none."""
        magnitude = serial_number if serial_number >= 0 else ~serial_number
        wanted = serial_number.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)
        der, places, mask, octets = self._der, self._places, self._mask, len(wanted)
        place = hash(wanted) & mask
        found: Revocation | None = None
        while offset := places[place]:
            # The table holds offsets, and no entry stands at the list's very beginning.
            _, body, end = element(der, offset, len(der))
            if der[body + 1] == octets and der.startswith(wanted, body + 2):
                entry = _entry(der, body + 2 + octets, end)
                if found is None or entry.since < found.since:
                    found = entry
            place = (place + 1) & mask
        return found


def _read(der: bytes, begin: int, end: int) -> tuple["array[int]", "array[int]"]:
    """Returns each entry's offset, and what its serial number hashes to."""
    entries, digests = array("I"), array("q")
    at, pause = begin, _ENTRIES_WITHOUT_PAUSE
    while at < end:
        tag, body, stop = element(der, at, end)
        if tag != _ENTRY or stop - body < 5 or der[body] != _SERIAL:
            raise ListUnusable("the list is not DER: an entry has no serial number")
        octets = der[body + 1]
        serial, after = body + 2, body + 2 + octets
        if not 1 <= octets <= MAX_SERIAL_OCTETS or after + 2 > stop:
            raise ListUnusable("the list is not DER: a serial number of another size")
        # Minimal: the first nine bits are not all alike.
        if octets > 1 and der[serial] in (0x00, 0xFF) and (der[serial] ^ der[serial + 1]) < 0x80:
            raise ListUnusable("the list is not DER: a serial number is longer than it has to be")
        rest = after + 2 + der[after + 1]
        if rest > stop or (der[after], rest - after) not in _DATES:
            raise ListUnusable("the list is not DER: an entry without a date")
        if rest != stop and not (stop - rest == 14 and der.startswith(_REASON_ONLY, rest)):
            _check_extensions(der, rest, stop)
        entries.append(at)
        digests.append(hash(der[serial:after]))
        at = stop
        pause -= 1
        if not pause:
            pause = _ENTRIES_WITHOUT_PAUSE
            time.sleep(_PAUSE_SECONDS)
    return entries, digests


def _table(entries: "array[int]", digests: "array[int]", mask: int) -> "array[int]":
    places = array("I", bytes((mask + 1) * array("I").itemsize))
    for number, (entry, digest) in enumerate(zip(entries, digests, strict=True)):
        place = digest & mask
        while places[place]:
            place = (place + 1) & mask
        places[place] = entry
        if number % _ENTRIES_WITHOUT_PAUSE == _ENTRIES_WITHOUT_PAUSE - 1:
            time.sleep(_PAUSE_SECONDS)
    return places


def _check_extensions(der: bytes, begin: int, end: int) -> None:
    if any(critical for _, critical, _ in _extensions(der, begin, end)):
        raise ListUnusable("the list has entries with critical extensions: indirect lists are not gone by")


def _extensions(der: bytes, begin: int, end: int) -> Iterator[tuple[bytes, bool, bytes]]:
    """Yields of each extension of an entry its identifier, whether it is critical, and its value."""
    tag, at, stop = element(der, begin, end)
    if tag != _ENTRY or stop != end:
        raise ListUnusable("the list is not DER: an entry with more than it may have")
    while at < stop:
        tag, body, after = element(der, at, stop)
        if tag != _ENTRY:
            raise ListUnusable("the list is not DER: an extension of an entry")
        _, name, name_end = element(der, body, after)
        tag, value, value_end = element(der, name_end, after)
        critical = False
        if tag == _BOOLEAN:
            critical = der[name_end:value_end] == _TRUE
            tag, value, value_end = element(der, value_end, after)
        if tag != _OCTETS or value_end != after:
            raise ListUnusable("the list is not DER: an extension of an entry")
        yield der[name:name_end], critical, der[value:value_end]
        at = after


def _entry(der: bytes, at: int, end: int) -> Revocation:
    """Returns the entry whose date stands at `at`."""
    # Its form was seen to when the list was read.
    rest = at + 2 + der[at + 1]
    since = _time(der[at], der[at + 2 : rest])
    if rest == end:
        return Revocation(since, None)
    if end - rest == 14 and der.startswith(_REASON_ONLY, rest):
        return Revocation(since, _REASONS.get(der[end - 1]))
    for name, _, value in _extensions(der, rest, end):
        if name == _REASON_OID and len(value) == 3 and value[0] == _ENUMERATED:
            return Revocation(since, _REASONS.get(value[2]))
    return Revocation(since, None)


def _time(tag: int, text: bytes) -> datetime:
    """Returns a date of RFC 5280, 5.1.2.4. One that is none counts as the beginning of time: the
    certificate is revoked, since whenever.
    """
    try:
        if tag == _UTC_TIME:
            text = (b"19" if text[0] >= 0x35 else b"20") + text
        if not text[:14].isdigit():
            return _BEGINNING
        digits = text.decode("ascii")
        return datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}")
    except ValueError:
        return _BEGINNING
