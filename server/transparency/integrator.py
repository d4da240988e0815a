"""Integrates: gives queued entries the next dense indexes and commits the tree they make."""

from dataclasses import dataclass

from namak.evidence.tiles import extend, tiles_for_extend
from namak.evidence.tree import leaf_hash
from server.transparency.ports import Head, LeaderSession
from server.transparency.steps import OnStep, Step
from server.usecases.ports import Clock


@dataclass(frozen=True, slots=True)
class Integrated:
    """What an integration did: how many entries it moved, and the head with the tree that they make."""

    entries: int
    head: Head


async def integrate(
    session: LeaderSession, origin: str, *, limit: int, clock: Clock, on_step: OnStep
) -> Integrated | None:
    """Moves up to `limit` queued entries into the shard in one transaction; returns None when none waits.

    MUST be called only while no committed tree of the shard waits to be published, so that one tree is signed
    a size.

    Raises:
        HeadMoved: another leader works on the shard.
    """
    async with session.integration() as transaction:
        head = await transaction.head(origin)
        if not (entries := await transaction.take(limit)):
            return None
        tiles = await transaction.tiles(origin, tiles_for_extend(head.integrated_size))
        hashes = [leaf_hash(each.entry) for each in entries]
        extension = extend(tiles, head.integrated_size, hashes)
        await transaction.append(head, entries, extension, clock.now())
        await on_step(Step.INTEGRATED_IN_TRANSACTION)
        await transaction.commit()
    await on_step(Step.INTEGRATED)
    grown = Head(head.origin, extension.new_size, extension.root, head.published_size)
    return Integrated(len(entries), grown)
