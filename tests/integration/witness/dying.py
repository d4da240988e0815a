"""A witness that answers one request and is killed after a step: `DIRECTORY BODY STEP ANSWER`."""

import os
import signal
import sys
from pathlib import Path

from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, state_in
from namak.witness.witness import Step, Witness


def main() -> None:
    directory, body, last, answer = map(Path, sys.argv[1:])

    def die(step: Step) -> None:
        if step == str(last):
            os.kill(os.getpid(), signal.SIGKILL)

    state = state_in(directory)
    witness = Witness(state, key_of(directory, state), WitnessClock(), die)
    answer.write_bytes(witness.add_checkpoint(body.read_bytes()).body)


if __name__ == "__main__":
    main()
