"""The file of `--ready-file`, by which a process says that it is ready, and where it listens."""

import json
import os
from collections.abc import Sequence
from pathlib import Path


def write_ready(path: Path | None, **places: str | int | Sequence[int] | None) -> None:
    """Writes the places that there are and the process's number as JSON; without a path nothing. Raises
    OSError.
    """
    if path is None:
        return
    # Whole or not at all: whoever waits for it reads it the moment it is there.
    there = {name: place for name, place in places.items() if place is not None}
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps({**there, "pid": os.getpid()}), encoding="utf-8")
    unfinished.rename(path)
