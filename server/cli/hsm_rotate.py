"""`namak-server hsm rotate`."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import typer

from namak.evidence import EvidenceError
from server.bootstrap_machine import SystemClock
from server.ceremony.files import NewFile
from server.ceremony.findings import Finding, Kind, wrong
from server.ceremony.machine import Circumstances
from server.ceremony.making import Tried
from server.ceremony.purposes import ConfiguredKey, Purpose
from server.ceremony.rotation_protocol import of_rotation
from server.ceremony.shard_key import verifier_key
from server.ceremony.trial import Trial
from server.ceremony.turn import Step, Turn
from server.cli.endings import FOUND, fail, run, told
from server.cli.hsm_check import Judged, judged_key, known_of, tell
from server.cli.hsm_init import around_of, keys_of, reserved, tell_protocol
from server.cli.hsm_settings import KeySettingsRead
from server.cli.hsm_turns import Turning, turning

_LOOK_SECONDS: Final = 0.2
_QUIET_SECONDS: Final = 5.0
"""How long to wait for a first fact of the new shard where none comes."""
_STUCK: Final = timedelta(seconds=10)
"""A fact that has waited so long says that whoever leads the log can't go on."""
_FOLLOWED_SECONDS: Final = 5.0
"""How long to wait for witnesses to follow the new shard; they are asked about once a second."""

_LEADS: Final = " (only a server that was restarted with [log.next] leads the log now: is one running?)"
_HINTS: Final = {
    Step.FROZEN: _LEADS,
    Step.BEGUN: _LEADS,
    Step.WITNESSED: " (`namak log status` tells of the witnesses)",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What to do, as it was typed."""

    dry_run: bool = False
    yes: bool = False
    wait: float = 120.0
    protocol: Path | None = None
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class _Answers:
    """What the checks say."""

    judged: list[Judged]
    begun: bool = False
    """Whether the shard is announced already."""


def rotate(settings: Path, asked: Asked) -> None:
    """Checks, asks, announces, waits, and writes the protocol."""
    with told():
        loaded = keys_of(settings)
        old, new = _keys(loaded)
        around = around_of(loaded, asked.names)
        answers = _Answers([])
        run(_check(loaded, old, new, answers))
        sound = all(each.sound for each in answers.judged)
        # What is asked for goes to standard output: that is the protocol, in the end.
        tell(answers.judged, err=sound and not asked.dry_run)
        if not sound:
            typer.echo("Nothing was changed.")
            raise typer.Exit(FOUND)
        unchecked = [text for each in answers.judged for text in each.unchecked]
        if unchecked:
            fail("; ".join(unchecked))
        if asked.dry_run:
            typer.echo(f"{_plan(old, new, answers)}\nNothing was changed.")
            return
        if not answers.begun and not asked.yes:
            typer.echo(_plan(old, new, answers), err=True)
            _confirm()
        with ExitStack() as stack:
            written = stack.enter_context(reserved(asked.protocol))
            run(_rotate(loaded, new, answers.judged[-1], asked, around, written))


def _confirm() -> None:
    """Asks whether to go on."""
    try:
        sure = typer.confirm("Have all servers been restarted with these settings?", err=True)
    except typer.Abort:
        typer.echo(err=True)
        fail("nobody answered, and nothing was changed; where nobody can be asked, say --yes")
    if not sure:
        fail("nothing was changed")


def _keys(loaded: KeySettingsRead) -> tuple[ConfiguredKey, ConfiguredKey]:
    old, new = loaded.key(Purpose.LOG), loaded.key(Purpose.NEXT_LOG)
    if old is None or new is None:
        raise ValueError(
            "the settings have no [log.next]: it names the next shard, its guard and its key, which"
            " `hsm init --shard next` makes"
        )
    return old, new


async def _check(loaded: KeySettingsRead, old: ConfiguredKey, new: ConfiguredKey, answers: _Answers) -> None:
    """Asks everything that can be asked before anything changes."""
    known = await known_of(loaded)
    if known.unchecked:
        raise ValueError("; ".join(known.unchecked))
    async with turning(loaded.settings) as turn:
        shards = [each.origin for each in await turn.shards()]
        answers.begun = new.origin in shards[1:]
        if not answers.begun:
            answers.judged.append(await judged_key(old, known))
        judged = await judged_key(new, known)
        findings = list(judged.findings)
        if not answers.begun:
            findings += _order(old, shards)
            if new.guard is not None and new.guard.exists():
                text = f"there is a guard {new.guard} already, though {new.origin} was not announced"
                findings.append(wrong(Kind.GUARD_MISPLACED, text))
            if (stands := await _standing_still(turn)) is not None:
                findings.append(wrong(Kind.LOG_STANDS_STILL, stands))
        answers.judged.append(Judged(judged.checked, tuple(findings), judged.certificate, judged.unchecked))


async def _standing_still(turn: Turning) -> str | None:
    """Returns why nobody would carry the rotation out, if so."""
    if not await turn.is_led():
        return "no server leads the log: start one with these settings"
    since = await turn.waits_since()
    if since is not None and SystemClock().now() - since > _STUCK:
        at = f"{since:%Y-%m-%d %H:%M:%S} UTC"
        return f"facts wait for the log since {at}: the server that leads it can't go on"
    return None


def _order(old: ConfiguredKey, shards: Sequence[str]) -> list[Finding]:
    if shards and shards[-1] != old.origin:
        text = (
            f"the log's shard is {shards[-1]} by now, and not {old.origin}, which the settings have as [log]"
        )
        return [wrong(Kind.SHARD_NOT_CURRENT, text)]
    if not shards:
        text = "the database knows no shard yet: start a server of this release first"
        return [wrong(Kind.SHARD_NOT_CURRENT, text)]
    return []


def _plan(old: ConfiguredKey, new: ConfiguredKey, answers: _Answers) -> str:
    if answers.begun:
        return f"{new.origin} is announced already: the protocol would be printed."
    return (
        f"The log goes over from {old.origin} to {new.origin}, for ever: {old.origin} takes no leaf more."
        f"\nThe new shard's verifier key: {verifier_key(new, answers.judged[-1].checked.public_key)}"
    )


async def _rotate(
    loaded: KeySettingsRead,
    new: ConfiguredKey,
    judged: Judged,
    asked: Asked,
    around: Circumstances,
    written: NewFile | None,
) -> None:
    vkey = verifier_key(new, judged.checked.public_key)
    async with turning(loaded.settings) as turn:
        await turn.announce(loaded.settings.log.origin, new.origin, vkey)
        done = await _awaited(turn, new.origin, asked.wait)
        if done.first is not None:
            done = await _followed(turn, done, asked.wait)
    try:
        text = of_rotation(done, _tried(judged), around, SystemClock().now())
    except EvidenceError as problem:
        raise ValueError(f"a stored checkpoint is not signed by its shard's key: {problem}") from problem
    if written is None:
        typer.echo(text, nl=False)
    else:
        written.write(text.encode())
    if done.first is None:
        # Announced by the release before, without an opening: a quiet log looks the same then as one that
        # nobody can lead on. Say so, and not that it goes on.
        fail(
            f"NOT COMPLETE: {new.origin} has no first checkpoint, so nothing shows that a server can lead it."
            " Restart the servers with [log.next]; once a fact was recorded, run the same command again"
            " (with another --protocol), which goes on from here"
        )
    if written is not None:
        typer.echo(f"The log goes on as {new.origin}.\n{vkey}")
        tell_protocol(written, text)
    if done.lacks_followers:
        hours = loaded.settings.witnesses.debt_limit / timedelta(hours=1)
        typer.echo(
            f"WARNING: no quorum of witnesses follows {new.origin} yet. Give them its verifier key"
            " (docs/witnessing.md). What is not witnessed is debt: when it is older than"
            f" {hours:g} h, no submission is accepted until they do; `namak log status` tells",
            err=True,
        )


async def _followed(turning: Turning, turn: Turn, seconds: float) -> Turn:
    """Waits a moment for the witnesses to follow the new shard."""
    until = time.monotonic() + min(_FOLLOWED_SECONDS, seconds)
    while turn.lacks_followers and time.monotonic() < until:
        await asyncio.sleep(_LOOK_SECONDS)
        turn = await turning.look(turn.successor)
    return turn


async def _awaited(turning: Turning, successor: str, seconds: float) -> Turn:
    """Waits until all is done, telling each step. Raises TimeoutError: it is not, in words."""
    began = time.monotonic()
    quiet_since = None
    steps, said = list(Step), 0
    while True:
        turn = await turning.look(successor)
        step = turn.next_step
        done = len(steps) if step is None else steps.index(step)
        for passed in steps[said:done]:
            if (at := turn.at(passed)) is not None:
                _say(passed, at)
        said = max(said, done)
        if step is None:
            return turn
        now = time.monotonic()
        quiet_since = (quiet_since or now) if turn.is_quiet else None
        if quiet_since is not None and now - quiet_since >= min(_QUIET_SECONDS, seconds):
            typer.echo("nothing was recorded since: the new shard has no checkpoint yet", err=True)
            return turn
        if now - began >= seconds:
            raise TimeoutError(
                f"{seconds:g} s are over, and it is not so yet that {step}{_HINTS.get(step, '')}. What is"
                " done stays done: run the same command again, which goes on from here"
            )
        await asyncio.sleep(_LOOK_SECONDS)


def _say(step: Step, at: datetime) -> None:
    """Tells of a step when it was done, which may be long ago."""
    typer.echo(f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC  {step}", err=True)


def _tried(judged: Judged) -> Tried | None:
    """Returns what the protocol tells of the new key; nothing of one in a file, which is for development."""
    checked = judged.checked
    if checked.token is None or checked.pair is None or checked.took is None:
        return None
    at = SystemClock().now()
    trial = Trial(judged.findings, checked.took)
    return Tried(checked.key, checked.token, checked.pair, trial, at, at, new=False)
