"""The whole server with witnesses: receipts that hold by the verifier's own quorum."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from namak.errors import TryLater
from namak.evidence.note import Verifier, parse_note
from namak.evidence.timestamp import REPLY_TYPE, token_from
from namak.witness.clock import WitnessClock
from namak.witness.place import key_of, made, state_in
from namak.witness.serving import WitnessServer
from namak.witness.witness import Witness
from server import bootstrap_outages
from server.dev.world import World
from tests import forking
from tests.integration.timestamps.authority import OPENSSL, OpensslAuthority
from tests.system.post import Agency, Post, running_post
from tests.system.test_commands import run
from tests.unit.evidence.signing import WitnessKey

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

NOT_VERIFIED = 4
PATIENCE_SECONDS = 60.0
DEBT_SECONDS = 60
"""For so long evidence may be without witnesses: more than they take on a busy machine."""
OID_OF_TIMESTAMPS = bytes.fromhex("060b2a864886f70d010910020e")
"""DER of the attribute in a signature that holds a timestamp over it (RFC 3161, appendix A)."""


AWAY = asyncio.Event()
"""Set by a test to have all witnesses answer nobody."""


COURT_AWAY = asyncio.Event()
"""The same of one of them."""


class WatchsClock:
    """By which the post judges how old its debt is; a test puts it forward."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


CLOCK = WatchsClock()


@web.middleware
async def unless_away(request: web.Request, handler: Handler) -> web.StreamResponse:
    return web.Response(status=503) if AWAY.is_set() else await handler(request)


@web.middleware
async def unless_court_is_away(request: web.Request, handler: Handler) -> web.StreamResponse:
    return web.Response(status=503) if COURT_AWAY.is_set() else await handler(request)


@contextlib.asynccontextmanager
async def witness(directory: Path, name: str, log_vkey: str) -> AsyncIterator[str]:
    """Runs a witness that follows the log; yields its line of a policy."""
    vkey = made(directory / name, f"{name}.example/w", None)
    state = state_in(directory / name)
    log = Verifier.parse(log_vkey)
    state.add_log(log.name, log)
    server = WitnessServer(Witness(state, key_of(directory / name, state), WitnessClock()))
    application = server.application()
    application.middlewares.append(unless_away)
    if name == "court":
        application.middlewares.append(unless_court_is_away)
    async with TestServer(application) as listening:
        yield f"witness {name} {vkey} {listening.make_url('/')}\n"
    server.close()
    state.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("witnesses")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(world: World, module_database_url: str, place: Path) -> AsyncIterator[Post]:
    """A post that two witnesses watch, of whom both must cosign, and a third that is not there."""
    away = f"witness uni {WitnessKey('uni.example/w').vkey} http://127.0.0.1:1/\n"
    async with (
        witness(place, "court", world.log_vkey) as court,
        witness(place, "bar", world.log_vkey) as bar,
    ):
        policy = place / "policy"
        policy.write_text(f"{court}{bar}{away}group g 2 court bar uni\nquorum g\n")
        environment = {
            "NAMAK_WITNESSES_POLICY": str(policy),
            "NAMAK_WITNESSES_INTERVAL": "100ms",
            "NAMAK_WITNESSES_RETRY_LONGEST": "1s",
            "NAMAK_WITNESSES_RENEWAL": "1s",
            "NAMAK_WITNESSES_DEBT_LIMIT": f"{DEBT_SECONDS}s",
        }
        guard = place / "checkpoint.note"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bootstrap_outages, "SystemClock", lambda: CLOCK)
            async with (
                time_stamped(place) as settings,
                running_post(world, module_database_url, guard, environment, settings) as post,
            ):
                yield post


@contextlib.asynccontextmanager
async def time_stamped(place: Path) -> AsyncIterator[str]:
    """Runs a time-stamping authority where there is an `openssl`; yields the settings that name it."""
    if OPENSSL is None:
        yield ""
        return
    authority = OpensslAuthority.made(place / "tsa")

    async def answer(request: web.Request) -> web.Response:
        reply = await asyncio.to_thread(authority.reply, await request.read())
        return web.Response(body=reply, content_type=REPLY_TYPE)

    application = web.Application()
    application.router.add_post("/tsr", answer)
    async with TestServer(application) as listening:
        known = f'{{ name = "time", url = "{listening.make_url("/tsr")}", roots = "{authority.roots}" }}'
        yield f'[timestamps]\ninterval = "1s"\nauthorities = [{known}]\n'


async def test_a_receipt_is_witnessed_and_the_verifiers_own_quorum_counts(post: Post, place: Path) -> None:
    agency, citizen, world = await post.agency(), await post.citizen(), post.world
    office = world.write_client("witnessed", agency.identity, post.address)
    sent = await agency.client.deliveries.submit(agency.letter(citizen.address))
    receipts = place / "receipts"

    await run(office, "receipt", "--delivery", sent.delivery.delivery_id, "-o", receipts, "--witnessed")

    assert len(list(receipts.iterdir())) == 2
    own = place / "own-policy"
    log, witnesses = f"log {world.log_vkey}\n", (place / "policy").read_text()
    own.write_text(log + witnesses)
    roots = world.pki.citizen_roots_path
    report = await run(office, "verify", receipts, "--log-policy", own, "--citizen-roots", roots)
    for file in report["files"]:
        checks = {check["name"]: check for check in file["checks"]}
        assert checks["witnesses"]["outcome"] == checks["time"]["outcome"] == "passed"
    # By a verifier who trusts nobody but the witness that is away, it proves nothing.
    own.write_text(log + witnesses.replace("quorum g", "quorum uni").replace("uni\nquorum", "\nquorum"))
    words = ("verify", receipts, "--log-policy", own, "--citizen-roots", roots)
    done = await asyncio.to_thread(
        forking.run, "namak.cli", "--json", *words, environment={"NAMAK_CONFIG": str(office)}
    )
    assert done.returncode == NOT_VERIFIED, done.stderr
    failed = [
        {check["name"] for check in file["checks"] if check["outcome"] == "failed"}
        for file in json.loads(done.stdout)["files"]
    ]
    assert failed == [{"witnesses"}] * 2


@pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
async def test_a_timestamped_receipt_is_taken_by_openssl_and_by_the_verifier(post: Post, place: Path) -> None:
    agency, citizen, world = await post.agency(), await post.citizen(), post.world
    office = world.write_client("stamped", agency.identity, post.address)
    sent = await agency.client.deliveries.submit(agency.letter(citizen.address))
    receipts, tsa = place / "stamped", OpensslAuthority(place / "tsa")

    await run(office, "receipt", "--delivery", sent.delivery.delivery_id, "-o", receipts, "--timestamped")

    for token in sorted(receipts.glob("*.time.tsr")):
        checkpoint = token.with_name(token.name.replace(".time.tsr", ".checkpoint"))
        assert tsa.verifies(token_from(token.read_bytes()), checkpoint.read_bytes())
    own = place / "stamped-policy"
    own.write_text(f"log {world.log_vkey}\n{(place / 'policy').read_text()}")
    roots = world.pki.citizen_roots_path
    words = (receipts, "--log-policy", own, "--citizen-roots", roots, "--tsa-roots", tsa.roots)
    report = await run(office, "verify", *words)
    assert len(report["files"]) == 2
    for file in report["files"]:
        assert {"witnesses", "timestamp", "time"} <= {check["name"] for check in file["checks"]}
        assert {check["outcome"] for check in file["checks"]} == {"passed"}
    pdf = place / "stamped.pdf"
    await run(office, "certificate", sent.delivery.delivery_id, "-o", pdf)
    report = await run(office, "verify", pdf, *words[1:], "--seal-roots", world.seal_roots)
    checks = [check for file in report["files"] for check in file["checks"]]
    assert [check["outcome"] for check in checks if check["name"] == "timestamp"] == ["passed"] * 2
    # Of the seal, too: it is in the file as hexadecimal digits.
    assert OID_OF_TIMESTAMPS.hex().encode() in pdf.read_bytes()
    (shard,) = (await run(office, "log", "status"))["shards"]
    (stamped,) = shard["timestamping"]
    assert (stamped["authority"], stamped["trouble"]) == ("time", None)
    assert stamped["tree_size"] > 0


async def test_a_monitor_over_the_posts_own_call_checks_the_quorum_and_that_it_is_fresh(
    post: Post, place: Path
) -> None:
    agency = await post.agency()
    office = post.world.write_client("monitoring", agency.identity, post.address)
    policy = place / "monitors-policy"
    policy.write_text(f"log {post.world.log_vkey}\n{(place / 'policy').read_text()}")
    follow = ("monitor", "--once", "--state", place / "monitor", "--log-policy", policy, "--max-age", "1m")
    seen = await run(office, *follow)
    assert (seen["alarms"], seen["witnesses"]) == ([], ["court", "bar"])

    # Nothing happens, and the same tree is cosigned again.
    first = again = (await agency.client.evidence.checkpoint()).witnessed_checkpoint
    async with asyncio.timeout(PATIENCE_SECONDS):
        while again == first or parse_note(again).text != parse_note(first).text:
            first = again
            await asyncio.sleep(0.05)
            again = (await agency.client.evidence.checkpoint()).witnessed_checkpoint
    assert (await run(office, *follow))["alarms"] == []


async def test_the_debt_is_paid(post: Post, place: Path) -> None:
    agency = await post.agency()
    office = post.world.write_client("debtor", agency.identity, post.address)
    (shard,) = (await run(office, "log", "status"))["shards"]
    assert 0 < shard["witnessed_tree_size"] <= shard["tree_size"]
    assert shard["witness_time"]
    assert shard["healthy"]


async def test_the_status_names_the_witness_that_is_away_and_says_that_the_log_waits(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    office = post.world.write_client("status", agency.identity, post.address)

    async def until(state: str) -> Mapping[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                status = await run(office, "log", "status")
                (shard,) = status["shards"]
                if shard["state"] == state:
                    return {**shard, "leading": status["leading"]}

    shard = await until("WELL")
    court, bar, uni = shard["witnessing"]
    assert [each["witness"].partition(".")[0] for each in (court, bar, uni)] == ["court", "bar", "uni"]
    assert court["cosign_time"]
    assert (court["trouble"], bar["trouble"], uni["trouble"], uni["tree_size"]) == (
        None,
        None,
        "UNREACHED",
        0,
    )
    assert uni["trouble_begin_time"]
    COURT_AWAY.set()
    try:
        await agency.client.deliveries.submit(agency.letter(citizen.address))
        shard = await until("WAITS_FOR_WITNESSES")
        court, bar, _ = shard["witnessing"]
        assert (shard["leading"], shard["witnesses_needed"]) == (True, 2)
        assert (court["trouble"], bar["trouble"]) == ("UNREACHED", None)
        assert court["tree_size"] <= shard["tree_size"]
    finally:
        COURT_AWAY.clear()
    shard = await until("WELL")
    assert shard["witnessing"][0]["trouble"] is None


async def test_without_witnesses_for_too_long_nothing_is_accepted_until_they_are_back(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    office = post.world.write_client("outage", agency.identity, post.address)
    before = await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="before"))
    AWAY.set()
    try:
        # Evidence that no witness sees: its debt grows old.
        await agency.client.deliveries.submit(agency.letter(citizen.address))
        CLOCK.ahead = timedelta(hours=1)
        refused = await until_refused(agency, citizen.address)
        assert refused.reason == "EVIDENCE_DEBT_EXCEEDED"
        assert not refused.evidence_id
        again = await agency.client.deliveries.submit(agency.letter(citizen.address, request_id="before"))
        assert again.delivery.delivery_id == before.delivery.delivery_id
        await citizen.client.mailbox.open(before.delivery.delivery_id)
        done = await asyncio.to_thread(
            forking.run, "namak.cli", "--json", "log", "status", environment={"NAMAK_CONFIG": str(office)}
        )
        status = json.loads(done.stdout)
        assert status["outage_begin_time"]
        assert status["debt_limit_seconds"] == DEBT_SECONDS
    finally:
        AWAY.clear()
    await until_accepted(agency, citizen.address)
    status = await run(office, "log", "status")
    assert status["outage_begin_time"] is None


async def until_refused(agency: Agency, recipient: str) -> TryLater:
    """Submits on until it is refused; returns how."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await agency.client.deliveries.submit(agency.letter(recipient))
            except TryLater as refusal:
                return refusal


async def until_accepted(agency: Agency, recipient: str) -> None:
    """Submits one message on until it is accepted."""
    message = agency.letter(recipient)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(TryLater):
                await agency.client.deliveries.submit(message)
                return
