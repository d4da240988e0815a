"""Reads confirmations with their evidence, for who verifies their signatures again."""

from collections.abc import Sequence

from namak.evidence.events import READING_CONFIRMED
from server.fsck.signature_ports import ConfirmationKey, StoredConfirmation
from server.storage.log_inspection import PostgresLogInspection

_CONFIRMATIONS = """
SELECT c.mailbox_id, c.delivery_id, e.id, e.document
FROM (
    SELECT mailbox_id, delivery_id, evidence_ids FROM confirmations
    WHERE (mailbox_id, delivery_id) > ($1, $2) ORDER BY mailbox_id, delivery_id LIMIT $3
) c
LEFT JOIN LATERAL (
    SELECT id, document FROM evidence WHERE id = ANY (c.evidence_ids) AND event = $4 OFFSET 0
) e ON true
ORDER BY c.mailbox_id, c.delivery_id, e.id
"""
_LIST = "SELECT der FROM revocation_lists WHERE digest = $1"


class PostgresSignatureInspection:
    """A `ConfirmationInspection` on the connection of who reads the log."""

    def __init__(self, log: PostgresLogInspection) -> None:
        self._log = log

    async def confirmations(self, after: ConfirmationKey, limit: int) -> Sequence[StoredConfirmation]:
        """See `ConfirmationInspection`."""
        rows = await self._log.rows(_CONFIRMATIONS, *after, limit, READING_CONFIRMED.uri)
        return [
            StoredConfirmation((row["mailbox_id"], row["delivery_id"]), row["id"], row["document"])
            for row in rows
        ]

    async def list(self, digest: bytes) -> bytes | None:
        """See `ConfirmationInspection`."""
        rows = await self._log.rows(_LIST, digest)
        return rows[0]["der"] if rows else None
