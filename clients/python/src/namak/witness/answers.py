"""What a witness answers, by the status codes of C2SP tlog-witness, "add-checkpoint"."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from namak.evidence.tlog_witness import SIZE_TYPE, size_body

PLAIN: Final = "text/plain; charset=utf-8"


class Status(IntEnum):
    """The answer's status code."""

    COSIGNED = 200
    """The body is the cosignature."""
    MALFORMED = 400
    """The request is none, or its old size is the larger one."""
    UNSIGNED = 403
    """No key that is trusted for the log signed the checkpoint, or a signature by one is wrong."""
    UNKNOWN_LOG = 404
    """The witness does not follow this log."""
    OTHER_SIZE = 409
    """The old size is not that of the newest tree that the witness recorded, which the body tells."""
    INCONSISTENT = 422
    """The tree is not shown to begin with the recorded one."""
    UNAVAILABLE = 503
    """The key, the state or the clock can't be used now; nothing was cosigned."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``body`` is a line of words for people unless the standard says what it is."""

    status: Status
    body: bytes
    content_type: str = PLAIN


def in_words(status: Status, words: str) -> Answer:
    """Returns a refusal in one line."""
    return Answer(status, f"{words}\n".encode())


def other_size(size: int) -> Answer:
    """Returns the answer to a request whose old size is not the recorded one."""
    return Answer(Status.OTHER_SIZE, size_body(size), SIZE_TYPE)
