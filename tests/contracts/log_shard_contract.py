"""What is kept of the log's shards, whatever keeps it."""

from datetime import UTC, datetime

import pytest

from server.domain.log_shards import RegisteredShard, ShardEnd
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from tests.contracts import examples

AT = datetime(2026, 12, 31, 12, 0, 0, 123456, tzinfo=UTC)
FIRST = RegisteredShard("log.example.am/2026", 1, "log.example.am/2026+0+a")


def announced(year: int, position: int, vkey: str = "") -> RegisteredShard:
    origin, before = f"log.example.am/{year}", f"log.example.am/{year - 1}"
    acts = (examples.new_id(), AT, examples.new_id())
    return RegisteredShard(origin, position, vkey or f"{origin}+0+a", before, *acts)


class LogShardContract:
    """Shards follow each other in one line, each announced once."""

    async def test_each_ends_with_the_next_one_and_none_comes_otherwise(self, uow: UnitOfWork) -> None:
        second, third = announced(2027, 2), announced(2028, 3)
        async with uow.writing() as tx:
            assert await tx.log_shards.all() == []
            assert await tx.log_shards.lock(FIRST.origin) is None
            await tx.log_shards.add(FIRST)
            await tx.commit()
        async with uow.writing() as tx:
            assert await tx.log_shards.lock(FIRST.origin) == ShardEnd()
            await tx.log_shards.add(second)
            await tx.log_shards.add(third)
            await tx.commit()
        async with uow.reading() as tx:
            assert await tx.log_shards.all() == [FIRST, second, third]
            assert await tx.log_shards.end(FIRST.origin) == ShardEnd(second.origin, second.announcement)
            assert await tx.log_shards.end(second.origin) == ShardEnd(third.origin, third.announcement)
            assert await tx.log_shards.end(third.origin) == ShardEnd()
        other = RegisteredShard("log.example.am/other", 4, "other", FIRST.origin, examples.new_id(), AT)
        orphan = RegisteredShard("log.example.am/other", 4, "other", "nothing", examples.new_id(), AT)
        for wrong, refusal in (
            (other, (LookupError, StorageFault)),
            (orphan, LookupError),
            (announced(2027, 4), StorageFault),
            (announced(2029, 4, FIRST.vkey), StorageFault),
        ):
            async with uow.writing() as tx:
                with pytest.raises(refusal):
                    await tx.log_shards.add(wrong)
