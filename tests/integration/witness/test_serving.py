"""The witness over HTTP, as C2SP tlog-witness has it, and as nobody should."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.test_utils import TestServer

from namak.evidence.note import open_note, parse_note
from namak.evidence.tlog_witness import MAX_REQUEST_BYTES, SIZE_TYPE, cosignature_from
from namak.witness import serving
from namak.witness.serving import WitnessServer
from namak.witness.witness import Step
from tests.unit.witness.growing_log import GrowingLog
from tests.unit.witness.places import NAME, Opened, make, opened

LOG = GrowingLog()
SECONDS = 60


class Held:
    """Holds the witness's thread after a step, until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.reached = threading.Event()

    def __call__(self, step: Step) -> None:
        if step is Step.RECORDED:
            self.reached.set()
            assert self.go.wait(SECONDS)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def witness(tmp_path: Path, held: Held) -> Iterator[Opened]:
    make(tmp_path, LOG)
    with opened(tmp_path, on_step=held) as witness:
        yield witness


@pytest.fixture
async def url(witness: Opened) -> AsyncIterator[str]:
    server = WitnessServer(witness.witness)
    async with TestServer(server.application()) as listening:
        yield str(listening.make_url("")).rstrip("/")
    server.close()


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_answers_are_the_standards(client: ClientSession, url: str, witness: Opened) -> None:
    async with client.post(f"{url}/add-checkpoint", data=LOG.asks(0, 5)) as answer:
        assert answer.status == 200
        assert cosignature_from(await answer.read(), LOG.text(5), witness.verifier).name == NAME
    async with client.post(f"{url}/add-checkpoint", data=LOG.asks(3, 9)) as answer:
        assert (answer.status, await answer.read()) == (409, b"5\n")
        assert answer.headers["Content-Type"] == SIZE_TYPE
    async with client.post(f"{url}/add-checkpoint", data=b"old 1") as answer:
        assert (answer.status, answer.content_type) == (400, "text/plain")


async def test_those_who_monitor_get_the_newest_cosigned_checkpoint(
    client: ClientSession, url: str, witness: Opened
) -> None:
    path = f"{url}/{hashlib.sha256(LOG.key.name.encode()).hexdigest()}/checkpoint"
    async with client.get(path) as answer:
        assert answer.status == 404
    witness.cosigns(LOG, 0, 5)
    async with client.get(path) as answer:
        note = parse_note(await answer.read())
        assert (answer.status, len(open_note(note, [LOG.key.verifier, witness.verifier]))) == (200, 2)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 405),
        ("POST", "/sign-subtree", 404),
        ("GET", "/0123/checkpoint", 404),
        ("GET", f"/{'A' * 64}/checkpoint", 404),
        ("GET", "/", 404),
    ],
)
async def test_there_is_nothing_else(
    client: ClientSession, url: str, method: str, path: str, status: int
) -> None:
    async with client.request(method, url + path) as answer:
        assert answer.status == status


async def test_megabytes_are_not_read(client: ClientSession, url: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_REQUEST_BYTES // 65_536 + 1):
            yield bytes(65_536)

    for body in (bytes(MAX_REQUEST_BYTES + 1), endless()):
        async with client.post(f"{url}/add-checkpoint", data=body) as answer:
            assert answer.status == 413
    async with client.post(f"{url}/add-checkpoint", data=LOG.asks(0, 5)) as answer:
        assert answer.status == 200


async def test_who_sends_slowly_is_sent_away(
    client: ClientSession, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.01)
    told = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"old 0\n"
        await told.wait()

    async def ask() -> int:
        async with client.post(f"{url}/add-checkpoint", data=slowly()) as answer:
            return answer.status

    async with asyncio.timeout(SECONDS):
        assert await ask() == 408
    told.set()


async def test_more_than_can_wait_are_asked_to_come_again(
    client: ClientSession, url: str, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "WAITING", 2)
    held.go.clear()

    async def ask() -> tuple[int, str | None]:
        async with client.post(f"{url}/add-checkpoint", data=LOG.asks(0, 5)) as answer:
            return answer.status, answer.headers.get("Retry-After")

    first = asyncio.create_task(ask())
    assert await asyncio.to_thread(held.reached.wait, SECONDS)
    rest = [asyncio.create_task(ask()) for _ in range(4)]
    async with asyncio.timeout(SECONDS):
        while sum(each.done() for each in rest) < 3:
            await asyncio.wait(
                [each for each in rest if not each.done()], return_when=asyncio.FIRST_COMPLETED
            )
    turned_away = [each.result() for each in rest if each.done()]
    held.go.set()

    assert turned_away == [(503, "1")] * 3
    assert await first == (200, None)
    # One waited for its turn: the tree was recorded by then.
    assert sorted(status for status, _ in await asyncio.gather(*rest)) == [409, 503, 503, 503]


async def test_an_answer_that_takes_too_long_is_none(
    client: ClientSession, url: str, held: Held, witness: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "ANSWER_SECONDS", 0.01)
    held.go.clear()
    async with client.post(f"{url}/add-checkpoint", data=LOG.asks(0, 5)) as answer:
        assert answer.status == 503
    held.go.set()
    monkeypatch.setattr(serving, "ANSWER_SECONDS", SECONDS)
    async with client.post(f"{url}/add-checkpoint", data=LOG.asks(5, 5)) as answer:
        assert answer.status == 200


async def test_one_connection_serves_many_requests(url: str) -> None:
    connector = TCPConnector(limit=1)
    async with ClientSession(connector=connector) as client:
        for size in range(3):
            async with client.post(f"{url}/add-checkpoint", data=LOG.asks(size, size + 1)) as answer:
                assert (answer.status, answer.headers.get("Connection")) == (200, None)
                await answer.read()
