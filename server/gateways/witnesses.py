"""Talks HTTP to witnesses of the log (C2SP tlog-witness)."""

from pathlib import Path

from namak.evidence.tlog_witness import ADD_CHECKPOINT, MAX_ANSWER_BYTES
from server.gateways.bounded_posts import BoundedPosts, NotAnswered
from server.usecases.witness_ports import WitnessAnswer, WitnessUnreached

CONNECTIONS_EACH = 2
"""To one witness: a request that hangs, and one more."""

_TEXT = "text/plain; charset=utf-8"


class HttpWitnesses:
    """A `WitnessClient`. Connections are kept: the next question comes in about a second."""

    def __init__(self, *, seconds: float, authorities: Path | None = None) -> None:
        """Takes how long an answer may take, and roots (PEM) that witnesses' certificates must lead to, those
        of the system by default.

        Raises:
            OSError, ssl.SSLError: the roots can't be read.
        """
        self._posts = BoundedPosts(
            _TEXT,
            seconds=seconds,
            most_bytes=MAX_ANSWER_BYTES,
            kept=CONNECTIONS_EACH,
            authorities=authorities,
        )

    async def add_checkpoint(self, url: str, body: bytes) -> WitnessAnswer:
        """See `WitnessClient`."""
        try:
            answer = await self._posts.send(f"{url.rstrip('/')}/{ADD_CHECKPOINT}", body)
        except NotAnswered as none:
            raise WitnessUnreached(str(none)) from None
        return WitnessAnswer(answer.status, answer.media_type, answer.body)

    async def close(self) -> None:
        """Closes the connections."""
        await self._posts.close()
