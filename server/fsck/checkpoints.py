"""Reads all published and cosigned notes again: what they say, and whose signatures they have."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from namak.evidence import EvidenceError
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import InvalidSignature
from namak.evidence.note import NoteVerifier, Verifier, open_note, parse_note
from namak.evidence.timestamp import TimestampTrust
from namak.evidence.tlog_policy import TlogPolicy
from server.fsck.findings import Kind, Part, Report
from server.fsck.ports import LogInspection, ShardEnd, StoredNote
from server.fsck.quorums import Quorums
from server.fsck.signatures import CitizenTrust
from server.transparency.guard import Guard
from server.transparency.troubles import GuardDamaged

NOTES_AT_ONCE: Final = 2000


@dataclass(frozen=True, slots=True)
class Trusted:
    """Keys to verify with, none of them from the database.

    Attributes:
        logs: each shard's key by its origin.
        witnesses: the policy that cosigned notes are to meet; None where none is set.
        authorities: whose timestamps count, by their names in the settings.
        citizens: whose signatures count; None where they are not asked about.
    """

    logs: Mapping[str, Verifier]
    witnesses: TlogPolicy | None = None
    authorities: Mapping[str, TimestampTrust] = field(default_factory=dict)
    citizens: CitizenTrust | None = None


class CheckpointCheck:
    """Checks a shard's notes as far as they were published when `end` was seen."""

    def __init__(
        self,
        log: LogInspection,
        origin: str,
        end: ShardEnd,
        trusted: Trusted,
        report: Report,
        quorums: Quorums,
    ) -> None:
        self._log = log
        self._origin = origin
        self._end = end
        self._report = report
        self._published = end.head.published_size if end.head is not None else 0
        self._log_key = trusted.logs.get(origin)
        self._policy = trusted.witnesses
        self._quorums = quorums

    async def run(self) -> None:
        """Goes through the notes. Raises ServiceUnavailable."""
        if not self._end.checkpointed:
            self._found(Kind.CHECKPOINT_MISSING, f"size {self._published}")
        if self._end.checkpoints_beyond:
            self._found(Kind.CHECKPOINT_BEYOND, f"over size {self._published}", self._end.checkpoints_beyond)
        if self._log_key is None and self._published:
            self._report.unchecked.append(f"signatures of {self._origin}: its key was not given")
        size = 0
        while notes := await self._log.checkpoints(self._origin, size, self._published, NOTES_AT_ONCE):
            size = notes[-1].size
            await asyncio.to_thread(self._check, notes, False)
            self._report.done(Part.CHECKPOINTS, "checkpoints", len(notes))
        await self._cosigned()

    async def _cosigned(self) -> None:
        size = count = 0
        while notes := await self._log.cosigned(self._origin, size, NOTES_AT_ONCE):
            size, count = notes[-1].size, count + len(notes)
            await asyncio.to_thread(self._check, notes, True)
            self._report.done(Part.CHECKPOINTS, "cosigned", len(notes))
        if (renewed := await self._log.renewed(self._origin)) is not None:
            count += 1
            self._check([renewed], True, "note cosigned anew")
            self._report.done(Part.CHECKPOINTS, "cosigned", 1)
        if count and self._policy is None:
            self._report.unchecked.append(f"cosignatures over {self._origin}: no policy is set")

    def _check(self, notes: Sequence[StoredNote], cosigned: bool, name: str = "") -> None:
        kind = name or ("cosigned note" if cosigned else "checkpoint")
        for each in notes:
            where = f"{kind} of {each.size} leaves"
            if cosigned and not each.published:
                self._found(Kind.COSIGNED_UNPUBLISHED, where)
            try:
                note = parse_note(each.note)
                checkpoint = Checkpoint.parse(note.text)
            except EvidenceError:
                self._found(Kind.NOTE_UNREADABLE, where)
                continue
            if (checkpoint.origin, checkpoint.size) != (self._origin, each.size):
                self._found(Kind.NOTE_MISPLACED, where)
            elif each.root is None:
                self._found(Kind.NOTE_TREE_UNKNOWN, where)
            elif each.root != checkpoint.root:
                self._found(Kind.NOTE_ROOT_WRONG, where)
            self._verify(each, where, cosigned=cosigned)

    def _verify(self, stored: StoredNote, where: str, *, cosigned: bool) -> None:
        known: list[NoteVerifier] = [] if self._log_key is None else [self._log_key]
        policy = self._policy if cosigned else None
        witnesses = (
            {}
            if policy is None
            else {(each.verifier.name, each.verifier.key_id): each.name for each in policy.witnesses}
        )
        if policy is not None:
            known += [each.verifier for each in policy.witnesses]
        if not known:
            return
        log = self._log_key
        try:
            signed = {(each.name, each.key_id) for each in open_note(parse_note(stored.note), known)}
        except InvalidSignature:
            self._found(Kind.SIGNATURE_WRONG, where)
            return
        if log is not None and (log.name, log.key_id) not in signed:
            self._found(Kind.SIGNATURE_WRONG, where)
        if policy is not None:
            has = policy.is_quorum([witnesses[by] for by in signed if by in witnesses])
            self._quorums.saw(self._origin, f"{self._origin} {where}", quorum=has)

    def _found(self, kind: Kind, where: str, count: int = 1) -> None:
        self._report.found(Part.CHECKPOINTS, kind, f"{self._origin} {where}", count)


class GuardCheck:
    """Holds the guard against the database: read once before the shard's end is seen, and once after.

    A leader writes the guard between committing a tree and publishing it. So the first reading is of a tree
    that the database had, and the second of one no smaller than what it had published.
    """

    def __init__(self, guard: Guard, log: LogInspection, origin: str, report: Report) -> None:
        self._guard = guard
        self._log = log
        self._origin = origin
        self._report = report

    async def read(self) -> Checkpoint | None:
        """Returns what is kept, None also where it is damaged. Raises GuardUnreachable."""
        try:
            kept = await self._guard.read()
        except GuardDamaged:
            return None
        return None if kept is None else kept.checkpoint

    async def check(self, before: Checkpoint | None, end: ShardEnd) -> None:
        """Compares; `before` is what was read before `end` was seen.

        Raises GuardUnreachable, ServiceUnavailable.
        """
        integrated = 0 if end.head is None else end.head.integrated_size
        published = 0 if end.head is None else end.head.published_size
        if before is not None and before.size > integrated:
            self._found(Kind.GUARD_AHEAD, f"it holds {before.size} leaves, the database {integrated}")
        elif before is not None and await self._log.root(self._origin, before.size) != before.root:
            self._found(Kind.GUARD_DIFFERS, f"size {before.size}")
        try:
            after = await self._guard.read()
        except GuardDamaged:
            self._found(Kind.GUARD_DAMAGED, "")
            return
        if after is None and published:
            self._found(Kind.GUARD_MISSING, f"{published} leaves are published")
        elif after is not None and after.checkpoint.size < published:
            self._found(Kind.GUARD_BEHIND, f"it holds {after.checkpoint.size} leaves of {published}")

    def _found(self, kind: Kind, where: str) -> None:
        self._report.found(Part.CHECKPOINTS, kind, f"{self._origin} guard {where}".rstrip())
