"""Timestamps as files beside a receipt: what they are called, and what stands in them.

``NAME.tlog-proof`` is the receipt, ``NAME.checkpoint`` the bytes that were stamped, which end it, and
``NAME.AUTHORITY.tsr`` a token over them, as an authority's answer (RFC 3161, 3.1), so that
``openssl ts -verify -data NAME.checkpoint -in NAME.AUTHORITY.tsr -CAfile ROOTS`` takes it.
"""

import re
from collections.abc import Container
from typing import Final

from namak.evidence.der import encode
from namak.evidence.errors import MalformedTimestamp

CHECKPOINT_SUFFIX: Final = ".checkpoint"
SUFFIX: Final = ".tsr"
MAX_BYTES: Final = 64 * 1024
"""A token, or an answer with one, is at most so long: with its certificates it takes some thousand bytes."""

MAX_NAME: Final = 1000
"""Characters of a file's name: more than any file system takes."""

GRANTED: Final = bytes.fromhex("30 03 02 01 00")
"""DER of the status of an answer that grants a token."""

_AUTHORITY: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")


def timestamp_file(token: bytes) -> bytes:
    """Returns the file of a token (DER), unchecked. Raises :class:`MalformedTimestamp` for one too long."""
    content = encode(0x30, GRANTED + token)
    if len(content) > MAX_BYTES:
        raise MalformedTimestamp(f"the token has more than {MAX_BYTES} bytes")
    return content


def is_authority(name: str) -> bool:
    """Says whether the name of an authority may be part of a file's name."""
    return _AUTHORITY.fullmatch(name) is not None


def owner_of(name: str, stems: Container[str]) -> str | None:
    """Returns whose timestamp a file is by its name: the longest of the receipts' names, without their
    suffix, that it begins with, before a dot; None for one of nobody.
    """
    if not name.endswith(SUFFIX) or len(name) > MAX_NAME:
        return None
    stem = name.removesuffix(SUFFIX)
    while stem:
        stem = stem.rpartition(".")[0]
        if stem in stems:
            return stem
    return None
