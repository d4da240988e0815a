"""Opens every link of every mailbox again, from the first to the head."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from namak.evidence.mailbox_chain import ChainCheck, ChainHead, Flaw, Opening
from server.fsck.findings import Kind, Part, Report
from server.fsck.mailbox_ports import BEHIND_ALL, MailboxInspection, StoredLink
from server.fsck.ours import is_consignment
from server.fsck.span_ports import WHOLE, Span

LINKS_AT_ONCE: Final = 2000

_KINDS: Final = {Flaw.GAP: Kind.LINK_MISSING, Flaw.HEAD: Kind.CHAIN_HEAD_WRONG}
# All else is a link that is not what it must be.


def is_consigned(address: str, opening: Opening) -> bool:
    """Tells whether the opening has the consignment that belongs to it, without reading that."""
    return is_consignment(opening.consignment, address, opening.delivery_id, opening.link)


class MailboxCheck:
    """Checks that links, consignments and deliveries tell the same, place by place.

    Links are read a page at a time, each with its mailbox's head of the same moment: mail that comes
    meanwhile makes both longer.
    """

    def __init__(
        self,
        mailboxes: MailboxInspection,
        report: Report,
        spans: Sequence[Span] = (WHOLE,),
        *,
        at_once: int = LINKS_AT_ONCE,
    ) -> None:
        """Takes which mailboxes' links are read, in order, and how many at a time."""
        self._spans = spans
        self._at_once = at_once
        self._mailboxes = mailboxes
        self._report = report
        self._current: UUID | None = None
        self._chain = ChainCheck("")
        self._head: ChainHead | None = None

    async def run(self) -> None:
        """Goes through the mailboxes. Raises ServiceUnavailable."""
        for mailbox_id in await self._mailboxes.headed_without_links():
            self._found(Kind.LINK_MISSING, f"mailbox {mailbox_id}, all")
        for span in self._spans:
            await self._go_through(span)
            self._end()

    async def _go_through(self, span: Span) -> None:
        reading: asyncio.Task[Sequence[StoredLink]] | None = self._read(span.after, BEHIND_ALL, span)
        try:
            while reading is not None:
                links = await reading
                full = len(links) == self._at_once
                reading = None
                if full:
                    reading = self._read(links[-1].mailbox_id, links[-1].opening.sequence, span)
                await asyncio.to_thread(self._check, links)
                self._report.done(Part.MAILBOXES, "links", len(links))
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _read(self, mailbox_id: UUID, after: int, span: Span) -> asyncio.Task[Sequence[StoredLink]]:
        return asyncio.create_task(self._links(mailbox_id, after, span))

    async def _links(self, mailbox_id: UUID, after: int, span: Span) -> Sequence[StoredLink]:
        return await self._mailboxes.links(mailbox_id, after, span.up_to, self._at_once)

    def _check(self, links: Sequence[StoredLink]) -> None:
        for each in links:
            if each.mailbox_id != self._current:
                self._end()
                self._current, self._chain = (
                    each.mailbox_id,
                    ChainCheck(each.address, is_consigned=is_consigned),
                )
            self._head = each.head
            self._chain.add(each.opening)
            if each.placed != each.opening.sequence:
                self._found(Kind.LINK_WRONG, f"{self._where(each.opening.sequence)}, its delivery's place")

    def _end(self) -> None:
        """Tells what was found of the mailbox that was gone through."""
        if self._current is None:
            return
        for found in self._chain.report(self._head or ChainHead(0, bytes(32))).findings:
            kind = _KINDS.get(found.flaw, Kind.LINK_WRONG)
            # Not in the chain's own words: they name the address.
            self._found(kind, f"{self._where(found.sequence)}, {found.flaw}")
        self._report.checked["mailboxes"] += 1
        self._current, self._head = None, None

    def _where(self, sequence: int) -> str:
        return f"mailbox {self._current} link {sequence}"

    def _found(self, kind: Kind, where: str) -> None:
        self._report.found(Part.MAILBOXES, kind, where)
