"""``namak monitor``: looks at a log again and again, and tells what is wrong as long as it is."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import typer

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.monitor_holding import of_letter, of_mailbox, of_receipt
from namak.cli.monitor_telling import Seen, Telling, Unnamed, alarm_shape, shape_of
from namak.cli.monitor_words import words
from namak.cli.texts import _
from namak.cli.verifying import read_file, trusted_logs
from namak.client import Client
from namak.client.log_source import PostSource, mailbox_look
from namak.errors import FileProblem, LogUnreached, NamakError
from namak.evidence.succession import Succession
from namak.monitor.alarms import Alarm, AlarmKind, Values
from namak.monitor.ending import extended
from namak.monitor.following import Follower, Terms
from namak.monitor.holding import ReceiptCheck, receipts_in
from namak.monitor.other_shards import OtherShards
from namak.monitor.sources import Source, SourceUnreached, source_at
from namak.monitor.state import State, StateMoved, StateUnusable

NEWER_SECONDS: Final = 600.0
"""For so long a receipt, or a letter, may be newer than what the log shows to everybody."""
LOOK_SECONDS: Final = 60.0
"""For so long a look may last before what was seen last is asked for its age."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked; without an interval it looks once. Times are in seconds."""

    place: str
    state: Path
    log_policy: Path | None = None
    interval: float | None = None
    max_age: float | None = None
    from_start: bool = False
    receipts: Sequence[Path] = ()
    mailbox: bool = False
    execute: str = ""
    follow_successors: bool = False


async def monitor(run: Run, asked: Asked) -> ExitCode:
    """Follows the log; ends with NOT_VERIFIED where there are alarms."""
    policy = trusted_logs(run, asked.log_policy)
    source = source_at(asked.place) if asked.place else None
    if asked.place and source is None:
        raise typer.BadParameter(
            _("must be a directory, or an address that begins with https://"), param_hint="LOG"
        )
    terms = Terms(policy, asked.max_age, asked.from_start)
    try:
        state = State(asked.state)
    except StateUnusable as problem:
        raise FileProblem(str(problem)) from problem
    with contextlib.closing(state):
        async with contextlib.AsyncExitStack() as stack:
            post = None
            if source is None or asked.mailbox:
                post = await stack.enter_async_context(run.client())
            if source is None and post is not None:
                # Who trusts one shard begins with that, whichever is the current one by now.
                origin = policy.logs[0].verifier.name if len(policy.logs) == 1 else ""
                source = PostSource(post, run.connection().address, origin, known=state.size)
            if source is None:
                raise AssertionError("there is a source")
            return await Monitor(run, asked, source, state, terms, post).run()


class Monitor:
    """Looks, tells, and remembers which alarms it told."""

    def __init__(
        self,
        run: Run,
        asked: Asked,
        source: Source,
        state: State,
        terms: Terms,
        post: Client | None = None,
        *,
        now: Callable[[], float] = time.time,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """``post`` is needed for a mailbox, and where it is the source."""
        self._look_seconds = look_seconds
        self._run = run
        self._asked = asked
        self._source = source
        self._state = state
        self._terms = terms
        self._post = post
        self._now = now
        self._follower = Follower(source, state, terms, now=now)
        # The post shows all shards; any other place is one shard's.
        self._others = None if post is None else OtherShards(self._at_post, state, terms, now=now)
        # Of other places those are known that it came along.
        self._passed: dict[str, Source] = {}
        self._behind = OtherShards(self._passed.get, state, terms, now=now)
        self._telling = Telling(
            run,
            execute=asked.execute,
            by_line=asked.interval is not None,
            with_receipts=bool(asked.receipts),
        )
        self._seen_at = now()
        self._unreached = ""

    def _at_post(self, origin: str) -> Source:
        address = self._run.connection().address
        return PostSource(cast(Client, self._post), address, origin, known=self._state.size)

    async def run(self) -> ExitCode:
        """Looks once, or until it is interrupted. Raises LogUnreached, FileProblem."""
        if self._asked.interval is None:
            try:
                seen = await self._look_along()
            except SourceUnreached as problem:
                raise LogUnreached(_("the log can't be read: {problem}").format(problem=problem)) from problem
            self._telling.broken(seen.held.broken)
            await self._telling.alarms(seen.alarms)
            self._run.screen.result({**shape_of(seen), "alarms": [alarm_shape(each) for each in seen.alarms]})
            self._telling.show(seen)
            if seen.alarms:
                return ExitCode.NOT_VERIFIED
            return ExitCode.FILE if seen.held.broken else ExitCode.OK
        self._run.screen.note(_("Watching; Ctrl-C ends it."))
        try:
            while True:
                await self.turn()
                await asyncio.sleep(self._asked.interval)
        except asyncio.CancelledError:
            if self._telling.active:
                return ExitCode.NOT_VERIFIED
            raise

    async def _look_along(self) -> Seen:
        """Looks at the shard that is followed, and at those after it that it goes over to."""
        seen = await self._look_at_last()
        while (source := await self._next(seen)) is not None:
            self._goes_on(seen, source)
            self._telling.show(seen)
            seen = await self._look_at_last()
        seen.settle()
        return seen

    async def turn(self) -> None:
        """Looks once, among many times, and goes on where the log can't be read."""
        try:
            seen = await self._watched(self._look())
        except (SourceUnreached, NamakError) as problem:
            if isinstance(problem, FileProblem):
                raise
            self._not_read(problem)
            if self._age_left() < 0:
                await self._tell_stale()
            return
        except StateMoved:
            return
        try:
            source = await self._next(seen)
        except (LogUnreached, SourceUnreached) as problem:
            seen.settle()
            if self._age_left() < 0:
                seen.held.alarms.append(self._stale())
            await self._tell(seen)
            if isinstance(problem, LogUnreached):
                raise
            self._not_read(problem)
            return
        self._unreached, self._seen_at = "", self._now()
        if source is None:
            seen.settle()
        await self._tell(seen)
        if source is not None:
            self._goes_on(seen, source)

    def _not_read(self, problem: Exception) -> None:
        if not self._unreached:
            self._run.screen.warning(_("the log can't be read: {problem}").format(problem=problem))
        self._unreached = str(problem)

    async def _tell(self, seen: Seen) -> None:
        self._telling.broken(seen.held.broken)
        await self._telling.alarms(seen.alarms)
        if seen.look.new:
            self._telling.line({"event": "look", **shape_of(seen)})
            self._telling.show(seen)
        elif (found := seen.look.succession) is not None and found.tree.origin not in self._telling.complete:
            self._telling.line({"event": "complete", **shape_of(seen)})
            self._telling.show(seen)

    async def _next(self, seen: Seen) -> Source | None:
        """Returns where the shard after one that is complete is read, if that is asked for, nothing is wrong
        and it is shown. Raises LogUnreached where its place can't be told, SourceUnreached where it
        can't be read and was before.
        """
        found = seen.look.succession
        if found is None or seen.alarms or not self._asked.follow_successors:
            return None
        source = self._source.at_successor(found.tree.origin, found.verifier.name)
        if source is None:
            raise LogUnreached(
                _(
                    "where {successor} is read can't be told from {source}, whose last part is not {name}: "
                    "call both places as the last parts of their origins, side by side; or follow the next "
                    "one with a monitor of its own, its place as LOG, and this line in the policy: {line}"
                ).format(
                    successor=found.verifier.name,
                    source=self._source.name,
                    name=found.tree.origin.rpartition("/")[2],
                    line=found.policy_line,
                )
            )
        problem = "there is no checkpoint"
        unreached = None
        try:
            if await source.checkpoint() is not None:
                return source
        except SourceUnreached as failed:
            problem, unreached = str(failed), failed
        alarm = self._withheld(seen, found, source, problem)
        if unreached is not None and alarm is not None and alarm.kind is AlarmKind.NOT_SHOWN:
            raise SourceUnreached(
                _("{successor} had {size} entries, and is not shown any more: {problem}").format(
                    successor=found.verifier.name, size=alarm.values["size"], problem=problem
                )
            ) from unreached
        if alarm is not None:
            seen.held.alarms.append(alarm)
        return None

    def _withheld(self, seen: Seen, found: Succession, source: Source, problem: str) -> Alarm | None:
        """Returns the alarm of a next shard that is not shown; None where it may yet come with its first
        entry. What is held of that one is told to be of it.
        """
        origin, begun = found.verifier.name, int(found.announced_at.timestamp())
        for each in seen.unnamed:
            if each.origin == origin:
                each.problem = _(
                    "it is of the log {origin}, which comes next and is not shown: {problem}"
                ).format(origin=origin, problem=problem)
        try:
            known = self._state.size(origin)
        except StateUnusable as damaged:
            raise FileProblem(str(damaged)) from damaged
        if known:
            return Alarm(
                AlarmKind.NOT_SHOWN, origin, {"source": source.name, "size": known, "problem": problem}
            )
        if self._terms.max_age is None or self._now() - begun <= self._terms.max_age:
            return None
        return Alarm(AlarmKind.STALE, origin, {"origin": origin, "time": begun, "problem": problem})

    def _goes_on(self, seen: Seen, source: Source) -> None:
        """Goes over to the next shard, by the key that the one before it names."""
        if (found := seen.look.succession) is None:
            raise AssertionError("only what is complete has a next one")
        self._passed[found.tree.origin] = self._source
        self._source, self._terms = source, replace(self._terms, policy=extended(self._terms.policy, found))
        self._follower = Follower(source, self._state, self._terms, now=self._now)
        self._behind.goes_on(self._terms)
        if self._others is not None:
            self._others.goes_on(self._terms)

    def _age_left(self) -> float:
        """Returns for how many seconds more what was seen last is not too old."""
        most = self._terms.max_age
        return math.inf if most is None else self._seen_at + most - self._now()

    def _stale(self) -> Alarm:
        values: Values = {"origin": self._source.name, "time": int(self._seen_at)}
        return Alarm(AlarmKind.STALE, self._source.name, values)

    async def _tell_stale(self) -> None:
        await self._telling.alarms([*self._telling.active, self._stale()])

    async def _watched(self, look: Coroutine[Any, Any, Seen]) -> Seen:
        """Waits for a look, and tells where it takes so long that what was seen last is too old by then: a
        log that always shows more, slowly, must not keep us quiet.
        """
        task = asyncio.ensure_future(look)
        try:
            left = max(self._age_left(), self._look_seconds)
            await asyncio.wait([task], timeout=None if left == math.inf else left)
            if not task.done():
                await self._tell_stale()
            return await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _look_at_last(self) -> Seen:
        """Looks, again where another process with the same state was faster."""
        while True:
            with contextlib.suppress(StateMoved):
                return await self._look()

    async def _look(self) -> Seen:
        try:
            seen = Seen(await self._follower.look())
            if (known := seen.look.known) is None:
                return seen
            if self._others is not None and isinstance(self._source, PostSource):
                former = await self._others.look(known.checkpoint.origin)
                seen.look = replace(seen.look, alarms=[*seen.look.alarms, *former])
            check = ReceiptCheck(self._source, self._terms.policy, self._state, known)
            if self._asked.receipts:
                await self._held(check, self._asked.receipts, seen)
            if self._asked.mailbox and self._post is not None:
                await self._mailbox(check, self._post, seen)
        except StateUnusable as problem:
            raise FileProblem(str(problem)) from problem
        return seen

    async def _held(self, check: ReceiptCheck, directories: Sequence[Path], seen: Seen) -> None:
        paths: dict[Path, float] = {}
        for directory in directories:
            if not await asyncio.to_thread(directory.is_dir):
                raise FileProblem(_("{file} is no directory").format(file=directory))
            paths.update(await asyncio.to_thread(receipts_in, directory))
        held = await check.check({str(path): read_file(path) for path in paths})
        if self._others is not None and isinstance(self._source, PostSource):
            await self._others.check(held, must=False)
        else:
            await self._behind.check(held, must=True)
        for name, origin in held.unnamed.items():
            problem = self._unnamed(origin, since=paths[Path(name)])
            if problem is not None:
                seen.unnamed.append(Unnamed(origin, problem, partial(of_receipt, name)))
        for name in held.newer:
            if self._now() - paths[Path(name)] > NEWER_SECONDS:
                problem = _("the log that everybody is shown ends before it")
                held.alarms.append(of_receipt(name, problem))
        seen.held = held

    async def _mailbox(self, check: ReceiptCheck, post: Client, seen: Seen) -> None:
        address = (await post.mailbox.get()).address
        look = await mailbox_look(post, self._state.head(address))
        held = await check.check(look.receipts)
        if self._others is not None:
            await self._others.check(held, must=True)
        # What comes from the post and is no receipt is the post's fault.
        problems = [*look.problems, *(f"{each}: {why}" for each, why in held.broken.items())]
        problems += [*(words(each) for each in held.alarms if each.kind is AlarmKind.RECEIPT)]
        # A letter that is kept from the log must not be waited for without end.
        ends = _("the log that everybody is shown ends before it")
        late = [*look.late, *held.newer]
        overdue = [each for each in late if self._now() - look.since[each] > NEWER_SECONDS]
        problems += [f"{each}: {ends}" for each in overdue]
        seen.held.alarms += [each for each in held.alarms if each.kind is not AlarmKind.RECEIPT]
        seen.unnamed += [
            Unnamed(origin, problem, partial(of_letter, address, name))
            for name, origin in held.unnamed.items()
            if (problem := self._unnamed(origin, since=look.since[name])) is not None
        ]
        seen.held.alarms += [of_mailbox(address, problem) for problem in problems]
        pending = [*late, *held.unnamed]
        if not held.alarms and not problems and not pending:
            self._state.complete(address, look.head)
        seen.mailbox = {"address": address, "head_sequence": look.head.sequence, "pending": len(pending)}

    def _unnamed(self, origin: str, *, since: float) -> str | None:
        """Returns what is wrong with a receipt of a log that the policy does not name; None where it may yet
        be that of a shard to come.
        """
        if not self._asked.follow_successors:
            return _(
                "it is of the log {origin}, which your policy does not name: add that one's line (namak log "
                "successor prints it), or go along with --follow-successors"
            ).format(origin=origin)
        if self._now() - since <= NEWER_SECONDS:
            return None
        return _(
            "it is of the log {origin}, which your policy does not name, and no shard that is shown leads "
            "there"
        ).format(origin=origin)
