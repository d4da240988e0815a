"""What use cases ask of the register of who may send. See `server.usecases.ports` for what holds of all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.administration import Administrator
from server.domain.caller import IpNetwork
from server.domain.senders import CertificateBinding, ContractState, Domain, Organisation, SenderAddress
from server.usecases.records import ActFilter, ListedAct, SendingSide


class Organisations(Protocol):
    async def add(self, organisation: Organisation) -> bool:
        """Adds it; returns False, changing nothing, when its code is in use."""
        ...

    async def get(self, organisation_id: UUID) -> Organisation | None: ...

    async def set_contract_state(self, organisation_id: UUID, state: ContractState) -> None: ...


class Domains(Protocol):
    async def add(self, domain: Domain) -> bool:
        """Adds it; returns False, changing nothing, when the name is registered."""
        ...

    async def get(self, name: str) -> Domain | None: ...


class SenderAddresses(Protocol):
    async def add(self, address: SenderAddress) -> bool:
        """Adds it; returns False, changing nothing, when the address is registered."""
        ...

    async def get(self, sender_address_id: UUID) -> SenderAddress | None: ...

    async def named(self, organisation_id: UUID, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        """Returns those of the organisation's addresses that are among the given ones, by address."""
        ...

    async def networks_of(self, organisation_id: UUID) -> Sequence[IpNetwork]:
        """Returns the networks of all the organisation's addresses, each once."""
        ...

    async def set_suspended(self, sender_address_id: UUID, suspended: bool) -> None: ...


class SendingSides(Protocol):
    """Those who send, as submissions are judged."""

    async def of(self, senders: Mapping[UUID, Collection[str]]) -> Mapping[UUID, SendingSide]:
        """Returns the organisations that exist, each with those of its entries for sender addresses that are
        among the given ones. It sees what was committed until now.
        """
        ...


class Bindings(Protocol):
    async def add(self, binding: CertificateBinding, certificate: bytes) -> bool:
        """Adds it with the certificate's DER; returns False, changing nothing, when the certificate is or
        was bound.
        """
        ...

    async def get(self, certificate_sha256: bytes) -> CertificateBinding | None: ...

    async def revoke(self, certificate_sha256: bytes, at: datetime) -> None:
        """Marks it revoked; a revoked one keeps its first time."""
        ...


class Administrators(Protocol):
    """Who may act for organisations: one entry for each organisation and person, for ever."""

    async def enable(
        self, organisation_id: UUID, person_number: str, name: str, at: datetime
    ) -> Administrator:
        """Adds an administrator, or enables one again. Who is enabled stays so, with the new name."""
        ...

    async def disable(self, organisation_id: UUID, person_number: str, at: datetime) -> None:
        """Disables one; who is disabled keeps the first time."""
        ...

    async def get(
        self, organisation_id: UUID, person_number: str, *, shared: bool = False
    ) -> Administrator | None:
        """Returns an administrator, disabled ones too. With `shared`, who disables them meanwhile waits for
        this transaction.
        """
        ...

    async def organisations_of(self, person_number: str) -> frozenset[UUID]:
        """Returns the organisations for which the person may act now."""
        ...

    async def list_of(
        self, organisation_id: UUID, *, after: str | None, limit: int, disabled: bool
    ) -> Sequence[Administrator]:
        """Lists an organisation's administrators by number, from after the given one; with `disabled` those
        too.
        """
        ...


class AdministrativeActs(Protocol):
    """The list of administrative acts, insert-only; their evidence is where all evidence is."""

    async def add(self, act: ListedAct) -> None: ...

    async def get(self, evidence_id: UUID) -> ListedAct | None: ...

    async def list_newest(self, wanted: ActFilter, *, before: UUID | None, limit: int) -> Sequence[ListedAct]:
        """Lists acts by descending identifier of their evidence, from before the given one."""
        ...
