"""The post that is measured: a world and a durable server of its own, an agency, and citizens."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client, Connection
from namak.client.letters import compose, compose_part
from namak.evidence.signature import build_confirmation_signature
from namak.v1 import delivery_pb2, sender_admin_pb2
from scripts.benchmark.spread import connections_of
from scripts.story.post import bind_operator
from server.dev.pki import Identity
from server.dev.process import ServerProcess
from server.dev.world import OTHER_CITIZEN, World
from server.storage.embedded import embedded_postgres
from server.storage.embedded_place import remove

SENDER = "notices@src.am"
RECIPIENT = f"{OTHER_CITIZEN.personal_number}@e-citizen.am"
OTHER_RECIPIENTS = tuple(f"{5001950100 + number}@e-citizen.am" for number in range(200))
"""Many, as in life: messages to one mailbox wait for one another, since each names the one before."""
FORWARDED_RECIPIENTS = tuple(f"{5001950500 + number}@e-citizen.am" for number in range(200))
"""As many, whose messages are forwarded while that is measured."""
SUBJECT = "Հարկային ծանուցում"


@dataclass(frozen=True)
class Office:
    """A running post."""

    world: World
    database_url: str
    server: ServerProcess
    agencies: Iterator[Client]
    citizens: Iterator[Client]
    spread: Sequence[int]
    """How many of the agency's connections each process serves."""

    @property
    def agency(self) -> Client:
        """The agency, over the next of its connections in turn."""
        return next(self.agencies)

    @property
    def citizen(self) -> Client:
        """The citizen, over the next of their connections in turn."""
        return next(self.citizens)

    def letter(self, content: bytes, recipient: str = RECIPIENT) -> delivery_pb2.Submission:
        """Returns a new letter, to the citizen if nobody else is named."""
        part = compose_part("letter.txt", content)
        return compose(sender=SENDER, recipient=recipient, subject=SUBJECT, parts=[part])

    def signed(self, statement: bytes) -> bytes:
        """Returns the citizen's signature; the key is a file's, so that no card is measured."""
        signing = self.world.other_citizen.signing
        key = signing.key
        if key is None:
            raise ValueError("the citizen's key is in a token")
        certificate, *chain = (
            one.public_bytes(Encoding.DER) for one in (signing.certificate, *signing.chain)
        )
        return build_confirmation_signature(
            statement, certificate, chain, lambda data: key.sign(data, ec.ECDSA(SHA256()))
        )


@contextlib.asynccontextmanager
async def running(place: Path, *, processes: int, connections: int) -> AsyncIterator[Office]:
    """Makes a new world in `place`, whatever was there, and runs a post of so many processes in it, with so
    many connections of the agency and of the citizen.
    """
    remove(place)
    world = World.create(place)
    async with contextlib.AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(embedded_postgres(place / "database", durable=True))
        # "embedded" all the same: the server joins this PostgreSQL, and makes its tables.
        settings = world.write_settings()
        await bind_operator(settings, world)
        server = await ServerProcess.start(settings, log=place / "server.log", processes=processes)
        stack.push_async_callback(server.stop)

        async def client(name: str, identity: Identity) -> Client:
            path = world.write_client(name, identity, server.address)
            return await stack.enter_async_context(Client(Connection.load(path)))

        async with await client("operator", world.operator) as operator:
            await _register(operator, world)
        agencies = [await client("agency", world.agency) for _ in range(connections)]
        for agency in agencies:
            await agency.evidence.checkpoint()  # connects
        spread = connections_of(int(server.address.rpartition(":")[2]))
        citizens = [
            await client("other-citizen", world.other_citizen.authentication) for _ in range(connections)
        ]
        yield Office(
            world, postgres.url, server, itertools.cycle(agencies), itertools.cycle(citizens), spread
        )


async def _register(operator: Client, world: World) -> None:
    admin = operator.admin
    agency = await admin.register_organisation(code="00000701", display_name="State Revenue Committee")
    await admin.register_domain(agency.organisation_id, name="src.am", document_reference="AMNIC 2026/114")
    await admin.set_contract_state(agency.organisation_id, sender_admin_pb2.CONTRACT_STATE_IN_FORCE)
    certificate = world.agency.certificate.public_bytes(Encoding.DER)
    await admin.bind_certificate(agency.organisation_id, certificate)
    await admin.register_sender_address(agency.organisation_id, address=SENDER, networks=["127.0.0.1/32"])
    for recipient in (RECIPIENT, *OTHER_RECIPIENTS, *FORWARDED_RECIPIENTS):
        await admin.open_mailbox(recipient)
