"""Exit codes: what a script needs when something fails."""

from enum import IntEnum

from namak import errors
from namak.cards.outcomes import OUTCOMES
from namak.cli.texts import N_
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
    """A file on this machine, also one in which there is nothing to verify."""
    FAULT = 7
    """A fault of the server or of this program."""
    OPEN = 8
    """A signature is neither proven nor disproven by what is at hand."""
    INTERRUPTED = 130


EXIT_CODES_TEXT = N_(
    "Exit codes: 0 done · 1 refused, by the post or by you when asked · "
    "2 wrong usage, configuration or own certificate · "
    "3 no answer or not yet, repeat with the same request id · 4 verification failed · 5 card or PIN · "
    "6 file · 7 fault of server or program · 8 signature neither proven nor disproven · 130 interrupted."
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


def exit_code_of(error: NamakError) -> ExitCode:
    """Returns the exit code that belongs to a failure."""
    if isinstance(error, errors.CardError) and (known := OUTCOMES.get(error.reason)):
        return ExitCode(known.exit_code)
    return next((code for kind, code in _CODE_OF_CLASS if isinstance(error, kind)), ExitCode.FAULT)
