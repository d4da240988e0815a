"""Asks the database how far the log is in going over to its next shard, and has it go."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from namak.evidence import EvidenceError
from namak.evidence.note import Verifier
from namak.evidence.tlog_policy import PolicyLog, TlogPolicy
from server import bootstrap
from server.bootstrap_log import shard_rotation
from server.ceremony.published_policy import witness_vkey
from server.ceremony.turn import Published, Turn, Witness
from server.config import Settings
from server.domain.administration import CommandLine
from server.domain.log_shards import RegisteredShard
from server.storage import migrate
from server.storage.database import Database
from server.storage.log import log_storage
from server.storage.log_turns import PostgresLogTurns
from server.storage.unit_of_work import SqlUnitOfWork
from server.transparency.ports import LogReader, WitnessedTrees
from server.usecases.rotation import AnnounceShard, ShardRotation


class Turning:
    """The database of a log."""

    def __init__(
        self,
        rotation: ShardRotation,
        reader: LogReader,
        witnessed: WitnessedTrees,
        turns: PostgresLogTurns,
        policy: TlogPolicy | None,
    ) -> None:
        """For `turning`."""
        self._rotation = rotation
        self._reader = reader
        self._witnessed = witnessed
        self._turns = turns
        self._policy = policy

    async def published(self, origins: Collection[str]) -> Mapping[str, bytes]:
        """Returns the newest published note of each of these shards that has one."""
        return {origin: each.note for origin, each in (await self._reader.newest(origins)).items()}

    async def shards(self) -> Sequence[RegisteredShard]:
        """Returns the shards that the database knows, the oldest first."""
        return await self._rotation.shards(CommandLine())

    async def waits_since(self) -> datetime | None:
        """Returns since when the oldest fact waits for the log; None where none does."""
        return await self._reader.oldest_queued()

    async def is_led(self) -> bool:
        """Tells whether a server leads the log now."""
        return await self._turns.is_led()

    async def announce(self, origin: str, successor: str, vkey: str) -> None:
        """Announces the next shard; again changes nothing. Raises RotationRefused."""
        await self._rotation.announce(AnnounceShard(CommandLine(), None, origin, successor, vkey))

    async def look(self, successor: str) -> Turn:
        """Returns how far the log is. Raises RotationRefused: the shard was not announced."""
        announced = await self._rotation.announced(CommandLine(), successor)
        turn = Turn(
            announced.origin,
            announced.vkey,
            announced.successor,
            announced.successor_vkey,
            announced.announcement,
            announced.announced_at,
            announced.frozen_at,
            policy=self._policy,
            line=await self._line(announced.successor),
            opening=announced.opening,
            waiting=await self._reader.queued(),
        )
        if turn.frozen_at is None:
            return turn
        turn = await self._with_leaves(turn)
        row = (await self._reader.shards([turn.origin])).get(turn.origin)
        if row is not None and row.note and row.published_at and row.published_size == row.integrated_size:
            turn = replace(turn, last=Published(row.note, row.published_at))
            turn = await self._with_witnesses(turn, row.integrated_size)
        if (first := await self._turns.first_checkpoint(successor)) is not None:
            followed = (await self._witnessed.newest([successor])).get(successor) is not None
            turn = replace(turn, first=Published(first.note, first.published_at), followed=followed)
        return turn

    async def _line(self, successor: str) -> tuple[str, ...]:
        """Returns the verifier keys of the shards up to this one: those after it were not there then."""
        shards = await self.shards()
        last = next(each.position for each in shards if each.origin == successor)
        return tuple(each.vkey for each in shards if each.position <= last)

    async def _with_leaves(self, turn: Turn) -> Turn:
        wanted = [turn.announcement, *([] if turn.opening is None else [turn.opening])]
        places = {each.evidence_id: (each.origin, each.index) for each in await self._reader.leaves(wanted)}
        indexes = {each: index for each, (_, index) in places.items()}
        opened = turn.opening is not None and places.get(turn.opening, ("", 0))[0] == turn.successor
        return replace(
            turn,
            last_leaf=indexes.get(turn.announcement),
            first_leaf=indexes[turn.opening] if opened and turn.opening is not None else None,
        )

    async def _with_witnesses(self, turn: Turn, size: int) -> Turn:
        tree = (await self._witnessed.newest([turn.origin])).get(turn.origin)
        if tree is None or tree.size != size:
            return turn
        return replace(
            turn,
            witnessed=Published(tree.note, tree.witnessed_at),
            witnesses=_cosigners(self._policy, turn, tree.note),
        )


def _cosigners(policy: TlogPolicy | None, turn: Turn, note: bytes) -> tuple[Witness, ...]:
    """Returns those of the policy's witnesses that cosigned, whatever its quorum is by now."""
    if policy is None:
        return ()
    of_shard = replace(policy, logs=(PolicyLog(Verifier.parse(turn.vkey), None),))
    try:
        found = of_shard.check_log_signature(note).witnesses
    except EvidenceError:
        return ()
    keys = {each.name: each.verifier for each in policy.witnesses}
    return tuple(
        Witness(
            each.witness.decode(errors="replace"),
            witness_vkey(keys[each.witness]),
            datetime.fromtimestamp(each.time, UTC),
        )
        for each in found
    )


@asynccontextmanager
async def turning(settings: Settings) -> AsyncIterator[Turning]:
    """Opens the log's database until left.

    Raises:
        SchemaOutdated, ServiceUnavailable: it lacks tables, or does not answer.
        ValueError, OSError: the witnesses' policy can't be used.
    """
    policy = None
    if settings.witnesses.policy is not None:
        try:
            policy = TlogPolicy.parse(settings.witnesses.policy.read_bytes())
        except EvidenceError as error:
            raise ValueError(f"{settings.witnesses.policy}: {error.detail}") from error
    async with opened_database(settings) as (url, database):
        storage, turns = log_storage(url), PostgresLogTurns(url)
        try:
            rotation = shard_rotation(settings, SqlUnitOfWork(database))
            yield Turning(rotation, storage.reader, storage.witnessed, turns, policy)
        finally:
            await turns.close()
            await storage.reader.close()


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[tuple[str, Database]]:
    """Opens the log's database until left, and tells where it is.

    Raises:
        SchemaOutdated, ServiceUnavailable: it lacks tables, or does not answer.
    """
    async with bootstrap.database_url(settings) as url:
        if await migrate.is_behind(url):
            raise bootstrap.SchemaOutdated(
                "the database lacks tables of this release; run: namak-server migrate"
            )
        database = Database(url, pool_size=2)
        try:
            yield url, database
        finally:
            await database.dispose()
