"""Kills processes at random moments, and starts them again.

Moments are told by what was done since the last one and not by a clock: a slow machine does not see more
kills for the same messages than a fast one.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.soaking.programs import Program

_BOTH = 0.2
"""How often a second process is killed with the first."""
_POLL_SECONDS = 0.01
_LONGEST_REST_SECONDS = 1.0


@dataclass
class Killer:
    """Chooses moments and victims; the same seed chooses the same, though what they are doing then differs.

    Attributes:
        programs: whom.
        every: things done between two kills, on average.
        done: how many things were done.
        after: called after each kill.
    """

    programs: Sequence[Program]
    every: float
    choices: random.Random
    done: Callable[[], int]
    after: Callable[[], None]

    @property
    def kills(self) -> int:
        """How many there were."""
        return sum(each.kills for each in self.programs)

    async def until(self, stop: asyncio.Event) -> None:
        """Kills until it is told to stop; then all run. Raises `ProgramFailed`: one did not start again."""
        next_at = self.choices.expovariate(1 / self.every)
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                if self.done() >= next_at:
                    self._strike(group)
                    next_at = self.done() + self.choices.expovariate(1 / self.every)
                await asyncio.sleep(_POLL_SECONDS)

    def _strike(self, group: asyncio.TaskGroup) -> None:
        count = 2 if self.choices.random() < _BOTH else 1
        for victim in self.choices.sample(list(self.programs), count):
            rest = self.choices.uniform(0, _LONGEST_REST_SECONDS)
            if not victim.starting:
                victim.starting = True
                group.create_task(self._kill(victim, rest))

    async def _kill(self, victim: Program, rest: float) -> None:
        await victim.kill()
        self.after()
        await asyncio.sleep(rest)
        await victim.start()
