"""The database dies and comes back: callers are told to try again, and the same server goes on by itself."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from namak.errors import Unavailable
from server.dev.world import World
from server.storage import migrate
from server.storage.embedded import EmbeddedPostgres
from tests.faults.agency import LONG_TRY, Agency
from tests.faults.register import PERSON, register
from tests.faults.scene import Replica, Scene, eventually
from tests.postgres import finish

pytestmark = [pytest.mark.faults, pytest.mark.hsm]


@pytest.fixture
def postgres(world: World) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this test's own, with everything registered."""
    with tempfile.TemporaryDirectory(prefix="namak-faults-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        postgres = EmbeddedPostgres.start(directory / "postgres", durable=False)
        try:
            finish(migrate.upgrade(postgres.url))
            finish(register(postgres.url, world))
            yield postgres
        finally:
            postgres.stop()


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> str:
    return postgres.url


def crash(postgres: EmbeddedPostgres) -> None:
    place = postgres.place
    done = place.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(place.data))
    assert done.returncode == 0, done.stdout


def start(postgres: EmbeddedPostgres) -> None:
    place = postgres.place
    log = str(place.data / "server.log")
    done = place.run("pg_ctl", "start", "-w", "-D", str(place.data), "-l", log)
    assert done.returncode == 0, done.stdout


async def test_a_server_outlives_its_database_and_says_unavailable_meanwhile(
    scene: Scene, postgres: EmbeddedPostgres
) -> None:
    scene.patience = LONG_TRY
    (server,) = await scene.start("one")
    async with scene.sending("outage"):
        await scene.more_answers(8)
        await asyncio.to_thread(crash, postgres)
        await eventually(lambda: len(scene.told.failures) > 3)
        await assert_everything_is_unavailable(scene, server)
        await asyncio.to_thread(start, postgres)
        await scene.more_answers(8)
    assert scene.told.reasons == ["SERVICE_UNAVAILABLE"]
    assert not server.dead
    await scene.repeat_everything()
    await scene.balance()


async def assert_everything_is_unavailable(scene: Scene, server: Replica) -> None:
    client = server.client
    letter = Agency("during", scene.replicas, scene.told).letter(PERSON)
    unanswered = scene.told.submissions.pop(letter.request_id)
    for call in (
        client.deliveries.submit(unanswered),
        client.deliveries.get("00000000-0000-7000-8000-000000000000"),
        anext(aiter(client.deliveries.list())),
        client.evidence.checkpoint(),
    ):
        with pytest.raises(Unavailable) as raised:
            await call
        assert raised.value.reason == "SERVICE_UNAVAILABLE"
    (outcome,) = await client.deliveries.submit_many([unanswered])
    assert outcome.error is not None
    assert outcome.error.reason == "SERVICE_UNAVAILABLE"
