"""``namak log``: whether it only grew, and what comes after a shard."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import _
from namak.cli.verifying import read_file, trusted_logs
from namak.client.files import write_new_file
from namak.errors import ContentMismatch, FileProblem, SuccessorUnproven
from namak.evidence.errors import EvidenceError
from namak.evidence.succession import Succession, succession
from namak.evidence.times import format_time
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tree import verify_consistency
from namak.evidence.verify_time import CLOCK_TOLERANCE
from namak.monitor.ending import extended


async def successor(run: Run, receipts: Sequence[Path], log_policy: Path | None, origin: str) -> ExitCode:
    """Shows which keys the receipts prove, each under what the policy and those before it trust; without
    receipts, those that the post gives."""
    policy = trusted_logs(run, log_policy)
    found: list[Succession] = []
    if not receipts:
        found = await _asked_for(run, policy, origin)
    for path in receipts:
        found.append(each := _proven(str(path), read_file(path), policy))
        policy = extended(policy, each)
    run.screen.result(
        {
            "successors": [
                {
                    "origin": each.tree.origin,
                    "tree_size": each.tree.size,
                    "successor": each.verifier.name,
                    "successor_vkey": each.vkey,
                    "announced_time": format_time(each.announced_at),
                }
                for each in found
            ]
        }
    )
    for each in found:
        run.screen.note(
            _("{successor} comes after the {size} entries of {origin}:").format(
                successor=each.verifier.name, size=each.tree.size, origin=each.tree.origin
            )
        )
        run.screen.line(each.policy_line)
    if not found:
        run.screen.note(_("No shard that you trust ended with another one after it that you don't know."))
    return ExitCode.OK


async def _asked_for(run: Run, policy: TlogPolicy, origin: str) -> list[Succession]:
    """Asks the post for the receipts that lead on from the shards that the policy trusts, or from one of
    them; what is known already is passed over unless that one is named. What the post says counts for
    nothing: only the receipts do.
    """
    found = []
    async with run.client() as post:
        shown = {shard.origin: shard for shard in (await post.evidence.log_status()).shards}
        trusted = [log.verifier.name for log in policy.logs]
        waiting = [origin] if origin else [name for name in trusted if name in shown]
        for asked in waiting:
            # One that goes on has no such receipt, and perhaps no checkpoint yet.
            goes_on = asked in shown and not shown[asked].successor
            data = b"" if goes_on else (await post.evidence.checkpoint(asked)).successor_receipt
            if not data:
                continue
            each = _proven(asked, data, policy)
            if each.tree.origin != asked:
                raise SuccessorUnproven(f"{asked}: the receipt is of {each.tree.origin}")
            if asked == origin or each.verifier not in [log.verifier for log in policy.logs]:
                found.append(each)
                policy = extended(policy, each)
            if each.verifier.name not in waiting:
                waiting.append(each.verifier.name)
    return found


def _proven(name: str, receipt: bytes, policy: TlogPolicy) -> Succession:
    latest = int((datetime.now(UTC) + CLOCK_TOLERANCE).timestamp())
    try:
        return succession(receipt, policy, latest=latest)
    except EvidenceError as problem:
        raise SuccessorUnproven(f"{name}: {problem.detail}") from problem


async def consistency(
    run: Run, old: Path, log_policy: Path | None, save: Path | None, *, force: bool
) -> ExitCode:
    """Checks that the log's newest checkpoint follows from a kept one."""
    policy = trusted_logs(run, log_policy)
    kept = read_file(old)
    latest = int((datetime.now(UTC) + CLOCK_TOLERANCE).timestamp())
    try:
        before = policy.check(kept, latest=latest).checkpoint
    except EvidenceError as wrong:
        raise FileProblem(
            _("{file} is no checkpoint that you trust: {problem}").format(file=old, problem=wrong.detail)
        ) from wrong
    async with run.client() as post:
        newest = (await post.evidence.checkpoint(before.origin)).checkpoint
        try:
            after = policy.check(newest, latest=latest).checkpoint
            hashes: list[bytes] = []
            if 0 < before.size < after.size:
                proof = await post.evidence.consistency_proof(before.size, after.size, origin=before.origin)
                hashes = list(proof.hashes)
            verify_consistency(before.size, before.root, after.size, after.root, hashes)
        except EvidenceError as wrong:
            raise ContentMismatch(
                _("the newest checkpoint does not follow from {file}: {problem}").format(
                    file=old, problem=wrong.detail
                )
            ) from wrong
    if save is not None:
        write_new_file(save, newest, force=force)
    run.screen.result(
        {
            "consistent": True,
            "origin": before.origin,
            "first_size": before.size,
            "second_size": after.size,
            "root_hash": after.root.hex(),
            "saved": None if save is None else str(save),
        }
    )
    run.screen.line(
        _("CONSISTENT: {origin} grew from {first} to {second}; nothing was taken away or altered.").format(
            origin=before.origin, first=before.size, second=after.size
        )
    )
    return ExitCode.OK


async def tile(
    run: Run,
    index: int,
    level: int | None,
    width: int,
    origin: str,
    output: Path | None,
    *,
    force: bool,
) -> ExitCode:
    """Saves a tile, or shows its hashes."""
    async with run.client() as post:
        found = await post.evidence.tile(index, level=level, width=width, origin=origin)
    if output is not None:
        write_new_file(output, found.tile, force=force)
    run.screen.result(
        {
            "path": found.path,
            "size": len(found.tile),
            "saved": None if output is None else str(output),
            "tile": found.tile.hex() if output is None else None,
        }
    )
    run.screen.line(f"{found.path}  {len(found.tile)}")
    if output is not None:
        run.screen.line(str(output))
    elif level is not None:
        run.screen.lines(found.tile[start : start + 32].hex() for start in range(0, len(found.tile), 32))
    else:
        run.screen.note(_("Entries are shown by no one line; save them with -o FILE."))
    return ExitCode.OK
