"""Serves like `namak-server serve`, but obeys an order to kill or freeze itself at a step of the log.

The order is a file, which the environment names: all replicas of a test share it, and the one that leads is
the one that gets to the step. Whoever obeys takes the file away first, so that exactly one does, once.
"""

import argparse
import asyncio
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from server import config, log_lines
from server.cli.serving import serve_until_stopped
from server.transparency.steps import Step

ORDER = "FAULTS_ORDER"
"""Environment variable: where the order will lie."""


@dataclass(frozen=True)
class Order:
    """Which signal to send oneself after which step, at its n-th time since the order was given."""

    step: Step
    signal: signal.Signals
    occurrence: int = 1

    def give(self, path: Path) -> None:
        """Puts the order where the replicas look for it, whole or not at all."""
        unfinished = path.with_name(path.name + ".new")
        unfinished.write_text(json.dumps([self.step.value, int(self.signal), self.occurrence]))
        unfinished.rename(path)

    @classmethod
    def read(cls, path: Path) -> "Order | None":
        """Returns the order, if there is one."""
        try:
            step, number, occurrence = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        return cls(Step(step), signal.Signals(number), occurrence)


class Obedient:
    """Counts the steps and obeys."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._reached = 0

    async def on_step(self, step: Step) -> None:
        """See `OnStep`."""
        order = Order.read(self._place)
        if order is None:
            self._reached = 0
        elif order.step is step:
            self._reached += 1
            if self._reached == order.occurrence and self._takes_order():
                os.kill(os.getpid(), order.signal)

    def _takes_order(self) -> bool:
        try:
            self._place.unlink()
        except FileNotFoundError:
            return False
        return True


def main() -> None:
    """Serves; takes the arguments that `ServerProcess` gives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    arguments = parser.parse_args()
    log_lines.write_json_lines()
    settings = config.load(arguments.config, os.environ)
    obedient = Obedient(Path(os.environ[ORDER]))
    asyncio.run(serve_until_stopped(settings, arguments.ready_file, on_step=obedient.on_step))


if __name__ == "__main__":
    main()
