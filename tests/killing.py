"""Kills programs before each of the system calls by which they change a directory.

What a process does to files it does by system calls, and SIGKILL leaves what the calls before it did. So
killing a program before each of them in turn shows everything that it can ever leave behind, without luck and
without hooks in the program: also within libraries such as SQLite. The program runs in a child that is traced
(ptrace); calls are counted over all of its threads.

As a program: `once PLACE NUMBER MODULE ARGUMENTS` ends as the program does, or by SIGKILL where it killed
it; PLACE is the directory, or `tcp` for what is sent over TCP. `each TEMPLATE OUT MODULE ARGUMENTS` does so
with a copy of the template each, `OUT/0`, `OUT/1`… ("@" among the arguments), until the program comes to its
end. `try` ends with 0 where programs can be traced here.
"""

import ctypes
import functools
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from tests import forking

SENT: Final = "tcp"
"""Instead of a directory: what is sent over TCP is counted."""
MOST: Final = 400
"""No program here makes so many changes: one that does never ends."""

# By name: the numbers of a call on x86-64 and aarch64; -1 where there is none.
_NUMBERS: Final = {
    "write": (1, 64),
    "pwrite64": (18, 68),
    "writev": (20, 66),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "ftruncate": (77, 46),
    "fchmod": (91, 52),
    "rename": (82, -1),
    "mkdir": (83, -1),
    "rmdir": (84, -1),
    "unlink": (87, -1),
    "chmod": (90, -1),
    "openat": (257, 56),
    "mkdirat": (258, 34),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "fchmodat": (268, 53),
    "renameat2": (316, 276),
}
_OF_FILES: Final = {"write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "fchmod"}
_OF_SOCKETS: Final = {"write", "writev", "sendto", "sendmsg"}
_BY_PATH: Final = {"rename", "mkdir", "rmdir", "unlink", "chmod"}
_BY_PATH_AT: Final = {"mkdirat", "unlinkat", "renameat", "renameat2", "fchmodat"}

_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_SYSGOOD, _TRACECLONE, _EXITKILL = 0x1, 0x8, 0x100000
_WALL = 0x40000000
_INFO_BYTES = 88
_ENTRY = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that was killed before its change `change`, or, the last one, came to its end by itself; the
    directory it changed, and what it said.
    """

    change: int
    directory: Path
    was_killed: bool
    said: str


def killed_before_each(
    template: Path,
    out: Path,
    module: str,
    *arguments: str | Path,
    least: int,
    code: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Sequence[Ended]:
    """Runs a program again and again, each time on a fresh copy of a directory and killed one change later.

    ``"@"`` is the copy's place in the arguments. Asserts that it made so many changes at `least`, and that
    the last run ended with that exit code.
    """
    skip_untraceable()
    out.mkdir()
    done = forking.run("tests.killing", "each", template, out, module, *arguments, environment=environment)
    errors = sorted(out.glob("*.error"), key=lambda path: path.stat().st_mtime_ns)
    assert done.returncode == code, done.stderr + "".join(path.read_text() for path in errors[-1:])
    changes = int(done.stdout)
    assert changes >= least, "what was to be killed changed less than it must"
    return [
        Ended(change, out / f"{change}", change < changes, (out / f"{change}.said").read_text())
        for change in range(changes + 1)
    ]


class _Call(NamedTuple):
    """A system call at its beginning, of the thread ``thread``."""

    thread: int
    name: str
    values: tuple[int, ...]


class _Ptrace:
    """What is needed of ptrace(2)."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.restype = ctypes.c_long
        self._libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        which = {"x86_64": 0, "aarch64": 1}[platform.machine()]
        self._names = {numbers[which]: name for name, numbers in _NUMBERS.items() if numbers[which] >= 0}

    def ask(self, request: int, thread: int = 0, address: int = 0, data: int = 0) -> int:
        """Calls ptrace. Raises OSError."""
        done: int = self._libc.ptrace(request, thread, address, data)
        if done < 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")
        return done

    def call(self, thread: int) -> _Call | None:
        """Returns the call that a stopped thread begins, if it is one of those that change something."""
        info = ctypes.create_string_buffer(_INFO_BYTES)
        self.ask(_GET_SYSCALL_INFO, thread, _INFO_BYTES, ctypes.addressof(info))
        words = [int.from_bytes(info.raw[at : at + 8], "little") for at in range(24, 80, 8)]
        name = self._names.get(words[0])
        return _Call(thread, name, tuple(words[1:])) if info.raw[0] == _ENTRY and name is not None else None


def _is_within(directory: Path) -> Callable[[_Call], bool]:
    return lambda call: Path(_changed(call)).is_relative_to(directory)


def _changed(call: _Call) -> str:
    """Returns the path of what a call changes."""
    first, second, third = call.values[:3]
    if call.name in _OF_FILES:
        return _file(call.thread, first)
    if call.name in _BY_PATH:
        return _path(call.thread, first)
    if call.name in _BY_PATH_AT or (call.name == "openat" and third & os.O_CREAT):
        return _path(call.thread, second)
    return ""


def _is_sent(call: _Call) -> bool:
    if call.name not in _OF_SOCKETS:
        return False
    socket = _file(call.thread, call.values[0])
    if not socket.startswith("socket:["):
        return False
    inode = socket.removeprefix("socket:[").removesuffix("]")
    lines = Path(f"/proc/{call.thread}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return any(line.split()[9] == inode for line in lines)


def _file(thread: int, descriptor: int) -> str:
    try:
        return str(Path(f"/proc/{thread}/fd/{descriptor & 0xFFFFFFFF}").readlink())
    except OSError:
        return ""


def _path(thread: int, address: int) -> str:
    with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        # Less comes where the memory ends.
        return os.fsdecode(memory.read(4096).split(b"\0")[0])


def _trace(program: int, counts: Callable[[_Call], bool], change: int) -> int:
    """Lets the program run up to the change, and kills it there; returns its wait status."""
    ptrace = _Ptrace()
    os.waitpid(program, 0)
    ptrace.ask(_SETOPTIONS, program, 0, _SYSGOOD | _TRACECLONE | _EXITKILL)
    ptrace.ask(_SYSCALL, program)
    seen, known = 0, {program}
    while True:
        thread, status = os.waitpid(-1, _WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if thread == program:
                return status
            continue
        number, delivered = os.WSTOPSIG(status), 0
        if number == signal.SIGTRAP | 0x80:
            call = ptrace.call(thread) if seen <= change else None
            if call is not None and counts(call):
                seen += 1
                if seen > change:
                    os.kill(program, signal.SIGKILL)
                    continue
        elif thread not in known:
            # The stop with which a thread begins.
            known.add(thread)
        elif status >> 16 == 0:
            delivered = number
        try:
            ptrace.ask(_SYSCALL, thread, 0, delivered)
        except ProcessLookupError:
            continue


def _begun(module: str, arguments: Sequence[str], said: Path | None = None) -> int:
    """Forks; returns the child, which waits to be traced. In the child it does not return."""
    program = os.fork()
    if program:
        return program
    code = 1
    try:
        if said is not None:
            for number, suffix in ((1, ".said"), (2, ".error")):
                with said.with_suffix(suffix).open("wb") as file:
                    os.dup2(file.fileno(), number)
        _Ptrace().ask(_TRACEME)
        os.kill(os.getpid(), signal.SIGSTOP)
        code = forking.become(module, arguments)
    finally:
        os._exit(code)


def _once(place: str, change: int, module: str, arguments: Sequence[str]) -> NoReturn:
    program = _begun(module, arguments)
    status = _trace(program, _is_sent if place == SENT else _is_within(Path(place).resolve()), change)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    sys.exit(os.waitstatus_to_exitcode(status))


def _each(template: Path, out: Path, module: str, arguments: Sequence[str]) -> NoReturn:
    for change in range(MOST):
        directory = out / f"{change}"
        shutil.copytree(template, directory)
        placed = [str(directory) if each == "@" else each for each in arguments]
        program = _begun(module, placed, directory)
        status = _trace(program, _is_within(directory.resolve()), change)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.stdout.write(f"{change}\n")
            sys.exit(os.waitstatus_to_exitcode(status))
    sys.exit("it never came to its end")


def _try() -> NoReturn:
    """Traces a child up to its first system call, as far as it is allowed."""
    program = os.fork()
    if not program:
        try:
            _Ptrace().ask(_TRACEME)
            os.kill(os.getpid(), signal.SIGSTOP)
        finally:
            os._exit(0)
    ptrace = _Ptrace()
    if not os.WIFSTOPPED(os.waitpid(program, 0)[1]):
        sys.exit("a child can't be traced")
    ptrace.ask(_SETOPTIONS, program, 0, _SYSGOOD | _TRACECLONE | _EXITKILL)
    ptrace.ask(_SYSCALL, program)
    os.waitpid(program, _WALL)
    ptrace.call(program)
    sys.exit(0)


@functools.cache
def _refusal() -> str:
    command = [sys.executable, "-m", "tests.killing", "try"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    last = tried.stderr.strip().splitlines()[-1:] or [f"ended with {tried.returncode}"]
    return f"needs ptrace: {last[0]}" if tried.returncode else ""


def skip_untraceable() -> None:
    """Skips the test where programs can't be traced: some containers forbid it."""
    # Not for the programs, whose imports are counted in seconds.
    import pytest

    if why := _refusal():
        pytest.skip(why)


def main() -> None:
    """Does what the first argument says."""
    if sys.argv[1:] == ["try"]:
        _try()
    how, first, second, module, *arguments = sys.argv[1:]
    if how == "once":
        _once(first, int(second), module, arguments)
    _each(Path(first), Path(second), module, arguments)


if __name__ == "__main__":
    main()
