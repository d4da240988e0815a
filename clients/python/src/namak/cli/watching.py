"""``namak watch``: facts as the log publishes them, each shown and saved before the cursor moves."""

import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.screen import printable
from namak.cli.texts import _
from namak.cli.verifying import read_file
from namak.client import Client
from namak.client.receipts import SavedReceipt, save_receipt
from namak.client.watching import beginning
from namak.errors import FileProblem
from namak.v1 import delivery_pb2, evidence_pb2


@dataclass(frozen=True, slots=True)
class CursorFile:
    """Where a watcher has come to, in a file that is whole at any time."""

    path: Path
    of: str
    """What is watched: ``deliveries`` or ``mailbox``; a cursor of one is no place in the other."""

    def read(self) -> evidence_pb2.LogCursor | None:
        """Returns the cursor, or None where there is no file yet. Raises FileProblem for any other file."""
        if not self.path.exists():
            return None
        wrong = FileProblem(_("{file} is no cursor of {what}").format(file=self.path, what=self.of))
        try:
            found = json.loads(read_file(self.path))
            if found["of"] != self.of:
                raise wrong
            return evidence_pb2.LogCursor(origin=str(found["origin"]), index=int(found["index"]))
        except (ValueError, KeyError, TypeError) as problem:
            raise wrong from problem

    def write(self, cursor: evidence_pb2.LogCursor) -> None:
        """Puts a cursor into the file, all at once."""
        content = {"of": self.of, "origin": cursor.origin, "index": cursor.index}
        temporary = self.path.with_name(f".{self.path.name}.new")
        try:
            with temporary.open("w", encoding="utf-8") as stream:
                stream.write(json.dumps(content) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self.path)
        except OSError as problem:
            raise FileProblem(
                _("{file} can't be written: {problem}").format(file=self.path, problem=problem.strerror)
            ) from problem


async def watch(
    run: Run,
    *,
    mailbox: bool,
    cursor_file: Path | None,
    from_start: bool,
    with_receipts: bool,
    save: Path | None,
    limit: int,
) -> ExitCode:
    """Shows facts until it is interrupted, or until there were ``limit`` of them."""
    kept = None if cursor_file is None else CursorFile(cursor_file, "mailbox" if mailbox else "deliveries")
    cursor = None if kept is None else kept.read()
    if cursor is not None and from_start:
        raise typer.BadParameter(
            _("the cursor file says where to go on; remove it to begin anew"), param_hint="--from-start"
        )
    seen = 0
    async with run.client() as post:
        if from_start:
            cursor = beginning()
        run.screen.note(_("Watching; Ctrl-C ends it."))
        replies = _replies(post, cursor, mailbox=mailbox, with_receipts=with_receipts)
        async with contextlib.aclosing(replies):
            async for reply in replies:
                facts = reply.facts[: limit - seen] if limit else reply.facts
                for fact in facts:
                    saved = None if save is None else await _save(post, fact, save)
                    _show(run, fact, reply.cursor.origin, saved)
                seen += len(facts)
                if kept is not None:
                    kept.write(_after(facts, reply))
                if limit and seen >= limit:
                    return ExitCode.OK
    return ExitCode.OK


def _after(facts: Sequence[delivery_pb2.DeliveryFact], reply: Any) -> evidence_pb2.LogCursor:
    """Returns where to go on after these first facts of a reply: at the first that was left out, if any."""
    if len(facts) == len(reply.facts):
        return evidence_pb2.LogCursor(origin=reply.cursor.origin, index=reply.cursor.index)
    return evidence_pb2.LogCursor(origin=reply.cursor.origin, index=facts[-1].leaf_index + 1)


def _replies(
    post: Client, cursor: evidence_pb2.LogCursor | None, *, mailbox: bool, with_receipts: bool
) -> AsyncGenerator[Any, None]:
    if mailbox:
        return post.mailbox.watch(cursor, with_receipts=with_receipts)
    return post.deliveries.watch(cursor, with_receipts=with_receipts)


async def _save(post: Client, fact: delivery_pb2.DeliveryFact, directory: Path) -> SavedReceipt:
    receipt = (
        fact.receipt if fact.HasField("receipt") else await post.evidence.receipt(fact.evidence.evidence_id)
    )
    # By its place in the log, which is the same whenever it comes again; 9 digits keep a directory in order.
    return save_receipt(receipt, directory, fact.leaf_index, digits=9)


def _show(run: Run, fact: delivery_pb2.DeliveryFact, origin: str, saved: SavedReceipt | None) -> None:
    if run.options.as_json:
        sys.stdout.write(json.dumps(_shape(fact, origin, saved), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    name = shapes.event_name(fact.evidence.event)
    text = f"{shapes.when(fact.evidence.event_time)}  {name:22}  {fact.delivery_id}"
    run.screen.line(text if saved is None else f"{text}  {printable(str(saved.path))}")


def _shape(fact: delivery_pb2.DeliveryFact, origin: str, saved: SavedReceipt | None) -> Mapping[str, object]:
    shape: dict[str, object] = {
        "delivery_id": fact.delivery_id,
        **shapes.evidence(fact.evidence),
        "origin": origin,
        "leaf_index": fact.leaf_index,
    }
    if saved is not None:
        shape["path"] = str(saved.path)
    elif fact.HasField("receipt"):
        shape["tlog_proof"] = fact.receipt.tlog_proof.decode("utf-8", errors="replace")
    return shape
