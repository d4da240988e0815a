"""A register of certificates in memory, as far as the identity of callers needs one."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import cast
from uuid import UUID, uuid4

from server.domain.caller import IpNetwork
from server.domain.refusals import ServiceUnavailable
from server.domain.senders import BindingRole, CertificateBinding, SenderAddress
from server.usecases.ports import Transaction, UnitOfWork


class Register:
    """Keeps bindings and sender addresses; counts how often it was asked, and can be out of order."""

    def __init__(self) -> None:
        self.bindings: dict[bytes, CertificateBinding] = {}
        self.addresses: list[SenderAddress] = []
        self.administrators: dict[str, frozenset[UUID]] = {}
        self.readings = 0
        self.out_of_order = False

    @property
    def uow(self) -> UnitOfWork:
        return cast(UnitOfWork, self)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        if self.out_of_order:
            raise ServiceUnavailable("database")
        self.readings += 1
        yield cast(Transaction, _Transaction(self))

    def bind_operator(self, sha256: bytes) -> None:
        self._bind(sha256, BindingRole.OPERATOR, None, None)

    def bind_sender(
        self, sha256: bytes, organisation_id: UUID, sender_address_id: UUID | None = None
    ) -> None:
        self._bind(sha256, BindingRole.SENDER, organisation_id, sender_address_id)

    def add_address(self, organisation_id: UUID, *networks: str) -> SenderAddress:
        found = SenderAddress(
            id=uuid4(),
            organisation_id=organisation_id,
            address="notices@src.am",
            networks=tuple(ip_network(network) for network in networks),
            sms_permitted=False,
            suspended=False,
            registered_at=datetime.now(UTC),
        )
        self.addresses.append(found)
        return found

    def revoke(self, sha256: bytes) -> None:
        self.bindings[sha256] = replace(self.bindings[sha256], revoked_at=datetime.now(UTC))

    def _bind(
        self, sha256: bytes, role: BindingRole, organisation_id: UUID | None, address_id: UUID | None
    ) -> None:
        now = datetime.now(UTC)
        self.bindings[sha256] = CertificateBinding(
            certificate_sha256=sha256,
            role=role,
            organisation_id=organisation_id,
            sender_address_id=address_id,
            expires_at=now + timedelta(days=90),
            bound_at=now,
            revoked_at=None,
        )


class _Transaction:
    def __init__(self, register: Register) -> None:
        self._register = register

    @property
    def bindings(self) -> "_Transaction":
        return self

    @property
    def administrators(self) -> "_Transaction":
        return self

    async def organisations_of(self, person_numbers: Collection[str]) -> Mapping[str, frozenset[UUID]]:
        return {each: self._register.administrators.get(each, frozenset()) for each in person_numbers}

    @property
    def sender_addresses(self) -> "_Transaction":
        return self

    async def of(self, certificates_sha256: Collection[bytes]) -> Mapping[bytes, CertificateBinding]:
        stored = self._register.bindings
        return {each: stored[each] for each in certificates_sha256 if each in stored}

    async def places_of(
        self, organisation_ids: Collection[UUID]
    ) -> Mapping[UUID, tuple[Sequence[IpNetwork], Sequence[str]]]:
        places = {}
        for organisation_id in organisation_ids:
            owned = [one for one in self._register.addresses if one.organisation_id == organisation_id]
            networks = list({network: None for one in owned for network in one.networks})
            places[organisation_id] = (networks, sorted({name for one in owned for name in one.host_names}))
        return places
