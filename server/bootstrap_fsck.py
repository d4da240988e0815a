"""Wires who checks all that is stored."""

import contextlib
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

from server.bootstrap_machine import SystemClock
from server.domain.profile import Profile
from server.fsck.check import Stored
from server.storage.database import Database
from server.storage.delivery_inspection import PostgresDeliveryInspection
from server.storage.log_inspection import PostgresLogInspection
from server.storage.mailbox_inspection import PostgresMailboxInspection
from server.storage.shard_inspection import PostgresShardInspection
from server.storage.token_inspection import PostgresTokenInspection
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.usage_audit import UsageAudit

_STATEMENT_SECONDS = 600.0
"""Usage is counted by statements over many rows."""


@contextlib.asynccontextmanager
async def opened(url: str, profile: Profile) -> AsyncIterator[Stored]:
    """Yields what is stored in a database, for who checks all of it. Raises ServiceUnavailable."""
    async with contextlib.AsyncExitStack() as stack:
        inspection, beside = [await _inspection(stack, url) for _ in range(2)]
        database = Database(url, pool_size=1, statement_seconds=_STATEMENT_SECONDS)
        stack.push_async_callback(database.dispose)
        clock = SystemClock()
        yield Stored(
            log=inspection,
            shards=PostgresShardInspection(inspection),
            mailboxes=PostgresMailboxInspection(inspection),
            deliveries=PostgresDeliveryInspection(inspection),
            tokens=PostgresTokenInspection(inspection),
            recount=UsageAudit(uow=SqlUnitOfWork(database), clock=clock, profile=profile),
            zone=ZoneInfo(profile.time_zone),
            beside=[beside],
            now=clock.now,
        )


async def _inspection(stack: contextlib.AsyncExitStack, url: str) -> PostgresLogInspection:
    inspection = await PostgresLogInspection.open(url)
    stack.push_async_callback(inspection.close)
    return inspection
