"""`namak-server log fsck`."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from namak.evidence import EvidenceError
from namak.evidence.errors import MalformedKey
from namak.evidence.note import Verifier
from namak.evidence.tlog_policy import TlogPolicy
from server import bootstrap, bootstrap_log
from server.cli.endings import load, run
from server.config import Settings
from server.fsck import check
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Finding, Part, Report
from server.storage import migrate
from server.storage.log_inspection import PostgresLogInspection
from server.storage.mailbox_inspection import PostgresMailboxInspection
from server.transparency.guard import FileGuard

FOUND: Final = 4
"""The exit code where anything was found."""

_TELL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What to check, as it was typed."""

    parts: tuple[str, ...]
    from_index: int
    vkeys: tuple[str, ...]
    as_json: bool


def fsck(settings: Path, asked: Asked) -> None:
    """Checks the log; exit code 4 where anything was found."""
    run(_fsck(load(settings), asked))


async def _fsck(settings: Settings, asked: Asked) -> None:
    parts = _parts(asked.parts)
    trusted = await _trusted(settings, asked.vkeys) if Part.CHECKPOINTS in parts else Trusted({})
    origin = settings.log.origin
    guard = FileGuard(settings.log.guard, trusted.logs[origin]) if origin in trusted.logs else None
    report = Report(on_progress=_progress())
    if not asked.as_json:
        report.on_finding = _tell_finding
    async with bootstrap.database_url(settings) as url:
        if await migrate.is_behind(url):
            raise bootstrap.SchemaOutdated(
                "the database lacks tables of this release; run: namak-server migrate"
            )
        inspection = await PostgresLogInspection.open(url)
        try:
            log = check.LogCheck(inspection, PostgresMailboxInspection(inspection), guard, trusted, report)
            await log.run(check.Asked(parts, origin, asked.from_index))
        finally:
            await inspection.close()
    if asked.as_json:
        typer.echo(json.dumps(_as_json(report), indent=2))
    else:
        _tell_end(report)
    if not report.sound:
        raise typer.Exit(FOUND)


def _parts(typed: tuple[str, ...]) -> frozenset[Part]:
    known = {part.value: part for part in Part}
    for each in typed:
        if each not in known:
            raise ValueError(f"--only: there is no part {each!r}, but {', '.join(known)}")
    return frozenset(known[each] for each in typed) or frozenset(Part)


async def _trusted(settings: Settings, vkeys: tuple[str, ...]) -> Trusted:
    logs = {}
    for vkey in vkeys:
        try:
            verifier = Verifier.parse(vkey)
        except MalformedKey as error:
            raise ValueError(f"--vkey: {error.detail}") from error
        logs[verifier.name] = verifier
    origin = settings.log.origin
    if origin not in logs:
        signer = await bootstrap_log.open_signer(settings.log.key)
        logs[origin] = Verifier(origin, signer.public_key)
        await signer.close()
    policy = None
    if settings.witnesses.policy is not None:
        try:
            policy = TlogPolicy.parse(settings.witnesses.policy.read_bytes())
        except EvidenceError as error:
            raise ValueError(f"{settings.witnesses.policy}: {error.detail}") from error
    return Trusted(logs, policy)


def _progress() -> Callable[[Part, int], None]:
    """Tells how far a long check is, now and then, and nothing of a short one."""
    told = time.monotonic()

    def tell(part: Part, done: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            typer.echo(f"{part}: {done:,}", err=True)

    return tell


def _tell_finding(finding: Finding) -> None:
    typer.echo(f"{finding.gravity} {finding.part}/{finding.kind}: {finding.where}: {finding.text}")


def _tell_end(report: Report) -> None:
    for kind, count in report.counts.items():
        told = sum(each.kind is kind for each in report.findings)
        if count > told:
            typer.echo(f"{kind}: {count:,} altogether, {told} of them told")
    for each in report.unchecked:
        typer.echo(f"not checked: {each}")
    for part, seconds in report.seconds.items():
        rate = _rate(report, part)
        typer.echo(f"{part}: {seconds:.1f} s" + (f", {rate:,} leaves/s" if rate else ""))
    checked = ", ".join(f"{count:,} {what}" for what, count in report.checked.items()) or "nothing"
    found = "sound" if report.sound else f"NOT SOUND: {report.counts.total():,} findings"
    typer.echo(f"{checked} checked: {found}.")


_COUNTED: Final = {Part.TREE: "leaves", Part.EVIDENCE: "evidence"}


def _rate(report: Report, part: Part) -> int:
    count = report.checked[_COUNTED[part]] if part in _COUNTED else 0
    return round(count / max(report.seconds[part], 1e-3))


def _as_json(report: Report) -> dict[str, object]:
    return {
        "sound": report.sound,
        "findings": [
            {"part": each.part, "kind": each.kind, "gravity": each.gravity, "where": each.where}
            for each in report.findings
        ],
        "counts": dict(report.counts),
        "checked": dict(report.checked),
        "unchecked": report.unchecked,
        "parts": {
            part: {"seconds": round(seconds, 3), "leaves_per_second": _rate(report, part)}
            for part, seconds in report.seconds.items()
        },
    }
