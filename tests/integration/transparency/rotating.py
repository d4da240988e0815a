"""A log that goes over from shard to shard, each with a key and a guard of its own."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from namak.evidence.note import Verifier
from server.bootstrap_machine import SystemEntropy
from server.domain.administration import CommandLine
from server.jurisdictions import PROFILES
from server.storage.database import Database
from server.storage.log_connection import connect
from server.storage.log_store import PostgresLeaderSession
from server.storage.unit_of_work import SqlUnitOfWork
from server.transparency.guard import FileGuard
from server.transparency.integrator import Integrated, ShardFrozen, integrate
from server.transparency.shard import Shard
from server.transparency.shard_order import ConfiguredShards, settled
from server.transparency.steps import unobserved
from server.usecases.administration import Administration
from server.usecases.giving_up import LostKeys
from server.usecases.ports import Transaction
from server.usecases.records import LoggedReceipt
from server.usecases.rotation import AnnouncedShard, AnnounceShard, ShardRotation
from tests.integration.transparency.conftest import ORIGIN, WallClock, World, verify_receipt
from tests.integration.transparency.signers import TokenLikeSigner, signed_roots

NEXT = "log.example.am/2027"
LATER = "log.example.am/2028"


class HeldUnitOfWork(SqlUnitOfWork):
    """Commits nothing before it may."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.about_to_commit = asyncio.Event()
        self.may_commit = asyncio.Event()

    @contextlib.asynccontextmanager
    async def _transaction(self, *, writes: bool, hurried: bool = False) -> AsyncIterator[Transaction]:
        async with super()._transaction(writes=writes, hurried=hurried) as tx:
            commit = tx.commit

            async def later() -> None:
                self.about_to_commit.set()
                await self.may_commit.wait()
                await commit()

            tx.commit = later  # type: ignore[method-assign]
            yield tx


@dataclass
class RotatingWorld(World):
    """A log with several shards."""

    def key(self, origin: str) -> TokenLikeSigner:
        """Returns a shard's key."""
        secret = hashlib.sha256(self.secret + origin.encode()).digest()
        return TokenLikeSigner(secret, self.journal)

    def verifier(self, origin: str) -> Verifier:
        return Verifier(origin, self.key(origin).public_key)

    def guard(self, origin: str = ORIGIN) -> FileGuard:
        return FileGuard(self.guard_of(origin), self.verifier(origin))

    def guard_of(self, origin: str) -> Path:
        return self.directory / f"guard of {origin.rpartition('/')[2]}"

    def shard(self, signer: TokenLikeSigner | None = None, origin: str = ORIGIN) -> Shard:
        return Shard(origin, signer or self.key(origin), self.guard(origin))

    def shards(self, *origins: str) -> Sequence[Shard]:
        return [self.shard(origin=origin) for origin in origins]

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[PostgresLeaderSession]:
        """Opens a leader's session, without the lock."""
        connection = await connect(self.ledger.url, command_seconds=60.0, settings={})
        session = PostgresLeaderSession(connection)
        try:
            yield session
        finally:
            await session.close()

    async def begin(self, *former: str, origin: str = ORIGIN) -> None:
        """Has the database know the log's first shards, as the first leader does."""
        verifiers = [self.verifier(each) for each in former]
        async with self.session() as session:
            await settled(session, ConfiguredShards([self.shard(origin=origin)], verifiers), WallClock())

    @contextlib.asynccontextmanager
    async def rotation(self, *, held: bool = False) -> AsyncIterator[tuple[ShardRotation, HeldUnitOfWork]]:
        database = Database(self.ledger.url, pool_size=2)
        uow = HeldUnitOfWork(database)
        if not held:
            uow.may_commit.set()
        entropy = SystemEntropy()
        administration = Administration(
            uow=uow, clock=WallClock(), entropy=entropy, wake_log=lambda: None, profile=PROFILES["am"]
        )
        try:
            yield ShardRotation(administration, entropy), uow
        finally:
            await database.dispose()

    @contextlib.asynccontextmanager
    async def lost_keys(self) -> AsyncIterator[LostKeys]:
        database = Database(self.ledger.url, pool_size=2)
        entropy = SystemEntropy()
        administration = Administration(
            uow=SqlUnitOfWork(database),
            clock=WallClock(),
            entropy=entropy,
            wake_log=lambda: None,
            profile=PROFILES["am"],
        )
        try:
            yield LostKeys(administration, entropy)
        finally:
            await database.dispose()

    def asked(self, origin: str, successor: str, request_id: str | None = None) -> AnnounceShard:
        return AnnounceShard(CommandLine(), request_id, origin, successor, self.shard(origin=successor).vkey)

    async def announce(self, origin: str = ORIGIN, successor: str = NEXT) -> AnnouncedShard:
        """Announces a shard."""
        async with self.rotation() as (rotation, _):
            announced = await rotation.announce(self.asked(origin, successor))
        await self.note(announced)
        return announced

    async def note(self, announced: AnnouncedShard) -> None:
        """Counts an announcement among what was recorded, and what opens the shard."""
        for each in (announced.announcement, announced.opening):
            assert each is not None
            document = await self.ledger.value("SELECT document FROM evidence WHERE id = $1", each)
            self.ledger.recorded[each] = document

    async def check_line(self, *origins: str, opened: Sequence[str] | None = None) -> None:
        """Asserts that these shards, in this order, are the whole log: everything that was recorded stands in
        one of them, once, each begins where the one before ended with its announcement, nothing waits, all
        is published, each but the first (or each of `opened`) begins with what opens it, and no size of a
        shard was ever signed with two roots.
        """
        rows = await self.ledger.rows("SELECT origin, leaf_index, entry, evidence_id FROM log_entries")
        assert {row["origin"] for row in rows} <= set(origins)
        assert len(rows) == len({row["evidence_id"] for row in rows})
        assert {row["evidence_id"]: row["entry"] for row in rows} == {
            each: hashlib.sha256(document).digest() for each, document in self.ledger.recorded.items()
        }
        assert await self.ledger.value("SELECT count(*) FROM log_queue") == 0
        openings = await self.ledger.rows("SELECT origin, opening FROM log_shards WHERE opening IS NOT NULL")
        places = {row["evidence_id"]: (row["origin"], row["leaf_index"]) for row in rows}
        assert {row["origin"]: places[row["opening"]] for row in openings} == {
            origin: (origin, 0) for origin in (origins[1:] if opened is None else opened)
        }
        for origin, successor in zip(origins, [*origins[1:], None], strict=True):
            size = await self.ledger.check(origin)
            (head,) = await self.ledger.rows("SELECT * FROM log_heads WHERE origin = $1", origin)
            assert (head["integrated_size"], head["published_size"]) == (size, size)
            assert head["successor"] == successor
            assert (head["frozen_at"] is None) == (successor is None)
            if successor is not None:
                last = {row["leaf_index"]: row["evidence_id"] for row in rows if row["origin"] == origin}
                assert last[size - 1] == head["announcement"]
            assert all(len(roots) == 1 for roots in signed_roots(self.journal, origin).values())
            guarded = await self.guard(origin).read()
            assert (0 if guarded is None else guarded.checkpoint.size) == size

    def verify(self, receipts: Mapping[UUID, LoggedReceipt], origin: str = "") -> None:
        """Asserts that each is a receipt of what was recorded, by the key of its own shard."""
        for evidence_id, receipt in receipts.items():
            verify_receipt(receipt, self.ledger.recorded[evidence_id], self.verifier(receipt.origin))


async def integrate_on(session: PostgresLeaderSession, origin: str, limit: int = 100) -> Integrated | None:
    """Integrates once, into the shard or the one that has come after it."""
    while True:
        try:
            return await integrate(session, origin, limit=limit, clock=WallClock(), on_step=unobserved)
        except ShardFrozen as frozen:
            origin = frozen.successor
