"""Runs the parts that are asked for, one shard after another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from server.domain.usage import SETTLING, CountedAcceptances
from server.fsck.checkpoints import CheckpointCheck, GuardCheck, Trusted
from server.fsck.deliveries import DeliveryCheck, wall_clock
from server.fsck.delivery_ports import DeliveryInspection
from server.fsck.findings import Part, Report
from server.fsck.gleaning import GLEANED, Gleaned, Gleaner, Wanted
from server.fsck.mailbox_ports import MailboxInspection
from server.fsck.mailboxes import MailboxCheck
from server.fsck.ports import LogInspection, ShardEnd
from server.fsck.quorums import Quorums
from server.fsck.shard_ports import ShardsAndLostKeys
from server.fsck.shards import ShardCheck, current_of
from server.fsck.signature_ports import ConfirmationInspection
from server.fsck.signatures import SignatureCheck
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
    shards: ShardsAndLostKeys
    mailboxes: MailboxInspection
    deliveries: DeliveryInspection
    tokens: TokenInspection
    confirmations: ConfirmationInspection
    recount: UsageRecount
    zone: ZoneInfo
    beside: Sequence[LogInspection] = ()
    now: Callable[[], datetime] = wall_clock


class LogCheck:
    """Checks the stored log; it writes nothing, and a server may run meanwhile."""

    def __init__(
        self,
        stored: Stored,
        guards: Mapping[str, Guard],
        trusted: Trusted,
        report: Report,
        gleaned: Gleaned | None = None,
    ) -> None:
        """Takes the guards that there are, by their shards, and what a walk over deliveries gleaned."""
        self._gleaned = gleaned
        self._effects: Report | None = None
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
            if part in GLEANED and self._gleaned is None:
                await self._glean(asked, origins)
            self._report.begins(part)
            if part is Part.EFFECTS and self._effects is not None:
                self._report.take_all(self._effects)
                continue
            for origin in origins if part in _OF_SHARDS else ():
                await self._shard(part, origin, asked.from_index)
            for origin in self._guards if part is Part.CHECKPOINTS else ():
                # Of a shard that has no row there may still be a guard.
                if origin not in origins:
                    await self._checkpoints(origin)
            await self._whole(part, asked)
            self._report.ended(part)

    async def _glean(self, asked: Asked, origins: Sequence[str]) -> None:
        """Goes through the deliveries, if they are asked for too, before those parts that it spares work."""
        wanted = await self.wanted(asked, origins)
        if not wanted.parts:
            return
        self._report.begins(Part.EFFECTS)
        own = Report(on_progress=self._report.on_progress)
        try:
            self._gleaned = await self.walk(wanted, own)
        except BaseException:
            # What was found until it was stopped is told.
            self._report.take_all(own)
            raise
        self._gleaned = await self.without_odd(self._gleaned)
        self._effects = own

    async def wanted(self, asked: Asked, origins: Sequence[str]) -> Wanted:
        """Returns for which parts to glean from deliveries; for none where those are not asked for.

        Raises ServiceUnavailable.
        """
        parts = asked.parts & {*GLEANED} if Part.EFFECTS in asked.parts else frozenset()
        if asked.from_index:
            parts -= {Part.EVIDENCE}
        sizes = [(each, _size(await self._log.end(each))) for each in origins]
        return Wanted(parts, tuple(sizes) if Part.EVIDENCE in parts else (), self._stored.now() - SETTLING)

    async def walk(self, wanted: Wanted, report: Report) -> Gleaned:
        """Checks the deliveries, and returns what it gleaned for other parts. Raises ServiceUnavailable."""
        stored = self._stored
        gleaner = Gleaner(wanted, stored.zone) if wanted.parts else None
        report.begins(Part.EFFECTS)
        await DeliveryCheck(stored.deliveries, report, now=stored.now, gleaner=gleaner).run()
        report.ended(Part.EFFECTS)
        return Gleaned() if gleaner is None else gleaner.gleaned()

    async def without_odd(self, gleaned: Gleaned) -> Gleaned:
        """Returns what may be believed of what was gleaned of all mailboxes. Raises ServiceUnavailable."""
        if gleaned.wanted.parts & {Part.EVIDENCE, Part.USAGE} and (
            await self._stored.deliveries.has_odd_evidence()
        ):
            return replace(gleaned, leaves={}, accepted=None)
        return gleaned

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
                await self._mailboxes()
            case Part.EFFECTS:
                await DeliveryCheck(stored.deliveries, report, now=stored.now).run()
            case Part.USAGE:
                await self._usage()
            case Part.SIGNATURES:
                await self._signatures()

    async def _signatures(self) -> None:
        citizens = self._trusted.citizens
        if citizens is None:
            self._report.unchecked.append("signatures of confirmations: no citizen roots are given")
        else:
            await SignatureCheck(self._stored.confirmations, citizens, self._report).run()

    async def _mailboxes(self) -> None:
        gleaned, mailboxes = self._gleaned, self._stored.mailboxes
        if gleaned is None or Part.MAILBOXES not in gleaned.wanted.parts or gleaned.unsure is None:
            await MailboxCheck(mailboxes, self._report).run()
            return
        self._report.checked["mailboxes"] += gleaned.mailboxes
        self._report.done(Part.MAILBOXES, "links", gleaned.links)
        await MailboxCheck(mailboxes, self._report, gleaned.unsure).run()

    async def _usage(self) -> None:
        gleaned, stored, accepted = self._gleaned, self._stored, None
        if gleaned is not None and Part.USAGE in gleaned.wanted.parts and gleaned.accepted is not None:
            accepted = CountedAcceptances(gleaned.accepted, gleaned.wanted.until)
        check = UsageCheck(stored.recount, self._log, stored.zone, stored.now, self._report, accepted)
        await check.run()

    async def _shard(self, part: Part, origin: str, start: int) -> None:
        log, report = self._log, self._report
        match part:
            case Part.TREE:
                await TreeCheck(log, origin, await log.end(origin), report).run(start)
            case Part.EVIDENCE:
                check = EvidenceCheck(log, report, self._stored.beside)
                gleaned = self._gleaned
                if gleaned is not None and (known := gleaned.leaves.get(origin)) is not None:
                    await check.others(origin, dict(gleaned.wanted.sizes)[origin], known)
                else:
                    await check.leaves(origin, _size(await log.end(origin)), start)
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
