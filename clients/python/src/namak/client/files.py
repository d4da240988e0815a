"""Files that come from others: names made safe, contents checked before they appear, nothing overwritten
unasked.
"""

import contextlib
import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from namak.errors import ContentMismatch, FileExistsAlready, FileProblem

_MAX_NAME_BYTES = 200
# Most file systems take 255 bytes; the rest is left for a number that tells equal names apart.

_FORBIDDEN = re.compile(r'[/\\<>:"|?*]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def safe_name(name: str, otherwise: str) -> str:
    """Returns a file name that stays in its directory, on any system, and looks like what it is.

    Letters of every script stay. Separators, control characters and those that turn the direction of writing
    round (which can make ``gpj.exe`` look like ``exe.jpg``) go; what would be hidden, a device or empty is
    renamed.
    """
    kept = "".join(
        c for c in unicodedata.normalize("NFC", name) if not unicodedata.category(c).startswith("C")
    )
    kept = _FORBIDDEN.sub("_", kept).replace("\u2028", "_").replace("\u2029", "_")
    kept = kept.lstrip(". ").rstrip(". ")
    if _DEVICE.fullmatch(kept):
        kept = "_" + kept
    return _shortened(kept) or otherwise


def distinct_names(names: Sequence[str]) -> Sequence[str]:
    """Returns safe names for the parts of one message, in order; equal ones are told apart by the part's
    number.
    """
    result: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        safe = safe_name(name, f"part-{number}")
        stem, suffix = _stem_and_suffix(safe)
        mark = number
        while safe.casefold() in taken:
            safe = f"{stem} ({mark}){suffix}"
            mark += 1
        taken.add(safe.casefold())
        result.append(safe)
    return result


def _stem_and_suffix(name: str) -> tuple[str, str]:
    suffix = Path(name).suffix
    return name[: len(name) - len(suffix)], suffix


def _shortened(name: str) -> str:
    stem, suffix = _stem_and_suffix(name)
    if len(suffix.encode()) > 30:
        stem, suffix = name, ""
    room = _MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore") + suffix


class IncomingFile:
    """A file that only appears under its name when it is whole and its SHA-256 is right.

    Until :meth:`keep`, its bytes lie in a temporary file beside it; :meth:`discard` MUST be called when they
    are not wanted after all (it does nothing after :meth:`keep`).
    """

    def __init__(self, target: Path, *, force: bool = False) -> None:
        """Raises :class:`FileExistsAlready` at once when the file is there and ``force`` does not permit
        that.
        """
        self._target = target
        self._force = force
        self._digest = hashlib.sha256()
        self._size = 0
        if not force and os.path.lexists(target):
            raise FileExistsAlready(f"{target} exists already")
        try:
            descriptor, name = tempfile.mkstemp(prefix=".namak-", suffix=".part", dir=target.parent)
        except OSError as problem:
            raise FileProblem(f"{target.parent} can't be written to: {problem.strerror}") from problem
        self._temporary = Path(name)
        self._stream = os.fdopen(descriptor, "wb")

    def write(self, chunk: bytes) -> None:
        """Adds bytes."""
        try:
            self._stream.write(chunk)
        except OSError as problem:
            raise FileProblem(f"{self._target} can't be written: {problem.strerror}") from problem
        self._digest.update(chunk)
        self._size += len(chunk)

    @property
    def size(self) -> int:
        """How many bytes there are by now."""
        return self._size

    def keep(self, *, size: int, sha256: bytes) -> Path:
        """Checks size and digest, puts the bytes on disk, and gives the file its name, all at once or not at
        all.

        Raises :class:`ContentMismatch`, :class:`FileExistsAlready`, :class:`FileProblem`.
        """
        if self._size != size:
            raise ContentMismatch(f"{self._target.name}: {self._size} bytes came, and {size} were announced")
        if self._digest.digest() != sha256:
            raise ContentMismatch(
                f"{self._target.name}: the content does not have the SHA-256 that was announced"
            )
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            if not self._force:
                # Takes the name where nobody has it, so that the replacing below replaces nobody's file.
                self._target.open("xb").close()
            self._temporary.replace(self._target)
        except FileExistsError as problem:
            raise FileExistsAlready(f"{self._target} exists already") from problem
        except OSError as problem:
            raise FileProblem(f"{self._target} can't be written: {problem.strerror}") from problem
        return self._target

    def discard(self) -> None:
        """Removes what came so far."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._temporary.unlink(missing_ok=True)


def write_new_file(target: Path, content: bytes, *, force: bool = False) -> Path:
    """Writes a whole file at once, as carefully as one that comes in pieces. Returns its path."""
    incoming = IncomingFile(target, force=force)
    try:
        incoming.write(content)
        return incoming.keep(size=len(content), sha256=hashlib.sha256(content).digest())
    finally:
        incoming.discard()


def make_directory(path: Path) -> None:
    """Makes the directory, with those above it, unless it is there. Raises :class:`FileProblem`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise FileProblem(f"{path} can't be made: {problem.strerror}") from problem
