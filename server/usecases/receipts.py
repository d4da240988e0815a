"""Asking the log for receipts so that the reply still goes out in time."""

import asyncio
import math
from collections.abc import Awaitable, Mapping
from uuid import UUID

from server.domain.refusals import ServiceUnavailable
from server.usecases.log_ports import TimestampedLog, WitnessedLog
from server.usecases.ports import Log
from server.usecases.records import LoggedReceipt


async def receipts_in_time(
    log: Log,
    evidence: Mapping[UUID, bytes],
    *,
    wait_seconds: float,
    reply_by: float,
    since: int | None = None,
) -> Mapping[UUID, LoggedReceipt]:
    """Returns the receipts that there are after `wait_seconds`, or when the reply must go out.

    `reply_by` is on the event loop's clock, because what came before, such as a commit that waited for locks,
    took of the call's time too. A log that does not answer by then is one that has no receipts yet.

    Raises:
        What `Log.receipts` raises.
    """
    try:
        return await log.receipts(evidence, wait_seconds=wait_seconds, reply_by=reply_by, since=since)
    except ServiceUnavailable:
        if asyncio.get_running_loop().time() >= reply_by:
            return {}
        raise


async def witnessed_in_time(
    log: WitnessedLog, fact_id: UUID, document: bytes, *, wait_seconds: float, reply_by: float
) -> LoggedReceipt | None:
    """Returns the witnessed receipt that there is after `wait_seconds`, or when the reply must go out.

    Raises:
        What `WitnessedLog.receipt` raises.
    """
    asking = log.receipt(fact_id, document, wait_seconds=wait_seconds, reply_by=reply_by)
    return await _in_time(asking, reply_by)


async def timestamped_in_time(
    log: TimestampedLog,
    fact_id: UUID,
    document: bytes,
    *,
    wait_seconds: float,
    reply_by: float,
    witnessed: bool = False,
) -> LoggedReceipt | None:
    """Returns the timestamped receipt that there is after `wait_seconds`, or when the reply must go out.

    Raises:
        What `TimestampedLog.receipt` raises.
    """
    asking = log.receipt(fact_id, document, wait_seconds=wait_seconds, reply_by=reply_by, witnessed=witnessed)
    return await _in_time(asking, reply_by)


async def _in_time(asking: Awaitable[LoggedReceipt | None], reply_by: float) -> LoggedReceipt | None:
    try:
        async with asyncio.timeout_at(None if math.isinf(reply_by) else reply_by):
            return await asking
    except TimeoutError:
        return None
    except ServiceUnavailable:
        if asyncio.get_running_loop().time() >= reply_by:
            return None
        raise
