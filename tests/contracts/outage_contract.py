"""What is kept of outages, whatever keeps it."""

from datetime import UTC, datetime, timedelta

from server.domain.outages import Outage
from server.usecases.ports import UnitOfWork
from tests.contracts import examples

BEGAN_AT = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)


def outage(digit: str) -> Outage:
    return Outage(examples.new_id(), digit * 64, BEGAN_AT)


class OutageContract:
    """At most one outage has not ended, and none ends twice."""

    async def test_an_outage_is_open_until_it_ends(self, uow: UnitOfWork) -> None:
        first, second = outage("a"), outage("b")
        async with uow.writing() as tx:
            assert await tx.outages.open() is None
            assert await tx.outages.begin(first)
            await tx.commit()
        async with uow.writing() as tx:
            assert await tx.outages.open() == first
            assert not await tx.outages.begin(second)
            assert not await tx.outages.end(second.id, BEGAN_AT)
            assert await tx.outages.end(first.id, BEGAN_AT + timedelta(hours=1))
            assert not await tx.outages.end(first.id, BEGAN_AT + timedelta(hours=2))
            assert await tx.outages.open() is None
            assert await tx.outages.begin(second)
            await tx.commit()
        async with uow.reading() as tx:
            assert await tx.outages.open() == second
