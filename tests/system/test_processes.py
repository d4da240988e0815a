"""`namak-server serve --processes 2`, as an operator runs it: real processes on one port."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from namak.client import Client, Patience
from server import bootstrap, config
from server.dev.pki import Identity
from server.dev.process import ServerProcess
from server.dev.world import World
from server.domain.administration import CommandLine
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.faults.scene import eventually
from tests.rpc.test_server import NOT_SERVING, SERVING, await_health
from tests.system.post import RECEIPTS, Agency, Citizen, Post, der, signed
from tests.system.records import Records
from tests.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PATIENCE_SECONDS = 60.0
ROOT = Path(__file__).resolve().parents[2]
SERVE = (sys.executable, "-P", "-m", "server", "serve", "--processes", "2")
ENVIRONMENT = {
    # Every start would compile every module anew where this is set.
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(ROOT / "var" / "cache" / "pycache"),
    "NAMAK_METRICS_LISTEN": "127.0.0.1:0",
}


@dataclass
class Supervised(Post):
    """A post of two processes."""

    process: ServerProcess | None = None

    @property
    def supervisor(self) -> ServerProcess:
        assert self.process is not None
        return self.process

    @property
    def address(self) -> str:
        return self.supervisor.address

    def lines(self) -> Sequence[Mapping[str, object]]:
        """Returns the log of all processes."""
        written = self.supervisor.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in written if line.startswith("{") and line.endswith("}")]

    def answered(self) -> Counter[object]:
        """Returns how many calls each process has finished."""
        return Counter(line.get("process") for line in self.lines() if line["event"] == "call finished")

    def pid(self, process: int) -> int:
        """Returns the process id of the process of a number that serves, or served last."""
        told = [line for line in self.lines() if line["event"] == "a server process serves"]
        return int(str([line["pid"] for line in told if line["process"] == process][-1]))

    async def told(self, name: str) -> Mapping[str, float]:
        """Returns what the supervisor tells of a figure, added up for each process."""
        own = (line for line in self.lines() if "process" not in line)
        (port,) = [line["port"] for line in own if line["event"] == "metrics are told"]
        headers = {"Accept": "application/openmetrics-text"}
        url = f"http://127.0.0.1:{port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            families = text_string_to_metric_families(await answer.text())  # type: ignore[no-untyped-call]
        found: Counter[str] = Counter()
        for sample in (sample for family in families for sample in family.samples if sample.name == name):
            found[sample.labels["process"]] += sample.value
        return dict(found)

    def _answered_since(self, before: Counter[object]) -> bool:
        return sum((self.answered() - before).values()) > 0

    async def client_of(self, process: int, identity: Identity) -> Client:
        """Returns a client that is connected to one of the processes: the system deals connections out by
        chance, so it may need some.
        """
        for _ in range(64):
            client = await self.client(identity, patience=Patience(total=PATIENCE_SECONDS))
            before = self.answered()
            await client.evidence.checkpoint()
            await eventually(functools.partial(self._answered_since, before))
            if (self.answered() - before)[process]:
                return client
        raise AssertionError("64 connections, and none to this process")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def supervised(
    world: World, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Supervised]:
    """Two processes over a migrated database, the operator's certificate bound. The last test stops them."""
    place = tmp_path_factory.mktemp("processes")
    guard = place / "checkpoint.note"
    path = world.write_settings("processes", database_url=module_database_url, guard=guard)
    database = Database(module_database_url, pool_size=2)
    admin = bootstrap.sender_admin(config.load(path, {}), SqlUnitOfWork(database))
    await admin.certificates.bind_operator(der(world.operator), CommandLine())
    await database.dispose()
    async with contextlib.AsyncExitStack() as stack:
        process = await ServerProcess.start(
            path, log=place / "server.log", environment=ENVIRONMENT, processes=2, within=240.0
        )
        stack.push_async_callback(process.stop)
        records = await stack.enter_async_context(Records.of(module_database_url))
        yield Supervised(world, module_database_url, guard, records, stack, process=process)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sender(supervised: Supervised) -> Agency:
    return await supervised.agency()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(supervised: Supervised) -> Citizen:
    return await supervised.citizen()


async def test_what_is_submitted_to_one_process_is_read_and_confirmed_at_the_other(
    supervised: Supervised, sender: Agency, reader: Citizen
) -> None:
    for there, here in ((1, 2), (2, 1)):
        at_one = await supervised.client_of(there, sender.identity)
        at_other = await supervised.client_of(here, reader.card.authentication)

        accepted = await at_one.deliveries.submit(sender.letter(reader.address), max_receipt_wait=RECEIPTS)
        # One of the two leads the log: the other's callers have their receipts by its signals.
        assert len(accepted.receipts) == len(accepted.evidence) == 2
        delivery_id = accepted.delivery.delivery_id
        await at_other.mailbox.open(delivery_id)
        issued = await at_other.mailbox.issue_statement(delivery_id)
        cms = signed(reader.card.signing, issued.statement)
        await at_other.mailbox.confirm(delivery_id, issued.statement_id, cms)

        assert (await at_one.deliveries.get(delivery_id)).state


async def test_the_figures_of_both_are_told_by_the_supervisor_and_none_is_lost(
    supervised: Supervised, sender: Agency
) -> None:
    for process in (1, 2):
        await supervised.client_of(process, sender.identity)

    async def all_told() -> bool:
        calls = await supervised.told("namak_rpc_calls_total")
        return calls == {str(process): calls for process, calls in supervised.answered().items()}

    async def one_leads() -> bool:
        return sorted((await supervised.told("namak_log_leading")).values()) == [0, 1]

    await eventually(all_told)
    # Which of them does may just be changing.
    await eventually(one_leads)
    assert await supervised.told("namak_database_up") == {"1": 1, "2": 1}


async def test_health_is_one_and_says_how_all_of_them_are(supervised: Supervised) -> None:
    await await_health(supervised.supervisor.health_address, SERVING)
    await await_health(supervised.supervisor.health_address, SERVING, "log")
    frozen = supervised.pid(2)
    os.kill(frozen, signal.SIGSTOP)
    try:
        # It still takes its share of the connections.
        await await_health(supervised.supervisor.health_address, NOT_SERVING)
    finally:
        os.kill(frozen, signal.SIGCONT)
    await await_health(supervised.supervisor.health_address, SERVING)


async def test_a_process_that_is_killed_comes_back_and_calls_go_on(
    supervised: Supervised, sender: Agency, reader: Citizen
) -> None:
    victim = 1
    client = await supervised.client_of(victim, sender.identity)
    letter = sender.letter(reader.address)
    before = await client.deliveries.submit(letter)
    killed = supervised.pid(victim)
    os.kill(killed, signal.SIGKILL)

    # The library connects again, to whoever listens, and repeats.
    again = await client.deliveries.submit(letter)
    assert again.delivery.delivery_id == before.delivery.delivery_id
    await eventually(lambda: supervised.pid(victim) != killed)
    back = await supervised.client_of(victim, sender.identity)
    letter = sender.letter(reader.address)
    assert (await back.deliveries.submit(letter, max_receipt_wait=RECEIPTS)).receipts

    told = [
        line for line in supervised.lines() if line["event"] == "a server process ended and is started again"
    ]
    assert (told[-1]["process"], told[-1]["ended"]) == (victim, "SIGKILL")
    await await_health(supervised.supervisor.health_address, SERVING)
    assert await supervised.told("namak_process_up") == {"1": 1, "2": 1}


async def test_two_servers_do_not_share_a_port_by_mistake(supervised: Supervised) -> None:
    path = supervised.world.write_settings(
        "second", listen=supervised.address, database_url=supervised.database_url, guard=supervised.guard
    )
    *_, said = await output_of_failing(path)
    assert said.startswith(f"namak-server: can't listen on {supervised.address}: ")


async def test_a_start_that_fails_ends_with_the_reason_and_is_not_tried_again(
    world: World, empty_database_url: str, tmp_path: Path
) -> None:
    path = world.write_settings("empty", database_url=empty_database_url, guard=tmp_path / "checkpoint.note")

    reason, last = (await output_of_failing(path))[-2:]
    assert reason == "namak-server: the database lacks tables of this release; run: namak-server migrate"
    assert last.startswith("namak-server: process 1 of 2 did not start (exit code 1)")


async def test_told_to_stop_all_finish_what_is_under_way(supervised: Supervised, sender: Agency) -> None:
    clients = [await supervised.client_of(process, sender.identity) for process in (1, 2)]
    pids = [supervised.pid(process) for process in (1, 2)]
    engine = create_async_engine(supervised.database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        await connection.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
        under_way = [asyncio.create_task(first_of(client)) for client in clients]
        waiting = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE datname = current_database() AND NOT granted"
        )

        async def all_wait() -> bool:
            return bool((await connection.execute(waiting)).scalar_one() >= len(clients))

        await eventually(all_wait)
        supervised.supervisor.process.send_signal(signal.SIGTERM)
        await await_health(supervised.supervisor.health_address, NOT_SERVING)
        assert not any(call.done() for call in under_way)
        await connection.rollback()
    await engine.dispose()

    assert all(await asyncio.gather(*under_way))
    assert await supervised.supervisor.stop() == 0
    assert not any(alive(pid) for pid in pids)


async def test_processes_do_not_outlive_a_supervisor_that_is_killed(supervised: Supervised) -> None:
    path = supervised.world.write_settings(
        "again", database_url=supervised.database_url, guard=supervised.guard
    )
    log = supervised.supervisor.log.with_name("again.log")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *SERVE, "--config", str(path), stderr=output, env={**os.environ, **ENVIRONMENT}
        )
    supervised.supervisor.log = log
    # It starts Python, and that twice.
    await until(
        lambda: any(line["event"] == "a server process serves" for line in supervised.lines()), seconds=240.0
    )
    pid = supervised.pid(1)
    process.kill()
    await process.wait()

    await eventually(lambda: not alive(pid))


async def first_of(client: Client) -> str:
    """Returns an identifier from a list that reads what is locked."""
    async for delivery in client.deliveries.list():
        return delivery.delivery_id
    raise AssertionError("there are deliveries")


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def output_of_failing(path: Path) -> Sequence[str]:
    """Runs a server that can't start, and returns what it said."""
    done = await asyncio.to_thread(
        subprocess.run,
        [*SERVE, "--config", str(path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, **ENVIRONMENT},
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()
