"""Runs the parts that are asked for, one shard after another."""

from collections.abc import Callable, Mapping, Sequence
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
from server.fsck.quorums import Quorums
from server.fsck.shard_ports import ShardInspection
from server.fsck.shards import ShardCheck, current_of
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
        current: the shard of which `from_index` speaks, where the database knows no shards yet; else it is
            the one that takes leaves.
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
        beside: reads as `log` does, on connections of their own.
        zone: whose days are billed.
        now: the post's time.
    """

    log: LogInspection
    shards: ShardInspection
    mailboxes: MailboxInspection
    deliveries: DeliveryInspection
    tokens: TokenInspection
    recount: UsageRecount
    zone: ZoneInfo
    beside: Sequence[LogInspection] = ()
    now: Callable[[], datetime] = wall_clock


class LogCheck:
    """Checks the stored log; it writes nothing, and a server may run meanwhile."""

    def __init__(self, stored: Stored, guards: Mapping[str, Guard], trusted: Trusted, report: Report) -> None:
        """Takes the guards that there are, by their shards."""
        self._stored = stored
        self._log = stored.log
        self._guards = guards
        self._trusted = trusted
        self._report = report
        self._quorums = Quorums()

    async def run(self, asked: Asked) -> None:
        """Checks part by part.

        Raises:
            ServiceUnavailable: the database does not answer.
            GuardUnreachable: the guard can't be read.
            BeyondTheEnd: the leaf to begin at is not there.
        """
        origins = await self.begin(asked)
        for part in Part:
            if part not in asked.parts:
                continue
            self._report.begins(part)
            for origin in origins if part in _OF_SHARDS else ():
                await self._shard(part, origin, asked.from_index)
            for origin in self._guards if part is Part.CHECKPOINTS else ():
                # Of a shard that has no row there may still be a guard.
                if origin not in origins:
                    await self._checkpoints(origin)
            await self._whole(part, asked)
            self._report.ended(part)

    async def leaves(self) -> int:
        """Returns how many leaves all shards have. Raises ServiceUnavailable."""
        return sum([_size(await self._log.end(each)) for each in await self._log.origins()])

    async def begin(self, asked: Asked) -> Sequence[str]:
        """Returns the shards that are to be checked; the report has how many leaves they have.

        Raises as `run` does.
        """
        origins = await self._log.origins()
        if asked.from_index:
            current = current_of(await self._stored.shards.shards(), asked.current)
            size = _size(await self._log.end(current))
            if asked.from_index > size:
                raise BeyondTheEnd(asked.from_index, size)
            origins = [each for each in origins if each == current]
        if asked.parts & {Part.TREE, Part.EVIDENCE}:
            sizes = [_size(await self._log.end(each)) for each in origins]
            self._report.whole["leaves"] = self._report.whole["evidence"] = sum(sizes)
        return origins

    async def _whole(self, part: Part, asked: Asked) -> None:
        """Checks what is of no shard."""
        stored, report = self._stored, self._report
        match part:
            case Part.EVIDENCE:
                await EvidenceCheck(self._log, report).unlogged()
            case Part.CHECKPOINTS:
                self._quorums.settle(current_of(await stored.shards.shards(), asked.current), report)
            case Part.SHARDS:
                await ShardCheck(stored.shards, self._trusted.logs, stored.now, report).run()
            case Part.TOKENS:
                await TokenCheck(stored.tokens, self._trusted.authorities, report).run()
            case Part.MAILBOXES:
                await MailboxCheck(stored.mailboxes, report).run()
            case Part.EFFECTS:
                await DeliveryCheck(stored.deliveries, report, now=stored.now).run()
            case Part.USAGE:
                await UsageCheck(stored.recount, self._log, stored.zone, stored.now, report).run()

    async def _shard(self, part: Part, origin: str, start: int) -> None:
        log, report = self._log, self._report
        match part:
            case Part.TREE:
                await TreeCheck(log, origin, await log.end(origin), report).run(start)
            case Part.EVIDENCE:
                size = _size(await log.end(origin))
                await EvidenceCheck(log, report, self._stored.beside).leaves(origin, size, start)
            case Part.CHECKPOINTS:
                await self._checkpoints(origin)

    async def _checkpoints(self, origin: str) -> None:
        kept = self._guards.get(origin)
        if kept is None:
            end = await self._log.end(origin)
        else:
            guard = GuardCheck(kept, self._log, origin, self._report)
            before = await guard.read()
            end = await self._log.end(origin)
            await guard.check(before, end)
        check = CheckpointCheck(self._log, origin, end, self._trusted, self._report, self._quorums)
        await check.run()


class BeyondTheEnd(ValueError):
    """The leaf to begin at is not there; the text says how many there are."""

    def __init__(self, index: int, size: int) -> None:
        super().__init__(f"there is no leaf {index:,} to begin at: the shard has {size:,} leaves")


def _size(end: ShardEnd) -> int:
    return 0 if end.head is None else end.head.integrated_size
