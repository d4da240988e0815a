"""Reads delivery reports: by optional parameters where there are some, else by the usual text."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from server.domain.sms import DeliveryReport
from server.gateways.sms.pdu import Delivered, Tag

_ID: Final = re.compile(rb"\bid:\s*([^\s\0]{1,64})", re.IGNORECASE)
_STATE: Final = re.compile(rb"\bstat:\s*([A-Za-z]{3,})", re.IGNORECASE)

_BY_WORD: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"DELIVR": "",
        b"EXPIRE": "EXPIRED",
        b"DELETE": "DELETED",
        b"UNDELI": "UNDELIVERABLE",
        b"UNKNOW": "UNKNOWN",
        b"REJECT": "REJECTED",
    }
)
"""By the first six letters: centres write seven, eight or the whole word (SMPP 3.4, appendix B)."""
_BY_NUMBER: Final[Mapping[int, str]] = MappingProxyType(
    {2: "", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIVERABLE", 7: "UNKNOWN", 8: "REJECTED"}
)
"""By the number of the message's state (5.2.28); others are not final."""


def report_of(delivered: Delivered) -> DeliveryReport | None:
    """Returns what a delivery report says; None for one that names no segment or no final state, and for what
    is no report.
    """
    if not delivered.is_report:
        return None
    # To its first zero, as its type is (5.3.2.12): what is behind it no table takes, and a report that is not
    # taken in comes again for ever.
    segment_id = delivered.tags.get(Tag.RECEIPTED_MESSAGE_ID, b"").partition(b"\x00")[0]
    if not segment_id and (found := _ID.search(delivered.text)) is not None:
        segment_id = found.group(1)
    failure = _failure(delivered)
    if not segment_id or len(segment_id) > 64 or failure is None:
        return None
    return DeliveryReport(segment_id.decode("latin-1"), delivered.source, failure)


def _failure(delivered: Delivered) -> str | None:
    state = delivered.tags.get(Tag.MESSAGE_STATE, b"")
    if len(state) == 1:
        return _BY_NUMBER.get(state[0])
    found = _STATE.search(delivered.text)
    return None if found is None else _BY_WORD.get(found.group(1)[:6].upper())
