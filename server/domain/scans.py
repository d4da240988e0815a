"""Why a file is not taken as the scan of a letter on paper (BOX-11)."""

from enum import StrEnum


class ScanFault(StrEnum):
    """What is wrong with a file that is said to be a scan."""

    NOT_WHAT_IT_SAYS = "NOT_WHAT_IT_SAYS"
    """Its content is not of its media type."""
    BROKEN = "BROKEN"
    """It can't be read to its end, or goes on after it."""
    LOCKED = "LOCKED"
    """It is encrypted, with or without a password to open it."""
    ACTIVE_CONTENT = "ACTIVE_CONTENT"
    """It has scripts, a form or attachments; what is scanned has none."""
    TOO_MANY_PAGES = "TOO_MANY_PAGES"
    """It has more pages than a letter may have."""
    TOO_DEMANDING = "TOO_DEMANDING"
    """Its pages are too large, or reading it takes too much time or memory."""


SCAN_FAULTS = {
    ScanFault.NOT_WHAT_IT_SAYS: "is not of the media type that is stated",
    ScanFault.BROKEN: "can't be read whole, or goes on after its end",
    ScanFault.LOCKED: "must not be encrypted",
    ScanFault.ACTIVE_CONTENT: "must have no scripts, forms and attachments",
    ScanFault.TOO_MANY_PAGES: "has more than 200 pages",
    ScanFault.TOO_DEMANDING: "has pages that are too large, or takes too much to read",
}
"""The faults in words, after the field's name."""
