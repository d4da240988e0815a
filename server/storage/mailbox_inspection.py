"""Reads mailboxes' links with what was stored beside them, for who checks all of them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from namak.evidence import events
from namak.evidence.mailbox_chain import ChainHead, Opening
from server.fsck.mailbox_ports import StoredLink
from server.storage.log_inspection import PostgresLogInspection

_LINKS = """
SELECT l.mailbox_id, m.address, l.sequence, l.delivery_id, l.nonce, l.previous, l.link, e.document,
    d.sequence AS placed, h.sequence AS head_sequence, h.link AS head_link
FROM (
    SELECT * FROM mailbox_links WHERE (mailbox_id, sequence) > ($1, $2) ORDER BY mailbox_id, sequence LIMIT $3
) l
JOIN mailboxes m ON m.id = l.mailbox_id
LEFT JOIN mailbox_heads h ON h.mailbox_id = l.mailbox_id
LEFT JOIN deliveries d ON d.mailbox_id = l.mailbox_id AND d.id = l.delivery_id
LEFT JOIN LATERAL (
    SELECT document FROM evidence
    WHERE owner_id = l.mailbox_id AND delivery_id = l.delivery_id AND event = $4 ORDER BY id LIMIT 1
) e ON true
ORDER BY l.mailbox_id, l.sequence
"""
_HEADED = """
SELECT h.mailbox_id FROM mailbox_heads h WHERE h.sequence > 0
AND NOT EXISTS (SELECT FROM mailbox_links l WHERE l.mailbox_id = h.mailbox_id)
"""


class PostgresMailboxInspection:
    """A `MailboxInspection` on the connection of who reads the log."""

    def __init__(self, log: PostgresLogInspection) -> None:
        self._log = log

    async def links(self, mailbox_id: UUID, after: int, limit: int) -> Sequence[StoredLink]:
        """See `MailboxInspection`."""
        event = events.CONTENT_CONSIGNMENT.uri
        return [_link(row) for row in await self._log.rows(_LINKS, mailbox_id, after, limit, event)]

    async def headed_without_links(self) -> Collection[UUID]:
        """See `MailboxInspection`."""
        return [row["mailbox_id"] for row in await self._log.rows(_HEADED)]


def _link(row: Any) -> StoredLink:
    opening = Opening(
        row["sequence"],
        str(row["delivery_id"]),
        *(row["nonce"], row["previous"], row["link"], row["document"] or b""),
    )
    head = None if row["head_link"] is None else ChainHead(row["head_sequence"], row["head_link"])
    return StoredLink(row["mailbox_id"], row["address"], opening, row["placed"], head)
