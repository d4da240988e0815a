"""A replica in a process of its own, which stops itself dead at a step, or freezes there.

Arguments: database URL, directory of guard and journal, file with the key, signal (9 or 19), step.
"""

import asyncio
import os
import sys
from pathlib import Path

from server.transparency.steps import Step
from tests.integration.transparency.conftest import World
from tests.integration.transparency.ledger import Ledger


async def main(world: World, signal: int, step: Step) -> None:
    armed = True

    async def on_step(reached: Step) -> None:
        nonlocal armed
        if reached is step and armed:
            armed = False
            os.kill(os.getpid(), signal)

    async with world.replica(on_step=on_step):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    url, directory, key, signal_number, step_name = sys.argv[1:]
    log = World(Ledger(url), Path(directory), Path(key).read_bytes())
    asyncio.run(main(log, int(signal_number), Step(step_name)))
