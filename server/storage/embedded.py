"""A real PostgreSQL 18 from a wheel, started in a directory: what the post runs on when no other PostgreSQL
is named.

Several processes may share one. The process that starts it holds a lock on its directory while it lives, and
it alone stops the server; the others are guests. The kernel drops the lock of a process that dies, whatever
kills it, and the server runs on: the next process to start takes both over. The server listens on a socket in
a directory that only its account may enter, and nowhere else.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from server.storage.embedded_place import STATE_DIRECTORY, EmbeddedPostgresFailed, Place, settle

MAX_CONNECTIONS = 100
START_SECONDS = 60.0
_STOP_SECONDS = 30
_POLL_SECONDS = 0.05
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path holds 108 with the closing zero
_SETTINGS_FILE = "namak.conf"


@dataclass(slots=True)
class EmbeddedPostgres:
    """A running embedded PostgreSQL.

    Attributes:
        url: what SQLAlchemy connects with.
        place: its directory and account.
        lock: the open lock file of the process that started it; None for a guest.
    """

    url: str
    place: Place
    lock: int | None

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        durable: bool = True,
        deadline_seconds: float = START_SECONDS,
        state: Path = STATE_DIRECTORY,
    ) -> Self:
        """Starts the PostgreSQL of this directory, or joins the one that another process started; blocks
        until it answers.

        Args:
            directory: made when it is missing; as root it may become a symbolic link (`embedded_place`).
            durable: whether commits wait for the disk. Only tests, whose data nobody relies on, say no.
            deadline_seconds: how long to wait for a server that another process is starting.
            state: where root's directories go when `directory` is out of the account's reach.

        Raises:
            EmbeddedPostgresFailed: with the end of the server's own log.
        """
        place = settle(directory, state=state)
        end = time.monotonic() + deadline_seconds
        while True:
            lock = _take_lock(place.directory / "lock")
            if lock is not None:
                try:
                    _start_as_owner(place, durable=durable, end=end)
                    return cls(_url(place), place, lock)
                except BaseException:
                    os.close(lock)
                    raise
            if _answers(place):
                return cls(_url(place), place, None)
            if time.monotonic() > end:
                raise EmbeddedPostgresFailed(
                    f"another process holds {place.directory} but its PostgreSQL does not answer"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stops the server if this process started or took it over; a guest only forgets it. May be called
        again.
        """
        if self.lock is None:
            return
        try:
            _stop_server(self.place)
        finally:
            os.close(self.lock)
            self.lock = None


def end_abandoned(directory: Path, *, within: float = START_SECONDS) -> bool:
    """Ends the PostgreSQL of this directory if whoever started it is gone, with what makes or starts it;
    returns whether there was one. Starts nothing and makes nothing; blocks until all has ended.

    Raises:
        EmbeddedPostgresFailed: another process uses it, or it does not end within so many seconds.
    """
    place = Place(directory.resolve(), Path(), None)
    try:
        lock = _take_lock(place.directory / "lock")
    except FileNotFoundError:
        return False
    if lock is None:
        raise EmbeddedPostgresFailed(f"another process uses the PostgreSQL in {directory}; end that first")
    try:
        return _end_all(place, time.monotonic() + within)
    finally:
        os.close(lock)


def _end_all(place: Place, end: float) -> bool:
    found, told = False, None
    while _server_processes(place) or _programs_at_work(place):
        found = True
        if time.monotonic() > end:
            raise EmbeddedPostgresFailed(f"the PostgreSQL in {place.data} does not end")
        postmaster = _postmaster_pid(place)  # None while it is being made or is not yet there
        if postmaster is not None and postmaster != told:
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster, signal.SIGINT)  # it ends fast and in order
            told = postmaster
        time.sleep(_POLL_SECONDS)
    return found


@contextlib.asynccontextmanager
async def embedded_postgres(directory: Path, *, durable: bool = True) -> AsyncIterator[EmbeddedPostgres]:
    """Runs the PostgreSQL of this directory (`EmbeddedPostgres.start`) without blocking the loop."""
    starting = asyncio.ensure_future(asyncio.to_thread(EmbeddedPostgres.start, directory, durable=durable))
    try:
        server = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The thread cannot be cancelled: wait for what it started, and stop that.
        await asyncio.to_thread((await starting).stop)
        raise
    try:
        yield server
    finally:
        await asyncio.shield(asyncio.to_thread(server.stop))


def _take_lock(path: Path) -> int | None:
    """Returns the open lock file, or None while another process holds it. Children do not inherit it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except BaseException:
        os.close(lock)
        raise
    return lock


def _start_as_owner(place: Place, *, durable: bool, end: float) -> None:
    if not place.data.exists():
        _initialise(place, durable=durable)
    changed = _write_settings(place, durable=durable)
    _forget_reused_pid(place, end)
    if _postmaster_pid(place) is not None and changed:
        _stop_server(place)
    while not _answers(place):
        log_end = _log_size(place)
        if _postmaster_pid(place) is None:
            log = str(place.data / "server.log")
            started = place.run(
                "pg_ctl", "start", "-w", "-t", str(int(START_SECONDS)), "-D", str(place.data), "-l", log
            )
            # After a killed server, its last children may hold its shared memory for a moment longer.
            if started.returncode != 0 and "still in use" not in (told := _log_from(place, log_end)):
                raise EmbeddedPostgresFailed(
                    f"PostgreSQL does not start in {place.data}: {told or started.stdout}"
                )
        if time.monotonic() > end:
            raise EmbeddedPostgresFailed(
                f"PostgreSQL in {place.data} does not answer: {_log_from(place, log_end)}"
            )
        time.sleep(_POLL_SECONDS)


def _initialise(place: Place, *, durable: bool) -> None:
    """Makes the data directory beside its place and moves it there whole, so that a half-made one is never
    started.
    """
    making = place.directory / "data.new"
    if making.exists():
        shutil.rmtree(making)
    making.mkdir(mode=0o700)
    place.give(making)
    # Text sorts by code point, the same on every machine; the socket's directory is the access rule, hence
    # `trust`.
    done = place.run(
        "initdb",
        "--pgdata=" + str(making),
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        *(() if durable else ("--no-sync",)),
    )
    if done.returncode != 0:
        raise EmbeddedPostgresFailed(f"initdb fails in {making}: {done.stdout}")
    with (making / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.write(f"\ninclude = '{_SETTINGS_FILE}'\n")
    making.rename(place.data)


def _write_settings(place: Place, *, durable: bool) -> bool:
    """Writes our settings; returns whether they differ from those of the last start."""
    switch = "on" if durable else "off"
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(_socket_directory(place)),
        "unix_socket_permissions": "0700",
        "max_connections": str(MAX_CONNECTIONS),
        "fsync": switch,
        # Also without fsync: then a commit outlives the server's death, if not the machine's.
        "synchronous_commit": "on",
        "full_page_writes": switch,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",
        # Details quote whole rows, which hold content and personal numbers.
        "log_error_verbosity": "terse",
        "log_parameter_max_length_on_error": "0",
    }
    text = "".join("{} = '{}'\n".format(name, value.replace("'", "''")) for name, value in settings.items())
    path = place.data / _SETTINGS_FILE
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    place.give(path)
    return True


def _socket_directory(place: Place) -> Path:
    """Returns the data directory, or, where its path is too long for a socket's address, a private one of our
    own.
    """
    if len(os.fsencode(place.data / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES:
        return place.data
    name = hashlib.sha256(os.fsencode(place.data)).hexdigest()[:16]
    directory = Path(tempfile.gettempdir()) / f"namak-{name}"
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        place.give(directory)
    found = directory.lstat()
    owner = os.geteuid() if place.account is None else place.account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedPostgresFailed(
            f"{directory}, for PostgreSQL's socket, is somebody else's or open to others; remove it"
        )
    return directory


def _postmaster(place: Place) -> list[str]:
    """Returns the lines of the server's own file: pid, data, start, port, socket directory, address, memory,
    status.
    """
    try:
        return (place.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _postmaster_pid(place: Place) -> int | None:
    """Returns the process id of the server of this directory if it is alive."""
    lines = _postmaster(place)
    if not lines:
        return None
    try:
        arguments = Path("/proc", lines[0].strip(), "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # A zombie's arguments are empty.
    return int(lines[0]) if os.fsencode(place.data) in arguments else None


def _forget_reused_pid(place: Place, end: float) -> None:
    """Removes the lock files of a server that is gone while something else has its process id.

    That is a stranger after a machine's restart, or the server's own remains where nobody collects them.
    PostgreSQL itself deals with the files of a process id that nobody has, and only refuses in these two
    cases. The files also say where to look for the dead server's last children, so those must be gone first:
    a server beside them would destroy the data.
    """
    lines = _postmaster(place)
    if not lines or _postmaster_pid(place) is not None or not Path("/proc", lines[0].strip()).exists():
        return
    while _server_processes(place):
        if time.monotonic() > end:
            raise EmbeddedPostgresFailed(f"processes of a dead PostgreSQL in {place.data} do not end")
        time.sleep(_POLL_SECONDS)
    Path(lines[4].strip(), f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)
    (place.data / "postmaster.pid").unlink()


def _server_processes(place: Place) -> list[int]:
    """Returns the living PostgreSQL processes that work in the data directory, whatever their names."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            works_here = (process / "cwd").readlink() == place.data
            if works_here and (process / "exe").readlink().name.startswith("postgres"):
                found.append(int(process.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def _programs_at_work(place: Place) -> list[int]:
    """Returns the living `initdb` and `pg_ctl` of the directory, which make a server or start one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            works_here = (process / "cwd").readlink() in (place.directory, place.directory / "data.new")
            if works_here and os.fsencode(place.directory) in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def _answers(place: Place) -> bool:
    """Tells whether the server is ready and its socket accepts connections."""
    lines = _postmaster(place)
    if len(lines) < 8 or lines[7].strip() != "ready":
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(f"{lines[4].strip()}/{_SOCKET_NAME}")
        except OSError:
            return False
    return True


def _url(place: Place) -> str:
    return f"postgresql+asyncpg://postgres@/postgres?host={quote(_postmaster(place)[4].strip(), safe='/')}"


def _stop_server(place: Place) -> None:
    for mode in ("fast", "immediate"):
        if _postmaster_pid(place) is None:
            return
        place.run("pg_ctl", "stop", "-w", "-t", str(_STOP_SECONDS), "-m", mode, "-D", str(place.data))
    if _postmaster_pid(place) is not None:
        raise EmbeddedPostgresFailed(f"PostgreSQL in {place.data} does not stop")


def _log_size(place: Place) -> int:
    log = place.data / "server.log"
    return log.stat().st_size if log.exists() else 0


def _log_from(place: Place, offset: int) -> str:
    log = place.data / "server.log"
    return log.read_bytes()[offset:].decode(errors="replace") if log.exists() else ""
