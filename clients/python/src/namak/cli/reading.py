"""``namak inbox``, ``open`` and ``download``: the holder's mailbox."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli import shapes
from namak.cli.app import Run, add
from namak.cli.codes import ExitCode
from namak.cli.screen import when
from namak.client import Client
from namak.client.errors import InvalidRequest
from namak.client.files import distinct_names
from namak.v1 import mailbox_pb2

_INBOX = """List the letters in your mailbox, newest first. Listing is not opening.

Example: namak inbox --limit 10
"""
_OPEN = """Open a letter. This is recorded as evidence, once; then its content can be downloaded.

Example: namak open 0192f0c3-0000-7000-8000-000000000000
"""
_DOWNLOAD = """Save the content of an opened letter: all its parts, or the one named by its number.

A file appears only when its size and SHA-256 are right.

Example: namak download 0192f0c3-0000-7000-8000-000000000000 1 -o letters
"""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    add(app, "inbox", _INBOX, inbox)
    add(app, "open", _OPEN, open_letter)
    add(app, "download", _DOWNLOAD, download)


DeliveryId = Annotated[str, typer.Argument(metavar="ID", help="The delivery's identifier.")]
Directory = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to save.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]


async def inbox(
    run: Run,
    limit: Annotated[int, typer.Option(min=0, help="How many at most; 0 for all.")] = 50,
) -> ExitCode:
    """Lists messages."""
    messages: list[mailbox_pb2.Message] = []
    async with run.client() as post:
        with run.screen.progress("Listing"):
            async for message in post.mailbox.messages(page_size=min(limit, 200)):
                messages.append(message)
                if len(messages) == limit:
                    break
    run.screen.result({"messages": [shapes.message(message) for message in messages]})
    if not messages:
        run.screen.line("No letters.")
        return ExitCode.OK
    run.screen.table(
        ("ID", "FROM", "SUBJECT", "ARRIVED", "OPENED", "CONFIRMED"),
        [
            (
                message.delivery_id,
                f"{message.sender_name} <{message.sender}>",
                message.subject,
                when(message.consignment_time),
                when(message.opening_time, message.HasField("opening_time")),
                when(message.confirmation_time, message.HasField("confirmation_time")),
            )
            for message in messages
        ],
    )
    return ExitCode.OK


async def open_letter(run: Run, delivery_id: DeliveryId) -> ExitCode:
    """Opens a message and shows what it holds."""
    async with run.client() as post:
        opened = await post.mailbox.open(delivery_id)
    parts = [shapes.part(number, info) for number, info in enumerate(opened.parts, start=1)]
    run.screen.result(
        {
            "message": shapes.message(opened.message),
            "parts": parts,
            "evidence": shapes.evidence(opened.evidence),
        }
    )
    run.screen.line(f"From:    {opened.message.sender_name} <{opened.message.sender}>")
    run.screen.line(f"Subject: {opened.message.subject}")
    run.screen.line(f"Opened:  {when(opened.message.opening_time)}")
    run.screen.table(
        ("PART", "NAME", "TYPE", "BYTES", "SHA-256"),
        [[str(part[key]) for key in ("number", "name", "media_type", "size", "sha256")] for part in parts],
    )
    return ExitCode.OK


async def download(
    run: Run,
    delivery_id: DeliveryId,
    part: Annotated[
        int | None, typer.Argument(min=1, metavar="[PART]", help="Its number; all if missing.")
    ] = None,
    output: Directory = Path(),
    force: Force = False,
) -> ExitCode:
    """Downloads parts into files."""
    async with run.client() as post:
        opened = await _opened(post, delivery_id)
        count = len(opened.parts)
        if part is not None and part > count:
            raise InvalidRequest(f"the letter has {count} parts, and no part {part}")
        names = distinct_names([info.name for info in opened.parts])
        paths = []
        for number in [part] if part is not None else range(1, count + 1):
            with run.screen.progress(names[number - 1], opened.parts[number - 1].size) as steps:
                paths.append(
                    await post.mailbox.download(
                        delivery_id,
                        number,
                        output,
                        name=names[number - 1],
                        expected=opened.parts[number - 1],
                        force=force,
                        progress=steps.reached,
                    )
                )
    run.screen.result({"files": [str(path) for path in paths]})
    run.screen.lines(str(path) for path in paths)
    return ExitCode.OK


async def _opened(post: Client, delivery_id: str) -> mailbox_pb2.OpenMessageResponse:
    """Returns an opened message without opening one that is not.

    Opening is an act that is recorded, and asking for content must not bring it about: so the server is first
    asked whether content may be had.
    """
    await post.mailbox.require_opened(delivery_id)
    return await post.mailbox.open(delivery_id)
