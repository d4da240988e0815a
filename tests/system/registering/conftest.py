"""A running server that asks a DNS server of the tests' own, and an agency to change."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.dev.world import World
from tests.dns_server import DnsServer, dns_serving
from tests.system.post import Agency, Post, running_post


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dns_server() -> AsyncIterator[DnsServer]:
    async with dns_serving() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, dns_server: DnsServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    """A running server that asks the test's DNS server, and does not wait long for it."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    environment = {"NAMAK_DNS_SERVERS": f"127.0.0.1:{dns_server.port}", "NAMAK_DNS_TIMEOUT": "500ms"}
    async with running_post(world, module_database_url, guard / "checkpoint.note", environment) as post:
        yield post


@pytest_asyncio.fixture(loop_scope="module")
async def new_agency(post: Post) -> Agency:
    """An agency that a test may change."""
    return await post.agency()
