"""Runs the parts that are asked for, one shard after another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from server.fsck.checkpoints import CheckpointCheck, GuardCheck, Trusted
from server.fsck.deliveries import DeliveryCheck, wall_clock
from server.fsck.delivery_ports import DeliveryInspection
from server.fsck.findings import Part, Report
from server.fsck.mailbox_ports import MailboxInspection
from server.fsck.mailboxes import MailboxCheck
from server.fsck.ports import LogInspection, ShardEnd
from server.fsck.stored_evidence import EvidenceCheck
from server.fsck.token_ports import TokenInspection
from server.fsck.tokens import TokenCheck
from server.fsck.tree import TreeCheck
from server.fsck.usage import UsageCheck, UsageRecount
from server.transparency.guard import Guard

_OF_SHARDS = (Part.TREE, Part.EVIDENCE, Part.CHECKPOINTS)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to check.

    Attributes:
        parts: which ones.
        current: the current shard's origin, of which `from_index` speaks and which has a guard.
        from_index: leaves of the current shard before it are taken as they are; former shards are left out
            then.
    """

    parts: frozenset[Part]
    current: str
    from_index: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored, as the parts read it.

    Attributes:
        recount: recounts usage.
        zone: whose days are billed.
        now: the post's time.
    """

    log: LogInspection
    mailboxes: MailboxInspection
    deliveries: DeliveryInspection
    tokens: TokenInspection
    recount: UsageRecount
    zone: ZoneInfo
    now: Callable[[], datetime] = wall_clock


class LogCheck:
    """Checks the stored log; it writes nothing, and a server may run meanwhile."""

    def __init__(self, stored: Stored, guard: Guard | None, trusted: Trusted, report: Report) -> None:
        self._stored = stored
        self._log = stored.log
        self._guard = guard
        self._trusted = trusted
        self._report = report

    async def run(self, asked: Asked) -> None:
        """Checks part by part.

        Raises:
            ServiceUnavailable: the database does not answer.
            GuardUnreachable: the guard can't be read.
            BeyondTheEnd: the leaf to begin at is not there.
        """
        origins = await self._log.origins()
        if asked.from_index:
            size = _size(await self._log.end(asked.current))
            if asked.from_index > size:
                raise BeyondTheEnd(asked.from_index, size)
            origins = [each for each in origins if each == asked.current]
        if asked.parts & {Part.TREE, Part.EVIDENCE}:
            sizes = [_size(await self._log.end(each)) for each in origins]
            self._report.whole["leaves"] = self._report.whole["evidence"] = sum(sizes)
        for part in Part:
            if part not in asked.parts:
                continue
            self._report.begins(part)
            for origin in origins if part in _OF_SHARDS else ():
                await self._shard(part, origin, asked)
            if part is Part.CHECKPOINTS and asked.current not in origins:
                await self._shard(part, asked.current, asked)
            await self._whole(part)
            self._report.ended(part)

    async def _whole(self, part: Part) -> None:
        """Checks what is of no shard."""
        stored, report = self._stored, self._report
        match part:
            case Part.EVIDENCE:
                await EvidenceCheck(self._log, report).unlogged()
            case Part.TOKENS:
                await TokenCheck(stored.tokens, self._trusted.authorities, report).run()
            case Part.MAILBOXES:
                await MailboxCheck(stored.mailboxes, report).run()
            case Part.EFFECTS:
                await DeliveryCheck(stored.deliveries, report, now=stored.now).run()
            case Part.USAGE:
                await UsageCheck(stored.recount, self._log, stored.zone, stored.now, report).run()

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


class BeyondTheEnd(ValueError):
    """The leaf to begin at is not there; the text says how many there are."""

    def __init__(self, index: int, size: int) -> None:
        super().__init__(f"there is no leaf {index:,} to begin at: the shard has {size:,} leaves")


def _size(end: ShardEnd) -> int:
    return 0 if end.head is None else end.head.integrated_size
