"""`namak monitor` against the whole server, over gRPC and public files, with receipts and a mailbox."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from server.bootstrap_machine import SystemClock
from server.storage.log import log_storage
from server.tiles.listener import TilesListener
from server.tiles.published import PublishedTiles
from tests import forking
from tests.system.post import Agency, Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]


async def run(config: Path, *arguments: str | Path, code: int = 0) -> Any:
    environment = {"NAMAK_CONFIG": str(config)}
    done = await asyncio.to_thread(forking.run, "namak.cli", "--json", *arguments, environment=environment)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


async def test_a_holder_and_a_sender_watch_over_the_log(post: Post, agency: Agency, tmp_path: Path) -> None:
    world = post.world
    recipient = f"{world.citizen.person.personal_number}@e-citizen.am"
    await (await post.operator()).admin.open_mailbox(recipient)
    sender = world.write_client("monitoring-sender", agency.identity, post.address)
    holder = world.write_client("monitoring-holder", world.citizen.authentication, post.address)
    (letter := tmp_path / "letter.txt").write_text("Նամակ", encoding="utf-8")
    send = ("send", "--from", agency.sender, "--to", recipient, "--subject", "Ծանուցում", letter)
    await run(sender, *send, "--receipt", tmp_path / "receipts")

    follow = ("monitor", "--once", "--state", tmp_path / "holder", "--mailbox", "--from-start")
    first = await run(holder, *follow)
    assert (first["alarms"], first["new"]) == ([], first["size"])
    assert first["mailbox"] == {"address": recipient, "head_sequence": 1, "pending": 0}
    await run(sender, *send, "--receipt", tmp_path / "receipts")
    again = await run(holder, *follow)
    assert again["alarms"] == []
    assert again["new"] == again["size"] - first["size"] > 0
    assert again["mailbox"]["head_sequence"] == 2

    origin = str(again["origin"])
    storage = log_storage(post.database_url)
    shard = PublishedTiles(origin, storage.reader, storage.witnessed, SystemClock())
    listener = TilesListener([shard], "127.0.0.1:0")
    await listener.open()
    try:
        place = f"http://127.0.0.1:{listener.port}/{origin.partition('/')[2]}"
        public = ("monitor", place, "--once", "--state", tmp_path / "sender", "--from-start")
        found = await run(sender, *public, "--receipts", tmp_path / "receipts")
    finally:
        await listener.close()
        await storage.reader.close()
    assert found["alarms"] == []
    assert found["receipts"] == {"found": 4, "newer": 0, "elsewhere": 0}
    assert found["size"] >= again["size"]
