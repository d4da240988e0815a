"""A mail listener that is killed dead in the middle of a run: what was answered is there, once; what was not
comes to exactly one when it is sent again (POST-8, ADMIN-6).
"""

import asyncio
import functools
import json
import os
import smtplib
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import grpc
import pytest

from server.dev.world import World
from server.health_listener import says_serving
from server.storage.log_connection import driver_url
from tests import forking
from tests.faults.register import ENTITY, PERSON, SENDER
from tests.faults.scene import OF_PROGRAMS, PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.faults, pytest.mark.hsm]

CLIENTS = 6
BEFORE_THE_KILL = 60


class Senders:
    """Mail clients, each of which sends one mail after the other; what was answered, by Message-ID."""

    def __init__(self, world: World) -> None:
        self.context = ssl.create_default_context(cafile=str(world.pki.server_root_path))
        self.answered: dict[str, tuple[str, ...]] = {}
        self.begun: list[str] = []
        self._lock = threading.Lock()

    @property
    def unanswered(self) -> list[str]:
        return [name for name in self.begun if name not in self.answered]

    def send_until_it_dies(self, port: int, client: int) -> None:
        """Sends new mails; ends when the connection does."""
        with suppress(OSError, smtplib.SMTPException), self._connected(port) as connection:
            for number in range(1000):
                name = f"<{client}.{number}@src.am>"
                with self._lock:
                    self.begun.append(name)
                self._send(connection, name)

    def send_again(self, port: int, names: list[str]) -> Mapping[str, tuple[str, ...]]:
        """Sends mails once more; returns the answers."""
        with self._connected(port) as connection:
            return {name: self._send(connection, name) for name in names}

    def _connected(self, port: int) -> smtplib.SMTP:
        connection = smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        connection.starttls(context=self.context)
        return connection

    def _send(self, connection: smtplib.SMTP, name: str) -> tuple[str, ...]:
        connection.ehlo_or_helo_if_needed()
        assert connection.mail(SENDER)[0] == 250
        assert {connection.rcpt(each)[0] for each in (PERSON, ENTITY)} == {250}
        mail = f"From: {SENDER}\r\nSubject: s\r\nMessage-ID: {name}\r\n\r\nText of {name}\r\n"
        code, told = connection.data(mail)
        assert code == 250, told
        ids = tuple(line.rpartition(" ")[2] for line in told.decode().splitlines())
        with self._lock:
            self.answered.setdefault(name, ids)
        return ids


@asynccontextmanager
async def listening(world: World, url: str, directory: Path, name: str) -> AsyncIterator[tuple[int, int]]:
    """Runs `namak-server smtp`; yields its port and its process."""
    settings = world.write_settings(name, database_url=url, guard=directory / "guard")
    with settings.open("a", encoding="utf-8") as more:
        more.write('\n[inbound_mail]\nlisten = "127.0.0.1:0"\nhealth_listen = "127.0.0.1:0"\nspf = false\n')
    ready = directory / f"{name}.ready"
    command = ("smtp", "--config", settings, "--ready-file", ready)
    process = forking.start("server", *command, environment=OF_PROGRAMS)
    try:
        await eventually(lambda: ready.exists() or process.poll() is not None)
        told = json.loads(ready.read_text(encoding="utf-8"))
        async with grpc.aio.insecure_channel(f"127.0.0.1:{told['health_port']}") as channel:
            await eventually(functools.partial(says_serving, channel, "", within=PATIENCE_SECONDS))
        yield told["ports"][0], process.pid
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


async def test_every_mail_that_was_answered_is_there_once_and_every_other_after_it_is_sent_again(
    world: World, database_url: str, tmp_path: Path
) -> None:
    senders = Senders(world)
    async with listening(world, database_url, tmp_path, "killed") as (port, process):
        sending = [asyncio.to_thread(senders.send_until_it_dies, port, each) for each in range(CLIENTS)]
        running = asyncio.gather(*sending)
        await eventually(lambda: len(senders.answered) >= BEFORE_THE_KILL)
        os.kill(process, 9)
        await running
    answered = dict(senders.answered)
    assert senders.unanswered

    async with listening(world, database_url, tmp_path, "again") as (port, _):
        repeated = [*senders.unanswered, *list(answered)[-10:]]
        again = await asyncio.to_thread(senders.send_again, port, repeated)
    assert all(again[name] == answered[name] for name in list(answered)[-10:])

    connection = await asyncpg.connect(driver_url(database_url))
    try:
        rows = await connection.fetch(
            "SELECT o.message_id, d.recipient, d.id FROM deliveries d"
            " JOIN mail_origins o ON o.mailbox_id = d.mailbox_id AND o.delivery_id = d.id"
        )
        deliveries = await connection.fetchval("SELECT count(*) FROM deliveries")
    finally:
        await connection.close()
    assert deliveries == len(rows)
    assert Counter((row["message_id"], row["recipient"]) for row in rows) == {
        (name, recipient): 1 for name in senders.begun for recipient in (PERSON, ENTITY)
    }
    stored = {(row["message_id"], row["recipient"]): str(row["id"]) for row in rows}
    for name, ids in senders.answered.items():
        assert ids == (stored[name, PERSON], stored[name, ENTITY])
