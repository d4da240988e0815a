"""A register of certificates in memory, as far as the identity of callers needs one."""

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import cast
from uuid import UUID, uuid4

from server.domain.caller import Assurance, IpNetwork
from server.domain.refusals import ServiceUnavailable
from server.domain.senders import BindingRole, CertificateBinding, SenderAddress
from server.domain.sessions import Ending, Method, Session, session_token, token_digest
from server.usecases.ports import Transaction, UnitOfWork


class Register:
    """Keeps bindings and sender addresses; counts how often it was asked, and can be out of order."""

    def __init__(self) -> None:
        self.bindings: dict[bytes, CertificateBinding] = {}
        self.addresses: list[SenderAddress] = []
        self.administrators: dict[str, frozenset[UUID]] = {}
        self.sessions: dict[bytes, Session] = {}
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

    def bind_clerk(self, sha256: bytes) -> None:
        self._bind(sha256, BindingRole.CLERK, None, None)

    def bind_print_house(self, sha256: bytes, print_house_id: UUID) -> None:
        self._bind(sha256, BindingRole.PRINT_HOUSE, None, None)
        self.bindings[sha256] = replace(self.bindings[sha256], print_house_id=print_house_id)

    def bind_portal(self, sha256: bytes, name: str) -> None:
        self._bind(sha256, BindingRole.PORTAL, None, None)
        self.bindings[sha256] = replace(self.bindings[sha256], portal_name=name)

    def begin_session(
        self,
        portal_sha256: bytes,
        person_number: str,
        *,
        length: timedelta = timedelta(minutes=500),
        assurance: Assurance = Assurance.SIGNATURE,
    ) -> str:
        """Begins a session at a portal; returns its token."""
        token, now = session_token(os.urandom(32)), datetime.now(UTC)
        digest = token_digest(token)
        assert digest is not None
        self.sessions[digest] = Session(
            id=uuid4(),
            sign_in_id=uuid4(),
            person_number=person_number,
            portal_sha256=portal_sha256,
            portal_name=self.bindings[portal_sha256].portal_name,
            method=Method.CERTIFICATE,
            assurance=assurance,
            started_at=now - timedelta(hours=1),
            expires_at=now + length,
        )
        return token

    def end_session(self, token: str, ending: Ending = Ending.SIGNED_OUT) -> None:
        digest = token_digest(token)
        assert digest is not None
        ended = replace(self.sessions[digest], ended_at=datetime.now(UTC), ending=ending)
        self.sessions[digest] = ended

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

    @property
    def sessions(self) -> "_Transaction":
        return self

    async def of_tokens(self, digests: Collection[bytes]) -> Mapping[bytes, Session]:
        stored = self._register.sessions
        return {each: stored[each] for each in digests if each in stored}

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
