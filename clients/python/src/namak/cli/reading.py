"""``namak inbox``, ``open`` and ``download``: the holder's mailbox."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from namak.cli import boxes, paper_showing, shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import N_, _, ngettext
from namak.client import Mailbox
from namak.client.files import distinct_names
from namak.client.paging import first
from namak.errors import InvalidRequest
from namak.v1 import delivery_pb2, mailbox_pb2


@dataclass(frozen=True, slots=True)
class Filters:
    """What messages to list; what is empty filters nothing."""

    unopened: bool
    unconfirmed: bool
    sender: str
    since: datetime | None
    before: datetime | None


async def inbox(run: Run, limit: int, filters: Filters, mailbox: str = "") -> ExitCode:
    """Lists messages."""
    async with run.client() as post:
        with run.screen.progress(_("Listing")):
            found = post.mailbox.of(mailbox).messages(
                unopened_only=filters.unopened,
                unconfirmed_only=filters.unconfirmed,
                sender=filters.sender,
                start=filters.since,
                end=filters.before,
                page_size=min(limit, 200),
            )
            waiting = filters.unopened or filters.unconfirmed
            messages = await first(limit, _in_force(found) if waiting else found)
    run.screen.result({"messages": [shapes.message(message) for message in messages]})
    if not messages:
        run.screen.line(_("No letters."))
        return ExitCode.OK
    run.screen.table(
        (
            N_("ID"),
            N_("FROM"),
            N_("SUBJECT"),
            N_("ARRIVED"),
            N_("OPENED BY YOU"),
            N_("CONFIRMED"),
            N_("STATE"),
        ),
        [
            (
                message.delivery_id,
                paper_showing.sender_of(message),
                message.subject,
                shapes.when(message.consignment_time),
                shapes.when(message.opening_time, message.HasField("opening_time")),
                shapes.when(message.confirmation_time, message.HasField("confirmation_time")),
                _(shapes.state_name(message.state)),
            )
            for message in messages
        ],
    )
    return ExitCode.OK


async def _in_force(messages: AsyncIterator[mailbox_pb2.Message]) -> AsyncIterator[mailbox_pb2.Message]:
    """Yields what can still be opened and confirmed: not what its sender withdrew."""
    async for message in messages:
        if message.state != delivery_pb2.DELIVERY_STATE_WITHDRAWN:
            yield message


async def mailbox_show(run: Run, mailbox: str = "") -> ExitCode:
    """Shows a mailbox, by default the caller's own."""
    async with run.client() as post:
        return boxes.show(run, await post.mailbox.of(mailbox).get())


async def open_letter(run: Run, delivery_id: str, mailbox: str = "") -> ExitCode:
    """Opens a message and shows what it holds."""
    async with run.client() as post:
        opened = await post.mailbox.of(mailbox).open(delivery_id)
    parts = [shapes.part(number, info) for number, info in enumerate(opened.parts, start=1)]
    run.screen.result(
        {
            "message": shapes.message(opened.message),
            "parts": parts,
            "evidence": shapes.evidence(opened.evidence),
        }
    )
    run.screen.fields(
        (
            (N_("From"), f"{opened.message.sender_name} <{opened.message.sender}>"),
            (N_("Subject"), opened.message.subject),
            (N_("Opened"), shapes.when(opened.message.opening_time)),
            *(paper_showing.paper_fields(opened.message.paper) if opened.message.HasField("paper") else ()),
        )
    )
    run.screen.table(
        shapes.PART_COLUMNS,
        [[str(part[key]) for key in ("number", "name", "media_type", "size", "sha256")] for part in parts],
    )
    return ExitCode.OK


async def download(
    run: Run, delivery_id: str, part: int | None, output: Path, mailbox: str = "", *, force: bool
) -> ExitCode:
    """Downloads parts into files."""
    async with run.client() as post:
        calls = post.mailbox.of(mailbox)
        opened = await _opened(calls, delivery_id)
        count = len(opened.parts)
        if part is not None and part > count:
            raise InvalidRequest(
                ngettext(
                    "the letter has {count} part, and no part {part}",
                    "the letter has {count} parts, and no part {part}",
                    count,
                ).format(count=count, part=part)
            )
        names = distinct_names([info.name for info in opened.parts])
        paths = []
        for number in [part] if part is not None else range(1, count + 1):
            with run.screen.progress(names[number - 1], opened.parts[number - 1].size) as steps:
                paths.append(
                    await calls.download(
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


async def _opened(calls: Mailbox, delivery_id: str) -> mailbox_pb2.OpenMessageResponse:
    """Returns an opened message without opening one that is not.

    Opening is an act that is recorded, and asking for content must not bring it about: so the server is first
    asked whether content may be had.
    """
    await calls.require_opened(delivery_id)
    return await calls.open(delivery_id)
