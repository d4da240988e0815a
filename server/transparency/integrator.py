"""Integrates: gives queued entries the next dense indexes and commits the tree they make."""

from namak.evidence.tiles import extend, tiles_for_extend
from namak.evidence.tree import leaf_hash
from server.transparency.ports import LeaderSession
from server.transparency.steps import OnStep, Step
from server.usecases.ports import Clock


async def integrate(session: LeaderSession, origin: str, *, limit: int, clock: Clock, on_step: OnStep) -> int:
    """Moves up to `limit` queued entries into the shard in one transaction; returns how many.

    MUST be called only while no committed tree of the shard waits to be published, so that one tree is signed
    a size.

    Raises:
        HeadMoved: another leader works on the shard.
    """
    if not await session.waiting():
        return 0
    async with session.integration() as transaction:
        head = await transaction.head(origin)
        if not (entries := await transaction.take(limit)):
            return 0
        tiles = await transaction.tiles(origin, tiles_for_extend(head.integrated_size))
        hashes = [leaf_hash(each.entry) for each in entries]
        extension = extend(tiles, head.integrated_size, hashes)
        await transaction.append(head, entries, extension, clock.now())
        await on_step(Step.INTEGRATED_IN_TRANSACTION)
        await transaction.commit()
    await on_step(Step.INTEGRATED)
    return len(entries)
