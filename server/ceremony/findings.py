"""What a check of keys may find."""

from dataclasses import dataclass
from enum import StrEnum


class Gravity(StrEnum):
    """How bad a finding is."""

    WRONG = "wrong"
    """The key must not be used like that, or can't be used; the check ends with 4."""
    NOTE = "note"
    """Somebody should know it; the check ends with 0."""


class Kind(StrEnum):
    """What was found, by its name in the output."""

    UNREACHABLE = "unreachable"
    NO_SINGLE_PAIR = "no-single-pair"
    TYPE_WRONG = "type-wrong"
    IDENTIFIERS_DIFFER = "identifiers-differ"
    PUBLIC_KEY_UNREADABLE = "public-key-unreadable"
    EXTRACTABLE = "extractable"
    ONCE_EXTRACTABLE = "once-extractable"
    NOT_LOCAL = "not-local"
    NOT_SIGN_ONLY = "not-sign-only"
    ATTRIBUTE_UNKNOWN = "attribute-unknown"
    SIGNATURE_WRONG = "signature-wrong"
    PIN_FILE_EXPOSED = "pin-file-exposed"
    KEY_IN_FILE = "key-in-file"
    GUARD_DAMAGED = "guard-damaged"
    GUARD_MISSING = "guard-missing"
    GUARD_MISPLACED = "guard-misplaced"
    KEY_UNKNOWN_TO_LOG = "key-unknown-to-log"
    KEY_UNKNOWN_TO_DATABASE = "key-unknown-to-database"
    SHARD_NOT_CURRENT = "shard-not-current"
    LOG_STANDS_STILL = "log-stands-still"
    KEY_UNKNOWN_TO_POLICY = "key-unknown-to-policy"
    CERTIFICATE_MISSING = "certificate-missing"
    CERTIFICATE_UNREADABLE = "certificate-unreadable"
    CERTIFICATE_OF_ANOTHER_KEY = "certificate-of-another-key"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_ENDS_SOON = "certificate-ends-soon"
    CERTIFICATE_CHAIN_BROKEN = "certificate-chain-broken"
    CERTIFICATE_USE_WRONG = "certificate-use-wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found about a key."""

    gravity: Gravity
    kind: Kind
    text: str


def wrong(kind: Kind, text: str) -> Finding:
    """Returns a finding that makes the check fail."""
    return Finding(Gravity.WRONG, kind, text)


def note(kind: Kind, text: str) -> Finding:
    """Returns a finding that is only told."""
    return Finding(Gravity.NOTE, kind, text)
