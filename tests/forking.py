"""Runs our commands in processes of their own that need not import anything: forks of one that has it all.

What starts a Python and imports a program costs more than most commands do. Here a process imports the
programs once for each process that runs tests, and forks for each command; arguments, environment, directory,
output and exit code are the command's own as always. Tests of how a program starts, is interrupted, or is
killed start it in earnest.
"""

import asyncio
import atexit
import functools
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
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

SECONDS = 90.0
"""A command that takes longer than this hangs."""

_PROGRAMS = ("namak.cli", "namak.client", "namak.witness", "server.cli")
_ANSWER = 4


def run(
    module: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    together: bool = False,
) -> "subprocess.CompletedProcess[str]":
    """Runs `python -P -m MODULE ARGUMENTS` with no input; the environment is added to this process's.

    `together` has what it says on standard error among its output.

    Raises:
        subprocess.TimeoutExpired: it hung, and was killed.
    """
    command = [module, *map(str, arguments)]
    request = {
        "command": command,
        "environment": {**os.environ, **(environment or {})},
        "directory": str(directory or Path.cwd()),
    }
    with ExitStack() as stack:
        nothing = stack.enter_context(Path(os.devnull).open("rb"))
        out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        call = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        call.settimeout(SECONDS)
        call.connect(_ready())
        files = (nothing, out, out if together else err)
        socket.send_fds(call, [json.dumps(request).encode()], [each.fileno() for each in files])
        try:
            answer = call.recv(_ANSWER)
        except TimeoutError:
            raise subprocess.TimeoutExpired(command, SECONDS, _read(out), _read(err)) from None
        code = int.from_bytes(answer, sys.byteorder, signed=True)
        return subprocess.CompletedProcess(command, code, _read(out).decode(), _read(err).decode())


async def ended(
    module: str, words: Sequence[str], environment: Mapping[str, str], directory: Path | None = None
) -> tuple[int, str]:
    """Does what `scripts.story.programs.ended` does."""
    asked = functools.partial(run, environment=environment, directory=directory, together=True)
    done = await asyncio.to_thread(asked, module, *words)
    return done.returncode, done.stdout


def _read(file: io.BufferedRandom) -> bytes:
    file.seek(0)
    return file.read()


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
    """Runs one command to its end, or kills it when nobody waits for it any more; does not return."""
    data, files, _, _ = socket.recv_fds(call, 1 << 20, 3)
    request = json.loads(data)
    child = os.fork()
    if child == 0:
        call.close()
        _become(request["command"], request["environment"], request["directory"], files)
    end = os.pidfd_open(child)
    readable, _, _ = select.select([call.fileno(), end], [], [])
    if end not in readable:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    call.send(code.to_bytes(_ANSWER, sys.byteorder, signed=True))
    os._exit(0)


def _become(command: list[str], environment: dict[str, str], directory: str, files: list[int]) -> NoReturn:
    """Goes on as if the command had been started anew; does not return."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    module, *sys.argv[1:] = command
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
        os._exit(code)


def _exit_code(ended: SystemExit) -> int:
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    sys.stderr.write(f"{ended.code}\n")
    return 1


if __name__ == "__main__":
    _serve(sys.argv[1])
