"""Puts a log into a directory as its owner would, or as somebody would who has something to hide."""

from pathlib import Path

from namak.evidence.tiles import TileId
from tests.fakes.grown_log import GrownLog
from tests.unit.tiles import reading


def show(log: GrownLog, directory: Path, note: bytes | None = None, *, size: int | None = None) -> None:
    """Writes the tree of a size, by default the published one, with a checkpoint, by default the log's."""
    size = log.published if size is None else size
    for path, level, index, width in reading.files_of(size):
        if level < 0:
            entries = log.entries_[256 * index : 256 * index + width]
            content = b"".join(len(each).to_bytes(2, "big") + each for each in entries)
        else:
            content = log.rows[TileId(level, index)][: 32 * width]
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        _put(directory / path, content)
    _put(directory / "checkpoint", note or log.signed(size))


def _put(path: Path, content: bytes) -> None:
    """Writes a file whole: somebody may be reading it."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
