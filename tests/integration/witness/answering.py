"""A witness that answers requests in turn: `DIRECTORY BODY…`.

It says each answer at once, in a line: the request's name, the status, the body in hexadecimal.
"""

import sys
from pathlib import Path

from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, state_in
from namak.witness.witness import Witness


def main() -> None:
    directory, *bodies = map(Path, sys.argv[1:])
    state = state_in(directory)
    witness = Witness(state, key_of(directory, state), WitnessClock())
    for body in bodies:
        answer = witness.add_checkpoint(body.read_bytes())
        sys.stdout.write(f"{body.name} {answer.status} {answer.body.hex()}\n")
        # What was said has left.
        sys.stdout.flush()
    state.close()


if __name__ == "__main__":
    main()
