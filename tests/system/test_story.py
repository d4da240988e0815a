"""The demo's story, act by act, against a server of its own; and what that server wrote into its log."""

import contextlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from rich.console import Console

from namak.v1 import evidence_pb2, evidence_pb2_grpc
from scripts.story import verifying
from scripts.story.administering import ADMINISTRATOR
from scripts.story.playing import SAMPLES, online
from scripts.story.post import bind_operator, callers, stamped, witnessed
from scripts.story.sending import NOBODY, SUBJECT
from scripts.story.stage import Stage
from server.dev.beside import BesideProcess
from server.dev.process import ServerProcess
from server.dev.timestamp_server import OpensslMissing
from server.dev.world import World
from tests import forking
from tests.system.conftest import new_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Told:
    """The story after its last act that needs the server, which has ended."""

    world: World
    files: Sequence[Path]
    receipts: Path
    delivery_id: str
    exit_code: int
    log: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Plays the story up to where the server is stopped, on the embedded PostgreSQL."""
    world = new_world(tmp_path_factory.mktemp("story"))
    settings = world.write_settings()
    log = world.directory / "server.log"
    files = sorted(SAMPLES.iterdir())
    await bind_operator(settings, world)
    beside: list[BesideProcess] = [*await witnessed(settings, world, forking.start_logging)]
    with contextlib.suppress(OpensslMissing):
        beside.append(await stamped(settings, world))
    server = await ServerProcess.start(settings, log=log)
    try:
        async with callers(world, server) as post:
            delivery_id = await online(silent_stage(), post, files)
            await knock(world, server.address)
            receipts = post.receipts
    finally:
        exit_code = await server.stop()
        for each in beside:
            exit_code |= await each.stop()
    return Told(world, files, receipts, delivery_id, exit_code, log)


async def knock(world: World, address: str) -> None:
    """Comes without a certificate, as anybody on the network can."""
    credentials = grpc.ssl_channel_credentials(world.pki.server_root_path.read_bytes())
    async with grpc.aio.secure_channel(address, credentials) as channel:
        stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
        call = stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(), timeout=60)
        assert await call.code() is grpc.StatusCode.UNAVAILABLE


def silent_stage() -> Stage:
    return Stage(Console(file=io.StringIO(), width=200))


async def test_it_comes_out_as_told_and_the_server_ends_well(told: Told) -> None:
    assert told.exit_code == 0
    assert told.delivery_id
    # The relay to which it led is gone.
    assert not (told.world.directory / "agency-elsewhere.toml").exists()


async def test_its_receipts_are_accepted_and_forged_ones_refused(told: Told) -> None:
    stage = silent_stage()

    await verifying.accepted(stage, told.world, told.receipts)
    await verifying.refused(stage, told.world, told.receipts, told.delivery_id)


async def test_the_handover_says_all_that_a_newcomer_needs(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "handover.json"
    told.world.write_handover(path, "127.0.0.1:1")
    handover = json.loads(path.read_text(encoding="utf-8"))

    assert list(handover) == [
        "address",
        "ca",
        "operator",
        "agency",
        "other_agency",
        "clerk",
        "print_house",
        "portal",
        "citizen",
        "other_citizen",
        "entity",
        "log_vkey",
        "log_policy",
        "citizen_roots",
    ]
    named = [handover["ca"], handover["log_policy"], handover["citizen_roots"]]
    for card in ("citizen", "other_citizen"):
        signing = handover[card]["signing"]
        assert list(signing) == ["module", "config", "token", "pin", "label", "authentication_label", "cert"]
        named += [signing["module"], signing["config"], signing["cert"]]
    people = (
        "operator",
        "agency",
        "other_agency",
        "clerk",
        "print_house",
        "portal",
        "citizen",
        "other_citizen",
    )
    for who in people:
        named += [handover[who]["cert"], handover[who]["key"]]
    assert missing(named) == []


def missing(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if not Path(path).is_file()]


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Returns the log's lines; each must be a JSON object."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def personal_and_secret(told: Told) -> Iterable[str]:
    """Yields what must not stand in a log: who gets what, what it says, and keys to anything."""
    world = told.world
    for person in (world.citizen.person, world.other_citizen.person, ADMINISTRATOR):
        yield from (person.personal_number, person.given_name, person.surname)
    yield from ("22335588", NOBODY, "@e-citizen.am", SUBJECT, *SUBJECT.split())
    yield from (world.card_token.pin, world.log_token.pin, "PRIVATE KEY")
    for file in told.files:
        yield from (file.name, file.stem)
        yield from words(file)


def words(file: Path) -> Iterable[str]:
    """Yields the long words of a letter that is text."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    yield from (word for word in text.split() if len(word) > 7)


async def test_the_log_tells_of_every_call_and_of_nothing_personal(told: Told) -> None:
    text = told.log.read_text(encoding="utf-8")
    lines = lines_of(told.log)

    methods = {line["method"].rpartition("/")[2] for line in lines if line["event"] == "call finished"}
    assert methods >= {
        "RegisterOrganisation",
        "OpenMailbox",
        "Submit",
        "BatchSubmit",
        "ListMessages",
        "OpenMessage",
        "DownloadContent",
        "IssueStatement",
        "ConfirmReading",
        "ListFacts",
        "GetReceipt",
        "EnableAdministrator",
        "UpdateSenderAddress",
        "ListAdministrativeActs",
        "WithdrawDelivery",
        "WatchDeliveries",
        "GetUsage",
        "ListMailboxLinks",
    }
    reasons = {line.get("reason") for line in lines}
    assert reasons >= {"NETWORK_NOT_PERMITTED", "SENDER_SUSPENDED", "MAILBOX_UNKNOWN", "NOT_OPENED"}
    assert "MESSAGE_OPENED" in reasons
    assert [line for line in lines if line["level"] in {"error", "critical"}] == []
    assert [secret for secret in personal_and_secret(told) if secret in text] == []
