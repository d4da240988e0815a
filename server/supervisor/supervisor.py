"""Keeps so many processes running, until it is told to stop."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class Process(Protocol):
    """A started process."""

    @property
    def pid(self) -> int:
        """Its number in the system."""
        ...

    @property
    def metrics_address(self) -> str | None:
        """Where it tells its figures, once it serves; None where it does not."""
        ...

    async def ready(self) -> str | None:
        """Waits until it serves; returns its health address, or None where it ended instead."""
        ...

    async def ended(self) -> int:
        """Waits for its end; returns its exit code, below 0 the signal that ended it."""
        ...

    def stop(self) -> None:
        """Asks it to finish what is under way and to end."""
        ...

    def kill(self) -> None:
        """Ends it dead."""
        ...


Launch = Callable[[int], Awaitable[Process]]
"""Starts the process of a number, 1 to n. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times, in seconds.

    Attributes:
        first_pause, longest_pause: before a process that ended is started again; each pause is twice the one
            before.
        well_after: a process that served so long is well: its next end counts as a first one.
        patience: how long processes may take to end once they are told to.
        start: how long one that is started again may take until it serves. The first time none has a limit:
            nothing is served then that would have to be kept up, and whoever started it is looking on.
    """

    first_pause: float = 0.5
    longest_pause: float = 30.0
    well_after: float = 60.0
    patience: float = 40.0
    start: float = 120.0


class StartFailed(Exception):
    """A process ended before it ever served; it has said why."""

    def __init__(self, number: int, count: int, code: int) -> None:
        super().__init__(
            f"process {number} of {count} did not start ({ending(code)}); what it said stands above"
        )


class Supervisor:
    """Runs processes, and starts again those that end unasked."""

    def __init__(self, launch: Launch, count: int, *, pace: Pace) -> None:
        """Starts nothing yet."""
        self._launch = launch
        self._count = count
        self._pace = pace
        self._stop = asyncio.Event()
        self._serving: dict[int, str] = {}
        self._measured: dict[int, str] = {}
        self._unclean: list[int] = []

    @property
    def serving(self) -> Mapping[int, str]:
        """The processes that take connections now, and where each one's health listener is."""
        return self._serving

    @property
    def measured(self) -> Mapping[int, str]:
        """Those of them that tell their figures, and where."""
        return self._measured

    def stop(self) -> None:
        """Has all processes end, and `run` with them."""
        self._stop.set()

    async def run(self, all_serve: Callable[[], None]) -> bool:
        """Runs the processes until `stop`; returns whether all of them ended well then.

        The first one starts alone: what keeps it from starting would keep all, and is told once.

        Args:
            all_serve: called when all serve for the first time.

        Raises:
            StartFailed: a process ended before it served for the first time. The others have ended, too.
            OSError: one could not even be started the first time. Likewise.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for numbers in ([1], range(2, self._count + 1)):
                    await self._begin(group, numbers)
                if not self._stop.is_set():
                    all_serve()
        except BaseExceptionGroup as failures:
            if (failed := failures.subgroup((StartFailed, OSError))) is not None:
                raise _first(failed) from None
            raise
        return not self._unclean

    async def _begin(self, group: asyncio.TaskGroup, numbers: Sequence[int]) -> None:
        served = [asyncio.Event() for _ in numbers]
        for number, event in zip(numbers, served, strict=True):
            if not self._stop.is_set():
                group.create_task(self._keep(number, event), name=f"process {number}")
        await self._unless_stopped(_all(served))

    async def _keep(self, which: int, served: asyncio.Event) -> None:
        pause = self._pace.first_pause
        while True:
            began = time.monotonic()
            ended = await self._one_life(which, served)
            if self._stop.is_set():
                return
            if not served.is_set():
                raise StartFailed(which, self._count, ended)
            if time.monotonic() - began >= self._pace.well_after:
                pause = self._pace.first_pause
            _log.error(
                "a server process ended and is started again",
                process=which,
                ended=ending(ended),
                pause_seconds=pause,
                still_serving=len(self._serving),
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
                return
            pause = min(2 * pause, self._pace.longest_pause)

    async def _one_life(self, which: int, served: asyncio.Event) -> int:
        """Starts a process and waits for its end, which `stop` brings about, too; returns its exit code."""
        try:
            process = await self._launch(which)
        except OSError as failure:
            if not served.is_set():
                raise
            _log.warning("a server process can't be started", process=which, cause=str(failure))
            return 1
        async with self._ended_after(process, which):
            health = await self._unless_stopped(self._ready(process, which, again=served.is_set()))
            if health is not None and not self._stop.is_set():
                self._serving[which] = health
                if process.metrics_address is not None:
                    self._measured[which] = process.metrics_address
                served.set()
                _log.info("a server process serves", process=which, pid=process.pid)
            await self._unless_stopped(process.ended())
        return await process.ended()

    async def _ready(self, process: Process, which: int, *, again: bool) -> str | None:
        """Waits until a process serves. One that is started again and hangs is killed: nobody else would
        notice that it is missing.
        """
        try:
            async with asyncio.timeout(self._pace.start if again else None):
                return await process.ready()
        except TimeoutError:
            _log.error("a server process did not serve in time and was killed", process=which)
            process.kill()
            return None

    @contextlib.asynccontextmanager
    async def _ended_after(self, process: Process, which: int) -> AsyncIterator[None]:
        """Ends the process behind the block, if it has not ended, however the block ends."""
        ordered = True
        try:
            yield
            ordered = self._stop.is_set()
        finally:
            process.stop()
            try:
                async with asyncio.timeout(self._pace.patience):
                    code = await process.ended()
            except TimeoutError:
                process.kill()
                code = await process.ended()
                _log.error("a server process did not end in time and was killed", process=which)
            self._serving.pop(which, None)
            self._measured.pop(which, None)
            # By the signal itself: it had not begun yet.
            if ordered and code not in (0, -signal.SIGTERM):
                self._unclean.append(which)
                _log.error("a server process ended badly", process=which, ended=ending(code))

    async def _unless_stopped(self, awaited: Awaitable[T]) -> T | None:
        """Returns what comes of something; None where `stop` comes first."""
        stopped = asyncio.ensure_future(self._stop.wait())
        work = asyncio.ensure_future(awaited)
        both: tuple[asyncio.Future[Any], ...] = (work, stopped)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else None
        finally:
            for each in both:
                each.cancel()
            await asyncio.wait(both)


async def _all(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


def _first(failures: BaseExceptionGroup[Any]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def ending(code: int) -> str:
    """Says how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
