"""Sign-ins at a portal, and what a session costs a call: parts of `scripts/bench`."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client, Connection, sign_challenge
from namak.client.signers import FileSigner
from scripts.benchmark.load import Action, Measured, each, under_load
from scripts.benchmark.office import Office
from server.bootstrap_machine import SystemClock
from server.dev.pki import Identity
from server.domain.caller import Holder
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases import identity as door

CITIZENS = 64
SIGN_INS_IN_FLIGHT = 16
CHECKS_IN_FLIGHT = 8
SIGN_IN_METHODS = ("StartSignIn", "CompleteSignIn")
_FIRST_NUMBER = 5001950400


@dataclass(frozen=True)
class Portal:
    """A portal's back end, and people with their cards (keys in files, so that no card is measured)."""

    client: Client
    certificate: bytes
    cards: Sequence[FileSigner]

    async def start(self, card: FileSigner) -> "Started":
        """Starts somebody's sign-in, which will end what they began before."""
        began = time.monotonic()
        started = await self.client.identity.start_by_certificate(card.certificate, end_other_session=True)
        return Started(card, started.sign_in_id, started.challenge, time.monotonic() - began)

    async def complete(self, started: "Started", cms: bytes) -> tuple[str, float]:
        """Completes a sign-in; returns the token, and how many seconds the two calls took for the caller,
        without what the card did.
        """
        began = time.monotonic()
        entered = await self.client.identity.complete(started.sign_in_id, cms=cms)
        assert entered is not None
        return entered.session_token, started.took + time.monotonic() - began

    async def enter(self, card: FileSigner) -> tuple[str, float]:
        """Signs somebody in; returns what `complete` does."""
        started = await self.start(card)
        return await self.complete(started, await asyncio.to_thread(started.sign))


@dataclass(frozen=True)
class Started:
    """A sign-in that waits for its card; `took` is how many seconds it took to start."""

    card: FileSigner
    sign_in_id: str
    challenge: bytes
    took: float

    def sign(self) -> bytes:
        """Does what is the card's to do."""
        return sign_challenge(self.challenge, self.card)


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


async def meet(portal: Portal) -> None:
    """Signs everybody in once: the first of each finds nothing remembered of its certificates."""
    for card in portal.cards:
        await portal.enter(card)


async def alone(portal: Portal, seconds: float) -> Measured:
    """Sign-ins one after the other: what one takes its caller when nothing else goes on."""
    turns = itertools.cycle(portal.cards)
    latencies: list[float] = []

    async def once() -> int:
        _, took = await portal.enter(next(turns))
        latencies.append(took)
        return 1

    measured = await under_load(once, in_flight=1, seconds=seconds)
    return Measured(measured.units, measured.seconds, latencies)


async def sustained(portal: Portal, seconds: float) -> Measured:
    """Sign-ins of many people at once: all are started, all are signed, all are completed.

    What the cards do is on other machines in life, and costs here more of the processors than all that the
    post does: it is not measured, and nothing is measured meanwhile.
    """
    turns = itertools.cycle(portal.cards)
    waiting: list[Started] = []
    latencies: list[float] = []

    async def start() -> int:
        waiting.append(await portal.start(next(turns)))
        return 1

    starting = await under_load(start, in_flight=SIGN_INS_IN_FLIGHT, seconds=seconds / 2)
    signed = await asyncio.to_thread(lambda: [(one, one.sign()) for one in waiting[-starting.units :]])

    def completing(started: Started, cms: bytes) -> Action:
        async def complete() -> int:
            latencies.append((await portal.complete(started, cms))[1])
            return 1

        return complete

    actions = [completing(*pair) for pair in signed]
    completed = await each(actions, in_flight=SIGN_INS_IN_FLIGHT, seconds=3600)
    return Measured(completed.units, starting.seconds + completed.seconds, latencies)


def served(log: Path, position: int) -> dict[str, Sequence[float]]:
    """Returns how many seconds the server says it had each call of a sign-in in hand, by method, since its
    log was so long: from the outermost interceptor in until the reply is made.
    """
    found: dict[str, list[float]] = {method: [] for method in SIGN_IN_METHODS}
    with log.open("rb") as stream:
        stream.seek(position)
        for line in stream:
            if b"/StartSignIn" in line or b"/CompleteSignIn" in line:
                told = json.loads(line)
                found[told["method"].rpartition("/")[2]].append(told["duration_ms"] / 1000)
    return dict(found)


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
