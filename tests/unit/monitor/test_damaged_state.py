"""A monitor whose state somebody damaged, and mirrors in directories that hold something else than files."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from namak.evidence.mailbox_chain import ChainHead
from namak.monitor.sources import FileSource, SourceUnreached
from namak.monitor.state import STATE_FILE, State, StateUnusable
from tests.unit.monitor.conftest import Following


def damage(directory: Path, statement: str) -> None:
    with closing(sqlite3.connect(directory / STATE_FILE)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trees SET note = 'text'",
        "UPDATE trees SET note = x'00'",
        "UPDATE trees SET note = zeroblob(3000000)",
        "UPDATE trees SET seen_at = 'soon'",
        "UPDATE trees SET seen_at = x'00'",
        "UPDATE edges SET hashes = x'00'",
        "UPDATE edges SET hashes = 'text'",
        "UPDATE edges SET hashes = zeroblob(96)",
        "UPDATE edges SET level = 'x'",
        "UPDATE edges SET tile_index = 9223372036854775807",
        "UPDATE edges SET level = -1",
        "DELETE FROM edges",
        "DROP TABLE edges",
        "DROP TABLE trees",
    ],
)
async def test_a_damaged_tree_is_not_gone_on_from(following: Following, statement: str) -> None:
    following.log.grow(3)
    following.show()
    await following.look()
    damage(following.state.directory, statement)
    with pytest.raises(StateUnusable):
        await following.look()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE heads SET sequence = 'x'",
        "UPDATE heads SET sequence = 1.5",
        "UPDATE heads SET link = 'text'",
        "DROP TABLE heads",
    ],
)
def test_a_damaged_head_is_not_gone_on_from(following: Following, statement: str) -> None:
    following.state.complete("5001950015@e-citizen.am", ChainHead(3, bytes(32)))
    damage(following.state.directory, statement)
    with pytest.raises(StateUnusable):
        following.state.head("5001950015@e-citizen.am")


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_state_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    with pytest.raises(StateUnusable):
        State(tmp_path)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    directory = tmp_path / "mirror"
    directory.mkdir()
    return directory


async def test_a_pipe_in_a_mirror_holds_nobody_up(mirror: Path) -> None:
    os.mkfifo(mirror / "checkpoint")
    async with asyncio.timeout(60):
        with pytest.raises(SourceUnreached, match="is no file"):
            await FileSource(mirror).checkpoint()


async def test_a_directory_or_a_device_in_a_mirror_is_no_file(mirror: Path) -> None:
    (mirror / "checkpoint").mkdir()
    with pytest.raises(SourceUnreached, match="Is a directory"):
        await FileSource(mirror).checkpoint()
    (mirror / "checkpoint").rmdir()
    (mirror / "checkpoint").symlink_to("/dev/zero")
    with pytest.raises(SourceUnreached, match="is no file"):
        await FileSource(mirror).checkpoint()
