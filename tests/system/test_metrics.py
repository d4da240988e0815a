"""The figures of a whole server: what calls and the log did, and nothing about anybody."""

import asyncio
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from server import config
from server.bootstrap_metrics import of_answer, of_jobs, of_pool, telling
from server.cli import receiving_mail, working
from server.dev.world import World
from server.domain.jobs import KINDS
from server.domain.reasons import Reason
from server.grpc_server import SERVICES
from server.metrics import looks, page
from server.metrics.catalogue import MEASURES
from server.metrics.meters import Meters
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests.system.post import Post, running_post
from tests.system.refusing import refusal_of
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Figures = Mapping[str, Mapping[frozenset[tuple[str, str]], float]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    """A server that tells its figures."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    environment = {"NAMAK_METRICS_LISTEN": "127.0.0.1:0"}
    with pytest.MonkeyPatch.context() as patch:
        # Each scrape is to tell what was just done.
        patch.setattr(page, "AGE_SECONDS", 0.0)
        patch.setattr(looks, "PAUSE_SECONDS", 0.0)
        patch.setattr(looks, "PAUSE_TIMES", 0)
        async with running_post(world, module_database_url, guard / "checkpoint.note", environment) as post:
            yield post


def address_of(post: Post) -> str:
    address = post.servers[0].metrics_address
    assert address is not None
    return address


async def text_of(address: str) -> str:
    headers = {"Accept": "application/openmetrics-text"}
    url = f"http://{address}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "application/openmetrics-text")
        return await answer.text()


def read(text: str) -> Iterator[Metric]:
    families: Iterator[Metric] = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return families


async def figures(address: str) -> Figures:
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in read(await text_of(address)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def one(found: Figures, name: str, **labels: str) -> float:
    """Returns the value of the one sample that has these labels."""
    (value,) = [value for key, value in found.get(name, {}).items() if key >= set(labels.items())]
    return value


async def test_what_calls_and_the_log_did_is_told(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    letter = agency.letter(citizen.address)
    await agency.client.deliveries.submit(letter)
    refused = await refusal_of(agency.client.deliveries.submit(agency.letter("4999999999@e-citizen.am")))
    status = (await agency.client.evidence.log_status()).shards[0]

    async def caught_up() -> bool:
        found = await figures(address_of(post))
        return one(found, "namak_log_tree_leaves", stage="published") >= status.tree_size

    await until(caught_up)
    found = await figures(address_of(post))

    submit = "namak.v1.DeliveryService/Submit"
    assert one(found, "namak_rpc_calls_total", method=submit, code="OK") == 1
    assert one(found, "namak_rpc_calls_total", method=submit, reason=refused.reason) == 1
    assert one(found, "namak_rpc_duration_seconds_count", method=submit) == 2
    assert one(found, "namak_database_up") == 1
    assert one(found, "namak_log_leading") == 1
    assert one(found, "namak_log_tree_leaves", stage="witnessed") == 0
    assert one(found, "namak_evidence_debt_leaves") >= status.tree_size
    assert one(found, "namak_evidence_debt_age_seconds") > 0
    assert one(found, "namak_evidence_outage") == 0
    assert "namak_evidence_debt_limit_seconds" not in found, "nobody witnesses here"
    assert one(found, "namak_log_checkpoints_total") > 0
    assert one(found, "namak_log_signature_duration_seconds_count") >= one(
        found, "namak_log_checkpoints_total"
    )
    assert one(found, "namak_submissions_limit") == 10_000
    assert one(found, "namak_certificate_ends_timestamp_seconds", certificate="server") > 1.7e9
    assert one(found, "namak_revocation_lists_end_timestamp_seconds") > time.time()
    assert all(found["namak_log_part_well"].values())
    assert "namak_log_trouble" not in found
    assert {dict(key)["kind"] for key in found["namak_jobs"]} == {*(kind.name for kind in KINDS), "other"}


async def test_labels_have_the_values_of_the_release_and_of_the_settings(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="A-REQUEST"))
    await citizen.client.mailbox.get()
    await refusal_of(agency.client.deliveries.get("0192f0c3-0000-7000-8000-00000000000a"))
    channel = await post.channel(agency.identity)
    strange: Any = channel.unary_unary("/namak.v1.DeliveryService/5001950015")
    with pytest.raises(Exception, match="UNIMPLEMENTED"):
        await strange(b"", timeout=60)

    found, text = await figures(address_of(post)), await text_of(address_of(post))

    methods = {f"{service.full_name}/{method.name}" for service in SERVICES for method in service.methods}
    reflection = {
        f"grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha")
    }
    bounds: dict[str, set[str]] = {
        "method": methods | reflection,
        "reason": {*(reason.value for reason in Reason), ""},
        "kind": {*(kind.name for kind in KINDS), "other"},
        "origin": {agency_origin(post)},
        "stage": {"integrated", "published", "witnessed"},
        "state": {"due", "later", "running", "dead"},
        "certificate": {"server", "seal"},
        "profile": {"am"},
    }
    for name, samples in found.items():
        for labels in samples:
            for label, value in labels:
                if name.startswith("namak_") and label in bounds:
                    assert value in bounds[label], name
    ours = {measure.name: measure for measure in MEASURES}
    for family in read(text):
        if family.name.startswith("namak_"):
            assert family.type == ours[family.name].kind.value
            assert family.documentation == ours[family.name].says
            assert family.unit == ours[family.name].unit
    for secret in (
        agency.sender,
        agency.organisation_id,
        citizen.person.personal_number,
        "A-REQUEST",
        "5001950015",
    ):
        assert secret not in text
    assert not re.search(r'="127\.|@|[0-9a-f]{8}-[0-9a-f]{4}-', text)


def agency_origin(post: Post) -> str:
    return post.servers[0].settings.log.origin


async def test_a_server_is_scraped_while_it_works(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    before = await figures(address_of(post))

    _, scraped = await asyncio.gather(
        asyncio.gather(*(agency.client.deliveries.submit(agency.letter(citizen.address)) for _ in range(40))),
        asyncio.gather(*(text_of(address_of(post)) for _ in range(40))),
    )

    async def counted() -> bool:
        return submitted(await figures(address_of(post))) == submitted(before) + 40

    await until(counted)
    assert all(text.endswith("# EOF\n") for text in scraped)


def submitted(found: Figures) -> float:
    """Returns how many; a server that served none yet has no such line."""
    wanted = {("method", "namak.v1.DeliveryService/Submit"), ("code", "OK")}
    calls = found.get("namak_rpc_calls_total", {})
    return sum(value for labels, value in calls.items() if wanted <= set(labels))


async def test_a_server_without_an_address_tells_nothing(post: Post) -> None:
    assert (await post.second()).metrics_address is None


async def test_without_a_database_the_rest_is_told() -> None:
    database = Database("postgresql://namak@127.0.0.1:1/nowhere", connect_seconds=0.5)
    meters = Meters("1", "am")
    meters.call_ended("/namak.v1.DeliveryService/Submit", "UNAVAILABLE", "SERVICE_UNAVAILABLE", 0.1)
    questions = {"answer": of_answer(database), "jobs": of_jobs(SqlUnitOfWork(database))}

    async with telling("127.0.0.1:0", meters, questions, [of_pool(database)]) as address:
        assert address is not None
        found = await figures(address)
    await database.dispose()

    assert one(found, "namak_database_up") == 0
    assert one(found, "namak_rpc_calls_total") == 1
    assert one(found, "namak_database_connections_limit") == 24
    assert not {"namak_jobs", "namak_database_look_age_seconds"} & set(found)


async def test_other_commands_tell_theirs(post: Post, world: World, tmp_path: Path) -> None:
    environment = {
        f"NAMAK_{name}": "127.0.0.1:0"
        for name in (
            *("METRICS_WORK_LISTEN", "METRICS_SMTP_LISTEN", "INBOUND_MAIL_LISTEN"),
            *("JOBS_HEALTH_LISTEN", "INBOUND_MAIL_HEALTH_LISTEN"),
        )
    }
    settings = config.load(world.write_settings("others", database_url=post.database_url), environment)
    loop = asyncio.get_running_loop()
    work = working._work_until_stopped(settings, (), None, tmp_path / "work")
    receive = receiving_mail._receive_until_stopped(settings, tmp_path / "smtp")
    running = {"work": loop.create_task(work), "smtp": loop.create_task(receive)}
    try:
        for command, known in (
            ("work", {"namak_jobs", "namak_jobs_oldest_due_age_seconds"}),
            ("smtp", {"namak_submissions_held", "namak_evidence_outage", "namak_mail_connections"}),
        ):
            await until((tmp_path / command).exists, seconds=60)
            address = json.loads((tmp_path / command).read_text("utf-8"))["metrics_address"]
            found = await figures(address)
            assert known | {"namak_build_info", "namak_database_connections_limit"} <= set(found)
            assert one(found, "namak_database_up") == 1
    finally:
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
