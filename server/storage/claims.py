"""Request ids and what became of them: claims and refusals."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select

from server.domain.reasons import Reason
from server.storage.statements import Statements, among, inserting
from server.storage.stored import table
from server.storage.tables import ClaimRow, RefusalRow
from server.usecases.records import Claim, RecordedRefusal

_CLAIMS = table(ClaimRow)
_REFUSALS = table(RefusalRow)

_CLAIM = (
    inserting(_CLAIMS, "owner_id", "request_id", "digest", "subject_id")
    .on_conflict_do_nothing(index_elements=[_CLAIMS.c.owner_id, _CLAIMS.c.request_id])
    .returning(_CLAIMS.c.request_id)
)
_CLAIMED = select(_CLAIMS).where(
    _CLAIMS.c.owner_id == bindparam("owner"), among(_CLAIMS.c.request_id, "request_ids")
)
_REFUSE = inserting(_REFUSALS)
_REFUSED = select(_REFUSALS).where(
    _REFUSALS.c.organisation_id == bindparam("organisation"), among(_REFUSALS.c.request_id, "request_ids")
)
_COUNT = select(func.count()).where(
    _REFUSALS.c.organisation_id == bindparam("organisation"), _REFUSALS.c.recorded_at >= bindparam("since")
)


class SqlClaims:
    """Request ids in a table; two transactions that claim the same one meet at its unique key."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def claim(self, owner_id: UUID, claims: Sequence[Claim]) -> Mapping[str, Claim]:
        """Claims all, each request id once; returns those that were claimed before."""
        wanted = sorted(claims, key=lambda claim: claim.request_id)
        if not wanted:
            return {}
        if len({claim.request_id for claim in wanted}) != len(wanted):
            raise ValueError("a request id stands twice in one call")
        # Sorted, so that two transactions with the same ids wait for each other in one order only.
        inserted = await self._statements.rows(
            _CLAIM,
            {
                "owner_id": [owner_id] * len(wanted),
                "request_id": [claim.request_id for claim in wanted],
                "digest": [claim.digest for claim in wanted],
                "subject_id": [claim.subject_id for claim in wanted],
            },
        )
        new = {row.request_id for row in inserted}
        known = [claim.request_id for claim in wanted if claim.request_id not in new]
        if not known:
            return {}
        # The insert waited for whoever held them; this statement's snapshot is younger and sees their commit.
        rows = await self._statements.rows(_CLAIMED, {"owner": owner_id, "request_ids": known})
        return {row.request_id: Claim(row.request_id, row.digest, row.subject_id) for row in rows}


class SqlRefusals:
    """Refused submissions in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, refusals: Sequence[RecordedRefusal]) -> None:
        """Adds all."""
        await self._statements.insert_all(
            _REFUSE,
            (
                {
                    "organisation_id": refusal.organisation_id,
                    "request_id": refusal.request_id,
                    "reason": refusal.reason.value,
                    "text": refusal.text,
                    "metadata": dict(refusal.metadata),
                    "evidence_id": refusal.evidence_id,
                    "recorded_at": refusal.recorded_at,
                }
                for refusal in refusals
            ),
        )

    async def under(
        self, organisation_id: UUID, request_ids: Collection[str]
    ) -> Mapping[str, RecordedRefusal]:
        """Returns the refusals kept under these request ids."""
        if not request_ids:
            return {}
        rows = await self._statements.rows(
            _REFUSED, {"organisation": organisation_id, "request_ids": list(request_ids)}
        )
        return {row.request_id: _refusal(row) for row in rows}

    async def count_since(self, organisation_id: UUID, since: datetime) -> int:
        """Counts the organisation's refusals recorded at this time or later."""
        counted = await self._statements.run(_COUNT, {"organisation": organisation_id, "since": since})
        return int(counted.scalar_one())


def _refusal(row: Row[Any]) -> RecordedRefusal:
    return RecordedRefusal(
        organisation_id=row.organisation_id,
        request_id=row.request_id,
        reason=Reason(row.reason),
        text=row.text,
        metadata=row.metadata,
        evidence_id=row.evidence_id,
        recorded_at=row.recorded_at,
    )
