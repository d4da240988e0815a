"""Wires who checks all that is stored."""

import contextlib
import gc
from collections.abc import AsyncIterator, Iterator
from zoneinfo import ZoneInfo

from server.bootstrap_machine import SystemClock
from server.domain.profile import Profile
from server.fsck.check import Stored
from server.fsck.ours import acceptance_in
from server.fsck.span_ports import WHOLE, Span
from server.storage.database import Database
from server.storage.delivery_inspection import PostgresDeliveryInspection
from server.storage.log_inspection import PostgresLogInspection
from server.storage.mailbox_inspection import PostgresMailboxInspection
from server.storage.shard_inspection import PostgresShardInspection
from server.storage.signature_inspection import PostgresSignatureInspection
from server.storage.token_inspection import PostgresTokenInspection
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.usage_audit import UsageAudit

_ROWS_BETWEEN = 100_000

_STATEMENT_SECONDS = 600.0
"""Usage is counted by statements over many rows."""


@contextlib.asynccontextmanager
async def opened(url: str, profile: Profile, span: Span = WHOLE) -> AsyncIterator[Stored]:
    """Yields what is stored in a database, for who checks all of it, or what is of these mailboxes.

    Raises ServiceUnavailable.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_collecting_rarely())
        inspection, beside = [await _inspection(stack, url) for _ in range(2)]
        database = Database(url, pool_size=1, statement_seconds=_STATEMENT_SECONDS)
        stack.push_async_callback(database.dispose)
        clock = SystemClock()
        yield Stored(
            log=inspection,
            shards=PostgresShardInspection(inspection),
            mailboxes=PostgresMailboxInspection(inspection, span),
            deliveries=PostgresDeliveryInspection(inspection, span),
            tokens=PostgresTokenInspection(inspection),
            confirmations=PostgresSignatureInspection(inspection),
            recount=UsageAudit(
                uow=SqlUnitOfWork(database), clock=clock, profile=profile, recognise=acceptance_in
            ),
            zone=ZoneInfo(profile.time_zone),
            beside=[beside],
            now=clock.now,
        )


@contextlib.contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Has Python look less often for what is only kept by itself: of the many rows that are made and dropped
    nothing is, and looking takes a third of the time that it takes to read them.
    """
    before = gc.get_threshold()
    gc.set_threshold(_ROWS_BETWEEN, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _inspection(stack: contextlib.AsyncExitStack, url: str) -> PostgresLogInspection:
    inspection = await PostgresLogInspection.open(url)
    stack.push_async_callback(inspection.close)
    return inspection
