"""Goes through all deliveries: their facts, what follows from them, and what was recorded of that."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from server.fsck.delivery_ports import DeliveryInspection, DeliveryKey, DeliveryPage
from server.fsck.effects import Judged, judged
from server.fsck.findings import Kind, Part, Report
from server.fsck.gleaning import Gleaner
from server.fsck.usual import usual

DELIVERIES_AT_ONCE: Final = 1000


def wall_clock() -> datetime:
    """Returns the machine's time."""
    return datetime.now(UTC)


Verdicts = Sequence[tuple[UUID, Judged]]
"""Deliveries of which there is something to say."""


def verdicts_on(page: DeliveryPage, now: datetime, gleaner: Gleaner | None = None) -> Verdicts:
    """Returns what there is to say of deliveries as they were stored by `now`."""
    found, are_usual = [], []
    for each in page.deliveries:
        digests = None
        if gleaner is not None and gleaner.reads_leaves:
            digests = [gleaner.digest(fact) for fact in each.facts]
        lists = usual(each, digests)
        are_usual.append(lists is not None)
        verdict = judged(each, now) if lists is None else Judged(lists=[*lists]) if lists else _NOTHING
        if verdict.flaws or verdict.lists or verdict.underivable:
            found.append((each.id, verdict))
    if gleaner is not None:
        gleaner.page(page, are_usual)
    return found


_NOTHING: Final = Judged()


class DeliveryCheck:
    """Checks deliveries a page at a time, while the next page is read; it keeps nothing of those before."""

    def __init__(
        self,
        deliveries: DeliveryInspection,
        report: Report,
        *,
        now: Callable[[], datetime] = wall_clock,
        at_once: int = DELIVERIES_AT_ONCE,
        gleaner: Gleaner | None = None,
    ) -> None:
        """Takes how many deliveries are read at a time, what tells the post's time, and who gleans."""
        self._gleaner = gleaner
        self._deliveries = deliveries
        self._report = report
        self._now = now
        self._at_once = at_once
        self._underivable: Counter[str] = Counter()

    async def run(self) -> None:
        """Goes through all deliveries. Raises ServiceUnavailable."""
        waiting: asyncio.Task[DeliveryPage] | None = self._fetch((UUID(int=0), UUID(int=0)))
        try:
            while waiting is not None:
                page = await waiting
                waiting = None if page.until is None else self._fetch(page.until)
                await self._check(page)
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
        for why, count in self._underivable.items():
            self._report.unchecked.append(f"effects of {count:,} deliveries: {why}")

    def _fetch(self, after: DeliveryKey) -> asyncio.Task[DeliveryPage]:
        gleaner = self._gleaner
        leaves, boxes = (False, False) if gleaner is None else (gleaner.reads_leaves, gleaner.links)
        return asyncio.create_task(self._deliveries.page(after, self._at_once, leaves=leaves, boxes=boxes))

    async def _check(self, page: DeliveryPage) -> None:
        for (_, delivery_id), fact in page.strays:
            self._found(Kind.FACT_STRAY, delivery_id, f"evidence {fact.id}")
        verdicts = await asyncio.to_thread(verdicts_on, page, self._now(), self._gleaner)
        if (gleaner := self._gleaner) is not None:
            unknown = gleaner.unknown()
            gleaner.settle(await self._deliveries.mailboxes_among(unknown) if unknown else ())
        named = {digest for _, each in verdicts for _, digest in each.lists}
        there = await self._deliveries.published_lists(named) if named else ()
        for delivery_id, each in verdicts:
            for kind, where in each.flaws:
                self._found(kind, delivery_id, where)
            for evidence_id, digest in each.lists:
                if digest not in there:
                    where = f"evidence {evidence_id}: the revocation list {digest.hex()} is not there"
                    self._found(Kind.CONFIRMATION_WRONG, delivery_id, where)
            if each.underivable:
                self._underivable[each.underivable] += 1
        self._report.checked["facts"] += sum(len(each.facts) for each in page.deliveries)
        self._report.done(Part.EFFECTS, "deliveries", len(page.deliveries))

    def _found(self, kind: Kind, delivery_id: UUID, where: str) -> None:
        self._report.found(Part.EFFECTS, kind, f"delivery {delivery_id}, {where}")
