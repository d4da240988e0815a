"""More refusals than an organisation may have in a minute: those beyond leave nothing behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from grpc import StatusCode

from namak.errors import TryLater
from server.dev.world import World
from tests.system.post import Post, running_post
from tests.system.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "4999999999@e-citizen.am"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    """A post whose settings permit three refusals a minute."""
    guard: Path = tmp_path_factory.mktemp("guard") / "checkpoint.note"
    async with running_post(
        world, module_database_url, guard, {"NAMAK_LIMITS_REFUSALS_PER_MINUTE": "3"}
    ) as post:
        yield post


async def test_refusals_beyond_the_limit_are_not_recorded_and_stop_nobody_else(post: Post) -> None:
    agency, other, citizen = await post.agency(), await post.agency("Police"), await post.citizen()

    async with post.records.grow_by(claims=4, refusals=3, deliveries=1, parts=1, mailbox_links=1, evidence=5):
        outcomes = await agency.client.deliveries.submit_many(
            [agency.letter(NOBODY) for _ in range(4)] + [agency.letter(citizen.address)]
        )
    reasons = [outcome.error.reason if outcome.error else "" for outcome in outcomes]
    assert reasons == ["MAILBOX_UNKNOWN"] * 3 + ["TOO_MANY_REFUSALS", ""]
    beyond = outcomes[3].error
    assert isinstance(beyond, TryLater)
    assert beyond.evidence_id is None
    assert (beyond.retry_delay or 0) > 0

    async with post.records.grow_by():
        await refused(
            agency.client.deliveries.submit(agency.letter(NOBODY)),
            StatusCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_REFUSALS",
        )
    # Another organisation has its own limit, and good letters are never held up.
    async with post.records.grow_by_a_refusal():
        await refused(
            other.client.deliveries.submit(other.letter(NOBODY)), StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"
        )
    assert (await agency.client.deliveries.submit(agency.letter(citizen.address))).evidence
