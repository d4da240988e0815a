"""A development world whose one process, which serves and does jobs, is killed dead while letters are set,
leased and reported on: each letter is made once, and printed twice by nobody without being told (BOX-11).
"""

import asyncio
import contextlib
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client, Connection, compose, compose_part
from namak.client.printing import file_digest
from namak.errors import NotPermitted, WrongState
from namak.v1 import letter_pb2
from server.dev.examples import EXAMPLES
from server.dev.pki import DevelopmentPki
from server.dev.process import ServerProcess
from server.dev.tokens import SoftHsmMissing, softhsm_module
from tests import forking
from tests.faults.scene import OF_PROGRAMS, eventually
from tests.ports import free_port
from tests.system.print_houses import fonts_missing
from tests.system.receipts import events_of

pytestmark = [
    pytest.mark.faults,
    pytest.mark.hsm,
    pytest.mark.timeout(600),  # it starts a whole world three times
    pytest.mark.skipif(fonts_missing(), reason="needs Debian's fonts-noto-core"),
]

EXAMPLE = EXAMPLES["am"]
LETTERS = 4
LEASE = timedelta(hours=1)


@dataclass
class DevelopmentWorld:
    """A world as `dev init` and `dev register` make it, and its process."""

    place: Path
    stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    process: ServerProcess | None = None

    @property
    def settings(self) -> Path:
        return self.place / "namak-server.toml"

    async def command(self, *words: str | Path) -> str:
        done: subprocess.CompletedProcess[str] = await asyncio.to_thread(forking.run, "server", *words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    async def make(self) -> None:
        await self.command("dev", "init", self.place, "--listen", "127.0.0.1:0")
        # A port of its own, at which callers find it again when it was killed.
        port = free_port()
        for path in self.place.glob("*.toml"):
            written = path.read_text("utf-8").replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"', 1)
            path.write_text(written, "utf-8")
        with self.settings.open("a", encoding="utf-8") as file:
            file.write('\n[jobs]\nsilent = "2s"\nconcurrency = 1\nhealth_listen = "127.0.0.1:0"\n')
        text = self.settings.read_text("utf-8")
        self.settings.write_text(
            text.replace("[printing]\n", f'[printing]\nlease = "{LEASE.seconds}s"\n'), "utf-8"
        )
        await self.command("dev", "register", "--config", self.settings)

    async def start(self) -> None:
        self.process = await ServerProcess.start(
            self.settings, log=self.place / "server.log", environment=OF_PROGRAMS
        )

    async def kill(self) -> None:
        assert self.process is not None
        await self.process.kill()

    async def later(self, by: str) -> None:
        await self.command("dev", "later", by, "--config", self.settings)

    def now(self) -> datetime:
        ahead = float((self.place / "clock").read_text("ascii"))
        return datetime.now(UTC) + timedelta(seconds=ahead)

    async def client(self, name: str) -> Client:
        connection = Connection.load(self.place / f"{name}.toml")
        return await self.stack.enter_async_context(Client(connection))


@pytest.fixture
async def development(tmp_path: Path) -> AsyncIterator[DevelopmentWorld]:
    try:
        softhsm_module()
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))
    world = DevelopmentWorld(tmp_path / "world")
    await world.make()
    await world.start()
    async with world.stack:
        yield world
    assert world.process is not None
    await world.process.stop()


async def submitted(agency: Client) -> Sequence[str]:
    ids = []
    for number in range(LETTERS):
        letter = compose(
            sender=EXAMPLE.sender,
            recipient=(EXAMPLE.citizen_address, EXAMPLE.other_citizen_address)[number % 2],
            subject="Ծանուցում",
            parts=[compose_part("letter.txt", "Նամակ".encode())],
            notification_policy="am-2025@2",
        )
        ids.append((await agency.deliveries.submit(letter)).delivery.delivery_id)
    return ids


async def second_house(world: DevelopmentWorld, operator: Client) -> Client:
    """Binds another print house, as the operator does."""
    pki = DevelopmentPki.open(world.place / "pki")
    identity = pki.machine("second-house", organisation="Second", common_name="press-2")
    house = await operator.printing.register_house("Second")
    await operator.printing.bind_certificate(
        house.print_house_id, identity.certificate.public_bytes(Encoding.DER)
    )
    text = (world.place / "print-house.toml").read_text("utf-8")
    (world.place / "second-house.toml").write_text(text.replace("print-house.", "second-house."), "utf-8")
    return await world.client("second-house")


async def test_no_letter_is_made_or_printed_twice_though_all_is_killed_in_the_middle(
    development: DevelopmentWorld, tmp_path: Path
) -> None:
    world = development
    agency, operator = await world.client("agency"), await world.client("operator")
    first, second = (
        (await world.client("print-house")).printing,
        (await second_house(world, operator)).printing,
    )
    deliveries = await submitted(agency)

    async def made(least: int) -> bool:
        return len([each async for each in operator.printing.letters()]) >= least

    await world.later("4d")
    await eventually(lambda: made(1))
    await world.kill()
    await world.start()
    await eventually(lambda: made(LETTERS))
    letters = [each async for each in operator.printing.letters()]
    assert Counter(each.delivery_id for each in letters) == dict.fromkeys(deliveries, 1)
    assert len({each.tracking_number for each in letters}) == LETTERS

    leased = await first.lease(9)
    assert {each.letter_id for each in leased} == {each.letter_id for each in letters}
    assert await second.lease(9) == []
    printed, doubtful, *abandoned = leased
    reports = {
        each.letter_id: letter_pb2.LetterPrinted(
            file_sha256=file_digest(await first.download(each, tmp_path))
        )
        for each in leased
    }
    await first.report(printed.letter_id, reports[printed.letter_id], at=world.now())
    # The answer to this report may be lost; whoever gets none asks again, under its request id.
    at = world.now()
    asking = asyncio.create_task(
        first.report(doubtful.letter_id, reports[doubtful.letter_id], at=at, request_id="doubtful")
    )
    await world.kill()
    await world.start()
    told = await asking
    again = await first.report(doubtful.letter_id, reports[doubtful.letter_id], at=at, request_id="doubtful")
    assert again == told

    # The house is gone, and so is what it leased: the next one gets it, and the first one is told.
    assert await second.lease(9) == []
    await world.later(f"{LEASE.seconds // 60 + 1}m")
    late = abandoned[0].letter_id
    with pytest.raises(WrongState) as refused:
        await first.report(late, reports[late], at=world.now())
    assert refused.value.reason == "LETTER_LEASE_ENDED"
    assert ids(await second.lease(9)) == ids(abandoned)
    for each in abandoned:
        with pytest.raises(NotPermitted):
            await first.report(each.letter_id, reports[each.letter_id], at=world.now())
        await second.report(each.letter_id, reports[each.letter_id], at=world.now())
    assert await first.lease(9) == await second.lease(9) == []
    for delivery in deliveries:
        assert Counter(await events_of(agency, delivery))["LetterPrinted"] == 1


def ids(letters: Collection[letter_pb2.PaperLetter]) -> set[str]:
    return {each.letter_id for each in letters}
