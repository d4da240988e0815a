"""What witnessing needs of the network: a gateway implements it (C2SP tlog-witness, "HTTP Interface")."""

from dataclasses import dataclass
from typing import Protocol


class WitnessUnreached(Exception):
    """There is no answer, or none that may be read. `cause` is its kind, one word, for logs."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness answered; `media_type` is that of the body, in small letters, without parameters."""

    status: int
    media_type: str
    body: bytes


class WitnessClient(Protocol):
    """Asks witnesses."""

    async def add_checkpoint(self, url: str, body: bytes) -> WitnessAnswer:
        """Sends a request to cosign to a witness, by its submission prefix; takes bounded time.

        Raises:
            WitnessUnreached: it does not answer, or not in time, or at too great a length.
        """
        ...
