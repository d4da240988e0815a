"""``namak inbox``, ``open`` and ``download``: the holder's mailbox."""

from pathlib import Path

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.client import Client
from namak.client.files import distinct_names
from namak.errors import InvalidRequest
from namak.v1 import mailbox_pb2


async def inbox(run: Run, limit: int) -> ExitCode:
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
                shapes.when(message.consignment_time),
                shapes.when(message.opening_time, message.HasField("opening_time")),
                shapes.when(message.confirmation_time, message.HasField("confirmation_time")),
            )
            for message in messages
        ],
    )
    return ExitCode.OK


async def open_letter(run: Run, delivery_id: str) -> ExitCode:
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
    run.screen.line(f"Opened:  {shapes.when(opened.message.opening_time)}")
    run.screen.table(
        ("PART", "NAME", "TYPE", "BYTES", "SHA-256"),
        [[str(part[key]) for key in ("number", "name", "media_type", "size", "sha256")] for part in parts],
    )
    return ExitCode.OK


async def download(run: Run, delivery_id: str, part: int | None, output: Path, *, force: bool) -> ExitCode:
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
