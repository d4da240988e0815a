"""Sign-ins on several replicas at the same moment, on PostgreSQL: one session, and every fact once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from server.bootstrap_machine import SystemEntropy
from server.domain.caller import Holder
from server.domain.logins import Login
from server.domain.refusals import Refused
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.administration import Administration
from server.usecases.passwords import PasswordDesk, SetPassword
from server.usecases.sign_in import ByCertificate, ByPassword, SignedIn, SignInDesk, StartSignIn
from server.usecases.sign_in_proofs import CompleteSignIn, Proofs
from server.usecases.submission import Accepted, SubmissionDesk, SubmitMany
from server.usecases.tries import Tries
from tests.fakes.sign_in import FakePasswordHashes, FakeSignInSignatures
from tests.unit.usecases.sign_in_world import PASSWORD, everything, portal
from tests.unit.usecases.world import (
    ANI_ADDRESS,
    FixedClock,
    GatedUnitOfWork,
    MemoryLog,
    NamedHosts,
    World,
    letter,
)

ROUNDS = 25
REPLICAS = 3
UNDER_2025 = replace(everything(AM), notification_policy="am-2025@1")


class Replicas:
    """Replicas of the post over one database; each has a pool of its own."""

    def __init__(self, url: str) -> None:
        self.databases = [Database(url, pool_size=6) for _ in range(REPLICAS)]
        self.units = [SqlUnitOfWork(each) for each in self.databases]
        # Tests share the database: their identifiers must not meet there.
        self.entropy, self.clock, self.log = SystemEntropy(), FixedClock(), MemoryLog()
        memory = GatedUnitOfWork()
        self.signatures, self.passwords = FakeSignInSignatures(memory), FakePasswordHashes(memory)
        self.desks = [self._desk(each) for each in self.units]
        self.portals = [portal(f"portal {number}") for number in range(REPLICAS)]

    def _desk(self, uow: SqlUnitOfWork) -> SignInDesk:
        tries = Tries(uow, UNDER_2025)
        return SignInDesk(
            uow=uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            signatures=self.signatures,
            mobile=None,
            proofs=Proofs(
                uow=uow,
                signatures=self.signatures,
                mobile=None,
                passwords=self.passwords,
                tries=tries,
                profile=UNDER_2025,
            ),
            tries=tries,
            profile=UNDER_2025,
        )

    async def ready(self, number: int, person: str, *, ends_others: bool) -> CompleteSignIn:
        """Starts a sign-in on a replica, at a portal of its own; returns what completes it."""
        card = self.signatures.card(person)
        where = self.portals[number % REPLICAS]
        started = await self.desks[number % REPLICAS].start(
            StartSignIn(where, ByCertificate(card), "hy", ends_others)
        )
        cms = self.signatures.sign(card, started.sign_in.text)
        return CompleteSignIn(where, started.sign_in.id, cms=cms)

    async def together(self, person: str, *, ends_others: bool, count: int = 4) -> Sequence[object]:
        """Completes so many sign-ins of one person at the same moment, each on a replica."""
        proofs = [await self.ready(number, person, ends_others=ends_others) for number in range(count)]
        return await asyncio.gather(
            *(self.desks[number % REPLICAS].complete(proof) for number, proof in enumerate(proofs)),
            return_exceptions=True,
        )


@pytest.fixture
async def replicas(module_database_url: str) -> AsyncIterator[Replicas]:
    made = Replicas(module_database_url)
    yield made
    in_use = [database.connections_in_use for database in made.databases]
    for database in made.databases:
        await database.dispose()
    assert in_use == [0] * REPLICAS


async def test_of_sign_ins_at_the_same_moment_exactly_one_begins_a_session(replicas: Replicas) -> None:
    for number in range(ROUNDS):
        person = f"51{number:08}"

        outcomes = await replicas.together(person, ends_others=False)

        kinds = sorted(type(each).__name__ for each in outcomes)
        assert kinds == ["SessionActive"] * 3 + ["SignedIn"]
        async with replicas.units[0].reading() as tx:
            (active,) = await tx.sessions.active(person, replicas.clock.now())
        (winner,) = [each for each in outcomes if isinstance(each, SignedIn)]
        assert active == winner.session


async def test_of_sign_ins_that_end_each_other_one_session_is_left(replicas: Replicas) -> None:
    for number in range(ROUNDS):
        person = f"52{number:08}"

        outcomes = await replicas.together(person, ends_others=True)

        assert {type(each) for each in outcomes} == {SignedIn}
        async with replicas.units[0].reading() as tx:
            (active,) = await tx.sessions.active(person, replicas.clock.now())
            all_of_them = await tx.sessions.list_newest(person, active_at=None, before=None, limit=9)
        assert len(all_of_them) == 4
        assert sum(each.ended_at is None for each in all_of_them) == 1
        assert active.id in {each.session.id for each in outcomes if isinstance(each, SignedIn)}


async def test_one_proof_on_all_replicas_at_the_same_moment_signs_in_once(replicas: Replicas) -> None:
    for number in range(ROUNDS):
        proof = await replicas.ready(0, f"53{number:08}", ends_others=True)

        outcomes = await asyncio.gather(
            *(desk.complete(proof) for desk in replicas.desks), return_exceptions=True
        )

        kinds = sorted(type(each).__name__ for each in outcomes)
        assert kinds == ["ChallengeUsed", "ChallengeUsed", "SignedIn"]


async def test_a_password_list_gets_as_many_tries_on_all_replicas_together_as_on_one(
    replicas: Replicas,
) -> None:
    async with replicas.units[0].writing() as tx:
        await tx.logins.add(Login("aida.k", "5400000001", "new nothing", replicas.clock.now()))
        await tx.commit()
    where = replicas.portals[0]

    async def guess(number: int) -> object:
        desk = replicas.desks[number % REPLICAS]
        started = await desk.start(StartSignIn(where, ByPassword("aida.k"), "hy", ends_others=False))
        try:
            return await desk.complete(CompleteSignIn(where, started.sign_in.id, password=PASSWORD))
        except Refused as refused:
            return type(refused).__name__

    found = await asyncio.gather(*(guess(number) for number in range(24)))

    assert sorted(map(str, found)) == ["PasswordWrong"] * 5 + ["SignInLocked"] * 19


async def test_who_signs_in_while_another_password_is_set_has_no_session_with_the_former(
    replicas: Replicas,
) -> None:
    for number in range(ROUNDS):
        person, login = f"55{number:08}", f"aruzhan{number}n"
        async with replicas.units[0].writing() as tx:
            former = await replicas.passwords.hash(PASSWORD)
            await tx.logins.add(Login(login, person, former, replicas.clock.now()))
            await tx.commit()
        started = [
            await desk.start(StartSignIn(where, ByPassword(login), "hy", ends_others=False))
            for desk, where in zip(replicas.desks, replicas.portals, strict=True)
        ]
        sign_ins = [
            desk.complete(CompleteSignIn(where, each.sign_in.id, password=PASSWORD))
            for desk, where, each in zip(replicas.desks, replicas.portals, started, strict=True)
        ]
        uow = replicas.units[number % REPLICAS]
        setting = PasswordDesk(
            uow=uow,
            clock=replicas.clock,
            entropy=replicas.entropy,
            administration=Administration(
                uow=uow,
                clock=replicas.clock,
                entropy=replicas.entropy,
                wake_log=replicas.log.wake,
                profile=UNDER_2025,
            ),
            passwords=replicas.passwords,
            profile=UNDER_2025,
        )
        holder = Holder(replicas.portals[0].connection, person)
        command = SetPassword(holder, f"set-{number}", None, "another long password")

        outcomes = await asyncio.gather(*sign_ins, setting.set_password(command), return_exceptions=True)

        assert outcomes[-1] == login
        kinds = {type(each).__name__ for each in outcomes[:-1]}
        assert kinds <= {"SignedIn", "SessionActive", "PasswordWrong"}
        async with replicas.units[0].reading() as tx:
            assert await tx.sessions.active(person, replicas.clock.now()) == []


async def test_a_delivery_is_notified_once_however_many_sign_in_and_submit_meanwhile(
    replicas: Replicas,
) -> None:
    world = World()
    async with replicas.units[0].writing() as tx:
        for organisation in (world.src, world.other):
            await tx.organisations.add(organisation)
        for binding in world.uow.committed.bindings.values():
            await tx.bindings.add(binding, binding.organisation_id.bytes if binding.organisation_id else b"")
        await tx.sender_addresses.add(world.notices)
        await tx.mailboxes.add(world.ani_box)
        await tx.commit()
    desks = [
        SubmissionDesk(
            uow=each,
            clock=replicas.clock,
            entropy=replicas.entropy,
            log=replicas.log,
            profile=UNDER_2025,
            host_names=NamedHosts(world.uow),
            refusals_per_minute=600,
        )
        for each in replicas.units
    ]
    person = ANI_ADDRESS.partition("@")[0]

    async def submit(number: int) -> Accepted:
        (outcome,) = await desks[number % REPLICAS].submit_many(
            SubmitMany(world.agency, [letter(str(number), contents=(b"letter",))], 0)
        )
        assert isinstance(outcome, Accepted)
        return outcome

    async def sign_in(number: int) -> None:
        proof = await replicas.ready(number, person, ends_others=True)
        await replicas.desks[number % REPLICAS].complete(proof)

    work = [submit(number) for number in range(12)] + [sign_in(number) for number in range(6)]
    outcomes = await asyncio.gather(*work)
    await sign_in(0)
    for desk in desks:
        await desk.drain()

    accepted = [each.delivery for each in outcomes if isinstance(each, Accepted)]
    async with replicas.units[0].reading() as tx:
        facts = await tx.evidence.of_deliveries(accepted)
    for delivery in accepted:
        names = [fact.event.name for fact in facts[delivery.id]]
        assert names[2:] == ["HolderSignedIn", "NotificationEffected"]
