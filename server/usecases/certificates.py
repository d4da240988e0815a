"""The register of machine certificates: whom each stands for (CARD-4)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from namak.evidence.times import format_time, parse_time
from server.domain.administration import (
    ActingAdministrator,
    Actor,
    absent,
    binding_resource,
    binding_snapshot,
    owns,
)
from server.domain.caller import Operator
from server.domain.certificates import MachineCertificate, machine_certificate
from server.domain.fields import Malformed
from server.domain.paging import Page, Query
from server.domain.portals import RegisteredPortal
from server.domain.possession import check_possession
from server.domain.print_houses import PrintHouseState
from server.domain.refusals import (
    AlreadyRegistered,
    CertificateRevoked,
    FieldProblem,
    InvalidFields,
    InvalidPageToken,
    NotFound,
    RevocationStatusUnknown,
)
from server.domain.senders import BindingRole, CertificateBinding
from server.usecases.administration import Act, Administration, Changed
from server.usecases.organisations import organisation_for
from server.usecases.ports import Clock, Entropy, PersonalCertificates, Transaction
from server.usecases.records import BindingFilter


@dataclass(frozen=True, slots=True)
class BindCertificate:
    """`certificate` is the DER as it came; `sender_address_id` narrows the binding to one address.

    `possession_signature` is by the certificate's own key, empty where none was given.
    """

    by: Actor
    request_id: str
    organisation_id: UUID
    sender_address_id: UUID | None
    certificate: bytes
    possession_signature: bytes = b""


@dataclass(frozen=True, slots=True)
class BindPortal:
    """`certificate` is the DER as it came; `name` is the portal's, for people."""

    by: Operator
    request_id: str
    name: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class BindPrintHouse:
    """`certificate` is the DER as it came."""

    by: Operator
    request_id: str
    print_house_id: UUID
    certificate: bytes


@dataclass(frozen=True, slots=True)
class RevokeCertificate:
    """`certificate_sha256` is the SHA-256 of the certificate's DER."""

    by: Actor
    request_id: str
    certificate_sha256: bytes


@dataclass(frozen=True, slots=True)
class ListBindings:
    """`page_size` is checked; `expiring_within` admits only those that expire within this time."""

    by: Actor
    organisation_id: UUID
    sender_address_id: UUID | None
    with_ended: bool
    expiring_within: timedelta | None
    page_size: int
    page_token: str


class CertificateRegister:
    """Binds certificates and revokes bindings; every change is an administrative act."""

    def __init__(
        self, *, administration: Administration, clock: Clock, entropy: Entropy, persons: PersonalCertificates
    ) -> None:
        """`persons` tells personal certificates from machines', for only these are bound."""
        self._administration = administration
        self._clock = clock
        self._entropy = entropy
        self._persons = persons

    async def bind_certificate(self, command: BindCertificate) -> CertificateBinding:
        """Binds a machine certificate to an organisation, or to one of its addresses only.

        An administrator must show that they hold its key; the operator, who has seen papers, may.

        Raises:
            InvalidFields: the certificate is unreadable, has expired, or is a person's; or the proof of
                possession is missing or wrong.
            RequestIdReused.
            NotFound: also for an address that is another organisation's; for an administrator
                ResourceNotPermitted.
            AlreadyRegistered: the certificate is or was bound otherwise.
        """
        certificate = _readable(command.certificate)
        await self._refuse_personal(command.certificate)
        _check_possession(command)
        wanted = self._wanted(certificate, BindingRole.SENDER, command.organisation_id)
        wanted = replace(wanted, sender_address_id=command.sender_address_id)

        async def change(tx: Transaction) -> Changed[CertificateBinding]:
            await organisation_for(tx, command.by, command.organisation_id)
            if command.sender_address_id is not None:
                # Locked: who deletes it meanwhile finds the binding, and revokes it.
                address = await tx.sender_addresses.lock(command.sender_address_id)
                if address is None or address.organisation_id != command.organisation_id:
                    raise absent(command.by, "sender address", str(command.sender_address_id))
            return await self._bound(tx, certificate, wanted, command.certificate)

        async def again(tx: Transaction, _subject: UUID) -> CertificateBinding:
            return await _binding(tx, command.by, certificate.sha256)

        # Without the signature: made again for a repetition it may differ.
        content = (str(command.organisation_id), str(command.sender_address_id), certificate.sha256.hex())
        # A binding is known by the certificate's digest; the claim gets an identifier of its own.
        act = Act("BindCertificate", command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)

    async def revoke_certificate(self, command: RevokeCertificate) -> CertificateBinding:
        """Revokes a binding for ever; connections that use it are refused within a second.

        Raises:
            RequestIdReused; NotFound, for an administrator ResourceNotPermitted.
        """
        digest = command.certificate_sha256

        async def change(tx: Transaction) -> Changed[CertificateBinding]:
            before = await tx.bindings.lock(digest)
            if before is None or not owns(command.by, before.organisation_id):
                raise absent(command.by, "certificate binding", digest.hex())
            await tx.bindings.revoke(digest, self._clock.now())
            return _changed(before, await _binding(tx, command.by, digest))

        async def again(tx: Transaction, _subject: UUID) -> CertificateBinding:
            return await _binding(tx, command.by, digest)

        act = Act(
            "RevokeCertificate", command.by, command.request_id, (digest.hex(),), self._entropy.new_id()
        )
        return await self._administration.carry_out(act, change, again)

    async def bind_portal(self, command: BindPortal) -> CertificateBinding:
        """Binds a machine certificate as a portal's: holders sign in there, and their calls come with it.
        With its first certificate a portal is registered.

        Raises:
            InvalidFields: the certificate is unreadable, has expired, or is a person's.
            RequestIdReused.
            AlreadyRegistered: the certificate is or was bound otherwise.
        """
        certificate = _readable(command.certificate)
        await self._refuse_personal(command.certificate)
        wanted = replace(self._wanted(certificate, BindingRole.PORTAL, None), portal_name=command.name)

        async def change(tx: Transaction) -> Changed[CertificateBinding]:
            changed = await self._bound(tx, certificate, wanted, command.certificate)
            portal_id = self._entropy.new_id()
            await tx.portals.enter(RegisteredPortal(portal_id, command.name, changed.result.bound_at))
            return changed

        async def again(tx: Transaction, _subject: UUID) -> CertificateBinding:
            return await _binding(tx, command.by, certificate.sha256)

        content = (command.name, certificate.sha256.hex())
        act = Act("BindPortal", command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)

    async def bind_print_house(self, command: BindPrintHouse) -> CertificateBinding:
        """Binds a machine certificate as a print house's. Otherwise as `bind_portal`.

        Raises:
            NotFound: there is no such print house.
            AlreadyRegistered: also for one that was removed.
        """
        certificate = _readable(command.certificate)
        await self._refuse_personal(command.certificate)
        house_id = command.print_house_id
        wanted = replace(self._wanted(certificate, BindingRole.PRINT_HOUSE, None), print_house_id=house_id)

        async def change(tx: Transaction) -> Changed[CertificateBinding]:
            # Locked: who removes it meanwhile finds the binding, and revokes it.
            house = await tx.print_houses.lock(house_id)
            if house is None:
                raise NotFound("print house", str(house_id))
            if house.state is PrintHouseState.REMOVED:
                raise AlreadyRegistered("print house", house.name)
            return await self._bound(tx, certificate, wanted, command.certificate)

        async def again(tx: Transaction, _subject: UUID) -> CertificateBinding:
            return await _binding(tx, command.by, certificate.sha256)

        content = (str(house_id), certificate.sha256.hex())
        act = Act(
            "BindPrintHouseCertificate", command.by, command.request_id, content, self._entropy.new_id()
        )
        return await self._administration.carry_out(act, change, again)

    async def bind_operator(self, certificate: bytes, by: Actor) -> CertificateBinding:
        """Binds a certificate as the operator's: at the server's own command line.

        Binding it again changes nothing.

        Raises:
            InvalidFields: the certificate is unreadable, has expired, or is a person's.
            AlreadyRegistered: the certificate is or was bound otherwise.
        """
        return await self._bind_desk(certificate, BindingRole.OPERATOR, by)

    async def bind_clerk(self, certificate: bytes, by: Actor) -> CertificateBinding:
        """Binds a certificate as a clerk's desk: at the server's own command line; otherwise as
        `bind_operator`.
        """
        return await self._bind_desk(certificate, BindingRole.CLERK, by)

    async def _bind_desk(self, certificate: bytes, role: BindingRole, by: Actor) -> CertificateBinding:
        readable = _readable(certificate)
        await self._refuse_personal(certificate)
        wanted = self._wanted(readable, role, None)

        async def change(tx: Transaction) -> Changed[CertificateBinding]:
            return await self._bound(tx, readable, wanted, certificate)

        async def again(_tx: Transaction, _subject: UUID) -> CertificateBinding:
            raise LookupError("a command without a request id was repeated under one")

        act = Act(f"{role.value.lower()} bind", by, None, (), self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)

    async def list_bindings(self, command: ListBindings) -> Page[CertificateBinding]:
        """Lists the bindings of an organisation, the newest first.

        Raises:
            InvalidPageToken; NotFound, for an administrator ResourceNotPermitted.
        """
        within = command.expiring_within
        query = Query(
            (
                "ListCertificateBindings",
                str(command.organisation_id),
                str(command.sender_address_id or ""),
                str(command.with_ended),
                str(within or ""),
            )
        )
        before = _place(query.key(command.page_token))
        now = self._clock.now()
        wanted = BindingFilter(
            organisation_id=command.organisation_id,
            sender_address_id=command.sender_address_id,
            active_at=None if command.with_ended else now,
            expiring_until=None if within is None else now + within,
        )
        async with self._administration.reading(command.by) as tx:
            await organisation_for(tx, command.by, command.organisation_id)
            found = await tx.bindings.list_newest(wanted, before=before, limit=command.page_size + 1)
        shown = found[: command.page_size]
        if len(found) <= command.page_size:
            return Page(shown, "")
        return Page(
            shown, query.token(f"{format_time(shown[-1].bound_at)} {shown[-1].certificate_sha256.hex()}")
        )

    async def _refuse_personal(self, certificate: bytes) -> None:
        # A bound card would no longer be its holder's: the binding decides first, and revoked is for ever.
        try:
            person_number = await self._persons.person_of(certificate, self._clock.now())
        except (CertificateRevoked, RevocationStatusUnknown):
            person_number = ""
        if person_number is not None:
            problem = Malformed("PERSONAL_CERTIFICATE", "must be a machine's certificate, not a person's")
            raise _wrong_certificate(problem)

    def _wanted(
        self, certificate: MachineCertificate, role: BindingRole, organisation_id: UUID | None
    ) -> CertificateBinding:
        return CertificateBinding(
            certificate_sha256=certificate.sha256,
            role=role,
            organisation_id=organisation_id,
            sender_address_id=None,
            expires_at=certificate.expires_at,
            bound_at=self._clock.now(),
            revoked_at=None,
            subject=certificate.subject,
        )

    async def _bound(
        self, tx: Transaction, certificate: MachineCertificate, wanted: CertificateBinding, der: bytes
    ) -> Changed[CertificateBinding]:
        try:
            certificate.check_not_expired(self._clock.now())
        except Malformed as problem:
            raise _wrong_certificate(problem) from None
        if await tx.bindings.add(wanted, der):
            return _changed(None, wanted)
        existing = await tx.bindings.get(certificate.sha256)
        if existing is None or _stands_for(existing) != _stands_for(wanted):
            raise AlreadyRegistered("certificate", certificate.sha256.hex())
        return _changed(existing, existing)


def _stands_for(binding: CertificateBinding) -> tuple[object, ...]:
    whose = binding.organisation_id, binding.sender_address_id, binding.portal_name, binding.print_house_id
    return binding.role, *whose, binding.revoked_at


def _changed(before: CertificateBinding | None, after: CertificateBinding) -> Changed[CertificateBinding]:
    return Changed(
        result=after,
        resource=binding_resource(after.certificate_sha256),
        organisation_id=after.organisation_id,
        before=None if before is None else binding_snapshot(before),
        after=binding_snapshot(after),
    )


def _readable(der: bytes) -> MachineCertificate:
    try:
        return machine_certificate(der)
    except Malformed as problem:
        raise _wrong_certificate(problem) from None


def _check_possession(command: BindCertificate) -> None:
    if not command.possession_signature:
        if isinstance(command.by, ActingAdministrator):
            raise _wrong_proof(Malformed("REQUIRED", "must show that you hold the certificate's private key"))
        return
    try:
        check_possession(command.possession_signature, command.organisation_id, command.certificate)
    except Malformed as problem:
        raise _wrong_proof(problem) from None


def _wrong_proof(problem: Malformed) -> InvalidFields:
    return InvalidFields([FieldProblem("possession_signature", problem.reason, problem.text)])


def _wrong_certificate(problem: Malformed) -> InvalidFields:
    return InvalidFields([FieldProblem("certificate", problem.reason, problem.text)])


async def _binding(tx: Transaction, by: Actor, certificate_sha256: bytes) -> CertificateBinding:
    binding = await tx.bindings.get(certificate_sha256)
    if binding is None or not owns(by, binding.organisation_id):
        raise absent(by, "certificate binding", certificate_sha256.hex())
    return binding


def _place(key: str | None) -> tuple[datetime, bytes] | None:
    if key is None:
        return None
    # Our own digest vouches for no key that we did not write; but it is no secret.
    bound_at, _, digest = key.partition(" ")
    try:
        return parse_time(bound_at), bytes.fromhex(digest)
    except ValueError:
        raise InvalidPageToken from None
