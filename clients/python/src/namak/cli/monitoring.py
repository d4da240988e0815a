"""``namak monitor``: looks at a log again and again, and tells what is wrong as long as it is."""

import asyncio
import contextlib
import json
import math
import shlex
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

import typer

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.monitor_words import words
from namak.cli.texts import _
from namak.cli.verifying import read_file, trusted_logs
from namak.client import Client
from namak.client.log_source import PostSource, mailbox_look
from namak.errors import FileProblem, LogUnreached, NamakError
from namak.monitor.alarms import Alarm, AlarmKind, Values
from namak.monitor.ending import extended
from namak.monitor.following import Follower, Look, Terms
from namak.monitor.holding import Held, ReceiptCheck, receipts_in
from namak.monitor.other_shards import OtherShards
from namak.monitor.sources import Source, SourceUnreached, source_at
from namak.monitor.state import State, StateMoved, StateUnusable

NEWER_SECONDS: Final = 600.0
"""For so long a receipt, or a letter, may be newer than what the log shows to everybody."""
LOOK_SECONDS: Final = 60.0
"""For so long a look may last before what was seen last is asked for its age."""
EXEC_SECONDS: Final = 60.0
"""How long the command of ``--exec`` may take."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked; without an interval it looks once. Times are in seconds."""

    place: str
    state: Path
    log_policy: Path | None = None
    interval: float | None = None
    max_age: float | None = None
    from_start: bool = False
    receipts: Path | None = None
    mailbox: bool = False
    execute: str = ""
    follow_successors: bool = False


@dataclass(slots=True)
class Seen:
    """What one look saw, with all that was checked besides."""

    look: Look
    held: Held = field(default_factory=Held)
    mailbox: Mapping[str, object] | None = None

    @property
    def alarms(self) -> Sequence[Alarm]:
        """All alarms, each once."""
        return list(dict.fromkeys([*self.look.alarms, *self.held.alarms]))


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
        self._complete: set[str] = set()
        # The post shows all shards; any other place is one shard's.
        self._others = None if post is None else OtherShards(self._at_post, state, terms, now=now)
        self._active: set[Alarm] = set()
        self._seen_at = now()
        self._unreached = ""

    def _at_post(self, origin: str) -> Source:
        address = self._run.connection().address
        return PostSource(cast(Client, self._post), address, origin, known=self._state.size)

    async def run(self) -> ExitCode:
        """Looks once, or until it is interrupted. Raises LogUnreached, FileProblem."""
        if self._asked.interval is None:
            try:
                seen = await self._look_at_last()
            except SourceUnreached as problem:
                raise LogUnreached(_("the log can't be read: {problem}").format(problem=problem)) from problem
            while not seen.alarms and await self._goes_on(seen):
                self._show(seen)
                seen = await self._look_at_last()
            await self._tell(seen.alarms)
            self._run.screen.result({**_shape(seen), "alarms": [_alarm_shape(each) for each in seen.alarms]})
            self._show(seen)
            return ExitCode.NOT_VERIFIED if seen.alarms else ExitCode.OK
        self._run.screen.note(_("Watching; Ctrl-C ends it."))
        try:
            while True:
                await self.turn()
                await asyncio.sleep(self._asked.interval)
        except asyncio.CancelledError:
            if self._active:
                return ExitCode.NOT_VERIFIED
            raise

    async def turn(self) -> None:
        """Looks once, among many times, and goes on where the log can't be read."""
        try:
            seen = await self._watched(self._look())
        except (SourceUnreached, NamakError) as problem:
            if isinstance(problem, FileProblem):
                raise
            if not self._unreached:
                self._run.screen.warning(_("the log can't be read: {problem}").format(problem=problem))
            self._unreached = str(problem)
            if self._age_left() < 0:
                await self._tell_stale()
            return
        except StateMoved:
            return
        self._unreached, self._seen_at = "", self._now()
        await self._tell(seen.alarms)
        if seen.look.new:
            self._line({"event": "look", **_shape(seen)})
            self._show(seen)
        elif (found := seen.look.succession) is not None and found.tree.origin not in self._complete:
            self._line({"event": "complete", **_shape(seen)})
            self._show(seen)
        if not seen.alarms:
            await self._goes_on(seen)

    async def _goes_on(self, seen: Seen) -> bool:
        """Goes over to the shard after one that is complete, if that is asked for and it is shown."""
        found = seen.look.succession
        if found is None or not self._asked.follow_successors:
            return False
        source = self._source.at_successor(found.tree.origin, found.verifier.name)
        if source is None:
            raise LogUnreached(
                _("where {successor} is read can't be told from {source}: name its place").format(
                    successor=found.verifier.name, source=self._source.name
                )
            )
        try:
            if await source.checkpoint() is None:
                return False
        except SourceUnreached:
            # It comes with its first entry.
            return False
        self._source, self._terms = source, replace(self._terms, policy=extended(self._terms.policy, found))
        self._follower = Follower(source, self._state, self._terms, now=self._now)
        if self._others is not None:
            self._others.goes_on(self._terms)
        return True

    def _age_left(self) -> float:
        """Returns for how many seconds more what was seen last is not too old."""
        most = self._terms.max_age
        return math.inf if most is None else self._seen_at + most - self._now()

    async def _tell_stale(self) -> None:
        values: Values = {"origin": self._source.name, "time": int(self._seen_at)}
        await self._tell([*self._active, Alarm(AlarmKind.STALE, self._source.name, values)])

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
            if self._asked.receipts is not None:
                await self._held(check, self._asked.receipts, seen)
            if self._asked.mailbox and self._post is not None:
                await self._mailbox(check, self._post, seen)
        except StateUnusable as problem:
            raise FileProblem(str(problem)) from problem
        return seen

    async def _held(self, check: ReceiptCheck, directory: Path, seen: Seen) -> None:
        if not await asyncio.to_thread(directory.is_dir):
            raise FileProblem(_("{file} is no directory").format(file=directory))
        paths = await asyncio.to_thread(receipts_in, directory)
        held = await check.check({str(path): read_file(path) for path in paths})
        if self._others is not None and isinstance(self._source, PostSource):
            await self._others.check(held, must=False)
        for name in held.newer:
            if self._now() - paths[Path(name)] > NEWER_SECONDS:
                problem = _("the log that everybody is shown ends before it")
                held.alarms.append(Alarm(AlarmKind.RECEIPT, name, {"file": name, "problem": problem}))
        seen.held = held

    async def _mailbox(self, check: ReceiptCheck, post: Client, seen: Seen) -> None:
        address = (await post.mailbox.get()).address
        look = await mailbox_look(post, self._state.head(address))
        held = await check.check(look.receipts)
        if self._others is not None:
            await self._others.check(held, must=True)
        problems = [*look.problems, *(words(each) for each in held.alarms if each.kind is AlarmKind.RECEIPT)]
        pending = [*look.late, *held.newer]
        # A letter that is kept from the log must not be waited for without end.
        ends = _("the log that everybody is shown ends before it")
        overdue = [each for each in pending if self._now() - look.since[each] > NEWER_SECONDS]
        problems += [f"{each}: {ends}" for each in overdue]
        seen.held.alarms += [each for each in held.alarms if each.kind is not AlarmKind.RECEIPT]
        seen.held.alarms += [
            Alarm(AlarmKind.MAILBOX, f"{address}: {problem}", {"mailbox": address, "problem": problem})
            for problem in problems
        ]
        if not held.alarms and not problems and not pending:
            self._state.complete(address, look.head)
        seen.mailbox = {"address": address, "head_sequence": look.head.sequence, "pending": len(pending)}

    async def _tell(self, alarms: Sequence[Alarm]) -> None:
        """Tells each alarm when it begins, and when it is over."""
        for alarm in alarms:
            if alarm not in self._active:
                self._run.screen.warning(_("ALARM: {words}").format(words=words(alarm)))
                self._line({"event": "alarm", **_alarm_shape(alarm)})
                await self._execute(alarm)
        # What is proven by the log's own signatures is never over, whatever it shows next.
        proven = {alarm for alarm in self._active if alarm.kind is AlarmKind.FORK}
        for alarm in sorted(self._active - proven - set(alarms), key=lambda each: (each.kind, each.about)):
            self._run.screen.warning(_("over: {words}").format(words=words(alarm)))
            self._line({"event": "over", **_alarm_shape(alarm)})
        self._active = proven | set(alarms)

    async def _execute(self, alarm: Alarm) -> None:
        if not self._asked.execute:
            return
        content = json.dumps(_alarm_shape(alarm), ensure_ascii=False).encode()
        problem = ""
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(self._asked.execute), stdin=asyncio.subprocess.PIPE
            )
            try:
                async with asyncio.timeout(EXEC_SECONDS):
                    await process.communicate(content)
                if process.returncode:
                    problem = _("it ended with {code}").format(code=process.returncode)
            except TimeoutError:
                process.kill()
                await process.wait()
                problem = _("it took too long")
        except (OSError, ValueError) as failed:
            problem = str(failed)
        if problem:
            self._run.screen.warning(
                _("{command} did not take the alarm: {problem}").format(
                    command=self._asked.execute, problem=problem
                )
            )

    def _line(self, document: Mapping[str, object]) -> None:
        # One line each, for what goes on; a single look is one document.
        if self._run.options.as_json and self._asked.interval is not None:
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def _show(self, seen: Seen) -> None:
        known = seen.look.known
        if known is None:
            return
        if (found := seen.look.succession) is not None:
            self._complete.add(found.tree.origin)
            self._run.screen.line(
                _(
                    "{origin} is complete: nothing comes after its {size} entries. Its successor is "
                    "{successor}; to trust that, add this line to your policy:"
                ).format(origin=found.tree.origin, size=found.tree.size, successor=found.verifier.name)
            )
            self._run.screen.line(found.policy_line)
        names = ", ".join(seen.look.witnesses) or "-"
        self._run.screen.line(
            _("{origin}: {size} entries, {new} of them new; witnesses: {names}").format(
                origin=known.checkpoint.origin, size=known.checkpoint.size, new=seen.look.new, names=names
            )
        )
        if self._asked.receipts is not None:
            self._run.screen.line(
                _("receipts: {found} stand in the log, {newer} are newer, {elsewhere} of another log").format(
                    found=seen.held.found, newer=len(seen.held.newer), elsewhere=seen.held.elsewhere
                )
            )
        if seen.mailbox is not None:
            self._run.screen.line(
                _("mailbox {address}: {head_sequence} letters, {pending} of them not in the log yet").format(
                    **seen.mailbox
                )
            )


def _shape(seen: Seen) -> dict[str, object]:
    known = seen.look.known
    return {
        "origin": None if known is None else known.checkpoint.origin,
        "size": None if known is None else known.checkpoint.size,
        "root_hash": None if known is None else known.checkpoint.root.hex(),
        "new": seen.look.new,
        "witnesses": list(seen.look.witnesses),
        "receipts": {
            "found": seen.held.found,
            "newer": len(seen.held.newer),
            "elsewhere": seen.held.elsewhere,
        },
        "mailbox": seen.mailbox,
        "successor": None
        if (found := seen.look.succession) is None
        else {"origin": found.verifier.name, "log_vkey": found.vkey},
    }


def _alarm_shape(alarm: Alarm) -> dict[str, object]:
    return {
        "kind": alarm.kind.value,
        "about": alarm.about,
        "words": words(alarm),
        "proof": None if alarm.proof is None else str(alarm.proof),
        **{name: value for name, value in alarm.values.items() if name != "proof"},
    }
