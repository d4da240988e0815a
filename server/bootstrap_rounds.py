"""What a server does again and again in the background."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from server.domain.refusals import Refused

_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def repeating(
    work: Callable[[], Awaitable[object]], seconds: float, trouble: str, *, at_once: bool = True
) -> AsyncIterator[None]:
    """Meanwhile does some work every so many seconds, the first time at once or after as many; where it
    fails, `trouble` is logged, and the next round tries again.
    """

    async def rounds() -> None:
        if not at_once:
            await asyncio.sleep(seconds)
        while True:
            try:
                await work()
            except Refused as refused:
                _log.warning(trouble, reason=refused.reason.value)
            except Exception:  # noqa: BLE001 - whatever it is, the next round is tried
                _log.exception(trouble)
            await asyncio.sleep(seconds)

    task = asyncio.create_task(rounds())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
