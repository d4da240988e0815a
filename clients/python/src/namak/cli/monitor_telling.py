"""What ``namak monitor`` tells: alarms when they begin and when they are over, and how far the log is."""

import asyncio
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from namak.cli.app import Run
from namak.cli.monitor_words import words
from namak.cli.texts import _
from namak.monitor.alarms import Alarm, AlarmKind
from namak.monitor.following import Look
from namak.monitor.holding import Held

EXEC_SECONDS: Final = 60.0
"""How long the command of ``--exec`` may take."""


@dataclass(slots=True)
class Unnamed:
    """Something of a log that the policy does not name, what is wrong with that, and how it is an alarm."""

    origin: str
    problem: str
    alarm: Callable[[str], Alarm]


@dataclass(slots=True)
class Seen:
    """What one look saw, with all that was checked besides. ``unnamed`` is of logs that the policy does not
    name: it counts where it is known that the log does not go over to those.
    """

    look: Look
    held: Held = field(default_factory=Held)
    mailbox: Mapping[str, object] | None = None
    unnamed: list[Unnamed] = field(default_factory=list)

    @property
    def alarms(self) -> Sequence[Alarm]:
        """All alarms, each once."""
        return list(dict.fromkeys([*self.look.alarms, *self.held.alarms]))

    def settle(self) -> None:
        """Counts what no other shard will explain."""
        self.held.alarms += [each.alarm(each.problem) for each in self.unnamed]
        self.unnamed = []


class Telling:
    """Tells, and remembers which alarms it told and which shards were told to be complete."""

    def __init__(self, run: Run, *, execute: str, by_line: bool, with_receipts: bool) -> None:
        """``execute`` is a command for each alarm. ``by_line`` is for what goes on: a document each, for
        programs; a single look is one document.
        """
        self._run = run
        self._execute_command = execute
        self._by_line = by_line
        self._with_receipts = with_receipts
        self.active: set[Alarm] = set()
        self.complete: set[str] = set()
        self._broken: Mapping[str, str] = {}

    async def alarms(self, alarms: Sequence[Alarm]) -> None:
        """Tells each alarm when it begins, and when it is over."""
        for alarm in alarms:
            if alarm not in self.active:
                self._run.screen.warning(_("ALARM: {words}").format(words=words(alarm)))
                self.line({"event": "alarm", **alarm_shape(alarm)})
                await self._execute(alarm)
        # What is proven by the log's own signatures is never over, whatever it shows next.
        proven = {alarm for alarm in self.active if alarm.kind is AlarmKind.FORK}
        for alarm in sorted(self.active - proven - set(alarms), key=lambda each: (each.kind, each.about)):
            self._run.screen.warning(_("over: {words}").format(words=words(alarm)))
            self.line({"event": "over", **alarm_shape(alarm)})
        self.active = proven | set(alarms)

    def broken(self, files: Mapping[str, str]) -> None:
        """Tells which files are no receipts, each once as long as it is none."""
        for file, problem in files.items():
            if file not in self._broken:
                self._run.screen.warning(
                    _("{file} is no receipt: {problem}").format(file=file, problem=problem)
                )
                self.line({"event": "broken", "file": file, "problem": problem})
        self._broken = files

    def line(self, document: Mapping[str, object]) -> None:
        """Gives programs a document, where they are given one a line."""
        if self._run.options.as_json and self._by_line:
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def show(self, seen: Seen) -> None:
        """Tells people how far the log is."""
        known = seen.look.known
        if known is None:
            return
        if (found := seen.look.succession) is not None:
            self.complete.add(found.tree.origin)
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
        if self._with_receipts:
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

    async def _execute(self, alarm: Alarm) -> None:
        if not self._execute_command:
            return
        content = json.dumps(alarm_shape(alarm), ensure_ascii=False).encode()
        problem = ""
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(self._execute_command), stdin=asyncio.subprocess.PIPE
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
                    command=self._execute_command, problem=problem
                )
            )


def shape_of(seen: Seen) -> dict[str, object]:
    """Returns a look for programs."""
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
        "broken": [{"file": file, "problem": problem} for file, problem in seen.held.broken.items()],
        "mailbox": seen.mailbox,
        "successor": None
        if (found := seen.look.succession) is None
        else {"origin": found.verifier.name, "log_vkey": found.vkey},
    }


def alarm_shape(alarm: Alarm) -> dict[str, object]:
    """Returns an alarm for programs."""
    return {
        "kind": alarm.kind.value,
        "about": alarm.about,
        "words": words(alarm),
        "proof": None if alarm.proof is None else str(alarm.proof),
        **{name: value for name, value in alarm.values.items() if name != "proof"},
    }
