"""Publishes what a guard holds and the database does not: it was signed, and the leader died before more.

Only the note is needed for that, not the key. Nothing that was signed may be taken back, so this comes before
a shard is given up.
"""

from collections.abc import Sequence

from server.transparency.guard import Guard, check_extends, tiles_to_check
from server.transparency.ports import Head, HeadMoved, LogStorage
from server.usecases.ports import Clock


async def publish_guarded(storage: LogStorage, origin: str, guards: Sequence[Guard], clock: Clock) -> int:
    """Publishes the largest tree that one of these guards holds, if it is larger than what is published;
    returns how many leaves are published then.

    Raises:
        LogTrouble: a guard is damaged or can't be read, or holds what the database does not have.
        LookupError: there is nothing at a guard's place, or the log went on meanwhile.
        ServiceUnavailable: the database does not answer.
    """
    session = await storage.sessions.open()
    try:
        head = next((each for each in await session.heads() if each.origin == origin), None)
        if head is None:
            raise LookupError(f"{origin} is no shard of this log")
        largest = None
        for guard in guards:
            tree = await guard.read()
            if tree is None:
                raise LookupError("there is no guard where one was named")
            tiles = await session.tiles(origin, tiles_to_check(tree, head))
            check_extends(tree, head, tiles)
            if largest is None or tree.checkpoint.size > largest.checkpoint.size:
                largest = tree
        if largest is None or largest.checkpoint.size <= head.published_size:
            return head.published_size
        checkpoint = largest.checkpoint
        signed = Head(origin, checkpoint.size, checkpoint.root, head.published_size)
        await session.publish(signed, largest.note, clock.now())
        await session.announce()
        return checkpoint.size
    except HeadMoved as moved:
        raise LookupError("the log went on meanwhile: a server still has the key") from moved
    finally:
        await session.close()
