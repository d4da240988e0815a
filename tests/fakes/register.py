"""The fake unit of work's organisations and certificate bindings."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from server.domain.senders import BindingRole, CertificateBinding, Organisation
from server.usecases.records import BindingFilter, OrganisationFilter
from tests.fakes.state import State


class FakeOrganisations:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, organisation: Organisation) -> bool:
        if any(each.code == organisation.code for each in self._state.organisations.values()):
            return False
        self._state.require(organisation.id not in self._state.organisations, "pk_organisations")
        self._state.organisations[organisation.id] = organisation
        return True

    async def get(self, organisation_id: UUID) -> Organisation | None:
        return self._state.organisations.get(organisation_id)

    async def lock(self, organisation_id: UUID) -> Organisation | None:
        return self._state.organisations.get(organisation_id)

    async def change(self, organisation: Organisation) -> None:
        stored = self._state.organisations.get(organisation.id)
        if stored is None:
            raise LookupError("no such organisation")
        self._state.organisations[organisation.id] = replace(
            stored,
            name=organisation.name,
            contract_state=organisation.contract_state,
            contract_ends_on=organisation.contract_ends_on,
            notification_policies=organisation.notification_policies,
        )

    async def list_by_code(
        self, wanted: OrganisationFilter, today: date, *, after: str | None, limit: int
    ) -> Sequence[Organisation]:
        found = [
            each
            for each in self._state.organisations.values()
            if (wanted.organisation_ids is None or each.id in wanted.organisation_ids)
            and wanted.contract_state in (None, each.contract_state_on(today))
            and wanted.code in (None, each.code)
            and (after is None or each.code > after)
        ]
        return sorted(found, key=lambda organisation: organisation.code)[:limit]


class FakeBindings:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, binding: CertificateBinding, certificate: bytes) -> bool:
        digest = hashlib.sha256(certificate).digest()
        self._state.require(
            binding.certificate_sha256 == digest, "ck_certificate_bindings_certificate_sha256"
        )
        if digest in self._state.bindings:
            return False
        sends = binding.role is BindingRole.SENDER
        self._state.require(
            sends == (binding.organisation_id is not None), "ck_certificate_bindings_organisation"
        )
        is_portal = binding.role is BindingRole.PORTAL
        self._state.require(is_portal == bool(binding.portal_name), "ck_certificate_bindings_portal_name")
        self._state.bindings[digest] = binding
        self._state.certificates[digest] = certificate
        return True

    async def get(self, certificate_sha256: bytes) -> CertificateBinding | None:
        return self._state.bindings.get(certificate_sha256)

    async def portals(self) -> Sequence[bytes]:
        bindings = self._state.bindings.values()
        return sorted(
            each.certificate_sha256
            for each in bindings
            if each.role is BindingRole.PORTAL and each.revoked_at is None
        )

    async def of(self, certificates_sha256: Collection[bytes]) -> Mapping[bytes, CertificateBinding]:
        stored = self._state.bindings
        return {each: stored[each] for each in certificates_sha256 if each in stored}

    async def lock(self, certificate_sha256: bytes) -> CertificateBinding | None:
        return self._state.bindings.get(certificate_sha256)

    async def list_newest(
        self, wanted: BindingFilter, *, before: tuple[datetime, bytes] | None, limit: int
    ) -> Sequence[CertificateBinding]:
        found = [
            each
            for each in self._state.bindings.values()
            if each.organisation_id == wanted.organisation_id
            and wanted.sender_address_id in (None, each.sender_address_id)
            and (wanted.active_at is None or (each.revoked_at is None and each.expires_at > wanted.active_at))
            and (wanted.expiring_until is None or each.expires_at <= wanted.expiring_until)
            and (before is None or (each.bound_at, each.certificate_sha256) < before)
        ]
        return sorted(found, key=lambda one: (one.bound_at, one.certificate_sha256), reverse=True)[:limit]

    async def revoke(self, certificate_sha256: bytes, at: datetime) -> None:
        if certificate_sha256 not in self._state.bindings:
            raise LookupError("no such certificate binding")
        binding = self._state.bindings[certificate_sha256]
        if binding.revoked_at is None:
            self._state.bindings[certificate_sha256] = replace(binding, revoked_at=at)

    async def revoke_of_address(self, sender_address_id: UUID, at: datetime) -> Sequence[bytes]:
        revoked = sorted(
            digest
            for digest, each in self._state.bindings.items()
            if each.sender_address_id == sender_address_id and each.revoked_at is None
        )
        for digest in revoked:
            await self.revoke(digest, at)
        return revoked
