"""The timestamps that lie beside receipts (:mod:`namak.evidence.timestamp_file`), found and read."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from namak.evidence.timestamp_file import CHECKPOINT_SUFFIX, MAX_BYTES, SUFFIX, owner_of
from namak.evidence.tlog_proof import SUFFIX as RECEIPT_SUFFIX
from namak.evidence.verify_time import MOST_TIMESTAMPS


def is_beside(path: Path) -> bool:
    """Says whether a file is, by its name, one that lies beside a receipt, and none itself."""
    return path.name.endswith((SUFFIX, CHECKPOINT_SUFFIX))


def timestamps_beside(receipts: Sequence[str]) -> Mapping[str, Mapping[str, bytes]]:
    """Returns the files with timestamps that lie beside receipts, by the receipts' paths and their own names.

    Of each receipt no more are read than a verification looks at, and one. What can't be read is empty, and
    nothing is found in a directory that can't be listed.
    """
    # Mostly there are none, and many receipts.
    # One path for each directory, since paths are slow to make.
    one_in_each = {name.rpartition(os.sep)[0]: name for name in receipts}.values()
    names = {directory: _names(directory) for directory in {Path(name).parent for name in one_in_each}}
    if not any(names.values()):
        return {}
    of_directory: dict[Path, dict[str, Path]] = {}
    for path in map(Path, receipts):
        if path.name.endswith(RECEIPT_SUFFIX):
            of_directory.setdefault(path.parent, {})[path.name.removesuffix(RECEIPT_SUFFIX)] = path
    found: dict[str, dict[str, bytes]] = {}
    for directory, stems in of_directory.items():
        for name in names[directory]:
            owner = owner_of(name, stems)
            if owner is not None:
                own = found.setdefault(str(stems[owner]), {})
                own[name] = _read(directory / name, MAX_BYTES) if len(own) <= MOST_TIMESTAMPS else b""
    return found


def _names(directory: Path) -> Sequence[str]:
    try:
        return sorted(each.name for each in directory.iterdir() if each.name.endswith(SUFFIX))
    except OSError:
        return ()


def _read(path: Path, most: int) -> bytes:
    """Returns a file's content, up to one byte more than ``most``; nothing of what is no regular file."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError:
        return b""
