"""Reads timestamps with the notes that they are over, for who checks all of them."""

from collections.abc import Sequence

from server.fsck.token_ports import StoredToken, TokenKey
from server.storage.log_inspection import PostgresLogInspection

_TOKENS = """
SELECT s.origin, s.authority, s.size, s.note_digest, s.token, s.gen_time, s.stored_at, n.note, n.noted_at
FROM (
    SELECT * FROM log_timestamps WHERE (origin, authority, size, note_digest) > ($1, $2, $3, $4)
    ORDER BY origin, authority, size, note_digest LIMIT $5
) s
LEFT JOIN LATERAL (
    SELECT note, published_at AS noted_at FROM log_checkpoints
    WHERE origin = s.origin AND size = s.size AND sha256(note) = s.note_digest
    UNION ALL
    SELECT note, witnessed_at FROM log_witnessed
    WHERE origin = s.origin AND size = s.size AND sha256(note) = s.note_digest
    LIMIT 1
) n ON true
ORDER BY s.origin, s.authority, s.size, s.note_digest
"""


class PostgresTokenInspection:
    """A `TokenInspection` on the connection of who reads the log."""

    def __init__(self, log: PostgresLogInspection) -> None:
        self._log = log

    async def tokens(self, after: TokenKey, limit: int) -> Sequence[StoredToken]:
        """See `TokenInspection`."""
        return [StoredToken(*row) for row in await self._log.rows(_TOKENS, *after, limit)]
