"""Integrates: gives queued entries the next dense indexes and commits the tree they make."""

from dataclasses import dataclass, replace

from namak.evidence.tiles import extend, tiles_for_extend
from namak.evidence.tree import leaf_hash
from server.transparency.ports import Head, LeaderSession
from server.transparency.steps import OnStep, Step
from server.usecases.ports import Clock


class ShardFrozen(Exception):
    """The shard has its last leaf; what waits belongs to `successor`."""

    def __init__(self, successor: str) -> None:
        super().__init__(successor)
        self.successor = successor


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

    Where the shard's successor is announced, the announcement is the last entry that it takes, and the same
    transaction freezes the shard. All that stands behind it in the queue is the successor's, and so is what
    comes to stand before it later: entries become visible in any order. What opens the successor becomes its
    first leaf, whatever stands before it in the queue.

    Raises:
        ShardFrozen: the shard takes nothing more.
        HeadMoved: another leader works on the shard.
    """
    async with session.integration() as transaction:
        # With the head's lock. Whoever announces a successor holds it until that is committed: so either the
        # announcement is seen here, or it comes to stand behind all that is taken here.
        head = await transaction.head(origin)
        if head.frozen:
            raise ShardFrozen(_after(head))
        opening = [] if head.integrated_size else await transaction.take_opening(origin)
        entries = [*opening, *await transaction.take(limit - len(opening), up_to=head.announcement)]
        if entries:
            frozen = entries[-1].evidence_id == head.announcement
            tiles = await transaction.tiles(origin, tiles_for_extend(head.integrated_size))
            hashes = [leaf_hash(each.entry) for each in entries]
            extension = extend(tiles, head.integrated_size, hashes)
            await transaction.append(head, entries, extension, clock.now(), frozen=frozen)
            size, root = extension.new_size, extension.root
        elif head.announcement is not None:
            # The queue has it no more: a leader of the release before, which knows of no successors, took it
            # and went on. So the shard ends a little behind it.
            frozen, size, root = True, head.integrated_size, head.root
            await transaction.freeze(head, clock.now())
        else:
            return None
        await on_step(Step.INTEGRATED_IN_TRANSACTION)
        await transaction.commit()
    await on_step(Step.INTEGRATED)
    return Integrated(len(entries), replace(head, integrated_size=size, root=root, frozen=frozen))


def _after(head: Head) -> str:
    if head.successor is None:
        raise ValueError("a shard is frozen, and none comes after it")
    return head.successor
