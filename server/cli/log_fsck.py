"""`namak-server log fsck`."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence import EvidenceError
from namak.evidence.errors import MalformedKey
from namak.evidence.note import Verifier
from namak.evidence.timestamp import TimestampTrust
from namak.evidence.tlog_policy import TlogPolicy
from server import bootstrap, bootstrap_fsck, bootstrap_log
from server.bootstrap_timestamps import trust_in
from server.cli.endings import FOUND, fail, load, run
from server.cli.fsck_checking import FsckChecking
from server.cli.fsck_progress import FsckProgress
from server.config import Settings
from server.domain.refusals import Refused
from server.fsck import check
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Finding, Part, Report
from server.fsck.kinds import COUNTED, KINDS, USUAL
from server.fsck.signatures import CitizenTrust
from server.jurisdictions import PROFILES
from server.storage import migrate
from server.storage.failures import StorageFault
from server.transparency.guard import FileGuard
from server.transparency.troubles import LogTrouble


@dataclass(frozen=True, slots=True)
class Asked:
    """What to check, as it was typed."""

    parts: tuple[str, ...]
    from_index: int
    vkeys: tuple[str, ...]
    as_json: bool
    processes: int = 0


def fsck(settings: Path, asked: Asked) -> None:
    """Checks the log; exit code 4 where anything was found, 1 where not all could be checked."""
    run(_fsck(load(settings), asked))


async def _fsck(settings: Settings, asked: Asked) -> None:
    parts = _parts(asked.parts)
    trusted = await _trusted(settings, asked.vkeys, parts)
    guards = {
        each.origin: FileGuard(each.guard, trusted.logs[each.origin])
        for each in (settings.log, settings.log.next)
        if each is not None and each.origin in trusted.logs and Part.CHECKPOINTS in parts
    }
    progress = FsckProgress()
    report = Report(on_progress=progress)

    def tell(finding: Finding) -> None:
        progress.clear()
        typer.echo(f"{finding.gravity} {finding.part}/{finding.kind}: {finding.where}: {finding.text}")

    if not asked.as_json:
        report.on_finding = tell
    async with bootstrap.database_url(settings) as url:
        if await migrate.is_behind(url):
            raise bootstrap.SchemaOutdated(
                "the database lacks tables of this release; run: namak-server migrate"
            )
        async with bootstrap_fsck.opened(url, PROFILES[settings.profile]) as stored:
            checking = FsckChecking(stored, guards, trusted, report, url=url, profile=settings.profile)
            what = check.Asked(parts, settings.log.origin, asked.from_index)
            await _until_stopped(checking, what, asked.processes, report)
    progress.clear()
    if asked.as_json:
        typer.echo(json.dumps(_as_json(report), indent=2))
    else:
        _tell_end(report)
    if not report.sound:
        raise typer.Exit(FOUND)
    if report.stopped:
        fail(f"not all was checked: {report.stopped}")


async def _until_stopped(checking: FsckChecking, asked: check.Asked, processes: int, report: Report) -> None:
    """Checks; where that is interrupted, or the database goes away, the report says so and holds what was
    found until then.
    """
    task = asyncio.current_task()
    assert task is not None
    # Not in the main thread, as in tests: then nobody signals.
    with contextlib.suppress(ValueError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await checking.run(asked, processes)
    except asyncio.CancelledError:
        task.uncancel()
        report.stopped = f"it was interrupted{_reached(report, checking.underway)}"
    except (Refused, LogTrouble, OSError) as trouble:
        report.stopped = f"{str(trouble) or type(trouble).__name__}{_reached(report, checking.underway)}"
    except StorageFault as fault:
        report.stopped = f"the database refused a statement ({fault}): are its tables another release's?"


def _reached(report: Report, underway: Sequence[Part] = ()) -> str:
    """Says how far it came, and how to go on from there; side by side several parts were `underway`."""
    if underway:
        return f"; not checked to the end: {', '.join(underway)}"
    if report.current is None:
        return ""
    where = f", in part {report.current}"
    if report.reached is None:
        return where
    origin, index = report.reached
    where += f" at leaf {index} of {origin}"
    return f"{where}; where that takes leaves still, go on with --from-index {index}"


def _parts(typed: tuple[str, ...]) -> frozenset[Part]:
    known = {part.value: part for part in Part}
    for each in typed:
        if each not in known:
            raise ValueError(f"--only: there is no part {each!r}, but {', '.join(known)}")
    return frozenset(known[each] for each in typed) or USUAL


async def _trusted(settings: Settings, vkeys: tuple[str, ...], parts: frozenset[Part]) -> Trusted:
    authorities: dict[str, TimestampTrust] = {}
    if Part.TOKENS in parts:
        authorities = {each.name: trust_in(each) for each in settings.timestamps.authorities}
    citizens = None
    if Part.SIGNATURES in parts:
        roots = x509.load_pem_x509_certificates(settings.citizens.roots.read_bytes())
        ders = [each.public_bytes(Encoding.DER) for each in roots]
        citizens = CitizenTrust(ders, PROFILES[settings.profile].naming)
    if not parts & {Part.CHECKPOINTS, Part.SHARDS}:
        return Trusted({}, authorities=authorities, citizens=citizens)
    logs = {each.origin: each.verifier for each in settings.log.former}
    for vkey in vkeys:
        try:
            verifier = Verifier.parse(vkey)
        except MalformedKey as error:
            raise ValueError(f"--vkey: {error.detail}") from error
        logs[verifier.name] = verifier
    for shard in (settings.log, settings.log.next):
        if shard is not None and shard.origin not in logs:
            signer = await bootstrap_log.open_signer(shard.key)
            logs[shard.origin] = Verifier(shard.origin, signer.public_key)
            await signer.close()
    policy = None
    if settings.witnesses.policy is not None:
        try:
            policy = TlogPolicy.parse(settings.witnesses.policy.read_bytes())
        except EvidenceError as error:
            raise ValueError(f"{settings.witnesses.policy}: {error.detail}") from error
    return Trusted(logs, policy, authorities, citizens)


def _tell_end(report: Report) -> None:
    for kind, count in report.counts.items():
        told = sum(each.kind is kind for each in report.findings)
        if count > told:
            typer.echo(f"{kind}: {count:,} altogether, {told} of them told")
    for kind in report.counts:
        typer.echo(f"to do, {kind}: {KINDS[kind][2]}")
    for each in report.unchecked:
        typer.echo(f"not checked: {each}")
    for part, seconds in report.seconds.items():
        counted = [f"{report.checked[what]:,} {what}" for what in COUNTED[part] if report.checked[what]]
        rate = [f"{_rate(report, part):,} {COUNTED[part][0]}/s"] if counted else []
        found = [f"{report.by_part[part]:,} findings"] if report.by_part[part] else []
        typer.echo(f"{part}: {', '.join([f'{seconds:.1f} s', *counted, *rate, *found])}")
    checked = ", ".join(f"{count:,} {what}" for what, count in report.checked.items() if count) or "nothing"
    found_all = "sound" if report.sound else f"NOT SOUND: {report.wrong:,} findings"
    if notes := report.counts.total() - report.wrong:
        found_all += f", {notes:,} notes"
    if report.stopped:
        typer.echo(f"NOT ALL WAS CHECKED: {report.stopped}.")
    typer.echo(f"{checked} checked: {found_all}.")


def _rate(report: Report, part: Part) -> int:
    return round(report.checked[COUNTED[part][0]] / max(report.seconds[part], 1e-3))


def _as_json(report: Report) -> dict[str, object]:
    return {
        "sound": report.sound,
        "complete": not report.stopped,
        "stopped": report.stopped,
        "findings": [
            {
                "part": each.part,
                "kind": each.kind,
                "gravity": each.gravity,
                "where": each.where,
                "text": each.text,
                "to_do": each.remedy,
            }
            for each in report.findings
        ],
        "counts": dict(report.counts),
        "checked": dict(report.checked),
        "unchecked": report.unchecked,
        "parts": {
            part: {
                "seconds": round(seconds, 3),
                "per_second": _rate(report, part),
                "checked": {what: report.checked[what] for what in COUNTED[part]},
                "findings": report.by_part[part],
            }
            for part, seconds in report.seconds.items()
        },
    }
