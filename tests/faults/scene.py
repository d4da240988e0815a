"""One post for one test: its own database and guard, replicas to kill, and callers who keep books."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from namak.client import Client, Connection, Patience
from namak.v1 import delivery_pb2
from server.dev.process import ServerProcess
from server.dev.world import World
from server.transparency.steps import Step
from tests import forking
from tests.faults.account import Account
from tests.faults.agency import AT_ONCE, ONE_TRY, Agency
from tests.faults.killing_server import ORDER, Order
from tests.faults.register import ENTITY, PERSON
from tests.faults.told import Told

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-P", "-m", "tests.faults.killing_server")
OF_PROGRAMS = {
    "PYTHONPATH": os.pathsep.join(entry for entry in (str(ROOT), *sys.path) if entry),
    # Every start would compile every module anew where this is set.
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(ROOT / "var" / "cache" / "pycache"),
}
PATIENCE_SECONDS = 60.0


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits until a condition holds; a TimeoutError after the deadline."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            held = condition()
            if await held if isinstance(held, Awaitable) else held:
                return
            await asyncio.sleep(0.01)


@dataclass(eq=False)
class Replica:
    """A running server and the agency's connection to it."""

    name: str
    process: ServerProcess
    client: Client

    @property
    def pid(self) -> int:
        return self.process.process.pid

    def lines(self) -> Sequence[Mapping[str, object]]:
        """Returns its log."""
        text = self.process.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in text if line.startswith("{")]

    def said(self, **fields: object) -> bool:
        """Whether a line of its log has these fields."""
        return any(all(line.get(each) == value for each, value in fields.items()) for line in self.lines())

    @property
    def leads(self) -> bool:
        """Whether it leads the log, as far as it has said."""
        told = [line["event"] for line in self.lines() if line["event"] in _LEADERSHIP]
        return bool(told) and told[-1] == _LEADERSHIP[0]

    @property
    def dead(self) -> bool:
        return not self.process.running

    @property
    def frozen(self) -> bool:
        """Whether it is stopped in its tracks."""
        stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] == "T"


_LEADERSHIP = ("leads the log", "stopped leading the log")


@dataclass
class Scene:
    """The post under test. `url` is its database, registered and without a single delivery."""

    world: World
    url: str
    directory: Path
    told: Told = field(default_factory=Told)
    replicas: list[Replica] = field(default_factory=list)
    """Those that callers try, dead ones included until they are forgotten."""
    patience: Patience = ONE_TRY
    """How long callers wait for an answer, from the next start of a replica on."""
    _started: list[Replica] = field(default_factory=list)

    @property
    def guard(self) -> Path:
        return self.directory / "guard" / "checkpoint.note"

    @property
    def order(self) -> Path:
        return self.directory / "order"

    async def start(self, *names: str, url: str | None = None) -> list[Replica]:
        """Starts replicas side by side and waits until all serve."""
        started = await asyncio.gather(*(self._start(name, url or self.url) for name in names))
        self.replicas += started
        return started

    async def _start(self, name: str, url: str) -> Replica:
        settings = self.world.write_settings(name, database_url=url, guard=self.guard)
        process = await ServerProcess.start(
            settings,
            log=self.directory / f"{name}.log",
            program=PROGRAM,
            environment={ORDER: str(self.order), **OF_PROGRAMS},
            start=forking.start_logging,
        )
        replica = Replica(name, process, self.client(process.address, self.patience))
        self._started.append(replica)
        await replica.client.__aenter__()
        return replica

    def client(self, address: str, patience: Patience) -> Client:
        """Returns a client of the agency, not connected as yet."""
        connection = Connection(
            address=address,
            ca=self.world.pki.server_root_path,
            certificate=self.world.agency.cert_path,
            key=self.world.agency.key_path or Path(),
        )
        return Client(connection, patience=patience)

    async def stop(self, *replicas: Replica) -> None:
        """Stops replicas as an operator would."""
        for replica in replicas:
            self.replicas.remove(replica)
            await replica.client.__aexit__(None, None, None)
        codes = await asyncio.gather(*(replica.process.stop() for replica in replicas))
        assert codes == [0] * len(replicas)

    async def close(self) -> None:
        """Ends whatever still runs."""
        for replica in self._started:
            await replica.client.__aexit__(None, None, None)
            if replica.process.running:
                replica.process.thaw()
                await replica.process.kill()

    async def strike(self, step: Step, what: signal.Signals, occurrence: int = 1) -> Replica:
        """Has the leader kill or freeze itself after a step; returns it when that has happened."""
        Order(step, what, occurrence).give(self.order)
        struck: list[Replica] = []

        def happened() -> bool:
            struck[:] = [
                each for each in self.replicas if each.dead or (what == signal.SIGSTOP and each.frozen)
            ]
            return bool(struck)

        await eventually(happened)
        (victim,) = struck
        self.note_guard()
        return victim

    def note_guard(self) -> None:
        """Keeps what the guard says now: it was signed, so it must be in the log's story in the end."""
        with contextlib.suppress(FileNotFoundError):
            self.told.checkpoints.add(self.guard.read_bytes())

    @contextlib.asynccontextmanager
    async def sending(
        self, seed: str, *, systems: int = 3, recipients: Sequence[str] = (PERSON, ENTITY)
    ) -> AsyncIterator[None]:
        """Has the agency send in the background; at the end, waits until its last requests are answered."""
        stop = asyncio.Event()
        async with asyncio.timeout(4 * PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for number in range(systems):
                agency = Agency(f"{seed}-{number}", self.replicas, self.told, recipients)
                group.create_task(agency.send_until(stop))
            yield
            stop.set()

    async def more_answers(self, calls: int) -> None:
        """Waits until so many more calls were answered."""
        wanted = self.told.rounds + calls
        await eventually(lambda: self.told.rounds >= wanted)

    async def repeat_everything(self) -> None:
        """Asks everything again of every running replica, in a batch and some singly: the same answers."""
        letters = list(self.told.submissions.values())
        assert self.told.answers.keys() == self.told.submissions.keys()
        for replica in self.replicas:
            if not replica.dead:
                again = Agency(f"again-{replica.name}", [replica], self.told)
                await again.send(letters, wait=AT_ONCE)
                for letter in letters[-5:]:
                    await assert_gets_receipts(again, letter)

    async def balance(self) -> Account:
        """Waits until all that was recorded is published and draws up the account; fails if it is out."""
        await self._note_checkpoints()
        async with Account.opened(self.url, self.world) as account:
            await eventually(account.drained)
            async with account.connection.transaction(isolation="repeatable_read", readonly=True):
                await account.read()
        account.check()
        account.check_guard(self.guard.read_bytes())
        account.check_told(self.told)
        return account

    async def _note_checkpoints(self) -> None:
        for replica in self.replicas:
            if not replica.dead:
                self.told.checkpoints.add((await replica.client.evidence.checkpoint()).checkpoint)


async def assert_gets_receipts(agency: Agency, letter: delivery_pb2.Submission) -> None:
    """Asserts that a letter, if it is accepted, has its receipts in the end: they come by asking again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        accepted = await _accepted(agency, letter)
        while accepted is not None and not accepted.receipts:
            accepted = await _accepted(agency, letter)
    assert accepted is None or len(accepted.receipts) == len(accepted.evidence) == 2


async def _accepted(agency: Agency, letter: delivery_pb2.Submission) -> delivery_pb2.Accepted | None:
    (outcome,) = await agency.send([letter])
    return outcome.accepted
