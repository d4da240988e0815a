"""What use cases ask of the register of who may send. See `server.usecases.ports` for what holds of all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from server.domain.administration import Administrator
from server.domain.caller import IpNetwork
from server.domain.portals import RegisteredPortal
from server.domain.senders import CertificateBinding, Domain, DomainChallenge, Organisation, SenderAddress
from server.usecases.records import (
    ActFilter,
    BindingFilter,
    ListedAct,
    OrganisationFilter,
    SenderAddressFilter,
    SendingSide,
)


class Organisations(Protocol):
    async def add(self, organisation: Organisation) -> bool:
        """Adds it; returns False, changing nothing, when its code is in use."""
        ...

    async def get(self, organisation_id: UUID) -> Organisation | None: ...

    async def lock(self, organisation_id: UUID) -> Organisation | None:
        """Returns it, locked until the transaction ends: who changes it meanwhile waits."""
        ...

    async def change(self, organisation: Organisation) -> None:
        """Stores the name, the contract's state and its last day."""
        ...

    async def list_by_code(
        self, wanted: OrganisationFilter, today: date, *, after: str | None, limit: int
    ) -> Sequence[Organisation]:
        """Lists organisations by code, from after the given one; contracts are judged on the day given."""
        ...


class Domains(Protocol):
    async def add(self, domain: Domain) -> bool:
        """Adds it; returns False, changing nothing, when the name is registered."""
        ...

    async def get(self, name: str) -> Domain | None: ...

    async def among(self, names: Collection[str]) -> Mapping[str, Domain]:
        """Returns those of these names that are registered, by name. It sees what was committed until now."""
        ...

    async def lock(self, names: Collection[str], *, shared: bool = False) -> None:
        """Locks those of these names that are registered, in sorted order, until the transaction ends: who
        registers or deletes by one of them meanwhile waits; those who share, for each other not.
        """
        ...

    async def delete(self, name: str) -> None: ...

    async def list_by_name(self, organisation_id: UUID, *, after: str | None, limit: int) -> Sequence[Domain]:
        """Lists an organisation's domains by name, from after the given one."""
        ...

    async def challenge(self, proposed: DomainChallenge, now: datetime, *, most: int) -> DomainChallenge:
        """Returns what the organisation is to put into the DNS: what stands until it expires, or else the
        proposed, which is kept then. Of more than `most` of the organisation's, the oldest are forgotten.
        """
        ...


class TextRecords(Protocol):
    """The DNS, as far as it proves whose a domain is. Never asked inside a transaction."""

    async def texts_of(self, name: str) -> Sequence[str]:
        """Returns the texts of a name's TXT records, as they are now. Raises `ServiceUnavailable`."""
        ...


class SenderAddresses(Protocol):
    async def add(self, address: SenderAddress) -> bool:
        """Adds it; returns False, changing nothing, when the address is registered."""
        ...

    async def get(self, sender_address_id: UUID) -> SenderAddress | None: ...

    async def lock(self, sender_address_id: UUID) -> SenderAddress | None:
        """Returns it, locked until the transaction ends: who changes or deletes it meanwhile waits."""
        ...

    async def change(self, address: SenderAddress) -> None:
        """Stores where it may send from, whether it may send SMS messages, and whether it is suspended."""
        ...

    async def delete(self, sender_address_id: UUID) -> None: ...

    async def named(self, organisation_id: UUID, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        """Returns those of the organisation's entries that are among the given ones, by address.

        Who asks for what permits an address asks for all its `permission_names`.
        """
        ...

    async def registered(self, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        """Returns those entries, of whichever organisation, that are among the given ones, by address."""
        ...

    async def below(self, domain: str) -> Sequence[SenderAddress]:
        """Returns one entry, whichever, of each organisation and each domain that is the given one or lies
        below it.
        """
        ...

    async def list_by_address(
        self, wanted: SenderAddressFilter, *, after: str | None, limit: int
    ) -> Sequence[SenderAddress]:
        """Lists entries by address, from after the given one."""
        ...

    async def places_of(
        self, organisation_ids: Collection[UUID]
    ) -> Mapping[UUID, tuple[Sequence[IpNetwork], Sequence[str]]]:
        """Returns, for each of the organisations, the networks and the host names of all its addresses, each
        once; the names sorted.
        """
        ...


class SendingSides(Protocol):
    """Those who send, as submissions are judged."""

    async def of(self, senders: Mapping[UUID, Collection[str]]) -> Mapping[UUID, SendingSide]:
        """Returns the organisations that exist, each with those of its addresses that are among the given
        ones. It sees what was committed until now.
        """
        ...


class Bindings(Protocol):
    async def add(self, binding: CertificateBinding, certificate: bytes) -> bool:
        """Adds it with the certificate's DER; returns False, changing nothing, when the certificate is or
        was bound.
        """
        ...

    async def get(self, certificate_sha256: bytes) -> CertificateBinding | None: ...

    async def portals(self) -> Sequence[bytes]:
        """Returns the SHA-256 of every certificate that is bound as a portal's and not revoked, in order."""
        ...

    async def of(self, certificates_sha256: Collection[bytes]) -> Mapping[bytes, CertificateBinding]:
        """Returns those of the bindings that there are, by the certificates' SHA-256."""
        ...

    async def lock(self, certificate_sha256: bytes) -> CertificateBinding | None:
        """Returns it, locked until the transaction ends."""
        ...

    async def list_newest(
        self, wanted: BindingFilter, *, before: tuple[datetime, bytes] | None, limit: int
    ) -> Sequence[CertificateBinding]:
        """Lists an organisation's bindings by descending time of binding, and digest, from before the given
        ones.
        """
        ...

    async def revoke(self, certificate_sha256: bytes, at: datetime) -> None:
        """Marks it revoked; a revoked one keeps its first time."""
        ...

    async def revoke_of_address(self, sender_address_id: UUID, at: datetime) -> Sequence[bytes]:
        """Revokes the active bindings to this one sender address; returns the certificates' SHA-256."""
        ...


class Portals(Protocol):
    """Portals by their names. Which certificates are one's, the bindings say: those under its name."""

    async def enter(self, portal: RegisteredPortal) -> None:
        """Adds it, unless there is one of this name."""
        ...

    async def get(self, portal_id: UUID) -> RegisteredPortal | None: ...

    async def list_newest(self, *, before: UUID | None, limit: int) -> Sequence[RegisteredPortal]:
        """Lists by descending identifier, from before the given one."""
        ...

    async def missing(self) -> Mapping[str, datetime]:
        """Returns the names that certificates are bound under and no portal has, with the time of each
        one's first binding.
        """
        ...

    async def certificates(self, names: Collection[str]) -> Mapping[str, Sequence[CertificateBinding]]:
        """Returns all bindings under these names, revoked and expired ones too, by name, the last bound
        first.
        """
        ...

    async def open_sessions(self, names: Collection[str], at: datetime) -> Mapping[str, int]:
        """Counts the sessions that can be used at this time, by the name that their certificate is bound
        under; where there are none, the name may be missing.
        """
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

    async def lock(self, organisation_id: UUID, person_number: str) -> Administrator | None:
        """Returns an administrator, disabled ones too, locked until the transaction ends."""
        ...

    async def organisations_of(self, person_numbers: Collection[str]) -> Mapping[str, frozenset[UUID]]:
        """Returns, for each of the persons, the organisations for which the person may act now."""
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

    async def list_newest(self, wanted: ActFilter, *, before: UUID | None, limit: int) -> Sequence[ListedAct]:
        """Lists acts by descending identifier of their evidence, from before the given one."""
        ...
