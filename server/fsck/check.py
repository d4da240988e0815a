"""Runs the parts that are asked for, one shard after another."""

from collections.abc import Collection
from dataclasses import dataclass

from server.fsck.checkpoints import CheckpointCheck, GuardCheck, Trusted
from server.fsck.findings import Part, Report
from server.fsck.mailbox_ports import MailboxInspection
from server.fsck.mailboxes import MailboxCheck
from server.fsck.ports import LogInspection, ShardEnd
from server.fsck.stored_evidence import EvidenceCheck
from server.fsck.tree import TreeCheck
from server.transparency.guard import Guard


@dataclass(frozen=True, slots=True)
class Asked:
    """What to check.

    Attributes:
        parts: which ones.
        current: the current shard's origin, of which `from_index` speaks and which has a guard.
        from_index: leaves of the current shard before it are taken as they are; former shards are left out
            then.
    """

    parts: Collection[Part]
    current: str
    from_index: int = 0


class LogCheck:
    """Checks the stored log; it writes nothing, and a server may run meanwhile."""

    def __init__(
        self,
        log: LogInspection,
        mailboxes: MailboxInspection,
        guard: Guard | None,
        trusted: Trusted,
        report: Report,
    ) -> None:
        self._log = log
        self._mailboxes = mailboxes
        self._guard = guard
        self._trusted = trusted
        self._report = report

    async def run(self, asked: Asked) -> None:
        """Checks part by part.

        Raises:
            ServiceUnavailable: the database does not answer.
            GuardUnreachable: the guard can't be read.
        """
        origins = await self._log.origins()
        if asked.from_index:
            origins = [each for each in origins if each == asked.current]
        for part in Part:
            if part not in asked.parts:
                continue
            for origin in () if part is Part.MAILBOXES else origins:
                await self._shard(part, origin, asked)
            if part is Part.CHECKPOINTS and asked.current not in origins:
                await self._shard(part, asked.current, asked)
            if part is Part.EVIDENCE:
                await EvidenceCheck(self._log, self._report).unlogged()
            if part is Part.MAILBOXES:
                await MailboxCheck(self._mailboxes, self._report).run()
            self._report.ended(part)

    async def _shard(self, part: Part, origin: str, asked: Asked) -> None:
        log, report = self._log, self._report
        match part:
            case Part.TREE:
                await TreeCheck(log, origin, await log.end(origin), report).run(asked.from_index)
            case Part.EVIDENCE:
                size = _size(await log.end(origin))
                await EvidenceCheck(log, report).leaves(origin, size, asked.from_index)
            case Part.CHECKPOINTS:
                await self._checkpoints(origin, asked.current)

    async def _checkpoints(self, origin: str, current: str) -> None:
        if origin != current or self._guard is None:
            end = await self._log.end(origin)
        else:
            guard = GuardCheck(self._guard, self._log, origin, self._report)
            before = await guard.read()
            end = await self._log.end(origin)
            await guard.check(before, end)
        await CheckpointCheck(self._log, origin, end, self._trusted, self._report).run()


def _size(end: ShardEnd) -> int:
    return 0 if end.head is None else end.head.integrated_size
