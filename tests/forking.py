"""Runs our programs in processes of their own that need not import anything: forks of one that has it all.

What starts a Python and imports a program costs more than most commands do, and of a server seconds. Here a
process imports the programs once for each process that runs tests, and forks for each of them; arguments,
environment, directory, files, session, signals and exit code are the program's own as always. Tests of how a
program starts do so in earnest.
"""

import asyncio
import atexit
import contextlib
import fcntl
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

SECONDS = 240.0
"""A command that takes longer than this hangs."""

_PROGRAMS = ("namak.cli", "namak.client", "namak.witness", "server.cli", "server.dev", "server.smtp")
_ANSWER = 4


class Forked:
    """A program that runs, with those methods of `subprocess.Popen` that tests use. It is killed when this
    process ends.
    """

    def __init__(self, call: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._call = call
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Returns the exit code, negative for a signal; None while it runs."""
        return self._within(0)

    def wait(self, timeout: float | None = SECONDS) -> int:
        """Returns the exit code once it has ended.

        Raises:
            subprocess.TimeoutExpired: it runs still.
        """
        code = self._within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended just now
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Asks it to end (SIGTERM)."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills it (SIGKILL)."""
        self.send_signal(signal.SIGKILL)

    def _within(self, timeout: float | None) -> int | None:
        if self.returncode is not None:
            return self.returncode
        try:
            readable, _, _ = select.select([self._call], [], [], timeout)
        except ValueError:  # closed: another thread has just been told the code
            return self.returncode
        if readable:
            with self._lock:
                if self.returncode is None:
                    self.returncode = _number(self._call)
                    self._call.close()
        return self.returncode


def start(
    module: str,
    *arguments: str | Path,
    given: int | None = None,
    out: int | None = None,
    err: int | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    terminal: int | None = None,
) -> Forked:
    """Starts `python -P -m MODULE ARGUMENTS` in a session of its own; the environment is added to this
    process's.

    Its input and its two outputs are files by number, or all its terminal; what is not named is nothing.
    """
    request = {
        "command": [module, *map(str, arguments)],
        "environment": {**os.environ, **(environment or {})},
        "directory": str(directory or Path.cwd()),
        "terminal": terminal is not None,
    }
    call = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    call.connect(_ready())
    with Path(os.devnull).open("r+b") as nothing:
        files = [
            next(one for one in (each, terminal, nothing.fileno()) if one is not None)
            for each in (given, out, err)
        ]
        socket.send_fds(call, [json.dumps(request).encode()], files)
        return Forked(call, _number(call))


def start_logging(command: Sequence[str], log: BinaryIO, environment: Mapping[str, str]) -> Forked:
    """Does what `server.dev.process.started` does, for a command that begins with Python and its options."""
    module, *arguments = command[command.index("-m") + 1 :]
    return start(module, *arguments, out=log.fileno(), err=log.fileno(), environment=environment)


def run(
    module: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    together: bool = False,
    given: str = "",
) -> "subprocess.CompletedProcess[str]":
    """Runs `python -P -m MODULE ARGUMENTS` to its end, with what it is given as its input; the environment is
    added to this process's.

    `together` has what it says on standard error among its output.

    Raises:
        subprocess.TimeoutExpired: it hung, and was killed.
    """
    with ExitStack() as stack:
        words, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        words.write(given.encode())
        words.seek(0)
        program = start(
            module,
            *arguments,
            given=words.fileno(),
            out=out.fileno(),
            err=(out if together else err).fileno(),
            environment=environment,
            directory=directory,
        )
        command = [module, *map(str, arguments)]
        try:
            code = program.wait(SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            raise subprocess.TimeoutExpired(command, SECONDS, _read(out), _read(err)) from None
        return subprocess.CompletedProcess(command, code, _read(out).decode(), _read(err).decode())


async def ended(
    module: str, words: Sequence[str], environment: Mapping[str, str], directory: Path | None = None
) -> tuple[int, str]:
    """Does what `scripts.story.programs.ended` does."""
    asked = functools.partial(run, environment=environment, directory=directory, together=True)
    done = await asyncio.to_thread(asked, module, *words)
    return done.returncode, done.stdout


def token_run(tokens: ModuleType) -> Callable[..., str]:
    """Returns what does the same as `server.dev.tokens._run`, but Python's part of it in forks."""
    in_earnest: Callable[..., str] = tokens._run

    def made(command: Sequence[str], environment: Mapping[str, str], given: str = "") -> str:
        if command[0] != sys.executable:
            return in_earnest(command, environment, given)
        done = run(command[-1], environment=environment, given=given)
        if done.returncode:
            raise tokens.TokenFailed((done.stderr or done.stdout).strip())
        return done.stdout

    return made


def _read(file: io.BufferedRandom) -> bytes:
    file.seek(0)
    return file.read()


def _number(call: socket.socket) -> int:
    answer = call.recv(_ANSWER)
    assert answer, "what forks programs has died"
    return int.from_bytes(answer, sys.byteorder, signed=True)


@functools.cache
def _ready() -> str:
    """Starts the process that forks, once, and returns where it listens. It ends with this process."""
    path = Path(tempfile.mkdtemp(prefix="namak-fork-")) / "socket"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.forking", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "what forks commands did not start"
    atexit.register(_end, process, path)
    return str(path)


def _end(process: "subprocess.Popen[bytes]", path: Path) -> None:
    process.communicate()
    path.unlink()
    path.parent.rmdir()


def _serve(path: str) -> None:
    """Forks for every command that is asked for, until standard input ends."""
    for package in map(importlib.import_module, _PROGRAMS):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    gc.collect()
    gc.freeze()  # what is imported stays for good, and shared
    threads = list(Path("/proc/self/task").iterdir())
    assert len(threads) == 1, "a fork would lack the threads that some import has started"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)  # noqa: T201 - what the one who started this waits for
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            call, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(call)
            call.close()
            _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _attend(call: socket.socket) -> NoReturn:
    """Runs one program to its end, or kills it when nobody waits for it any more; does not return."""
    data, files, _, _ = socket.recv_fds(call, 1 << 20, 3)
    request = json.loads(data)
    child = os.fork()
    if child == 0:
        call.close()
        _become(request, files)
    for file in files:
        os.close(file)
    call.send(child.to_bytes(_ANSWER, sys.byteorder, signed=True))
    end = os.pidfd_open(child)
    readable, _, _ = select.select([call.fileno(), end], [], [])
    if end not in readable:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        call.send(code.to_bytes(_ANSWER, sys.byteorder, signed=True))
    os._exit(0)


def _become(request: Mapping[str, Any], files: list[int]) -> NoReturn:
    """Goes on as if the program had been started anew; does not return."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 256)
    os.setsid()
    if request["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Whoever started the tests in the background has all that they start ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    module, *arguments = request["command"]
    code = 1
    try:
        code = become(module, arguments)
    finally:
        os._exit(code)


def become(module: str, arguments: Sequence[str]) -> int:
    """Runs a program in this process as the interpreter does; returns its exit code."""
    sys.argv[1:] = arguments
    code = 1
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = _exit_code(ended)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def _exit_code(ended: SystemExit) -> int:
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


if __name__ == "__main__":
    _serve(sys.argv[1])
