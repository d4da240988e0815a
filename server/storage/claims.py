"""Request ids and what became of them: claims and refusals."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, bindparam, column, func, select

from server.domain.reasons import Reason
from server.storage.statements import Statements, among, array, inserting
from server.storage.stored import table
from server.storage.tables import ClaimRow, RefusalRow
from server.usecases.records import Claim, RecordedRefusal

_CLAIMS = table(ClaimRow)
_REFUSALS = table(RefusalRow)

_CLAIM = (
    inserting(_CLAIMS, "owner_id", "request_id", "digest", "subject_id")
    .on_conflict_do_nothing(index_elements=[_CLAIMS.c.owner_id, _CLAIMS.c.request_id])
    .returning(_CLAIMS.c.owner_id, _CLAIMS.c.request_id)
)
_KNOWN = (
    func.unnest(array("owners", _CLAIMS.c.owner_id.type), array("request_ids", _CLAIMS.c.request_id.type))
    .table_valued(
        column("owner_id", _CLAIMS.c.owner_id.type), column("request_id", _CLAIMS.c.request_id.type)
    )
    .render_derived(name="given")
)
_CLAIMED = select(_CLAIMS).join(
    _KNOWN, and_(_CLAIMS.c.owner_id == _KNOWN.c.owner_id, _CLAIMS.c.request_id == _KNOWN.c.request_id)
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
        wanted = {(owner_id, claim.request_id): claim for claim in claims}
        if len(wanted) != len(claims):
            raise ValueError("a request id stands twice in one call")
        earlier = await self.claim_all(wanted)
        return {request_id: claim for (_, request_id), claim in earlier.items()}

    async def claim_all(self, claims: Mapping[tuple[UUID, str], Claim]) -> Mapping[tuple[UUID, str], Claim]:
        """Claims for many owners at once; returns those that were claimed before."""
        if not claims:
            return {}
        # Sorted, so that two transactions with the same ids wait for each other in one order only.
        keys = sorted(claims)
        wanted = [claims[key] for key in keys]
        inserted = await self._statements.rows(
            _CLAIM,
            {
                "owner_id": [owner_id for owner_id, _ in keys],
                "request_id": [claim.request_id for claim in wanted],
                "digest": [claim.digest for claim in wanted],
                "subject_id": [claim.subject_id for claim in wanted],
            },
        )
        new = {(row.owner_id, row.request_id) for row in inserted}
        known = [key for key in keys if key not in new]
        if not known:
            return {}
        # The insert waited for whoever held them; this statement's snapshot is younger and sees their commit.
        rows = await self._statements.rows(
            _CLAIMED,
            {"owners": [key[0] for key in known], "request_ids": [key[1] for key in known]},
        )
        return {
            (row.owner_id, row.request_id): Claim(row.request_id, row.digest, row.subject_id) for row in rows
        }


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
