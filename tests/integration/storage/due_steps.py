"""Goes on with what is due of ladders as a server does, in processes of its own, and kills them dead.

A program imports once what it needs, and forks for each attempt: two processes at a time, each with a
connection of its own, of which one kills itself by SIGKILL after a random time, or at its commit, just before
it or just after. In the end one is left alive to do the rest, and it is printed how many were killed.
"""

import asyncio
import json
import os
import random
import signal
import sys
import threading
from datetime import datetime
from typing import Final
from uuid import UUID

from namak.evidence.notification_steps import Action
from server.bootstrap_machine import SystemEntropy
from server.domain.jobs import NUDGE, PREPARE_LETTER, PUBLISH_NOTICE
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlTransaction, SqlUnitOfWork
from server.usecases.ladder import DueSteps
from server.usecases.ladder_jobs import JobActions
from tests.unit.usecases.world import FixedClock, MemoryLog

KINDS: Final = {Action.LETTER: PREPARE_LETTER, Action.NOTICE: PUBLISH_NOTICE, Action.NUDGE: NUDGE}
AT_ONCE: Final = 5
WAYS: Final = ("before", "after", "random")
"""When a process dies: just before a commit of its, just after one, after a random time."""
_LONGEST: Final = 0.03
"""Seconds: a batch or two are done in them."""


def main(url: str, moment: datetime, seed: int) -> None:
    """Forks until all is done."""
    chance, killed = random.Random(seed), dict.fromkeys(WAYS, 0)
    for way in (*WAYS, "never"):
        pair = [_forked(url, moment, None, 0.0), _forked(url, moment, way, chance.random())]
        signals = [os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0 for status in map(_ended, pair)]
        if signals[0]:
            raise SystemExit(f"a process that nobody killed ended by signal {signals[0]}")
        if signals[1] != signal.SIGKILL:
            break
        killed[way] += 1
    sys.stdout.write(json.dumps(killed))


def _forked(url: str, moment: datetime, way: str | None, drawn: float) -> int:
    process = os.fork()
    if process == 0:
        try:
            asyncio.run(_work_off(url, moment, way, drawn))
        except BaseException:  # noqa: BLE001 - whatever it is, this process ends here
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return process


def _ended(process: int) -> int:
    _, status = os.waitpid(process, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a process failed")
    return status


async def _work_off(url: str, moment: datetime, way: str | None, drawn: float) -> None:
    clock = FixedClock()
    clock.time = moment
    database = Database(url, pool_size=1)
    due = DueSteps(
        uow=SqlUnitOfWork(database),
        clock=clock,
        entropy=SystemEntropy(),
        log=MemoryLog(),
        profile=AM,
        actions=JobActions(KINDS),
        # Those that nobody kills do one batch only, so that something is left to those that are killed.
        most_at_once=AT_ONCE if way else 1,
    )
    async with SqlUnitOfWork(database).reading() as tx:
        await tx.ladders.looked_at(UUID(int=0), UUID(int=0))  # connected: what dies from now on dies at work
    if way is None:
        await due._batch()
    else:
        _die(way, drawn)
        await due.work_off()
    await database.dispose()


def _die(way: str, drawn: float) -> None:
    """Has this process kill itself some time from now."""
    if way == "never":
        return
    if way == "random":
        timer = threading.Timer(_LONGEST * drawn, os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
        return
    commit, left = SqlTransaction.commit, int(drawn * 2)

    async def deadly(transaction: SqlTransaction) -> None:
        nonlocal left
        if left == 0 and way == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await commit(transaction)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    SqlTransaction.commit = deadly  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    main(sys.argv[1], datetime.fromisoformat(sys.argv[2]), int(sys.argv[3]))
