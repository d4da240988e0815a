"""Sign-ins at a portal, and what a session costs a call: parts of `scripts/bench`."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client, Connection, sign_challenge
from namak.client.signers import FileSigner
from scripts.benchmark.load import Measured, each, under_load
from scripts.benchmark.office import Office
from server.bootstrap_machine import SystemClock
from server.dev.pki import Identity
from server.domain.caller import Holder
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases import identity as door

CITIZENS = 64
SIGN_INS_IN_FLIGHT = 8
CHECKS_IN_FLIGHT = 8
_FIRST_NUMBER = 5001950400


@dataclass(frozen=True)
class Portal:
    """A portal's back end, and people with their cards (keys in files, so that no card is measured)."""

    client: Client
    certificate: bytes
    cards: Sequence[FileSigner]

    async def enter(self, card: FileSigner) -> tuple[str, float]:
        """Signs somebody in, ending what they began before; returns the token, and how many seconds the two
        calls took without what the card did.
        """
        identity = self.client.identity
        began = time.monotonic()
        started = await identity.start_by_certificate(card.certificate, end_other_session=True)
        took = time.monotonic() - began
        cms = await asyncio.to_thread(sign_challenge, started.challenge, card)
        began = time.monotonic()
        entered = await identity.complete(started.sign_in_id, cms=cms)
        took += time.monotonic() - began
        assert entered is not None
        return entered.session_token, took


@contextlib.asynccontextmanager
async def portal_of(office: Office) -> AsyncIterator[Portal]:
    """Binds a portal, opens mailboxes for its people, and connects it."""
    world = office.world
    identity = world.pki.machine("portal", organisation="Portal", common_name="portal")
    certificate = identity.certificate.public_bytes(Encoding.DER)
    operator = Client(Connection.load(world.write_client("operator", world.operator, office.server.address)))
    async with operator:
        await operator.identity.bind_portal("e-citizen.am", certificate)
        cards = []
        for number in range(CITIZENS):
            person = replace(world.example.citizen, personal_number=str(_FIRST_NUMBER + number))
            cards.append(_signer(world.pki.card(f"person-{number}", person).authentication))
            await operator.admin.open_mailbox(f"{person.personal_number}@e-citizen.am")
    async with Client(
        Connection.load(world.write_client("portal", identity, office.server.address))
    ) as client:
        yield Portal(client, certificate, cards)


async def alone(portal: Portal, seconds: float) -> Measured:
    """Sign-ins one after the other: what one takes when nothing else goes on."""
    return await _entering(portal, 1, seconds)


async def sustained(portal: Portal, seconds: float) -> Measured:
    """Sign-ins of many people at once."""
    return await _entering(portal, SIGN_INS_IN_FLIGHT, seconds)


async def _entering(portal: Portal, in_flight: int, seconds: float) -> Measured:
    turns = itertools.cycle(portal.cards)
    latencies: list[float] = []

    async def once() -> int:
        _, took = await portal.enter(next(turns))
        latencies.append(took)
        return 1

    # The first of each finds nothing remembered of its certificates.
    await each([once] * CITIZENS, in_flight=in_flight, seconds=3600)
    latencies.clear()
    measured = await under_load(once, in_flight=in_flight, seconds=seconds)
    return Measured(measured.units, measured.seconds, latencies)


async def in_session(portal: Portal, seconds: float) -> Measured:
    """Calls in a session that do nothing but tell it."""
    token, _ = await portal.enter(portal.cards[0])
    holder = portal.client.in_session(token)

    async def once() -> int:
        await holder.identity.session()
        return 1

    return await under_load(once, in_flight=CHECKS_IN_FLIGHT, seconds=seconds)


async def checking(portal: Portal, office: Office, seconds: float) -> Measured:
    """What it takes to know a holder by the token, in the server's own code over its own database."""
    token, _ = await portal.enter(portal.cards[0])
    database = Database(office.database_url, pool_size=2)
    try:
        identity = door.Identity(SqlUnitOfWork(database), _NobodysCards(), SystemClock())
        certificate, address = portal.certificate, ip_address("127.0.0.1")

        async def once() -> int:
            caller = await identity.identify(certificate, address, session_token=token)
            if not isinstance(caller, Holder):
                raise TypeError("the session is nobody's")
            return 1

        return await under_load(once, in_flight=1, seconds=seconds)
    finally:
        await database.dispose()


class _NobodysCards:
    async def person_of(self, certificate: bytes, at: datetime) -> str | None:  # noqa: ARG002 - never asked
        """See `PersonalCertificates`; a portal's is nobody's card."""
        raise AssertionError("a portal's certificate is bound")


def _signer(identity: Identity) -> FileSigner:
    if identity.key is None:
        raise ValueError("the key is in a token")
    chain = tuple(one.public_bytes(Encoding.DER) for one in identity.chain)
    return FileSigner(identity.key, identity.certificate.public_bytes(Encoding.DER), chain)
