"""The whole post with nothing faked: replicas of the server in this process, over real mutual TLS, PostgreSQL
and a PKCS#11 token, and everybody who calls them.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.field_mask_pb2 import FieldMask

from namak.client import Client, Connection, Patience, compose, compose_part
from namak.client.confirmation import check_statement
from namak.errors import NotAuthenticated, NotPermitted
from namak.evidence.signature import build_confirmation_signature
from namak.v1 import delivery_pb2, mailbox_pb2, registration_pb2, sender_admin_pb2
from namak.v1.registration_pb2_grpc import RegistrationServiceStub
from server import bootstrap, config
from server.dev.pki import Card, DevelopmentPki, Identity, Person
from server.dev.relay import Relay
from server.dev.world import World
from server.domain.administration import CommandLine
from server.domain.profile import Profile
from server.jurisdictions import PROFILES
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests import numbers
from tests.system.records import Records

HERE = "127.0.0.1/32"
ELSEWHERE = "127.0.0.2"
SUBJECT = "Հարկային ծանուցում"
TEXT = "Նամակի բովանդակություն".encode()

_PATIENCE = Patience(total=120.0)
RECEIPTS = timedelta(seconds=30)
"""How long to wait for receipts at most where a test needs them."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Agency:
    """An organisation with a contract in force, and its system, whose certificate is bound to all of it."""

    organisation_id: str
    identity: Identity
    domain: str
    sender: str
    sender_id: str
    client: Client

    def letter(
        self,
        recipient: str,
        *,
        request_id: str | None = None,
        sender: str | None = None,
        subject: str = SUBJECT,
        content: bytes = TEXT,
    ) -> delivery_pb2.Submission:
        """Returns a message of one part."""
        return compose(
            sender=sender or self.sender,
            recipient=recipient,
            subject=subject,
            parts=[compose_part("letter.txt", content)],
            request_id=request_id,
        )


@dataclass(frozen=True)
class Citizen:
    """A person with a card whose keys are files, and a mailbox."""

    person: Person
    card: Card
    client: Client
    domain: str

    @property
    def address(self) -> str:
        return f"{self.person.personal_number}@{self.domain}"


@dataclass
class Post:
    """The running post. `servers` are its replicas; the first is there from the beginning."""

    world: World
    database_url: str
    guard: Path
    records: Records
    stack: contextlib.AsyncExitStack
    servers: list[bootstrap.Server] = field(default_factory=list)
    more_settings: str = ""
    """TOML that comes after the world's own settings."""

    @property
    def pki(self) -> DevelopmentPki:
        return self.world.pki

    @property
    def profile(self) -> Profile:
        """The jurisdiction of the world, and so of the post."""
        return PROFILES[self.world.profile]

    @property
    def address(self) -> str:
        return self.servers[0].address

    async def start(self, environment: Mapping[str, str] | None = None) -> bootstrap.Server:
        """Starts another replica on the same database, token and guard."""
        path = self.world.write_settings(f"replica-{next(_numbers)}", database_url=self.database_url)
        path.write_text(path.read_text(encoding="utf-8") + self.more_settings, encoding="utf-8")
        settings = config.load(path, {"NAMAK_LOG_GUARD": str(self.guard), **(environment or {})})
        server = await self.stack.enter_async_context(bootstrap.running(settings))
        self.servers.append(server)
        return server

    async def second(self) -> bootstrap.Server:
        """Returns a second replica, started when it is first asked for."""
        return self.servers[1] if len(self.servers) > 1 else await self.start()

    async def client(
        self, identity: Identity, *, address: str | None = None, patience: Patience = _PATIENCE
    ) -> Client:
        """Returns a connected client with an identity's certificate."""
        assert identity.key_path is not None
        connection = Connection(
            address=address or self.address,
            ca=self.pki.server_root_path,
            certificate=identity.cert_path,
            key=identity.key_path,
        )
        return await self.stack.enter_async_context(Client(connection, patience=patience))

    async def channel(
        self,
        identity: Identity | None,
        *,
        address: str | None = None,
        options: Sequence[tuple[str, int]] = (),
    ) -> grpc.aio.Channel:
        """Returns a plain gRPC channel, for what the client library would not send."""
        root = self.pki.server_root_path.read_bytes()
        pair = (None, None) if identity is None else (identity.key_pem, identity.cert_pem)
        credentials = grpc.ssl_channel_credentials(root, *pair)
        channel = grpc.aio.secure_channel(address or self.address, credentials, options=options)
        return await self.stack.enter_async_context(channel)

    async def relay(self, source: str = ELSEWHERE) -> str:
        """Returns an address at which whatever arrives goes on to the first replica from `source`."""
        return (await self.stack.enter_async_context(Relay(self.address, source=source))).address

    async def operator(self) -> Client:
        """Returns a client of the operator."""
        return await self.client(self.world.operator)

    async def agency(
        self,
        name: str = "State Revenue Committee",
        *,
        networks: Sequence[str] = (HERE,),
        contract: sender_admin_pb2.ContractState.ValueType = sender_admin_pb2.CONTRACT_STATE_IN_FORCE,
    ) -> Agency:
        """Registers a new organisation with all that it needs for sending."""
        number = next(_numbers)
        identity = self.pki.machine(f"agency-{number}", organisation=name, common_name=f"system-{number}")
        domain = f"agency{number}.{self.profile.sender_domains.top[0]}"
        sender = f"notices@{domain}"
        admin = (await self.operator()).admin
        organisation = await admin.register_organisation(
            code=numbers.entity(self.profile.code, number), display_name=name
        )
        of = organisation.organisation_id
        await admin.register_domain(of, name=domain, document_reference=f"AMNIC 2026/{number}")
        if contract != sender_admin_pb2.CONTRACT_STATE_NONE:
            await admin.set_contract_state(of, contract)
        registered = await admin.register_sender_address(of, address=sender, networks=networks)
        await admin.bind_certificate(of, der(identity))
        client = await self.client(identity)
        return Agency(of, identity, domain, sender, registered.sender_address_id, client)

    async def citizen(self, *, mailbox: bool = True) -> Citizen:
        """Gives a new person a card and, if wanted, a mailbox."""
        number = next(_numbers)
        person = self._person(number, "Արամ", "Պետրոսյան")
        card = self.pki.card(f"person-{number}", person)
        if mailbox:
            address = f"{person.personal_number}@{self.profile.mailbox_domain}"
            await (await self.operator()).admin.open_mailbox(address)
            if self.profile.correspondence.confirmed_profile:
                await self._confirm(address, person, card)
        return Citizen(person, card, await self.client(card.authentication), self.profile.mailbox_domain)

    async def _confirm(self, address: str, person: Person, card: Card) -> None:
        """Has a clerk's work done, and the person confirm their profile: letters reach them only then."""
        said = registration_pb2.NaturalPerson(full_name=f"{person.given_name} {person.surname}")
        await (await self.registration(self.world.operator)).ChangeHolderData(
            registration_pb2.ChangeHolderDataRequest(
                request_id=f"fill-in-{person.personal_number}",
                address=address,
                natural_person=said,
                update_mask=FieldMask(paths=["full_name"]),
                document_reference="identity card",
            )
        )
        holder = await self.registration(card.authentication)
        seen = await holder.GetHolderProfile(registration_pb2.GetHolderProfileRequest())
        await holder.ConfirmProfile(
            registration_pb2.ConfirmProfileRequest(
                request_id="confirm", cms_signature=signed(card.signing, seen.confirmation_text)
            )
        )

    async def registration(self, identity: Identity) -> RegistrationServiceStub:
        """Returns a stub of RegistrationService with an identity's certificate."""
        return RegistrationServiceStub(await self.channel(identity))

    def _person(self, number: int, given_name: str, surname: str) -> Person:
        profile = self.profile
        of = numbers.person(profile.code, number)
        return Person(of, given_name, surname, profile.code.upper(), profile.naming)

    async def entity(self) -> str:
        """Opens an entity's mailbox and returns its address."""
        address = f"{numbers.entity(self.profile.code, next(_numbers))}@{self.profile.mailbox_domain}"
        await (await self.operator()).admin.open_mailbox(address)
        return address

    async def revoke_personal(self, identity: Identity) -> None:
        """Revokes a personal certificate, and returns when the first replica has read the list."""
        number = next(_numbers)
        probe = self.pki.authentication_certificate(f"probe-{number}", self._person(number, "Ա", "Պ"))
        self.pki.revoke(identity)
        self.pki.revoke(probe)
        client = await self.client(probe)
        async with asyncio.timeout(60):
            while True:
                try:
                    await client.mailbox.get()
                except NotAuthenticated:
                    return
                except NotPermitted:
                    await asyncio.sleep(0.05)  # not read yet: the probe is still somebody, without a mailbox


@contextlib.asynccontextmanager
async def running_post(
    world: World,
    database_url: str,
    guard: Path,
    environment: Mapping[str, str] | None = None,
    more_settings: str = "",
) -> AsyncIterator[Post]:
    """Runs a post over a migrated database; the operator's certificate is bound as its first command does."""
    async with contextlib.AsyncExitStack() as stack:
        database = Database(database_url, pool_size=2)
        stack.push_async_callback(database.dispose)
        settings = config.load(world.write_settings("binding", database_url=database_url), {})
        admin = bootstrap.sender_admin(settings, SqlUnitOfWork(database))
        await admin.certificates.bind_operator(der(world.operator), CommandLine())
        records = await stack.enter_async_context(Records.of(database_url))
        post = Post(world, database_url, guard, records, stack, more_settings=more_settings)
        await post.start(environment)
        # Clients go before the server: whatever is opened later is closed earlier.
        yield post


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def signed(identity: Identity, statement: bytes) -> bytes:
    """Returns the CMS of a statement by the identity's own key, whatever its certificate is for."""
    key = identity.key
    assert key is not None
    return signed_as(identity.certificate, identity.chain, key, statement)


def signed_as(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    key: ec.EllipticCurvePrivateKey,
    statement: bytes,
) -> bytes:
    return build_confirmation_signature(
        statement,
        certificate.public_bytes(Encoding.DER),
        [one.public_bytes(Encoding.DER) for one in chain],
        lambda data: key.sign(data, ec.ECDSA(SHA256())),
    )


@dataclass(frozen=True)
class Opened:
    """A message that its recipient has opened, and the statement that was issued about it."""

    delivery_id: str
    message: mailbox_pb2.OpenMessageResponse
    statement_id: str
    statement: bytes


async def opened(agency: Agency, citizen: Citizen) -> Opened:
    """Sends a letter, opens it, and has a statement issued, which is checked as before any signature."""
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    delivery_id = accepted.delivery.delivery_id
    message = await citizen.client.mailbox.open(delivery_id)
    issued = await citizen.client.mailbox.issue_statement(delivery_id)
    check_statement(issued, message)
    return Opened(delivery_id, message, issued.statement_id, issued.statement)
