"""The whole post in a directory: PostgreSQL, the log's token, servers, workers, mail listeners, and what
stands outside.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from namak.client import Client, Connection
from scripts.soaking.outside import MailHome, Phones, mail_home, sms_centre
from scripts.soaking.programs import Program, Reached
from scripts.soaking.settling import SENDERS, Box, boxes_of, settle
from server.dev.pki import Identity
from server.dev.world import World
from server.storage import migrate
from server.storage.embedded import embedded_postgres
from server.storage.embedded_place import remove
from tests.faults.agency import ONE_TRY
from tests.faults.scene import OF_PROGRAMS
from tests.gazette_server import GazetteServer, gazette_serving
from tests.ports import free_port

CONCURRENCY = 10
"""Jobs that a worker does at once."""
_KINDS = ("serve", "work", "smtp")


@dataclass
class Yard:
    """The running post, and who calls it.

    Attributes:
        guard: the log's.
        doors: the servers as each agency reaches them, by its address.
        gazette: the site of public notices.
        clock: the file that says how far the post's clock is ahead.
        silent: seconds after which a killed worker's jobs are taken over.
    """

    world: World
    url: str
    guard: Path
    boxes: Sequence[Box]
    programs: Sequence[Program]
    doors: Mapping[str, Sequence[Reached]]
    home: MailHome
    phones: Phones
    gazette: GazetteServer
    clock: Path
    silent: float

    def of(self, command: str) -> Sequence[Program]:
        """Returns the processes of one kind."""
        return [each for each in self.programs if each.command == command]

    async def holder(self, box: Box) -> Client:
        """Returns a client of a mailbox's holder, not connected as yet."""
        return Client(_connection(self.world, self.of("serve")[0].port, box.holder))


@contextlib.asynccontextmanager
async def ground(place: Path) -> AsyncIterator[tuple[World, str]]:
    """Makes a new world in `place`, whatever was there, and a durable PostgreSQL with our tables; yields its
    URL too.
    """
    remove(place)
    world = await asyncio.to_thread(World.create, place)
    async with embedded_postgres(place / "database", durable=True) as postgres:
        await migrate.upgrade(postgres.url)
        yield world, postgres.url


@contextlib.asynccontextmanager
async def running(
    world: World, url: str, guard: Path, seed: int, *, silent: float, each: int = 2
) -> AsyncIterator[Yard]:
    """Runs a post in a world, over a database without anybody in it, of so many processes of each kind."""
    boxes = await asyncio.to_thread(boxes_of, world)
    async with contextlib.AsyncExitStack() as stack:
        await settle(url, world, boxes)
        moods = random.Random(f"{seed} mail")  # noqa: S311 - no secret
        home, mail_port = await stack.enter_async_context(mail_home(moods, SENDERS))
        phones, sms_port = await stack.enter_async_context(sms_centre())
        gazette = await stack.enter_async_context(gazette_serving())
        outside = f'\n[notices]\nsite_url = "{gazette.url}"\n' + _outside(
            world.directory, mail_port, sms_port
        )
        programs = [
            _program(world, url, guard, command, number, outside, silent)
            for command in _KINDS
            for number in range(each)
        ]
        stack.push_async_callback(_stop, programs)
        # One of each first: what it compiles the others need not.
        await asyncio.gather(*(program.start() for program in programs[::each]))
        await asyncio.gather(*(program.start() for program in programs if not program.running))
        doors: dict[str, list[Reached]] = {}
        for sender, identity in zip(SENDERS, (world.agency, world.other_agency), strict=True):
            for server in programs[:each]:
                client = Client(_connection(world, server.port, identity), patience=ONE_TRY)
                doors.setdefault(sender, []).append(Reached(server, await stack.enter_async_context(client)))
        yield Yard(world, url, guard, boxes, programs, doors, home, phones, gazette, _clock(guard), silent)


async def _stop(programs: Sequence[Program]) -> None:
    await asyncio.gather(*(each.stop() for each in programs))


def _program(
    world: World, url: str, guard: Path, command: str, number: int, outside: str, silent: float
) -> Program:
    name, port = f"{command}-{number + 1}", 0 if command == "work" else free_port()
    settings = world.write_settings(
        name, listen=f"127.0.0.1:{port if command == 'serve' else 0}", database_url=url, guard=guard
    )
    mail_port = port if command == "smtp" else 0
    with settings.open("r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write(
            f'development_clock = "{_clock(guard)}"\n{text}{outside}\n[inbound_mail]\n'
            f'listen = "127.0.0.1:{mail_port}"\nhealth_listen = "127.0.0.1:0"\n'
            f'\n[jobs]\nhealth_listen = "127.0.0.1:0"\nsilent = "{silent:g}s"\nconcurrency = {CONCURRENCY}\n'
        )
    # PostgreSQL's connections must do for all of them, and for those that were killed a moment ago.
    return Program(name, command, settings, {**OF_PROGRAMS, "NAMAK_DATABASE_POOL_SIZE": "3"}, port)


def _clock(guard: Path) -> Path:
    return guard.with_name("clock")


def _outside(place: Path, mail_port: int, sms_port: int) -> str:
    password = place / "sms-password"
    password.write_text("secret", encoding="ascii")
    sections: Mapping[str, Mapping[str, object]] = {
        "mail": {
            "host": "127.0.0.1",
            "port": mail_port,
            "tls": "none",
            "sender": "no-reply@post.example.am",
            "bounces": "bounces@post.example.am",
        },
        "sms": {
            "host": "127.0.0.1",
            "port": sms_port,
            "tls": "none",
            "system_id": "soak",
            "password_file": str(password),
            "source": "NAMAK",
            "link": "https://post.example.am",
            "window": 20,
            "per_second": 500.0,
            "timeout": "5s",
        },
    }
    return "".join(
        f"\n[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for name, values in sections.items()
    )


def _connection(world: World, port: int, identity: Identity) -> Connection:
    assert identity.key_path is not None
    return Connection(
        address=f"127.0.0.1:{port}",
        ca=world.pki.server_root_path,
        certificate=identity.cert_path,
        key=identity.key_path,
    )
