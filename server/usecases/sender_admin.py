"""The register of who may send: organisations, contracts, domains, addresses and certificates (POST-8,
ADMIN-2).
"""

from dataclasses import dataclass
from uuid import UUID

from server.domain import addresses
from server.domain.caller import IpNetwork
from server.domain.certificates import MachineCertificate, machine_certificate
from server.domain.fields import Malformed
from server.domain.refusals import (
    AlreadyRegistered,
    CertificateRevoked,
    DomainNotRegistered,
    FieldProblem,
    InvalidFields,
    NotFound,
    RevocationStatusUnknown,
)
from server.domain.senders import (
    BindingRole,
    CertificateBinding,
    ContractState,
    Domain,
    Organisation,
    SenderAddress,
)
from server.usecases.operator_claims import claim_request
from server.usecases.ports import Clock, Entropy, PersonalCertificates, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class RegisterOrganisation:
    """`code` is a legal entity code and `name` one line, both checked (`server.domain.fields`)."""

    request_id: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class SetContractState:
    """`state` is any but NONE: a contract that was is never undone."""

    request_id: str
    organisation_id: UUID
    state: ContractState


@dataclass(frozen=True, slots=True)
class RegisterDomain:
    """`name` is in canonical form (`server.domain.addresses.domain_name`)."""

    request_id: str
    organisation_id: UUID
    name: str
    document_reference: str


@dataclass(frozen=True, slots=True)
class RegisterSenderAddress:
    """`address` is in canonical form (`server.domain.addresses.sender_address`), `networks` are checked and
    not empty (`server.domain.networks.network`).
    """

    request_id: str
    organisation_id: UUID
    address: str
    networks: tuple[IpNetwork, ...]
    sms_permitted: bool


@dataclass(frozen=True, slots=True)
class SetSuspended:
    """Suspends a sender address, or resumes it."""

    request_id: str
    sender_address_id: UUID
    suspended: bool


@dataclass(frozen=True, slots=True)
class BindCertificate:
    """`certificate` is the DER as it came; `sender_address_id` narrows the binding to one address."""

    request_id: str
    organisation_id: UUID
    sender_address_id: UUID | None
    certificate: bytes


@dataclass(frozen=True, slots=True)
class RevokeCertificate:
    """`certificate_sha256` is the SHA-256 of the certificate's DER."""

    request_id: str
    certificate_sha256: bytes


class SenderAdmin:
    """What the operator does in the register.

    Every change is claimed under its request id first: repeating it changes nothing and returns the resource
    as it is by then (AIP-155).
    """

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, persons: PersonalCertificates
    ) -> None:
        """`persons` tells personal certificates from machines', for only these are bound."""
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._persons = persons

    async def register_organisation(self, command: RegisterOrganisation) -> Organisation:
        """Registers an organisation, without a contract as yet.

        Raises:
            RequestIdReused, AlreadyRegistered: the latter for a code in use.
        """
        organisation = Organisation(
            self._entropy.new_id(), command.code, command.name, ContractState.NONE, self._clock.now()
        )
        content = ("RegisterOrganisation", command.code, command.name)
        async with self._uow.writing() as tx:
            if earlier := await claim_request(tx, command.request_id, organisation.id, *content):
                return await _organisation(tx, earlier)
            if not await tx.organisations.add(organisation):
                raise AlreadyRegistered("organisation", command.code)
            await tx.commit()
        return organisation

    async def set_contract_state(self, command: SetContractState) -> Organisation:
        """Sets the state of an organisation's contract; it counts from the next submission on (POST-8).

        Raises:
            RequestIdReused, NotFound, InvalidFields: the last for the state NONE.
        """
        if command.state is ContractState.NONE:
            raise InvalidFields(
                [FieldProblem("contract_state", "NOT_SETTABLE", "must be IN_FORCE, SUSPENDED or ENDED")]
            )
        content = ("SetContractState", str(command.organisation_id), command.state.value)
        async with self._uow.writing() as tx:
            if await claim_request(tx, command.request_id, command.organisation_id, *content):
                return await _organisation(tx, command.organisation_id)
            await _organisation(tx, command.organisation_id)
            await tx.organisations.set_contract_state(command.organisation_id, command.state)
            organisation = await _organisation(tx, command.organisation_id)
            await tx.commit()
        return organisation

    async def register_domain(self, command: RegisterDomain) -> Domain:
        """Registers a domain as an organisation's own (ADMIN-2). One that is its own already stays as it is.

        Raises:
            RequestIdReused, NotFound, AlreadyRegistered: the last for a domain that is another's.
        """
        domain = Domain(command.organisation_id, command.name, command.document_reference, self._clock.now())
        content = (
            "RegisterDomain",
            str(command.organisation_id),
            command.name,
            command.document_reference,
        )
        async with self._uow.writing() as tx:
            if await claim_request(tx, command.request_id, command.organisation_id, *content):
                return await _own_domain(tx, domain)
            await _organisation(tx, command.organisation_id)
            if not await tx.domains.add(domain):
                domain = await _own_domain(tx, domain)
            await tx.commit()
        return domain

    async def register_sender_address(self, command: RegisterSenderAddress) -> SenderAddress:
        """Registers an address from which an organisation may send (ADMIN-3).

        Raises:
            RequestIdReused, NotFound, AlreadyRegistered.
            DomainNotRegistered: the narrowest registered domain that the address lies under is not the
                organisation's, or there is none.
        """
        address = SenderAddress(
            id=self._entropy.new_id(),
            organisation_id=command.organisation_id,
            address=command.address,
            networks=tuple(dict.fromkeys(command.networks)),
            sms_permitted=command.sms_permitted,
            suspended=False,
            registered_at=self._clock.now(),
        )
        if not address.networks:
            # POST-8: a list of networks that is empty permits nothing, and helps nobody.
            raise InvalidFields([FieldProblem("networks", "EMPTY", "must have at least one network")])
        content = (
            "RegisterSenderAddress",
            str(command.organisation_id),
            command.address,
            " ".join(map(str, command.networks)),
            str(command.sms_permitted),
        )
        async with self._uow.writing() as tx:
            if earlier := await claim_request(tx, command.request_id, address.id, *content):
                return await _sender_address(tx, earlier)
            await _organisation(tx, command.organisation_id)
            await _check_domain(tx, command.organisation_id, command.address)
            if not await tx.sender_addresses.add(address):
                raise AlreadyRegistered("sender address", command.address)
            await tx.commit()
        return address

    async def set_suspended(self, command: SetSuspended) -> SenderAddress:
        """Suspends or resumes a sender address; it counts from the next submission on (ADMIN-3).

        Raises:
            RequestIdReused, NotFound.
        """
        content = ("SetSuspended", str(command.sender_address_id), str(command.suspended))
        async with self._uow.writing() as tx:
            if await claim_request(tx, command.request_id, command.sender_address_id, *content):
                return await _sender_address(tx, command.sender_address_id)
            await _sender_address(tx, command.sender_address_id)
            await tx.sender_addresses.set_suspended(command.sender_address_id, command.suspended)
            address = await _sender_address(tx, command.sender_address_id)
            await tx.commit()
        return address

    async def bind_certificate(self, command: BindCertificate) -> CertificateBinding:
        """Binds a machine certificate to an organisation, or to one of its addresses only (CARD-4).

        Raises:
            InvalidFields: the certificate is unreadable, has expired, or is a person's.
            RequestIdReused, NotFound: the latter also for an address that is another organisation's.
            AlreadyRegistered: the certificate is or was bound otherwise.
        """
        certificate = _readable(command.certificate)
        await self._refuse_personal(command.certificate)
        content = (
            "BindCertificate",
            str(command.organisation_id),
            str(command.sender_address_id),
            certificate.sha256.hex(),
        )
        async with self._uow.writing() as tx:
            # A binding is known by the certificate's digest; the claim gets an identifier of its own.
            if await claim_request(tx, command.request_id, self._entropy.new_id(), *content):
                return await _binding(tx, certificate.sha256)
            await _organisation(tx, command.organisation_id)
            if command.sender_address_id is not None:
                address = await _sender_address(tx, command.sender_address_id)
                if address.organisation_id != command.organisation_id:
                    raise NotFound("sender address", str(command.sender_address_id))
            binding = await self._bind(
                tx,
                certificate,
                command.certificate,
                BindingRole.SENDER,
                command.organisation_id,
                command.sender_address_id,
            )
            await tx.commit()
        return binding

    async def revoke_certificate(self, command: RevokeCertificate) -> CertificateBinding:
        """Revokes a binding for ever; connections that use it are refused within a second (identity.md).

        Raises:
            RequestIdReused, NotFound.
        """
        content = ("RevokeCertificate", command.certificate_sha256.hex())
        async with self._uow.writing() as tx:
            if await claim_request(tx, command.request_id, self._entropy.new_id(), *content):
                return await _binding(tx, command.certificate_sha256)
            await _binding(tx, command.certificate_sha256)
            await tx.bindings.revoke(command.certificate_sha256, self._clock.now())
            binding = await _binding(tx, command.certificate_sha256)
            await tx.commit()
        return binding

    async def bind_operator(self, certificate: bytes) -> CertificateBinding:
        """Binds a certificate as the operator's: the first one, at the server's own command line.

        Binding it again changes nothing.

        Raises:
            InvalidFields: the certificate is unreadable, has expired, or is a person's.
            AlreadyRegistered: the certificate is or was bound otherwise.
        """
        readable = _readable(certificate)
        await self._refuse_personal(certificate)
        async with self._uow.writing() as tx:
            binding = await self._bind(tx, readable, certificate, BindingRole.OPERATOR, None, None)
            await tx.commit()
        return binding

    async def _refuse_personal(self, certificate: bytes) -> None:
        # A bound card would no longer be its holder's: the binding decides first, and revoked is for ever.
        try:
            person_number = await self._persons.person_of(certificate, self._clock.now())
        except (CertificateRevoked, RevocationStatusUnknown):
            person_number = ""
        if person_number is not None:
            problem = Malformed("PERSONAL_CERTIFICATE", "must be a machine's certificate, not a person's")
            raise _wrong_certificate(problem)

    async def _bind(
        self,
        tx: Transaction,
        certificate: MachineCertificate,
        der: bytes,
        role: BindingRole,
        organisation_id: UUID | None,
        sender_address_id: UUID | None,
    ) -> CertificateBinding:
        now = self._clock.now()
        try:
            certificate.check_not_expired(now)
        except Malformed as problem:
            raise _wrong_certificate(problem) from None
        binding = CertificateBinding(
            certificate.sha256, role, organisation_id, sender_address_id, certificate.expires_at, now, None
        )
        if await tx.bindings.add(binding, der):
            return binding
        existing = await _binding(tx, certificate.sha256)
        bound_as = (existing.role, existing.organisation_id, existing.sender_address_id, existing.revoked_at)
        if bound_as != (role, organisation_id, sender_address_id, None):
            raise AlreadyRegistered("certificate", certificate.sha256.hex())
        return existing


def _readable(der: bytes) -> MachineCertificate:
    try:
        return machine_certificate(der)
    except Malformed as problem:
        raise _wrong_certificate(problem) from None


def _wrong_certificate(problem: Malformed) -> InvalidFields:
    return InvalidFields([FieldProblem("certificate", problem.reason, problem.text)])


async def _check_domain(tx: Transaction, organisation_id: UUID, address: str) -> None:
    # The narrowest registered domain decides, as a zone cut does in the DNS: who has src.am has mail.src.am
    # too, unless that was registered for somebody else.
    for name in addresses.enclosing_domains(address.rpartition("@")[2]):
        if domain := await tx.domains.get(name):
            if domain.organisation_id == organisation_id:
                return
            break
    raise DomainNotRegistered(address)


async def _organisation(tx: Transaction, organisation_id: UUID) -> Organisation:
    organisation = await tx.organisations.get(organisation_id)
    if organisation is None:
        raise NotFound("organisation", str(organisation_id))
    return organisation


async def _own_domain(tx: Transaction, wanted: Domain) -> Domain:
    domain = await tx.domains.get(wanted.name)
    if domain is None or domain.organisation_id != wanted.organisation_id:
        raise AlreadyRegistered("domain", wanted.name)
    return domain


async def _sender_address(tx: Transaction, sender_address_id: UUID) -> SenderAddress:
    address = await tx.sender_addresses.get(sender_address_id)
    if address is None:
        raise NotFound("sender address", str(sender_address_id))
    return address


async def _binding(tx: Transaction, certificate_sha256: bytes) -> CertificateBinding:
    binding = await tx.bindings.get(certificate_sha256)
    if binding is None:
        raise NotFound("certificate binding", certificate_sha256.hex())
    return binding
