"""``namak receipt``, ``facts`` and ``checkpoint``: the evidence there is, and how to keep it."""

from dataclasses import dataclass
from pathlib import Path

import typer

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.naming import acting_organisation
from namak.cli.screen import Screen
from namak.cli.texts import N_, _
from namak.client import Client
from namak.client.receipts import SavedReceipt, document_of, save_receipt, save_receipts
from namak.evidence.document import EvidenceDocument
from namak.v1 import evidence_pb2


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who else than the log is to vouch for receipts."""

    witnessed: bool
    timestamped: bool


async def receipt(
    run: Run,
    evidence_id: str | None,
    delivery: str | None,
    output: Path,
    acting_as: str | None,
    vouched: Vouched,
    *,
    force: bool,
) -> ExitCode:
    """Saves receipts."""
    if (evidence_id is None) == (delivery is None):
        raise typer.BadParameter(_("name either a piece of evidence or a delivery"), param_hint="EVIDENCE_ID")
    saved: list[SavedReceipt] = []
    async with run.client() as post:
        with run.screen.progress(_("Waiting for receipts")):
            if delivery is not None:
                async for item in save_receipts(
                    *(post.evidence, delivery, output),
                    force=force,
                    witnessed=vouched.witnessed,
                    timestamped=vouched.timestamped,
                ):
                    saved.append(item)
            elif evidence_id is not None:
                acting = await acting_organisation(run, post, acting_as) if acting_as is not None else ""
                found = await post.evidence.receipt(
                    evidence_id,
                    acting_as=acting,
                    witnessed=vouched.witnessed,
                    timestamped=vouched.timestamped,
                )
                saved.append(await _save_one(post, found, output, force))
    show_saved(run.screen, saved)
    return ExitCode.OK


async def facts(run: Run, delivery_id: str) -> ExitCode:
    """Lists facts."""
    async with run.client() as post:
        found = [fact async for fact in post.evidence.facts(delivery_id)]
    run.screen.result({"delivery_id": delivery_id, "facts": [shapes.evidence(fact) for fact in found]})
    run.screen.table(
        (N_("TIME"), N_("EVENT"), N_("EVIDENCE")),
        [(shapes.when(fact.event_time), shapes.event_name(fact.event), fact.evidence_id) for fact in found],
    )
    return ExitCode.OK


async def checkpoint(run: Run, origin: str) -> ExitCode:
    """Prints the checkpoint."""
    async with run.client() as post:
        found = await post.evidence.checkpoint(origin)
    note = found.checkpoint.decode("utf-8", errors="replace")
    run.screen.result({"checkpoint": note, "log_vkey": found.log_vkey})
    run.screen.lines(note.removesuffix("\n").split("\n"))
    return ExitCode.OK


def kept(item: SavedReceipt) -> str:
    """Returns what to say beside a file that was there already."""
    said = _("(kept)")
    return f" {said}" if item.kept else ""


def show_saved(screen: Screen, saved: list[SavedReceipt]) -> None:
    """Shows where receipts lie."""
    screen.result({"receipts": [shapes.saved(item) for item in saved]})
    for item in saved:
        screen.line(f"{item.path}{kept(item)}")
        screen.lines(str(path) for path in item.beside)


async def _save_one(post: Client, found: evidence_pb2.Receipt, output: Path, force: bool) -> SavedReceipt:
    evidence_id = found.evidence_id
    document = document_of(found)
    delivery_id = document.delivery_id if isinstance(document, EvidenceDocument) else None
    number = 1
    if delivery_id is not None:
        # Its place among all facts, so that the file is named as if all had been saved.
        ids = [fact.evidence_id async for fact in post.evidence.facts(str(delivery_id))]
        number = ids.index(evidence_id) + 1 if evidence_id in ids else 1
    return save_receipt(found, output, number, force=force)
