"""The processes that read strangers' files: they answer, and are ended when a file is too much."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from namak.client.signing import sign_cms
from namak.signatures.report import Finding, Report, Verdict
from server.domain.refusals import Overloaded
from server.gateways.signature_verification.workers import SignatureWorkers, WorkerLimits
from tests.contracts.signature_verifier_contract import SignatureVerifierContract
from tests.fakes.signatures import InProcessVerifier
from tests.signing import files
from tests.signing.authority import NOW
from tests.signing.world import DOCUMENT, SIGNED, World
from tests.waiting import until

LIMITS = WorkerLimits(processes=1, waiting=2, seconds=60.0)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
async def workers() -> AsyncIterator[SignatureWorkers]:
    made = SignatureWorkers(LIMITS)
    yield made
    await made.close()


class TestSignatureWorkers(SignatureVerifierContract):
    @pytest.fixture
    def verifier(self, workers: SignatureWorkers) -> SignatureWorkers:
        return workers


class TestInProcessVerifier(SignatureVerifierContract):
    @pytest.fixture
    def verifier(self) -> InProcessVerifier:
        return InProcessVerifier()


async def test_a_bomb_does_not_take_the_process_that_reads_it_along(
    workers: SignatureWorkers, world: World
) -> None:
    bomb = await workers.verify(files.deflate_bomb(), None, world.trust(), NOW, owner="somebody")
    after = await workers.verify(
        DOCUMENT, sign_cms(DOCUMENT, world.aram.signer, at=SIGNED), world.trust(), NOW, owner="somebody"
    )

    assert bomb is not None
    assert bomb.checks[0].finding is Finding.TOO_DEMANDING
    assert after is not None
    assert after.verdict is Verdict.VALID


async def test_a_file_that_takes_too_long_ends_its_process_and_the_next_one_is_served(world: World) -> None:
    # Less than starting a process takes: the first file is never done in time.
    hasty = SignatureWorkers(replace(LIMITS, seconds=0.01))
    try:
        assert await hasty.verify(DOCUMENT, b"0", world.trust(), NOW, owner="somebody") is None
        assert hasty._all == set()
    finally:
        await hasty.close()


async def test_a_process_that_has_too_little_memory_gives_up_and_nothing_else_happens(world: World) -> None:
    poor = SignatureWorkers(replace(LIMITS, memory_bytes=120 * 1024 * 1024))
    try:
        assert await poor.verify(DOCUMENT, b"0", world.trust(), NOW, owner="somebody") is not None
        assert await poor.verify(bytes(48 * 1024 * 1024), b"0", world.trust(), NOW, owner="somebody") is None
    finally:
        await poor.close()


async def test_of_a_process_that_never_starts_the_log_tells_how_it_ended(world: World) -> None:
    starved = SignatureWorkers(replace(LIMITS, memory_bytes=1024 * 1024))
    try:
        with capture_logs() as lines:
            assert await starved.verify(DOCUMENT, b"0", world.trust(), NOW, owner="somebody") is None
        (line,) = lines
        assert line["why"] == "the process ended"
        assert line["exit_status"] not in (0, None, -signal.SIGKILL)
        assert line["jobs"] == 1
    finally:
        await starved.close()


async def test_a_process_that_was_killed_is_replaced(workers: SignatureWorkers, world: World) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)
    await workers.verify(DOCUMENT, cms, world.trust(), NOW, owner="somebody")
    (worker,) = workers._all
    os.kill(worker._process.pid, signal.SIGKILL)
    await worker._process.wait()

    report = await workers.verify(DOCUMENT, cms, world.trust(), NOW, owner="somebody")

    assert report is not None
    assert report.verdict is Verdict.VALID


async def test_more_than_may_wait_are_refused_and_the_others_served(
    workers: SignatureWorkers, world: World
) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)
    calls = [
        asyncio.create_task(workers.verify(DOCUMENT, cms, world.trust(), NOW, owner=each))
        for each in range(5)
    ]

    results = await asyncio.gather(*calls, return_exceptions=True)

    # One is verified, two wait, two are sent away.
    assert sorted(type(each).__name__ for each in results) == ["Overloaded"] * 2 + ["Report"] * 3
    assert any(isinstance(each, Overloaded) for each in results)


async def test_one_caller_leaves_as_many_places_as_it_takes(workers: SignatureWorkers, world: World) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)

    def calls(owner: str, number: int) -> list[asyncio.Task[Report | None]]:
        verify = workers.verify
        return [
            asyncio.create_task(verify(DOCUMENT, cms, world.trust(), NOW, owner=owner)) for _ in range(number)
        ]

    results = await asyncio.gather(*calls("flood", 5), *calls("other", 1), return_exceptions=True)

    # Of three places a caller gets two.
    assert [type(each).__name__ for each in results] == ["Report"] * 2 + ["Overloaded"] * 3 + ["Report"]
    # Whoever is done has all of them back.
    assert all(isinstance(each, Report) for each in await asyncio.gather(*calls("flood", 2)))


async def test_a_caller_that_goes_away_leaves_the_place_to_the_next(
    workers: SignatureWorkers, world: World
) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)
    gone = asyncio.create_task(workers.verify(DOCUMENT, cms, world.trust(), NOW, owner="somebody"))
    await until(lambda: bool(workers._all))
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone

    report = await workers.verify(DOCUMENT, cms, world.trust(), NOW, owner="somebody")

    assert report is not None
    assert report.verdict is Verdict.VALID


async def test_closing_ends_all_processes(world: World) -> None:
    made = SignatureWorkers(LIMITS)
    await made.verify(DOCUMENT, b"0", world.trust(), NOW, owner="somebody")
    (worker,) = made._all

    await made.close()

    assert worker._process.returncode is not None
