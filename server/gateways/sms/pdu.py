"""SMPP 3.4's packets, as far as a sender of short messages needs them (sections 3 to 5 of the specification).

Numbers in brackets are the specification's sections.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

HEADER: Final = struct.Struct(">IIII")
MOST_OCTETS: Final = 70_000
"""A packet may carry 64 KiB in one optional parameter; what claims to be longer is none."""
MOST_SEQUENCE: Final = 0x7FFFFFFF

_VERSION: Final = 0x34


class Command(IntEnum):
    """What a packet asks for [5.1.2.1]; the answer has the highest bit set."""

    GENERIC_NACK = 0x80000000
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015


class Status(IntEnum):
    """What an answer says [5.1.3], of which something follows for us."""

    OK = 0x00
    INVALID_COMMAND = 0x03
    NOT_BOUND = 0x04
    ALREADY_BOUND = 0x05
    SYSTEM_ERROR = 0x08
    INVALID_SOURCE = 0x0A
    INVALID_DESTINATION = 0x0B
    BIND_FAILED = 0x0D
    INVALID_PASSWORD = 0x0E
    INVALID_SYSTEM_ID = 0x0F
    QUEUE_FULL = 0x14
    THROTTLED = 0x58
    TEMPORARY_TROUBLE = 0x64
    UNKNOWN_ERROR = 0xFF


class Tag(IntEnum):
    """Optional parameters that delivery reports may have [5.3.2]."""

    RECEIPTED_MESSAGE_ID = 0x001E
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class BadPacket(Exception):
    """What came is no packet of SMPP; the text says what is wrong, and nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet, its body not yet looked at; commands and statuses may be ones that we have no name for."""

    command: int
    status: int
    sequence: int
    body: bytes = field(repr=False)

    def encoded(self) -> bytes:
        """Returns it as it goes over the link."""
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body


@dataclass(frozen=True, slots=True)
class Address:
    """A phone, or what stands in its place: type of number and numbering plan [5.2.5, 5.2.6]."""

    kind: int
    plan: int
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A `deliver_sm`: a delivery report, or somebody's answer."""

    source: str = field(repr=False)
    esm_class: int
    data_coding: int
    text: bytes = field(repr=False)
    tags: Mapping[int, bytes] = field(repr=False)

    @property
    def is_report(self) -> bool:
        """Tells whether it is a delivery report, and not one under way nor a person's message [5.2.12]."""
        return self.esm_class & 0x3C == 0x04


def source_address(text: str) -> Address:
    """Returns what stands as the sender: an international number with its `+`, a short code, or a name.

    Raises ValueError: it is none of them: a name has up to 11 characters of ASCII.
    """
    if text.startswith("+") and text[1:].isdecimal() and 5 <= len(text) - 1 <= 15:
        return Address(1, 1, text[1:])
    if text.isascii() and text.isdecimal() and len(text) <= 8:
        return Address(3, 0, text)
    if text and text.isascii() and text.isprintable() and len(text) <= 11 and not text.startswith("+"):
        return Address(5, 0, text)
    raise ValueError("must be a number with its country, a short code, or a name of up to 11 letters")


def phone_address(e164: str) -> Address:
    """Returns an international number's address."""
    return Address(1, 1, e164.removeprefix("+"))


def bind_transceiver(system_id: str, password: str, system_type: str) -> bytes:
    """Returns the body that asks to be let in [4.1.5]. Raises ValueError: something is too long for it."""
    return (
        _text(system_id, 15)
        + _text(password, 8)
        + _text(system_type, 12)
        + bytes([_VERSION, 0, 0])
        + _text("", 40)
    )


def submit_sm(
    source: Address, to: Address, octets: bytes, *, data_coding: int, has_header: bool, reports: bool
) -> bytes:
    """Returns the body that hands a segment over [4.4.1]."""
    return b"".join(
        (
            _text("", 5),
            bytes([source.kind, source.plan]),
            _text(source.digits, 20),
            bytes([to.kind, to.plan]),
            _text(to.digits, 20),
            # Class, protocol, priority; no schedule, and the centre's own validity.
            bytes([0x40 if has_header else 0, 0, 0]),
            _text("", 16),
            _text("", 16),
            # Report the final outcome, or nothing; replace nothing.
            bytes([1 if reports else 0, 0, data_coding, 0, len(octets)]),
            octets,
        )
    )


def message_id(body: bytes) -> str:
    """Returns the identifier in the answer to a segment [4.4.2]: empty where there is none, and the whole
    body where a centre forgets to end it.
    """
    return body.partition(b"\x00")[0].decode("latin-1")[:64]


def deliver_sm(body: bytes) -> Delivered:
    """Reads a `deliver_sm` [4.6.1]. Raises BadPacket."""
    try:
        _, at = _read_text(body, 0)
        source, at = _read_text(body, at + 2)
        _, at = _read_text(body, at + 2)
        esm_class = body[at]
        _, at = _read_text(body, at + 3)
        _, at = _read_text(body, at)
        data_coding, length = body[at + 2], body[at + 4]
    except IndexError:
        raise BadPacket("a deliver_sm that ends too early") from None
    at += 5
    text = body[at : at + length]
    if len(text) != length:
        raise BadPacket("a deliver_sm that ends too early")
    tags = _tags(body, at + length)
    return Delivered(source, esm_class, data_coding, tags.get(Tag.MESSAGE_PAYLOAD) or text, tags)


def _tags(body: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at + 4 <= len(body):
        tag, length = struct.unpack_from(">HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if len(value) != length:
            break  # some centres append what is none; what came before it is as good
        found[tag] = value
        at += 4 + length
    return found


def _text(text: str, most: int) -> bytes:
    octets = text.encode("ascii")
    if len(octets) > most or 0 in octets:
        raise ValueError(f"longer than SMPP's {most} octets")
    return octets + b"\x00"


def _read_text(body: bytes, at: int) -> tuple[str, int]:
    end = body.find(b"\x00", at)
    if at > len(body) or end < 0:
        raise BadPacket("a text that does not end")
    return body[at:end].decode("latin-1"), end + 1
