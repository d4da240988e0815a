"""What the supervisor answers to whoever asks how its processes are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.health_listener import HealthListener
from server.supervisor import health as health_module
from server.supervisor.health import ProcessesHealth
from tests.rpc.test_server import NOT_SERVING, SERVING, Readiness, await_health

SERVICES = ("", "log")


class Process:
    """What a process says of itself."""

    def __init__(self, listener: HealthListener, said: dict[str, Readiness]) -> None:
        self.listener = listener
        self.said = said

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.port}"


@contextlib.asynccontextmanager
async def started() -> AsyncIterator[Process]:
    said = {service: Readiness() for service in SERVICES}
    listener = HealthListener("127.0.0.1:0", said, interval=0.01)
    await listener.open()
    await listener.start()
    process = Process(listener, said)
    try:
        for service in SERVICES:
            await await_health(process.address, SERVING, service)
        yield process
    finally:
        await listener.leave()
        await listener.stop()


@pytest_asyncio.fixture
async def serving() -> AsyncIterator[dict[int, str]]:
    """The processes that take connections, as the supervisor has them."""
    yield {}


@pytest_asyncio.fixture
async def health(serving: dict[int, str]) -> AsyncIterator[ProcessesHealth]:
    health = ProcessesHealth(serving)
    yield health
    await health.close()


async def test_without_a_process_nothing_is_well(health: ProcessesHealth) -> None:
    assert not await health.is_well("")


async def test_it_is_well_when_all_that_take_connections_are(
    health: ProcessesHealth, serving: dict[int, str]
) -> None:
    async with started() as one, started() as other:
        serving.update({1: one.address, 2: other.address})
        assert await health.is_well("")
        assert await health.is_well("log")

        other.said["log"].ready = False
        await await_health(other.address, NOT_SERVING, "log")
        assert await health.is_well("")
        assert not await health.is_well("log")

        # It is started again: no connection goes there meanwhile.
        del serving[2]
        assert await health.is_well("log")


async def test_one_that_does_not_answer_is_not_well(health: ProcessesHealth, serving: dict[int, str]) -> None:
    async with started() as one:
        async with started() as other:
            serving.update({1: one.address, 2: other.address})
            assert await health.is_well("")
        assert not await health.is_well("")


async def test_one_that_came_back_elsewhere_is_asked_there(
    health: ProcessesHealth, serving: dict[int, str]
) -> None:
    async with started() as first:
        serving[1] = first.address
        assert await health.is_well("")
    async with started() as again:
        serving[1] = again.address
        assert await health.is_well("")


async def test_a_proxy_for_the_way_out_is_not_asked_about_processes_of_this_machine(
    health: ProcessesHealth, serving: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started() as one:
        # Nobody listens there.
        for name in ("grpc_proxy", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        serving[1] = one.address
        assert await health.is_well("")


async def test_who_asks_of_a_process_that_hangs_is_answered_though_it_is_killed_meanwhile(
    health: ProcessesHealth, serving: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected, end = asyncio.Event(), asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await end.wait()
        writer.close()

    frozen = await asyncio.start_server(hang, "127.0.0.1", 0)
    serving[1] = f"127.0.0.1:{frozen.sockets[0].getsockname()[1]}"
    monkeypatch.setattr(health_module, "_ANSWER_SECONDS", 0.1)
    first = asyncio.create_task(health.is_well(""))
    async with asyncio.timeout(60):
        await connected.wait()
    monkeypatch.setattr(health_module, "_ANSWER_SECONDS", 0.5)
    second = asyncio.create_task(health.is_well("log"))
    # The first one that gives up finds that it is not to be asked any more.
    del serving[1]

    answers = await asyncio.gather(first, second, return_exceptions=True)
    assert [*answers] == [False, False]
    end.set()
    frozen.close()
