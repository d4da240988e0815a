"""Does together what many ask for at the same time: one transaction for whatever waits when the last is over.

Nobody waits to make a group larger. Who asks alone is served alone; under load groups grow by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from server.domain.refusals import ServiceUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouped(Generic[Item, Result]):
    """Does things in groups, one group at a time.

    Whoever asks may leave, by cancellation; what they asked for is done all the same, once it is in a group.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, most: int) -> None:
        """`work` does a group, whole or not at all, and returns a result for each, in their order; a group
        has `most` at most.
        """
        self._work = work
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._working: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Result:
        """Does one thing, together with others.

        Raises:
            What the work raises for this thing alone.
            ServiceUnavailable: whether it was done is unknown.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work_on())
        return await future

    async def _work_on(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                wanted = [each for each in group if not each[1].done()]
                if wanted:
                    await self._do(wanted)
        finally:
            # Nothing is awaited between the look and this: who comes next begins anew. Somebody waits yet
            # only where this was cancelled.
            self._working = None
            given_up, self._waiting = self._waiting, []
            _give_up(given_up)

    async def _do(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._work([item for item, _ in group])
            # Within, so that work which returns too few or too many leaves nobody waiting for ever.
            told = list(zip(group, results, strict=True))
        except asyncio.CancelledError:
            _give_up(group)
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Something that the work waited for was cancelled, and not the work: the others have their turn.
            return
        except Exception as failure:  # noqa: BLE001 - it is told to those who asked
            if len(group) == 1 or isinstance(failure, ServiceUnavailable):
                for _, future in group:
                    if not future.done():
                        future.set_exception(failure)
                return
            # One of them is at fault, and the others are not to suffer.
            for each in group:
                await self._do([each])
            return
        for (_, future), result in told:
            if not future.done():
                future.set_result(result)


def _give_up(group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
    """Tells those who wait yet that nobody knows what became of it: they would wait for ever."""
    for _, future in group:
        if not future.done():
            future.set_exception(ServiceUnavailable("database"))
