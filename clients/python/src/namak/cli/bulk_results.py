"""What became of each line of a list, in a file that outlives the process: JSON lines, as answers come.

The first line names the base of the request ids, and is on disk before the first letter is sent: whoever runs
the command again, after whatever interruption, repeats the same ids, and nothing is sent twice (POST-10).
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from namak.cli.bulk_index import Index
from namak.cli.texts import _
from namak.errors import FileProblem

_VERSION = 1
_DONE = "done"


class Results:
    """The results of a list. A context manager that holds the file alone."""

    def __init__(self, path: Path, index: Index) -> None:
        """``index`` takes the request ids that need not be sent again."""
        self._path = path
        self._index = index
        self._stream: BinaryIO | None = None
        self.header: Mapping[str, object] | None = None
        """What the file's first line says; None for a new file."""
        self.accepted = 0
        """How many lines were accepted in earlier runs."""
        self.refused = 0
        """How many lines were refused for ever in earlier runs."""

    def __enter__(self) -> Self:
        """Reads what is there, for any number of lines. Raises FileProblem for another file, and when another
        run has it.
        """
        with contextlib.ExitStack() as unwanted:
            try:
                self._stream = unwanted.enter_context(self._path.open("a+b"))
                fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise FileProblem(_("{file} is in use by another run").format(file=self._path)) from problem
            except OSError as problem:
                raise self._problem(problem) from problem
            self._read(self._stream)
            unwanted.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()

    def begin(self, header: Mapping[str, object]) -> None:
        """Writes the first line of a new file."""
        self.header = header
        self.write([{"namak_results": _VERSION, **header}])

    def write(self, lines: Iterable[Mapping[str, object]]) -> None:
        """Adds lines and has them on disk when it returns."""
        stream = self._stream
        if stream is None:
            raise ValueError("the results are not open")
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        try:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        except OSError as problem:
            raise self._problem(problem) from problem

    def is_done(self, request_id: str) -> bool:
        """Returns whether an earlier run got the answer that stands for ever."""
        return (_DONE, request_id) in self._index

    def _read(self, stream: BinaryIO) -> None:
        stream.seek(0)
        whole = 0
        for number, data in enumerate(stream, start=1):
            if not data.endswith(b"\n"):
                break  # what a run that was killed could not finish
            whole += len(data)
            self._take(number, data)
        stream.truncate(whole)
        stream.seek(0, os.SEEK_END)

    def _take(self, number: int, data: bytes) -> None:
        try:
            line = json.loads(data)
            if number == 1:
                if line["namak_results"] != _VERSION:
                    raise ValueError("another version")
                self.header = line
                return
            status = line["status"]
            if status == "accepted":
                self.accepted += 1
            elif status == "refused" and line.get("evidence_id"):
                self.refused += 1
            else:
                return
            self._index.first_lines(_DONE, [(line["request_id"], number)])
        except (ValueError, KeyError, TypeError) as problem:
            raise FileProblem(
                _("{file}, line {line}: this is no results file of namak send").format(
                    file=self._path, line=number
                )
            ) from problem

    def _problem(self, problem: OSError) -> FileProblem:
        return FileProblem(
            _("{file} can't be written: {problem}").format(file=self._path, problem=problem.strerror)
        )
