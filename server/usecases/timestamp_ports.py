"""What time-stamping needs of the network: a gateway implements it (RFC 3161, 3.4)."""

from dataclasses import dataclass
from typing import Protocol


class AuthorityUnreached(Exception):
    """There is no answer, or none that may be read. `cause` is its kind, one word, for logs."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class AuthorityAnswer:
    """What an authority answered; `media_type` is that of the body, in small letters, without parameters."""

    status: int
    media_type: str
    body: bytes


class TimestampClient(Protocol):
    """Asks time-stamping authorities."""

    async def ask(self, url: str, query: bytes) -> AuthorityAnswer:
        """Sends a request for a token; takes bounded time.

        Raises:
            AuthorityUnreached: it does not answer, or not in time, or at too great a length.
        """
        ...
