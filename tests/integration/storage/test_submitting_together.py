"""Many callers on two replicas, on PostgreSQL: shared transactions, locks that others hold, lost sessions."""

import asyncio
import hashlib
import ipaddress
import random
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from namak.evidence.mailbox_link import link
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.domain.caller import Connection, IpAddress, Sender
from server.domain.mailboxes import Mailbox
from server.domain.refusals import MailboxUnknown, Refused, RequestIdReused, ServiceUnavailable
from server.domain.senders import BindingRole, CertificateBinding, ContractState, SenderAddress
from server.domain.sending_rights import NO_HOSTS, Hosts
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.failures import StorageFault
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.coalescing import Coalescer
from server.usecases.intake import Accepted, Intake, Outcome
from server.usecases.ports import Contended
from server.usecases.records import Claim
from tests.contracts import examples
from tests.contracts.post_contract import delivered
from tests.unit.usecases.world import letter


class NoHostNames:
    def known(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        return NO_HOSTS

    async def addresses_of(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        return NO_HOSTS


@dataclass
class Replica:
    database: Database
    uow: SqlUnitOfWork
    coalescer: Coalescer


@dataclass
class Post:
    url: str
    replicas: Sequence[Replica]
    callers: Sequence[tuple[Sender, SenderAddress]]
    mailboxes: Sequence[Mailbox]

    async def submit(
        self,
        request_id: str,
        *,
        by: int = 0,
        to: int = 0,
        at: int = 0,
        subject: str = "Ծանուցում",
    ) -> Outcome:
        caller, address = self.callers[by]
        asked = letter(
            request_id, sender=address.address, recipient=self.mailboxes[to].address, subject=subject
        )
        (outcome,) = await self.replicas[at].coalescer.submit(caller, [asked])
        return outcome


@pytest.fixture
async def post(database_url: str) -> AsyncIterator[Post]:
    async with AsyncExitStack() as stack:
        replicas = []
        for _ in range(2):
            # A test that holds a lock on purpose may take longer over it than a replica may.
            database = Database(
                database_url, pool_size=8, hurried_lock_seconds=0.2, idle_in_transaction_seconds=60.0
            )
            stack.push_async_callback(database.dispose)
            uow = SqlUnitOfWork(database)
            intake = Intake(
                uow=uow,
                clock=SystemClock(),
                entropy=SystemEntropy(),
                profile=AM,
                host_names=NoHostNames(),
            )
            replicas.append(Replica(database, uow, Coalescer(intake, lambda: None)))
        mailboxes = [examples.mailbox() for _ in range(4)]
        callers = []
        async with replicas[0].uow.writing() as tx:
            for _ in range(3):
                organisation = replace(examples.organisation(), contract_state=ContractState.IN_FORCE)
                address = replace(
                    examples.address(organisation), networks=(ipaddress.ip_network("127.0.0.1/32"),)
                )
                certificate = organisation.id.bytes
                digest = hashlib.sha256(certificate).digest()
                connection = Connection(digest, ipaddress.ip_address("127.0.0.1"))
                callers.append((Sender(connection, organisation.id, None, ()), address))
                await tx.organisations.add(organisation)
                await tx.sender_addresses.add(address)
                bound = CertificateBinding(
                    digest,
                    BindingRole.SENDER,
                    organisation.id,
                    None,
                    datetime.max.replace(tzinfo=UTC),
                    organisation.registered_at,
                    None,
                )
                await tx.bindings.add(bound, certificate)
            for mailbox in mailboxes:
                await tx.mailboxes.add(mailbox)
            await tx.commit()
        yield Post(database_url, replicas, callers, mailboxes)
        for replica in replicas:
            await replica.coalescer.drain()
            assert (replica.coalescer.held, replica.database.connections_in_use) == (0, 0)


async def chain_is_whole(post: Post, mailbox: Mailbox, count: int) -> None:
    """Walks a mailbox's chain by its openings, and compares its end with the head."""
    async with post.replicas[0].uow.reading() as tx:
        links = await tx.mailboxes.links(mailbox.id, after=0, limit=1000)
        head = await tx.mailboxes.head(mailbox.id)
    assert [one.sequence for one in links] == list(range(1, count + 1))
    previous = bytes(32)
    for one in links:
        assert one.link == link(one.nonce, mailbox.address, one.sequence, one.delivery_id, previous)
        previous = one.link
    assert (head.sequence, head.link) == (count, previous)


async def test_callers_of_two_replicas_get_one_outcome_for_each_request_id(post: Post) -> None:
    chance = random.Random(5)
    asked = [(by, to, f"r{number}") for number in range(30) for by in range(3) for to in [number % 4]] * 3
    chance.shuffle(asked)
    outcomes = await asyncio.gather(
        *(post.submit(name, by=by, to=to, at=chance.randrange(2)) for by, to, name in asked)
    )
    told: dict[tuple[int, str], set[tuple[bytes, ...]]] = {}
    for (by, _, name), outcome in zip(asked, outcomes, strict=True):
        assert isinstance(outcome, Accepted)
        told.setdefault((by, name), set()).add(tuple(fact.data for fact in outcome.evidence))
    assert len(told) == 90
    assert all(len(answers) == 1 for answers in told.values())
    per_mailbox = [sum(number % 4 == to for number in range(30)) * 3 for to in range(4)]
    for mailbox, count in zip(post.mailboxes, per_mailbox, strict=True):
        await chain_is_whole(post, mailbox, count)


async def test_a_mailbox_that_somebody_has_locked_holds_up_its_own_letters_only(post: Post) -> None:
    async with post.replicas[1].uow.writing() as elsewhere:
        await elsewhere.mailboxes.lock([post.mailboxes[0].address])
        stuck = [asyncio.create_task(post.submit(f"stuck-{number}", to=0)) for number in range(3)]
        beside = await asyncio.gather(*(post.submit(f"beside-{n}", by=n % 3, to=1) for n in range(9)))
        later = await post.submit("later", to=2)
        assert all(isinstance(outcome, Accepted) for outcome in (*beside, later))
        assert not any(call.done() for call in stuck)
        # Neither does it hold up its repetition's place in the line: that one waits for the first.
        again = asyncio.create_task(post.submit("stuck-0", to=0))
    outcomes = await asyncio.gather(*stuck, again)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert outcomes[0] == outcomes[-1]
    await chain_is_whole(post, post.mailboxes[0], 3)


async def test_refused_and_reused_request_ids_touch_no_others_of_their_group(post: Post) -> None:
    caller, address = post.callers[0]
    nobody = letter("nobody", sender=address.address, recipient="5999999999@e-citizen.am")
    unknown, one, other, good = await asyncio.gather(
        post.replicas[0].coalescer.submit(caller, [nobody]),
        post.submit("1"),
        post.submit("1", subject="other"),
        post.submit("2", by=1),
    )
    kinds = [type(outcome) for outcome in (unknown[0], one, other, good)]
    assert kinds == [MailboxUnknown, Accepted, RequestIdReused, Accepted]
    (again,) = await post.replicas[1].coalescer.submit(caller, [nobody])
    assert isinstance(again, Refused)
    assert isinstance(unknown[0], Refused)
    assert again.evidence_id == unknown[0].evidence_id


async def test_sessions_that_are_ended_leave_an_unknown_outcome_that_repeating_settles(post: Post) -> None:
    asked = [f"r{number}" for number in range(60)]

    async def until_accepted(name: str) -> Outcome:
        while True:
            try:
                return await post.submit(name, to=int(name[1:]) % 4, at=int(name[1:]) % 2)
            except ServiceUnavailable:
                continue

    engine = create_async_engine(post.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    calls = [asyncio.create_task(until_accepted(name)) for name in asked]
    ended = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with engine.connect() as connection:
        for _ in range(5):
            await connection.execute(ended)
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    await engine.dispose()
    outcomes = await asyncio.gather(*calls)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    for mailbox in post.mailboxes:
        await chain_is_whole(post, mailbox, 15)


async def test_a_hurried_transaction_gives_up_where_another_one_waits(post: Post) -> None:
    uow, address = post.replicas[0].uow, post.mailboxes[0].address
    claim = Claim("held", bytes(32), examples.new_id())
    owner = post.callers[0][0].organisation_id
    async with uow.writing() as holder:
        await holder.claims.claim(owner, [claim])
        await holder.mailboxes.lock([address])
        async with uow.writing(hurried=True) as tx:
            with pytest.raises(Contended):
                await tx.mailboxes.lock([address])
            with pytest.raises(RuntimeError, match="failed"):
                await tx.commit()
        async with uow.writing(hurried=True) as tx:
            with pytest.raises(Contended):
                await tx.claims.claim_all({(owner, "held"): claim})
        async with uow.writing(hurried=True) as tx:
            free = Claim("free", bytes(32), examples.new_id())
            assert await tx.claims.claim_all({(owner, "free"): free}) == {}


async def test_readers_cannot_take_the_connections_of_writers_away(database_url: str) -> None:
    database = Database(database_url, pool_size=1, checkout_seconds=0.2)
    uow = SqlUnitOfWork(database)
    async with uow.reading(), uow.writing(hurried=True) as tx:
        assert await tx.claims.claim(examples.new_id(), [Claim("1", bytes(32), examples.new_id())]) == {}
    await database.dispose()


async def test_rows_that_are_copied_are_refused_like_others_and_not_told(post: Post) -> None:
    async with post.replicas[0].uow.writing() as tx:
        (delivery,) = await delivered(tx)
        secret = replace(delivery, id=examples.new_id(), subject="of which nobody may hear\0", parts=())
        with pytest.raises(StorageFault) as raised:
            await tx.deliveries.add([(secret, [])])
    assert raised.value.sqlstate == "22021"
    assert "nobody" not in repr(raised.value)
    async with post.replicas[0].uow.writing() as tx:
        wrong = replace(secret, sequence="seven")  # type: ignore[arg-type] # the mistake under test
        with pytest.raises(StorageFault) as raised:
            await tx.deliveries.add([(wrong, [])])
        with pytest.raises(RuntimeError, match="failed"):
            await tx.commit()
    assert "seven" not in repr(raised.value)


async def test_a_writer_cancelled_at_any_moment_of_a_copy_leaves_nothing_behind(post: Post) -> None:
    database = Database(post.url, pool_size=1)
    uow = SqlUnitOfWork(database)

    async def write() -> None:
        async with uow.writing() as tx:
            await delivered(tx)

    ends: list[BaseException | None] = []
    turns = 0
    while not ends or ends[-1] is not None:
        working = asyncio.create_task(write())
        for _ in range(turns):
            await asyncio.sleep(0)
        working.cancel()
        ends.append((await asyncio.gather(working, return_exceptions=True))[0])
        assert database.connections_in_use == 0
        turns += 7
    assert len(ends) > 5
    connection = await database.connect()
    assert await connection.scalar(text("SELECT count(*) FROM deliveries")) == 0
    await connection.close()
    await database.dispose()
