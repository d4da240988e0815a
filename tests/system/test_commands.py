"""The command `namak`, run as people run it, against the whole server."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.story.post import namak
from tests import forking
from tests.system.post import Agency, Post

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

REFUSED = 1


async def run(config: Path, *arguments: str | Path) -> Any:
    """Runs a command that must succeed, and returns its JSON; what is for people comes apart from it."""
    environment = {"NAMAK_CONFIG": str(config)}
    done = await asyncio.to_thread(forking.run, "namak.cli", "--json", *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_a_letter_is_sent_read_confirmed_and_proven_by_commands(
    post: Post, agency: Agency, tmp_path: Path
) -> None:
    world = post.world
    recipient = f"{world.citizen.person.personal_number}@e-citizen.am"
    await (await post.operator()).admin.open_mailbox(recipient)
    sender = world.write_client("sender", agency.identity, post.address)
    holder = world.write_client("holder", world.citizen.authentication, post.address, signs=True)
    letter, senders, holders = tmp_path / "ծանուցում.txt", tmp_path / "senders", tmp_path / "holders"
    content = "Նամակի բովանդակություն\n" * 1000
    letter.write_text(content, encoding="utf-8")
    send = ("send", "--from", agency.sender, "--to", recipient, "--subject", "Ծանուցում", letter)

    async with post.records.grow_by(
        claims=1,
        deliveries=1,
        parts=1,
        mailbox_links=1,
        openings=1,
        statements=1,
        confirmations=1,
        evidence=5,
    ):
        await run(sender, *send, "--request-id", "2026-11-0001", "--receipt", senders)
        await run(sender, *send, "--request-id", "2026-11-0001", "--receipt", senders)
        (message,) = (await run(holder, "inbox"))["messages"]
        delivery_id = message["delivery_id"]
        code, output = await namak("download", delivery_id, "-o", str(tmp_path), config=holder)
        assert (code, "NOT_OPENED" in output) == (REFUSED, True), output
        await run(holder, "open", delivery_id)
        downloaded = await run(holder, "download", delivery_id, "-o", tmp_path / "letters")
        await run(holder, "confirm", delivery_id, "--yes", "-o", holders)
    await run(sender, "receipt", "--delivery", delivery_id, "-o", senders)

    (file,) = downloaded["files"]
    assert text_of(Path(file)) == content
    reports = await asyncio.gather(*(run(sender, "verify", directory) for directory in (senders, holders)))
    assert [(report["verdict"], len(report["files"])) for report in reports] == [("VALID", 5), ("VALID", 4)]


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")
