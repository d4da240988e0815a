"""What the supervisor does when processes start, die, hang and are told to stop."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import structlog

from server.supervisor.supervisor import Pace, StartFailed, Supervisor, ending
from tests.faults.scene import eventually

SOON = Pace(first_pause=0.001, longest_pause=0.004, well_after=60.0, patience=0.02)


@dataclass
class FakeProcess:
    """A process whose fate a test decides."""

    number: int
    pid: int
    obeys: bool = True
    health: "asyncio.Future[str | None]" = field(default_factory=asyncio.Future)
    end: "asyncio.Future[int]" = field(default_factory=asyncio.Future)
    exit_code: int = 0

    @property
    def metrics_address(self) -> str | None:
        """Every second one tells its figures."""
        return f"127.0.0.1:{self.pid + 5000}" if self.pid % 2 else None

    async def ready(self) -> str | None:
        both: list[asyncio.Future[Any]] = [self.health, self.end]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return self.health.result() if self.health.done() else None

    async def ended(self) -> int:
        return await asyncio.shield(self.end)

    def serve(self) -> None:
        self.health.set_result(f"127.0.0.1:{self.pid}")

    def die(self, code: int = -signal.SIGKILL) -> None:
        self.end.set_result(code)

    def stop(self) -> None:
        if self.obeys and not self.end.done():
            self.end.set_result(self.exit_code)

    def kill(self) -> None:
        self.end.set_result(-signal.SIGKILL)


class Machine:
    """Starts fake processes; each does as `destiny` says as soon as it is started."""

    def __init__(self, destiny: Callable[[FakeProcess], None] = FakeProcess.serve) -> None:
        self.destiny = destiny
        self.started: list[FakeProcess] = []
        self.starting = asyncio.Condition()

    async def launch(self, number: int) -> FakeProcess:
        process = FakeProcess(number, pid=1000 + len(self.started))
        self.destiny(process)
        async with self.starting:
            self.started.append(process)
            self.starting.notify_all()
        return process

    async def has_started(self, count: int) -> None:
        async with asyncio.timeout(60), self.starting:
            await self.starting.wait_for(lambda: len(self.started) >= count)


class Running:
    """A supervisor under way."""

    def __init__(self, machine: Machine, count: int, pace: Pace = SOON) -> None:
        self.supervisor = Supervisor(machine.launch, count, pace=pace)
        self.all_serve = asyncio.Event()
        self.end = asyncio.create_task(self.supervisor.run(self.all_serve.set))

    async def serving(self) -> None:
        async with asyncio.timeout(60):
            await self.all_serve.wait()

    async def stop(self) -> bool:
        self.supervisor.stop()
        async with asyncio.timeout(60):
            return await self.end


async def test_the_first_process_starts_alone_and_the_others_once_it_serves() -> None:
    machine = Machine(lambda process: None)
    running = Running(machine, 3)
    await machine.has_started(1)
    first = machine.started[0]
    assert (len(machine.started), dict(running.supervisor.serving)) == (1, {})

    first.serve()
    await machine.has_started(3)
    assert not running.all_serve.is_set()
    assert dict(running.supervisor.serving) == {1: "127.0.0.1:1000"}

    for process in machine.started[1:]:
        process.serve()
    await running.serving()
    assert sorted(running.supervisor.serving) == [1, 2, 3]
    assert dict(running.supervisor.measured) == {2: "127.0.0.1:6001"}
    assert await running.stop()
    assert dict(running.supervisor.serving) == dict(running.supervisor.measured) == {}


@pytest.mark.parametrize("doomed", [1, 2])
async def test_a_process_that_never_serves_fails_the_start_and_ends_the_others(doomed: int) -> None:
    def destiny(process: FakeProcess) -> None:
        process.die(1) if process.number == doomed else process.serve()

    machine = Machine(destiny)
    running = Running(machine, 3)
    with pytest.raises(StartFailed, match=rf"process {doomed} of 3 did not start \(exit code 1\)"):
        await running.end

    assert not running.all_serve.is_set()
    assert [process.number for process in machine.started].count(doomed) == 1
    assert all(process.end.done() for process in machine.started)


async def test_a_process_that_hangs_when_it_is_started_again_is_killed_and_another_one_started() -> None:
    machine = Machine()
    running = Running(machine, 2, pace=replace(SOON, start=0.02))
    await running.serving()
    machine.destiny = lambda process: None

    with structlog.testing.capture_logs() as lines:
        machine.started[1].die()
        await machine.has_started(3)
        machine.destiny = FakeProcess.serve
        await machine.has_started(4)
        await eventually(lambda: running.supervisor.serving.get(2) == "127.0.0.1:1003")

    assert machine.started[2].end.result() == -signal.SIGKILL
    assert "a server process did not serve in time and was killed" in [line["event"] for line in lines]
    assert await running.stop()


async def test_a_first_start_may_take_its_time() -> None:
    machine = Machine(lambda process: None)
    running = Running(machine, 1, pace=replace(SOON, start=0.0))
    await machine.has_started(1)
    machine.started[0].serve()

    await running.serving()
    assert await running.stop()


async def test_a_system_that_starts_no_process_is_told_as_it_says() -> None:
    async def launch(number: int) -> FakeProcess:
        raise OSError(11, "Resource temporarily unavailable")

    with pytest.raises(OSError, match="Resource temporarily unavailable"):
        await Supervisor(launch, 2, pace=SOON).run(lambda: None)


async def test_a_process_that_dies_is_started_again_and_is_not_counted_meanwhile() -> None:
    machine = Machine()
    running = Running(machine, 2)
    await running.serving()

    with structlog.testing.capture_logs() as lines:
        machine.destiny = lambda process: None
        machine.started[1].die()
        await machine.has_started(3)
        assert sorted(running.supervisor.serving) == [1]
        machine.started[2].serve()
        await eventually(lambda: running.supervisor.serving.get(2) == "127.0.0.1:1002")

    (told,) = [line for line in lines if line["log_level"] == "error"]
    assert told["event"] == "a server process ended and is started again"
    assert (told["process"], told["ended"], told["still_serving"]) == (2, "SIGKILL", 1)
    assert await running.stop()


async def test_one_that_dies_again_and_again_is_started_at_longer_and_longer_pauses() -> None:
    machine = Machine()
    running = Running(machine, 2)
    await running.serving()

    machine.destiny = lambda process: process.die(3)
    with structlog.testing.capture_logs() as lines:
        machine.started[1].die()
        await machine.has_started(7)
    pauses = [line["pause_seconds"] for line in lines if "pause_seconds" in line]
    assert pauses[:4] == [0.001, 0.002, 0.004, 0.004]
    await running.stop()


async def test_one_that_served_well_for_a_while_is_started_again_soon() -> None:
    machine = Machine()
    running = Running(machine, 1, Pace(first_pause=0.001, longest_pause=9.0, well_after=0.0, patience=0.02))
    await running.serving()

    with structlog.testing.capture_logs() as lines:
        for count in range(2, 5):
            machine.started[-1].die()
            await machine.has_started(count)
    assert {line["pause_seconds"] for line in lines if "pause_seconds" in line} == {0.001}
    assert await running.stop()


async def test_a_system_that_starts_no_more_processes_for_a_while_is_asked_again() -> None:
    machine = Machine()
    running = Running(machine, 1)
    await running.serving()

    failures = iter([OSError("no more processes")])

    def destiny(process: FakeProcess) -> None:
        for failure in failures:
            raise failure
        process.serve()

    machine.destiny = destiny
    machine.started[0].die()
    await machine.has_started(2)
    assert await running.stop()


async def test_stopping_does_not_wait_for_a_pause_to_end() -> None:
    machine = Machine()
    running = Running(machine, 1, Pace(first_pause=3600.0, patience=0.02))
    await running.serving()
    machine.started[0].die()
    await eventually(lambda: not running.supervisor.serving)

    assert await running.stop()
    assert len(machine.started) == 1


async def test_stopping_while_processes_start_ends_them() -> None:
    machine = Machine(lambda process: None)
    running = Running(machine, 2)
    await machine.has_started(1)

    assert await running.stop()
    assert [process.number for process in machine.started] == [1]
    assert not running.all_serve.is_set()


async def test_one_that_does_not_end_when_told_to_is_killed_and_that_is_no_good_end() -> None:
    machine = Machine()
    running = Running(machine, 2)
    await running.serving()
    machine.started[0].obeys = False

    assert not await running.stop()
    assert machine.started[0].end.result() == -signal.SIGKILL
    assert machine.started[1].end.result() == 0


async def test_one_that_fails_while_it_ends_is_no_good_end() -> None:
    machine = Machine()
    running = Running(machine, 2)
    await running.serving()
    machine.started[1].exit_code = 1

    assert not await running.stop()


async def test_one_that_was_told_to_stop_before_it_could_listen_to_that_ended_well() -> None:
    machine = Machine(lambda process: None)
    running = Running(machine, 2)
    await machine.has_started(1)
    machine.started[0].exit_code = -signal.SIGTERM

    assert await running.stop()


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (-9, "SIGKILL"), (-60, "signal 60"), (1, "exit code 1")]
)
def test_ends_are_named(code: int, words: str) -> None:
    assert ending(code) == words
