"""What becomes of an embedded PostgreSQL whose starter died, where nobody is going to start it again."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.storage.embedded import EmbeddedPostgres, end_abandoned
from server.storage.embedded_place import EmbeddedPostgresFailed


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that the account of PostgreSQL gets to."""
    above = Path(tempfile.mkdtemp(prefix="namak-test-"))
    above.chmod(0o711)
    yield above / "postgres"
    end_abandoned(above / "postgres")
    shutil.rmtree(above)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_is_ended_once_its_starter_is_gone_and_not_before(directory: Path) -> None:
    running = EmbeddedPostgres.start(directory, durable=False)
    pid = int((running.place.data / "postmaster.pid").read_text().splitlines()[0])
    with pytest.raises(EmbeddedPostgresFailed, match="another process uses"):
        end_abandoned(directory)
    assert alive(pid)
    assert running.lock is not None
    os.close(running.lock)  # as the kernel does for a process that is killed

    assert end_abandoned(directory)
    assert not alive(pid)
    assert not end_abandoned(directory)
    assert not (running.place.data / "postmaster.pid").exists()  # it ended in order


def test_ending_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    assert not end_abandoned(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []
