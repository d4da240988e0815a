"""Fixtures of the whole server: one throwaway world a run, one post over a database of its own a module."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from scripts.story import programs
from server.dev.tokens import SoftHsmMissing
from server.dev.world import World
from tests import forking
from tests.independent.go_verifier import go_verifier
from tests.system.post import Agency, Citizen, Post, running_post

__all__ = ["go_verifier"]


@pytest.fixture(scope="session", autouse=True)
def commands_are_forked() -> Iterator[None]:
    """Has the story's commands forked from a process that has imported them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "ended", forking.ended)
        yield


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Authorities, certificates, and real tokens: the log's and a citizen's card."""
    return new_world(tmp_path_factory.mktemp("world"))


def new_world(directory: Path, profile: str = "am") -> World:
    """Makes a world of a jurisdiction, or skips the test where there can't be one."""
    try:
        return World.create(directory, profile)
    except SoftHsmMissing as missing:
        pytest.skip(f"the whole server not run: {missing}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    """A running server in the loop of the module's tests, its operator bound."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    async with running_post(world, module_database_url, guard / "checkpoint.note") as post:
        yield post


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agency(post: Post) -> Agency:
    """An agency that sends from 127.0.0.1; no test changes it."""
    return await post.agency()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def citizen(post: Post) -> Citizen:
    """A person with a mailbox; no test changes their state."""
    return await post.citizen()
