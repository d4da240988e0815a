"""Exit codes, and what to do about each reason: the two things a script and a person need when something
fails.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from namak import errors
from namak.errors import NamakError


class ExitCode(IntEnum):
    """What the process tells the one who started it. Stable."""

    OK = 0
    REFUSED = 1
    """The post said no, or you did when you were asked: repeating changes nothing."""
    USAGE = 2
    """Wrong option, configuration or own certificate; nothing was asked."""
    UNAVAILABLE = 3
    """No answer, or busy, or the receipt is late: repeat, with the same request id."""
    NOT_VERIFIED = 4
    """Evidence or content is not what it claims to be."""
    CARD = 5
    """The card, its PIN or its key."""
    FILE = 6
    """A file on this machine."""
    FAULT = 7
    """A fault of the server or of this program."""
    INTERRUPTED = 130


EXIT_CODES_TEXT = (
    "Exit codes: 0 done · 1 refused, by the post or by you when asked · "
    "2 wrong usage, configuration or own certificate · "
    "3 no answer or not yet, repeat with the same request id · 4 verification failed · 5 card or PIN · "
    "6 file · 7 fault of server or program · 130 interrupted."
)

_CODE_OF_CLASS: tuple[tuple[type[NamakError], ExitCode], ...] = (
    (errors.Refused, ExitCode.REFUSED),
    (errors.Unavailable, ExitCode.UNAVAILABLE),
    (errors.TryLater, ExitCode.UNAVAILABLE),
    (errors.NotSent, ExitCode.UNAVAILABLE),
    (errors.ConfigurationError, ExitCode.USAGE),
    (errors.WrongUsage, ExitCode.USAGE),
    (errors.ContentMismatch, ExitCode.NOT_VERIFIED),
    (errors.CardError, ExitCode.CARD),
    (errors.FileProblem, ExitCode.FILE),
)

_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "CERTIFICATE_REVOKED": "Get a new certificate and have the operator bind it.",
        "REVOCATION_STATUS_UNKNOWN": "The post has no fresh revocation list now; try again in a few minutes.",
        "ROLE_NOT_PERMITTED": "This is for another kind of caller; check which certificate you use.",
        "NETWORK_NOT_PERMITTED": "Send from a registered network, or have the operator add this one.",
        "RESOURCE_NOT_PERMITTED": "Check the identifier and the certificate you use.",
        "SENDER_NOT_PERMITTED": "Check --from: it must be one of your organisation's registered addresses.",
        "SENDER_SUSPENDED": "Ask the operator why the address is suspended.",
        "CONTRACT_NOT_IN_FORCE": "Ask the operator about your organisation's contract.",
        "MAILBOX_UNKNOWN": "Check --to; correct it and send under a new request id.",
        "MAILBOX_SUSPENDED": "The recipient can't be served this way now; see what the law provides.",
        "MAILBOX_CLOSED": "The recipient can't be served this way any more; see what the law provides.",
        "NOT_OPENED": "Open it first: namak open ID",
        "ALREADY_CONFIRMED": "It is done; to keep the evidence: namak receipt --delivery ID -o DIR",
        "STATEMENT_EXPIRED": "Confirm again; a new statement will be issued.",
        "SIGNER_NOT_RECIPIENT": "Sign with the card of the person whose mailbox it is.",
        "SIGNING_CERTIFICATE_PURPOSE": "Use the card's signing certificate, not the one for authentication.",
        "SIGNING_CERTIFICATE_UNTRUSTED": "The file of [signing] certificate must hold its issuers too.",
        "SIGNING_CERTIFICATE_EXPIRED": "Get a new card or certificate.",
        "SIGNING_CERTIFICATE_REVOKED": "Get a new card or certificate.",
        "EVIDENCE_CORRUPT": "The operator has been alarmed; keep the receipts you have.",
        "FILE_EXISTS": "Choose another directory with -o, or permit overwriting with --force.",
    }
)


def exit_code_of(error: NamakError) -> ExitCode:
    """Returns the exit code that belongs to a failure."""
    return next((code for kind, code in _CODE_OF_CLASS if isinstance(error, kind)), ExitCode.FAULT)


def advice_for(error: NamakError) -> str:
    """Returns what a person can do about a failure."""
    return _ADVICE.get(error.reason, error.advice)
