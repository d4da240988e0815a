"""Forwarding by mail: messages to mailboxes with a target each, `namak-server work`, and a sink of mails."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy.engine import make_url

from scripts.benchmark.load import Action, Measured, under_load
from scripts.benchmark.office import Office
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.dev.world import World
from server.domain.forwarding import ForwardedContent, ForwardingTarget, TargetKind
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork

CONCURRENCY = 10
"""Jobs at once: what `[jobs] concurrency` is without being set."""
_WITHIN = 60.0
_POLL = 0.1
_WORK = (sys.executable, "-P", "-m", "server", "work")
_TIDY = "DELETE FROM jobs.procrastinate_jobs"
_LEFT = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing')"


@dataclass(frozen=True)
class Forwarded:
    """What a sink took: mails, over so many connections, within so many seconds; and what it cost the worker.

    Attributes:
        mails, connections: how many.
        seconds: from the first mail to the last.
        worker_seconds: of the worker's processor time, from when it was ready.
    """

    mails: int
    connections: int
    seconds: float
    worker_seconds: float

    @property
    def per_s(self) -> float:
        """Mails a second."""
        return (self.mails - 1) / self.seconds


@contextlib.asynccontextmanager
async def targets(
    office: Office, recipients: Sequence[str], content: ForwardedContent
) -> AsyncIterator[None]:
    """Meanwhile these mailboxes have a verified target each."""
    database = Database(office.database_url, pool_size=2)
    uow, now = SqlUnitOfWork(database), SystemClock().now()
    added = []
    async with uow.writing() as tx:
        for recipient in recipients:
            mailbox = await tx.mailboxes.named(recipient)
            assert mailbox is not None
            target = ForwardingTarget(
                id=SystemEntropy().new_id(),
                mailbox_id=mailbox.id,
                kind=TargetKind.EMAIL,
                address=f"{recipient.partition('@')[0]}@example.am",
                language="hy",
                content=content,
                added_at=now,
            )
            await tx.forwarding_targets.add(target)
            await tx.forwarding_targets.verify(mailbox.id, target.id, now)
            added.append(target)
        await tx.commit()
    try:
        yield
    finally:
        async with uow.writing() as tx:
            for target in added:
                await tx.forwarding_targets.remove(target.mailbox_id, target.id)
                await tx.forwarding_targets.refresh_mark(target.mailbox_id)
            await tx.commit()
        await database.dispose()


@contextlib.contextmanager
def sink() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A sink of mails in a process of its own, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.benchmark.mail_sink"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process
    finally:
        process.kill()
        process.wait()


@contextlib.asynccontextmanager
async def worker(settings: Path, log: Path) -> AsyncIterator[int]:
    """`namak-server work`, once it works; gives its number."""
    ready = settings.with_suffix(".ready")
    ready.unlink(missing_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: ASYNC220
            [*_WORK, "--config", str(settings), "--ready-file", str(ready)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        async with asyncio.timeout(_WITHIN):
            while not ready.exists():
                if process.poll() is not None:
                    raise RuntimeError(f"the worker ended: {log}")
                await asyncio.sleep(_POLL)
        yield process.pid
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def worker_settings(office: Office, port: int, *, signed: bool) -> Path:
    """Writes the settings of a worker that sends to this port; returns the file."""
    return worker_settings_in(office.world, office.database_url, port, signed=signed)


def worker_settings_in(world: World, database_url: str, port: int, *, signed: bool) -> Path:
    """Writes them in a world, for this database."""
    path = world.write_settings("worker", database_url=database_url)
    mail = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "no-reply@post.example.am",
        "bounces": "bounces@post.example.am",
    }
    if signed:
        key = world.directory / "dkim.key.pem"
        made = rsa.generate_private_key(65537, 2048)
        key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        mail |= {"dkim_key": str(key), "dkim_selector": "bench", "dkim_domain": "post.example.am"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in mail.items()]
    section = f'\n[jobs]\nhealth_listen = "127.0.0.1:0"\nconcurrency = {CONCURRENCY}\n'
    with path.open("a", encoding="utf-8") as file:
        file.write("\n[mail]\n" + "\n".join(lines) + "\n" + section)
    return path


async def forwarded(office: Office, place: Path, *, signed: bool) -> Forwarded:
    """Has a worker forward whatever waits; returns how it went."""
    with sink() as (port, process):
        settings = worker_settings(office, port, signed=signed)
        async with worker(settings, place / "worker.log") as pid:
            before = processor_seconds(pid)
            await until_done(office.database_url)
            spent = processor_seconds(pid) - before
        told, _ = process.communicate("", timeout=_WITHIN)
    taken = json.loads(told)
    return Forwarded(taken["mails"], taken["connections"], taken["last"] - taken["first"], spent)


async def until_done(url: str) -> None:
    """Waits until no job waits or is done."""
    async with connected(url) as connection, asyncio.timeout(5 * _WITHIN):
        while await connection.fetchval(_LEFT):  # noqa: ASYNC110 - another process does them
            await asyncio.sleep(_POLL)


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the database, beside the server."""
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def processor_seconds(pid: int) -> float:
    """Returns the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def forget_jobs(office: Office) -> None:
    """Throws all jobs away that wait: what was measured was only that they were made."""
    async with connected(office.database_url) as connection:
        await connection.execute(_TIDY)


async def by_turns(
    first: Action, second: Action, *, in_flight: int, seconds: float, rounds: int
) -> tuple[Sequence[Measured], Sequence[Measured]]:
    """Measures two actions by turns, so many rounds of so many seconds each."""
    measured: tuple[list[Measured], list[Measured]] = ([], [])
    for _ in range(rounds):
        for kept, action in zip(measured, (first, second), strict=True):
            kept.append(await under_load(action, in_flight=in_flight, seconds=seconds))
    return measured


NO_WAIT = timedelta(0)
