"""A replica with two shards' keys in a process of its own, which kills itself when it reaches a step.

Arguments: database URL, directory of guards and journal, file with the secret, step, at which of its times.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from server.transparency.steps import Step
from tests.integration.transparency.conftest import ORIGIN
from tests.integration.transparency.ledger import Ledger
from tests.integration.transparency.rotating import NEXT, RotatingWorld


async def main(world: RotatingWorld, step: Step, time: int) -> None:
    left = time

    async def on_step(reached: Step) -> None:
        nonlocal left
        left -= reached is step
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    async with world.replica(*world.shards(ORIGIN, NEXT), on_step=on_step):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    url, directory, key, step_name, which = sys.argv[1:]
    log = RotatingWorld(Ledger(url), Path(directory), Path(key).read_bytes())
    asyncio.run(main(log, Step(step_name), int(which)))
