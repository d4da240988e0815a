"""Reads mailboxes' links with what was stored beside them, for who checks all of them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from namak.evidence import events
from namak.evidence.mailbox_chain import ChainHead, Opening
from server.fsck.mailbox_ports import BEHIND_ALL, StoredLink
from server.fsck.span_ports import WHOLE, Span
from server.storage.log_inspection import PostgresLogInspection

# OFFSET: each is looked up by its key, whatever the statistics say.
_LINKS = """
SELECT l.mailbox_id, coalesce(m.address, '') AS address, l.sequence, l.delivery_id, l.nonce, l.previous,
    l.link, e.document, d.sequence AS placed, h.sequence AS head_sequence, h.link AS head_link
FROM (
    SELECT * FROM mailbox_links WHERE (mailbox_id, sequence) > ($1, $2) AND mailbox_id <= $3
    ORDER BY mailbox_id, sequence LIMIT $4
) l
LEFT JOIN LATERAL (SELECT address FROM mailboxes WHERE id = l.mailbox_id OFFSET 0) m ON true
LEFT JOIN LATERAL (
    SELECT sequence, link FROM mailbox_heads WHERE mailbox_id = l.mailbox_id OFFSET 0
) h ON true
LEFT JOIN LATERAL (
    SELECT sequence FROM deliveries WHERE mailbox_id = l.mailbox_id AND id = l.delivery_id OFFSET 0
) d ON true
LEFT JOIN LATERAL (
    SELECT document FROM evidence
    WHERE owner_id = l.mailbox_id AND delivery_id = l.delivery_id AND event = $5 ORDER BY id LIMIT 1
) e ON true
ORDER BY l.mailbox_id, l.sequence
"""
_HEADED = """
SELECT h.mailbox_id FROM mailbox_heads h
WHERE h.sequence > 0 AND h.mailbox_id > $1 AND h.mailbox_id <= $2
AND NOT EXISTS (SELECT FROM mailbox_links l WHERE l.mailbox_id = h.mailbox_id)
"""


# A head counts its mailbox's links.
_BOUNDS = """
SELECT mailbox_id FROM (
    SELECT mailbox_id, sequence, sum(sequence) OVER (ORDER BY mailbox_id) AS so_far,
        nullif(sum(sequence) OVER (), 0) AS whole
    FROM mailbox_heads
) h
WHERE floor(so_far * $1::int / whole) > floor((so_far - sequence) * $1::int / whole) ORDER BY mailbox_id
"""


class PostgresMailboxInspection:
    """A `MailboxInspection` on the connection of who reads the log, of the mailboxes of a span."""

    def __init__(self, log: PostgresLogInspection, span: Span = WHOLE) -> None:
        self._log = log
        self._span = span

    async def links(self, mailbox_id: UUID, after: int, up_to: UUID, limit: int) -> Sequence[StoredLink]:
        """See `MailboxInspection`."""
        event = events.CONTENT_CONSIGNMENT.uri
        begin = max((mailbox_id, after), (self._span.after, BEHIND_ALL))
        rows = await self._log.rows(_LINKS, *begin, min(up_to, self._span.up_to), limit, event)
        return [_link(row) for row in rows]

    async def headed_without_links(self) -> Collection[UUID]:
        """See `MailboxInspection`."""
        begin = (self._span.after, self._span.up_to)
        return [row["mailbox_id"] for row in await self._log.rows(_HEADED, *begin)]

    async def bounds(self, parts: int) -> Sequence[UUID]:
        """See `MailboxInspection`."""
        return [row["mailbox_id"] for row in await self._log.rows(_BOUNDS, parts)]


def _link(row: Any) -> StoredLink:
    opening = Opening(
        row["sequence"],
        str(row["delivery_id"]),
        *(row["nonce"], row["previous"], row["link"], row["document"] or b""),
    )
    head = None if row["head_link"] is None else ChainHead(row["head_sequence"], row["head_link"])
    return StoredLink(row["mailbox_id"], row["address"], opening, row["placed"], head)
