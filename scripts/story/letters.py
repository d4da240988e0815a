"""The files of a demo, looked at before anything is set up for them."""

from collections.abc import Sequence
from pathlib import Path

from server.domain import limits


def problem(files: Sequence[Path]) -> str | None:
    """Returns why these can't be sent as one letter, in words, or None."""
    for file in files:
        if file.is_dir():
            return f"{file} is a directory; name the files in it"
        if not file.is_file():
            return f"{file}: there is no such file"
    if empty := [str(file) for file in files if file.stat().st_size == 0]:
        return f"{', '.join(empty)}: a letter's file must not be empty"
    if len(files) > limits.PARTS:
        return f"these are {len(files)} files; a letter has at most {limits.PARTS}"
    size = sum(file.stat().st_size for file in files)
    if size > limits.CONTENT_BYTES:
        return (
            f"these files have {size:,} bytes together; a letter has at most {limits.CONTENT_BYTES:,} (3 MiB)"
        )
    return None
