"""Which processes hold the connections to a port: the system deals them out by chance."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

_ESTABLISHED = "01"


def connections_of(port: int) -> Sequence[int]:
    """Returns how many connections to a port of this machine each process that serves there has, the greatest
    number first. Processes without any are not counted. Linux only.
    """
    sockets = {
        f"socket:[{fields[9]}]"
        for table in ("tcp", "tcp6")
        for fields in _rows(Path("/proc/net") / table)
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == _ESTABLISHED
    }
    found = [
        len(sockets & _open_files(process)) for process in Path("/proc").iterdir() if process.name.isdigit()
    ]
    return sorted((count for count in found if count), reverse=True)


def _rows(table: Path) -> Sequence[Sequence[str]]:
    try:
        return [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]
    except FileNotFoundError:  # without IPv6
        return []


def _open_files(process: Path) -> set[str]:
    files: set[str] = set()
    # Others' are nobody's business, and whoever ended has none.
    with contextlib.suppress(OSError):
        for each in os.scandir(process / "fd"):
            with contextlib.suppress(OSError):
                files.add(os.readlink(each.path))  # noqa: PTH115 - a link to no path
    return files
