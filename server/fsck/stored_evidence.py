"""Hashes all stored evidence again, and holds it against the leaves and the queue."""

import asyncio
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from operator import attrgetter
from typing import Final
from uuid import UUID

from server.fsck.findings import Kind, Part, Report
from server.fsck.ports import LoggedEvidence, LogInspection
from server.fsck.tree import prefetched

DOCUMENTS_AT_ONCE: Final = 2048
IDENTIFIERS_AT_ONCE: Final = 50_000

_LEAVES_AT_ONCE: Final = 65_536
_LEAF_INDEX: Final = attrgetter("leaf_index")

_BEFORE_ALL: Final = UUID(int=0)


class EvidenceCheck:
    """Checks that evidence and leaves are the same set, byte by byte."""

    def __init__(self, log: LogInspection, report: Report, beside: Sequence[LogInspection] = ()) -> None:
        """Takes further connections to read leaves by: it is the database that takes most of the time."""
        self._log = log
        self._beside = beside
        self._report = report

    async def others(self, origin: str, size: int, known: bytearray) -> None:
        """Checks the evidence of a shard's leaves but for those that are known to be in order: a bit each,
        lowest first. Raises ServiceUnavailable.
        """
        for first in range(0, size, _LEAVES_AT_ONCE):
            end = min(first + _LEAVES_AT_ONCE, size)
            left = _unset(known[first // 8 : (end + 7) // 8], first, end)
            for begin in range(0, len(left), DOCUMENTS_AT_ONCE):
                found = await self._log.logged_at(origin, left[begin : begin + DOCUMENTS_AT_ONCE])
                await asyncio.to_thread(self._compare, origin, sorted(found, key=_LEAF_INDEX))
            self._report.reached = origin, end
            self._report.done(Part.EVIDENCE, "evidence", end - first)

    async def leaves(self, origin: str, size: int, start: int = 0) -> None:
        """Checks the evidence of a shard's leaves from an index on. Raises ServiceUnavailable."""
        ways = [partial(each.logged, origin) for each in (self._log, *self._beside)]
        async for first, end, found in prefetched(ways, min(start, size), size, DOCUMENTS_AT_ONCE):
            await asyncio.to_thread(self._compare, origin, found)
            self._report.reached = origin, end
            self._report.done(Part.EVIDENCE, "evidence", end - first)

    def _compare(self, origin: str, found: Sequence[LoggedEvidence]) -> None:
        for index, entry, evidence_id, document, digest in found:
            hashed = None if document is None else sha256(document).digest()
            if hashed == entry == digest:
                continue
            where = f"{origin} leaf {index}, evidence {evidence_id}"
            if hashed is None:
                self._found(Kind.EVIDENCE_MISSING, where)
                continue
            if hashed != entry:
                self._found(Kind.ENTRY_WRONG, where)
            if hashed != digest:
                self._found(Kind.DIGEST_WRONG, where)

    async def unlogged(self) -> None:
        """Looks for evidence that no leaf has and nothing queues, and at the queue.

        Raises ServiceUnavailable.
        """
        await self._queue()
        position, last = _BEFORE_ALL, await self._log.last_evidence()
        if last is None:
            return
        while (step := await self._log.evidence_after(position, last, IDENTIFIERS_AT_ONCE)) is not None:
            position, unlogged, twice = step
            for evidence_id in twice:
                self._found(Kind.LOGGED_TWICE, f"evidence {evidence_id}")
            if unlogged:
                # Most of them were queued, or are logged by now: what counts is one look at both.
                for evidence_id in sorted(await self._log.unqueued(unlogged)):
                    self._found(Kind.UNQUEUED, f"evidence {evidence_id}")

    async def _queue(self) -> None:
        position = 0
        rows = await self._log.queue(position, DOCUMENTS_AT_ONCE)
        while rows:
            for position, evidence_id, entry, document, logged in rows:
                where = f"queue position {position}, evidence {evidence_id}"
                if logged:
                    self._found(Kind.QUEUED_AND_LOGGED, where)
                if document is None or sha256(document).digest() != entry:
                    self._found(Kind.QUEUED_WRONG, where)
            self._report.checked["queued"] += len(rows)
            full = len(rows) == DOCUMENTS_AT_ONCE
            rows = await self._log.queue(position, DOCUMENTS_AT_ONCE) if full else ()

    def _found(self, kind: Kind, where: str) -> None:
        self._report.found(Part.EVIDENCE, kind, where)


def _unset(bits: bytearray, first: int, end: int) -> Sequence[int]:
    """Returns the places of the bits that are not set, counted from `first`, a multiple of eight."""
    return [
        index
        for place, byte in enumerate(bits)
        if byte != 0xFF
        for bit in range(8)
        if not byte >> bit & 1 and (index := first + 8 * place + bit) < end
    ]
