"""The log as use cases see it: receipts under published checkpoints."""

import asyncio
import hashlib
from collections.abc import Mapping
from uuid import UUID

import structlog

from namak.evidence.tlog_proof import TlogProof
from server.domain.refusals import EvidenceCorrupt, ServiceUnavailable
from server.transparency.news import News
from server.transparency.ports import LogReader
from server.transparency.proofs import Contradicted, Outcome, ProofFinder
from server.transparency.waker import Waker
from server.usecases.records import LoggedReceipt, PublishedCheckpoint

_log = structlog.get_logger(__name__)


LOOK_SECONDS = 1.0
"""How long a look may take even when time is up: who waits for nothing still gets what there is."""


class TransparencyLog:
    """The port `Log` of the use cases; any replica serves it, leading or not."""

    def __init__(
        self,
        *,
        origin: str,
        vkey: str,
        reader: LogReader,
        proofs: ProofFinder,
        published: News,
        waker: Waker,
        poll: float,
    ) -> None:
        """Takes the current shard's origin and key, and how often those who wait look by themselves."""
        self._origin = origin
        self._vkey = vkey
        self._reader = reader
        self._proofs = proofs
        self._published = published
        self._waker = waker
        self._poll = poll

    @property
    def vkey(self) -> str:
        """The verifier key of the current shard."""
        return self._vkey

    def wake(self) -> None:
        """Says that facts were committed; see `Log`."""
        self._waker.wake()

    async def checkpoint(self, origin: str | None = None) -> PublishedCheckpoint | None:
        """Returns the newest published checkpoint of a shard; see `Log`.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        wanted = origin or self._origin
        return (await self._reader.newest([wanted])).get(wanted)

    async def receipts(
        self, evidence: Mapping[UUID, bytes], *, wait_seconds: float
    ) -> Mapping[UUID, LoggedReceipt]:
        """Returns receipts, waiting for those that do not stand under a published checkpoint yet; see `Log`.

        It looks at least once, whatever `wait_seconds` is. Every receipt has been verified as a stranger
        would verify it.

        Raises:
            EvidenceCorrupt: the log holds another entry than the document's, or contradicts itself; alarmed.
            ServiceUnavailable: the database did not answer when time ran out, and nothing was found.
        """
        clock = asyncio.get_running_loop()
        deadline = clock.time() + max(0.0, wait_seconds)
        receipts: dict[UUID, LoggedReceipt] = {}
        while True:
            seen, failure = self._published.count, None
            missing = [each for each in evidence if each not in receipts]
            try:
                async with asyncio.timeout_at(max(deadline, clock.time() + LOOK_SECONDS)):
                    found = await self._proofs.find(missing)
                receipts.update((each, _receipt(found[each], evidence[each])) for each in found)
            except (ServiceUnavailable, TimeoutError) as unavailable:
                failure = unavailable
            left = deadline - clock.time()
            if len(receipts) == len(evidence) or left <= 0:
                if failure is not None and not receipts:
                    raise ServiceUnavailable("database") from failure
                return receipts
            await self._published.beyond(seen, min(left, self._poll))


def _receipt(outcome: Outcome, document: bytes) -> LoggedReceipt:
    leaf = outcome.leaf
    if isinstance(outcome, Contradicted):
        raise _corrupt(outcome, outcome.cause)
    if hashlib.sha256(document).digest() != leaf.entry:
        raise _corrupt(outcome, "the entry is not the document's digest")
    proof = TlogProof(document, leaf.index, outcome.hashes, outcome.checkpoint.note)
    return LoggedReceipt(leaf.evidence_id, leaf.origin, leaf.index, outcome.checkpoint.size, proof.encode())


def _corrupt(outcome: Outcome, cause: str) -> EvidenceCorrupt:
    leaf = outcome.leaf
    _log.critical(
        "ALARM: a receipt fails its own check",
        evidence_id=str(leaf.evidence_id),
        origin=leaf.origin,
        leaf_index=leaf.index,
        cause=cause,
    )
    return EvidenceCorrupt(leaf.evidence_id)
