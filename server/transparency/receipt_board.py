"""Those who wait for receipts: one look at the log at a time serves all of them."""

import asyncio
import contextvars
import hashlib
from collections.abc import Collection, Mapping
from uuid import UUID

import structlog

from namak.evidence.tlog_proof import TlogProof
from server.domain.refusals import EvidenceCorrupt, ServiceUnavailable
from server.transparency.news import News, within
from server.transparency.proofs import Contradicted, Outcome, ProofFinder
from server.usecases.records import LoggedReceipt

_log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""How long a look may take even when time is up: who waits for nothing still gets what there is."""

_AT_A_STRETCH = 64
"""So many are given their receipts before other tasks get their turn: some milliseconds."""

Receipts = dict[UUID, LoggedReceipt]


class _Asker:
    """One who waits.

    Attributes:
        looked: whether a look was made for it, or none can find anything yet.
        unanswered: what the last look failed with.
        time_is_up: whether it takes what there is.
    """

    __slots__ = ("answer", "evidence", "looked", "receipts", "time_is_up", "timer", "unanswered")

    def __init__(self, evidence: Mapping[UUID, bytes], *, looked: bool) -> None:
        loop = asyncio.get_running_loop()
        self.evidence = evidence
        self.receipts: Receipts = {}
        self.looked = looked
        self.unanswered: ServiceUnavailable | None = None
        self.time_is_up = False
        self.timer: asyncio.TimerHandle | None = None
        self.answer: asyncio.Future[Receipts] = loop.create_future()

    def take(self, found: Mapping[UUID, Outcome]) -> None:
        """Takes its own of what a look found, and ends if that is all, or time is up."""
        self.looked, self.unanswered = True, None
        try:
            for each, document in self.evidence.items():
                if each in found and each not in self.receipts:
                    self.receipts[each] = receipt_of(found[each], document)
        except EvidenceCorrupt as corrupt:
            self.fail(corrupt)
        if self.time_is_up or len(self.receipts) == len(self.evidence):
            self.end()

    def end(self) -> None:
        """Answers with what there is."""
        if self.answer.done():
            return
        if self.unanswered is not None and not self.receipts:
            self.fail(self.unanswered)
        else:
            self.answer.set_result(self.receipts)

    def fail(self, failure: Exception) -> None:
        """Answers with a failure."""
        if not self.answer.done():
            self.answer.set_exception(failure)


class ReceiptBoard:
    """Looks whenever something was published, and every `poll` seconds at least, while somebody waits."""

    def __init__(self, proofs: ProofFinder, published: News, *, poll: float) -> None:
        self._proofs = proofs
        self._published = published
        self._poll = poll
        self._askers: dict[_Asker, None] = {}
        self._turn = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        published.call(self._turn.set)

    async def receipts(
        self, evidence: Mapping[UUID, bytes], *, wait_seconds: float, reply_by: float, since: int | None
    ) -> Mapping[UUID, LoggedReceipt]:
        """See `TransparencyLog.receipts`."""
        if not evidence:
            return {}
        # What was committed after the last publication can't be under it: looking would be in vain.
        fresh = since is not None and since == self._published.count
        asker = _Asker(evidence, looked=fresh)
        if not fresh:
            self._turn.set()
        elif self._looking is None:
            # What was published while nobody waited was published before.
            self._turn.clear()
        clock = asyncio.get_running_loop()
        self._askers[asker] = None
        asker.timer = clock.call_at(
            min(clock.time() + max(0.0, wait_seconds), reply_by), _time_up, asker, reply_by
        )
        if self._looking is None:
            # It belongs to no call: not even what is known of one goes along.
            self._looking = asyncio.create_task(
                self._look_on(), context=contextvars.Context(), name="log proofs"
            )
        try:
            return await asker.answer
        finally:
            asker.timer.cancel()
            self._askers.pop(asker, None)

    async def _look_on(self) -> None:
        try:
            while self._askers:
                await within(self._poll, self._turn.wait())
                self._turn.clear()
                if asking := [asker for asker in self._askers if not asker.answer.done()]:
                    await self._look(asking)
        finally:
            self._looking = None

    async def _look(self, asking: Collection[_Asker]) -> None:
        wanted = {each for asker in asking for each in asker.evidence if each not in asker.receipts}
        try:
            found = await self._proofs.find(wanted)
        except ServiceUnavailable as unavailable:
            for asker in asking:
                asker.looked, asker.unanswered = True, unavailable
                if asker.time_is_up:
                    asker.end()
            return
        except Exception as failure:  # noqa: BLE001 - a mistake of ours must not leave them waiting
            for asker in asking:
                asker.fail(failure)
            return
        for count, asker in enumerate(asking, 1):
            asker.take(found)
            if count % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)


def _time_up(asker: _Asker, reply_by: float) -> None:
    """Ends the wait of an asker for whom a look was made; any other gets one look, if that is in time."""
    if asker.looked:
        asker.end()
        return
    clock = asyncio.get_running_loop()
    last = min(clock.time() + LOOK_SECONDS, reply_by)
    if asker.time_is_up or last <= clock.time():
        asker.unanswered = asker.unanswered or ServiceUnavailable("database")
        asker.end()
        return
    asker.time_is_up = True
    asker.timer = clock.call_at(last, _time_up, asker, reply_by)


def receipt_of(outcome: Outcome, document: bytes) -> LoggedReceipt:
    """Returns the receipt of a document.

    Raises:
        EvidenceCorrupt: the log holds another entry than the document's, or contradicts itself; alarmed.
    """
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
