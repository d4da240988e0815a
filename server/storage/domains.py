"""The domains of organisations, and what proves them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from server.domain.senders import Domain, DomainChallenge, DomainProof
from server.storage.register_tables import DomainChallengeRow, DomainRow
from server.storage.statements import Statements, among
from server.storage.stored import table

_DOMAINS = table(DomainRow)
_CHALLENGES = table(DomainChallengeRow)

_ADD = insert(_DOMAINS).on_conflict_do_nothing(index_elements=[_DOMAINS.c.name])
_FORGET = delete(_CHALLENGES).where(
    _CHALLENGES.c.organisation_id == bindparam("organisation"), _CHALLENGES.c.expires_at <= bindparam("now")
)
# Two transactions may both have too many before them: neither waits for what the other is deleting.
_FORGET_OLDEST = delete(_CHALLENGES).where(
    _CHALLENGES.c.organisation_id == bindparam("organisation"),
    _CHALLENGES.c.name.in_(
        select(_CHALLENGES.c.name)
        .where(
            _CHALLENGES.c.organisation_id == bindparam("organisation"), _CHALLENGES.c.name != bindparam("key")
        )
        .order_by(_CHALLENGES.c.expires_at.desc(), _CHALLENGES.c.name)
        .offset(bindparam("others"))
        .with_for_update(skip_locked=True)
    ),
)
_PROPOSE = insert(_CHALLENGES).on_conflict_do_nothing(
    index_elements=[_CHALLENGES.c.organisation_id, _CHALLENGES.c.name]
)
_AMONG = select(_DOMAINS).where(among(_DOMAINS.c.name, "names"))
_LOCK = select(_DOMAINS.c.name).where(among(_DOMAINS.c.name, "names")).order_by(_DOMAINS.c.name)
# In one order whatever the database's language is.
_name_in_order = _DOMAINS.c.name.collate("C")


class SqlDomains:
    """Domains in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, domain: Domain) -> bool:
        """Adds it; returns False when the name is registered."""
        values = {
            "name": domain.name,
            "organisation_id": domain.organisation_id,
            "document_reference": domain.document_reference,
            "registered_at": domain.registered_at,
            "proof": domain.proof.value,
        }
        return await self._statements.changed(_ADD, values) == 1

    async def get(self, name: str) -> Domain | None:
        """Returns it if it is registered."""
        return (await self.among([name])).get(name)

    async def among(self, names: Collection[str]) -> Mapping[str, Domain]:
        """Returns those of these names that are registered."""
        rows = await self._statements.rows(_AMONG, {"names": list(names)})
        return {row.name: _domain(row) for row in rows}

    async def lock(self, names: Collection[str], *, shared: bool = False) -> None:
        """Locks those of these names that are registered, in sorted order."""
        await self._statements.rows(_LOCK.with_for_update(read=shared), {"names": list(names)})

    async def delete(self, name: str) -> None:
        """Deletes it; LookupError when it is not registered."""
        gone = delete(_DOMAINS).where(_DOMAINS.c.name == bindparam("key"))
        if await self._statements.changed(gone, {"key": name}) != 1:
            raise LookupError("no such domain")

    async def list_by_name(self, organisation_id: UUID, *, after: str | None, limit: int) -> Sequence[Domain]:
        """Lists an organisation's domains by name, from after the given one."""
        query = select(_DOMAINS).where(_DOMAINS.c.organisation_id == bindparam("organisation"))
        values: dict[str, Any] = {"organisation": organisation_id}
        if after is not None:
            query = query.where(_name_in_order > bindparam("after"))
            values["after"] = after
        rows = await self._statements.rows(query.order_by(_name_in_order).limit(limit), values)
        return [_domain(row) for row in rows]

    async def challenge(self, proposed: DomainChallenge, now: datetime, *, most: int) -> DomainChallenge:
        """Returns what stands until it expires, or else the proposed, which is kept then and, if need be, the
        oldest forgotten.
        """
        values = {
            "organisation_id": proposed.organisation_id,
            "name": proposed.name,
            "token": proposed.token,
            "expires_at": proposed.expires_at,
        }
        await self._statements.run(_FORGET, {"organisation": proposed.organisation_id, "now": now})
        if await self._statements.changed(_PROPOSE, values) == 1:
            own = {"organisation": proposed.organisation_id, "key": proposed.name, "others": most - 1}
            await self._statements.run(_FORGET_OLDEST, own)
        # A statement of its own: it sees what another transaction kept while this one waited.
        standing = select(_CHALLENGES).where(
            _CHALLENGES.c.organisation_id == bindparam("organisation"), _CHALLENGES.c.name == bindparam("key")
        )
        row = await self._statements.first(
            standing, {"organisation": proposed.organisation_id, "key": proposed.name}
        )
        if row is None:
            raise LookupError("a challenge that was kept is not there")
        return DomainChallenge(row.organisation_id, row.name, row.token, row.expires_at)


def _domain(row: Row[Any]) -> Domain:
    return Domain(
        row.organisation_id, row.name, row.document_reference, row.registered_at, DomainProof(row.proof)
    )
