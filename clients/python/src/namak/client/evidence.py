"""Evidence from the server: facts, receipts, the log's checkpoint, revocation lists (EvidenceService).

Nothing here decides whether evidence is true; that is for :mod:`namak.evidence`, offline.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator

from google.protobuf.duration_pb2 import Duration

from namak.client.delivery_certificate import DeliveryCertificate, delivery_certificate
from namak.client.link import Link
from namak.errors import ContentMismatch, DeadlineExceeded, NotYetLogged
from namak.v1 import evidence_pb2, evidence_pb2_grpc

_LONGEST_WAIT = 10
# Seconds that one GetReceipt may wait on the server: well within the half of any usual time-out that one try
# has.

_PAUSE = 0.2
# Seconds between two questions for a receipt when the server did not wait.


class EvidenceReader:
    """The calls for evidence of whoever may see it; of delegates, in the mailbox that :meth:`of` names."""

    def __init__(self, link: Link, mailbox: str = "") -> None:
        self._link = link
        self._mailbox = mailbox

    def of(self, mailbox: str) -> "EvidenceReader":
        """Returns the same calls in the mailbox of this official address; empty for the caller's own."""
        return EvidenceReader(self._link, mailbox)

    def _stub(self) -> evidence_pb2_grpc.EvidenceServiceStub:
        return evidence_pb2_grpc.EvidenceServiceStub(self._link.channel())

    async def facts(self, delivery_id: str, *, page_size: int = 0) -> AsyncIterator[evidence_pb2.Evidence]:
        """Yields the facts of a delivery that the caller may see, oldest first, fetching page after page."""
        token = ""
        while True:
            request = evidence_pb2.ListFactsRequest(
                delivery_id=delivery_id, page_size=page_size, page_token=token, mailbox=self._mailbox
            )
            reply = await self._link.unary(self._stub().ListFacts, request)
            for fact in reply.facts:
                yield fact
            token = reply.next_page_token
            if not token:
                return

    async def receipt(
        self,
        evidence_id: str,
        *,
        within: float | None = None,
        acting_as: str = "",
        witnessed: bool = False,
        timestamped: bool = False,
    ) -> evidence_pb2.Receipt:
        """Returns the receipt of one piece of evidence, waiting and asking again for ``within`` seconds.

        Without it, the connection's. ``acting_as`` is for administrators who ask for the receipt of an
        administrative act. ``witnessed`` takes only one whose checkpoint the post's quorum of witnesses
        cosigned, ``timestamped`` only one with RFC 3161 timestamps, which come a minute or so later. Raises
        :class:`NotYetLogged` when time is up: the evidence stands, only its receipt is late; and WrongState
        (WITNESSES_NOT_OFFERED, TIMESTAMPS_NOT_OFFERED) where the post has none of them.
        """
        total = self._link.patience.total if within is None else within
        deadline = time.monotonic() + total
        while (remaining := deadline - time.monotonic()) > 0:
            wait = Duration(seconds=min(_LONGEST_WAIT, int(remaining / 3)))
            request = evidence_pb2.GetReceiptRequest(
                evidence_id=evidence_id,
                max_wait=wait,
                acting_as=acting_as,
                mailbox=self._mailbox,
                require_witnessed=witnessed,
                require_timestamped=timestamped,
            )
            try:
                reply = await self._link.unary(self._stub().GetReceipt, request, within=remaining)
            except DeadlineExceeded:
                break
            # A post that knows nothing of witnesses or timestamps gives the receipt that it has.
            if (
                reply.HasField("receipt")
                and (reply.receipt.witnessed or not witnessed)
                and (reply.receipt.timestamps or not timestamped)
            ):
                return reply.receipt
            await asyncio.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))
        kind = "timestamped " if timestamped else "witnessed " if witnessed else ""
        raise NotYetLogged(
            f"the {kind}receipt of evidence {evidence_id} did not come within {total:g} s",
            metadata={"evidence_id": evidence_id},
        )

    async def certificate(self, delivery_id: str, *, language: str = "") -> DeliveryCertificate:
        """Has the post make a delivery certificate, a PDF/A-3 for a court; see
        :func:`namak.client.delivery_certificate.delivery_certificate`.
        """
        return await delivery_certificate(self._link, delivery_id, language=language, mailbox=self._mailbox)

    async def checkpoint(self, origin: str = "") -> evidence_pb2.GetCheckpointResponse:
        """Returns the newest checkpoint of a shard of the log; without an origin, of the current one."""
        request = evidence_pb2.GetCheckpointRequest(origin=origin)
        return await self._link.unary(self._stub().GetCheckpoint, request)

    async def log_status(self) -> evidence_pb2.GetLogStatusResponse:
        """Returns how the log is: its shards, the current one first."""
        return await self._link.unary(self._stub().GetLogStatus, evidence_pb2.GetLogStatusRequest())

    async def consistency_proof(
        self, first_size: int, second_size: int = 0, *, origin: str = ""
    ) -> evidence_pb2.GetConsistencyProofResponse:
        """Returns the proof that the tree of the first size is the beginning of that of the second; 0 means
        the published one. Nothing is verified here.
        """
        request = evidence_pb2.GetConsistencyProofRequest(
            origin=origin, first_size=first_size, second_size=second_size
        )
        return await self._link.unary(self._stub().GetConsistencyProof, request)

    async def tile(
        self, index: int, *, level: int | None = None, width: int = 0, origin: str = ""
    ) -> evidence_pb2.GetTileResponse:
        """Returns a tile of hashes of a level, or, without a level, of entries."""
        request = evidence_pb2.GetTileRequest(origin=origin, index=index, width=width)
        if level is None:
            request.entries = True
        else:
            request.level = level
        return await self._link.unary(self._stub().GetTile, request)

    async def revocation_list(self, sha256: bytes) -> bytes:
        """Returns the revocation list (DER) of that digest. Raises :class:`ContentMismatch` if another one
        comes.
        """
        digest = evidence_pb2.Digest(algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=sha256)
        request = evidence_pb2.GetRevocationListRequest(digest=digest)

        async def take(replies: AsyncIterator[evidence_pb2.GetRevocationListResponse]) -> bytes:
            return b"".join([reply.chunk async for reply in replies])

        content = await self._link.stream(self._stub().GetRevocationList, request, take)
        if hashlib.sha256(content).digest() != sha256:
            raise ContentMismatch("the revocation list that came has another digest")
        return content
