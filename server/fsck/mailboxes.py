"""Opens every link of every mailbox again, from the first to the head."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from namak.evidence.document import EvidenceDocument
from namak.evidence.mailbox_chain import ChainCheck, ChainHead, Flaw
from server.fsck.findings import Kind, Part, Report
from server.fsck.mailbox_ports import MailboxInspection, StoredLink
from server.fsck.reading import FactReader

LINKS_AT_ONCE: Final = 2000

_KINDS: Final = {Flaw.GAP: Kind.LINK_MISSING, Flaw.HEAD: Kind.CHAIN_HEAD_WRONG}
# All else is a link that is not what it must be.


def _document(data: bytes) -> EvidenceDocument:
    return FactReader().read(data).document


class MailboxCheck:
    """Checks that links, consignments and deliveries tell the same, place by place.

    Links are read a page at a time, each with its mailbox's head of the same moment: mail that comes
    meanwhile makes both longer.
    """

    def __init__(self, mailboxes: MailboxInspection, report: Report, *, at_once: int = LINKS_AT_ONCE) -> None:
        """Takes how many links are read at a time."""
        self._at_once = at_once
        self._mailboxes = mailboxes
        self._report = report
        self._current: UUID | None = None
        self._chain = ChainCheck("")
        self._head: ChainHead | None = None

    async def run(self) -> None:
        """Goes through all mailboxes. Raises ServiceUnavailable."""
        for mailbox_id in await self._mailboxes.headed_without_links():
            self._found(Kind.LINK_MISSING, f"mailbox {mailbox_id}, all")
        mailbox_id, sequence = UUID(int=0), 0
        links = await self._mailboxes.links(mailbox_id, sequence, self._at_once)
        while links:
            await asyncio.to_thread(self._check, links)
            self._report.done(Part.MAILBOXES, "links", len(links))
            full = len(links) == self._at_once
            last = links[-1]
            links = (
                await self._mailboxes.links(last.mailbox_id, last.opening.sequence, self._at_once)
                if full
                else ()
            )
        self._end()

    def _check(self, links: Sequence[StoredLink]) -> None:
        for each in links:
            if each.mailbox_id != self._current:
                self._end()
                self._current, self._chain = each.mailbox_id, ChainCheck(each.address, parse=_document)
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

    def _where(self, sequence: int) -> str:
        return f"mailbox {self._current} link {sequence}"

    def _found(self, kind: Kind, where: str) -> None:
        self._report.found(Part.MAILBOXES, kind, where)
