"""What machine certificates stand for."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.senders import BindingRole, CertificateBinding
from server.storage.register_tables import CertificateBindingRow
from server.storage.statements import Statements, among
from server.storage.stored import table
from server.usecases.records import BindingFilter

_BINDINGS = table(CertificateBindingRow)

_ADD = insert(_BINDINGS).on_conflict_do_nothing(index_elements=[_BINDINGS.c.certificate_sha256])
WANTED = select(*[column for column in _BINDINGS.c if column is not _BINDINGS.c.certificate])
"""All of a binding without the certificate itself, which the door does not ask for."""
_GET = WANTED.where(_BINDINGS.c.certificate_sha256 == bindparam("key"))
_OF = WANTED.where(among(_BINDINGS.c.certificate_sha256, "keys"))
_PORTALS = (
    select(_BINDINGS.c.certificate_sha256)
    .where(_BINDINGS.c.role == BindingRole.PORTAL.value, _BINDINGS.c.revoked_at.is_(None))
    .order_by(_BINDINGS.c.certificate_sha256)
)
_REVOKE = (
    update(_BINDINGS)
    .where(_BINDINGS.c.certificate_sha256 == bindparam("key"))
    .values(revoked_at=func.coalesce(_BINDINGS.c.revoked_at, bindparam("at")))
)
_REVOKE_OF_ADDRESS = (
    update(_BINDINGS)
    .where(_BINDINGS.c.sender_address_id == bindparam("key"), _BINDINGS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(_BINDINGS.c.certificate_sha256)
)


class SqlBindings:
    """Certificate bindings in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, binding: CertificateBinding, certificate: bytes) -> bool:
        """Adds it with the certificate's DER; returns False when the certificate is or was bound."""
        values = {
            "certificate_sha256": binding.certificate_sha256,
            "role": binding.role.value,
            "organisation_id": binding.organisation_id,
            "sender_address_id": binding.sender_address_id,
            "certificate": certificate,
            "subject": binding.subject,
            "expires_at": binding.expires_at,
            "bound_at": binding.bound_at,
            "revoked_at": binding.revoked_at,
            "portal_name": binding.portal_name,
            "print_house_id": binding.print_house_id,
        }
        return await self._statements.changed(_ADD, values) == 1

    async def get(self, certificate_sha256: bytes) -> CertificateBinding | None:
        """Returns it, revoked or expired ones too."""
        row = await self._statements.first(_GET, {"key": certificate_sha256})
        return None if row is None else binding_of(row)

    async def of(self, certificates_sha256: Collection[bytes]) -> Mapping[bytes, CertificateBinding]:
        """Returns those of the bindings that there are."""
        rows = await self._statements.rows(_OF, {"keys": list(certificates_sha256)})
        return {row.certificate_sha256: binding_of(row) for row in rows}

    async def portals(self) -> Sequence[bytes]:
        """Returns the SHA-256 of the active portals' certificates, in order."""
        return [row.certificate_sha256 for row in await self._statements.rows(_PORTALS, {})]

    async def lock(self, certificate_sha256: bytes) -> CertificateBinding | None:
        """Returns it, locked until the transaction ends."""
        row = await self._statements.first(_GET.with_for_update(), {"key": certificate_sha256})
        return None if row is None else binding_of(row)

    async def revoke(self, certificate_sha256: bytes, at: datetime) -> None:
        """Marks it revoked, from its first revocation on; LookupError when it is not bound."""
        if await self._statements.changed(_REVOKE, {"key": certificate_sha256, "at": at}) != 1:
            raise LookupError("no such certificate binding")

    async def revoke_of_address(self, sender_address_id: UUID, at: datetime) -> Sequence[bytes]:
        """Revokes the active bindings to this one sender address; returns the certificates' SHA-256."""
        rows = await self._statements.rows(_REVOKE_OF_ADDRESS, {"key": sender_address_id, "at": at})
        return sorted(row.certificate_sha256 for row in rows)

    async def list_newest(
        self, wanted: BindingFilter, *, before: tuple[datetime, bytes] | None, limit: int
    ) -> Sequence[CertificateBinding]:
        """Lists an organisation's bindings by descending time of binding."""
        query = WANTED.where(_BINDINGS.c.organisation_id == bindparam("organisation"))
        values: dict[str, Any] = {"organisation": wanted.organisation_id, "most": limit}
        if wanted.sender_address_id is not None:
            query = query.where(_BINDINGS.c.sender_address_id == bindparam("address"))
            values["address"] = wanted.sender_address_id
        if wanted.active_at is not None:
            query = query.where(
                _BINDINGS.c.revoked_at.is_(None), _BINDINGS.c.expires_at > bindparam("active_at")
            )
            values["active_at"] = wanted.active_at
        if wanted.expiring_until is not None:
            query = query.where(_BINDINGS.c.expires_at <= bindparam("expiring_until"))
            values["expiring_until"] = wanted.expiring_until
        place = tuple_(_BINDINGS.c.bound_at, _BINDINGS.c.certificate_sha256)
        if before is not None:
            query = query.where(place < tuple_(bindparam("bound_at"), bindparam("digest")))
            values |= {"bound_at": before[0], "digest": before[1]}
        query = query.order_by(_BINDINGS.c.bound_at.desc(), _BINDINGS.c.certificate_sha256.desc())
        rows = await self._statements.rows(query.limit(bindparam("most")), values)
        return [binding_of(row) for row in rows]


def binding_of(row: Row[Any]) -> CertificateBinding:
    """Returns the binding in a row of `WANTED`."""
    return CertificateBinding(
        certificate_sha256=row.certificate_sha256,
        role=BindingRole(row.role),
        organisation_id=row.organisation_id,
        sender_address_id=row.sender_address_id,
        expires_at=row.expires_at,
        bound_at=row.bound_at,
        revoked_at=row.revoked_at,
        subject=row.subject,
        portal_name=row.portal_name,
        print_house_id=row.print_house_id,
    )
