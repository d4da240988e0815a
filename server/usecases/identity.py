"""Who calls: the decision table of certificates, applied once per call and again while a stream is open."""

import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from server.domain.caller import (
    Caller,
    Clerk,
    Connection,
    Holder,
    IpAddress,
    IpNetwork,
    Operator,
    Portal,
    PrintHouse,
    Sender,
    Stranger,
    ViaPortal,
)
from server.domain.refusals import CertificateRevoked, SessionUnknown
from server.domain.senders import BindingRole, CertificateBinding
from server.domain.sessions import Session, token_digest
from server.usecases.ports import Clock, PersonalCertificates, UnitOfWork
from server.usecases.remembered import Remembered

REMEMBERED_SECONDS = 0.5
"""How old what the register said of a certificate may be when a call is let in: a revocation counts within a
second everywhere.
"""

REMEMBERED_CERTIFICATES = 10_000
REMEMBERED_SESSIONS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """What the register says of one certificate: its binding, if any, and the unions of its organisation's
    networks and host names. It is forgotten with the callers that were made of it, by their address.
    """

    binding: CertificateBinding | None
    networks: tuple[IpNetwork, ...] = ()
    host_names: tuple[str, ...] = ()
    callers: dict[IpAddress, Caller] = field(default_factory=dict)


class Identity:
    """Decides who stands behind a certificate that the transport has verified.

    - bound and revoked: nobody, CertificateRevoked;
    - bound as a portal, with a session's token: the holder, at that portal, if the session was issued to this
      very certificate and can be used; otherwise nobody, SessionUnknown or SessionEnded;
    - bound otherwise: the role it is bound as; a token changes nothing;
    - personal, with a path to a citizen root: the person, Holder, with the organisations that the person
      administers;
    - personal and revoked: nobody, CertificateRevoked (RevocationStatusUnknown when no fresh list can tell);
    - any other: Stranger.

    What a machine certificate says of itself never grants anything. Whether an organisation's contract is in
    force is not asked here: its submissions are refused by the use case, with evidence.
    """

    def __init__(
        self,
        uow: UnitOfWork,
        persons: PersonalCertificates,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        remembered_seconds: float = REMEMBERED_SECONDS,
        remembered_certificates: int = REMEMBERED_CERTIFICATES,
    ) -> None:
        self._uow = uow
        self._persons = persons
        self._clock = clock
        most = remembered_certificates
        self._entries = Remembered(self._read, monotonic, remembered_seconds, most)
        self._administrators = Remembered(self._administers, monotonic, remembered_seconds, most)
        self._sessions = Remembered(
            self._sessions_of, monotonic, remembered_seconds, max(most, REMEMBERED_SESSIONS)
        )

    async def identify(
        self,
        certificate: bytes,
        address: IpAddress,
        *,
        session_token: str | None = None,
        remembered_seconds: float | None = None,
    ) -> Caller:
        """Returns the caller behind a certificate (DER) at an address, with the session's token that the call
        came with, if any.

        What the register said may be as old as for calls, or as is asked.

        Raises:
            CertificateRevoked, RevocationStatusUnknown, SessionUnknown, SessionEnded: see the table.
            ServiceUnavailable: the register does not answer.
        """
        digest = hashlib.sha256(certificate).digest()
        entry = await self._entries.get(digest, seconds=remembered_seconds)
        now = self._clock.now()
        if entry.binding is not None:
            if entry.binding.revoked_at is not None:
                raise CertificateRevoked
            # A handshake refuses an expired certificate; here it expired while its connection stayed open.
            if entry.binding.expires_at <= now:
                return Stranger(Connection(digest, address))
            if entry.binding.role is BindingRole.PORTAL and session_token is not None:
                session = await self._session(session_token, digest, remembered_seconds)
                session.check_usable(now)
                # What a person administers is for their own certificate (docs/access.md).
                via = ViaPortal(entry.binding.portal_name, session.id, session.assurance)
                return Holder(Connection(digest, address), session.person_number, via=via)
            caller = entry.callers.get(address)
            if caller is None:
                caller = _bound(entry.binding, entry, Connection(digest, address))
                entry.callers[address] = caller
            return caller
        connection = Connection(digest, address)
        person_number = await self._persons.person_of(certificate, now)
        if person_number is None:
            return Stranger(connection)
        administers = await self._administrators.get(person_number, seconds=remembered_seconds)
        return Holder(connection, person_number, administers)

    async def _session(self, token: str, portal_sha256: bytes, remembered_seconds: float | None) -> Session:
        digest = token_digest(token)
        session = None if digest is None else await self._sessions.get(digest, seconds=remembered_seconds)
        # Whether another portal has such a session is not told.
        if session is None or not hmac.compare_digest(session.portal_sha256, portal_sha256):
            raise SessionUnknown
        return session

    async def _sessions_of(self, digests: Collection[bytes]) -> Mapping[bytes, Session | None]:
        async with self._uow.reading() as tx:
            found = await tx.sessions.of_tokens(digests)
        return {digest: found.get(digest) for digest in digests}

    async def _read(self, digests: Collection[bytes]) -> Mapping[bytes, _Entry]:
        async with self._uow.reading() as tx:
            bindings = await tx.bindings.of(digests)
            organisations = {each.organisation_id for each in bindings.values() if each.organisation_id}
            places = await tx.sender_addresses.places_of(organisations) if organisations else {}
        entries = {}
        for digest in digests:
            binding = bindings.get(digest)
            organisation_id = None if binding is None else binding.organisation_id
            networks, host_names = places[organisation_id] if organisation_id else ((), ())
            entries[digest] = _Entry(binding, tuple(networks), tuple(host_names))
        return entries

    async def _administers(self, person_numbers: Collection[str]) -> Mapping[str, frozenset[UUID]]:
        async with self._uow.reading() as tx:
            return await tx.administrators.organisations_of(person_numbers)


def _bound(binding: CertificateBinding, entry: _Entry, connection: Connection) -> Caller:
    match binding.role:
        case BindingRole.OPERATOR:
            return Operator(connection)
        case BindingRole.PORTAL:
            return Portal(connection, binding.portal_name)
        case BindingRole.CLERK:
            return Clerk(connection)
        case BindingRole.PRINT_HOUSE:
            if binding.print_house_id is None:
                raise ValueError("a print house's binding names none")
            return PrintHouse(connection, binding.print_house_id)
        case BindingRole.SENDER:
            if binding.organisation_id is None:
                raise ValueError("a sender's binding names no organisation")
            return Sender(
                connection,
                binding.organisation_id,
                binding.sender_address_id,
                entry.networks,
                entry.host_names,
            )
