"""The mobile-id client when the service is slow, broken, gone or somebody else."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from server.domain.mobile_identity import Failed, Failure, Signed, Waiting
from server.domain.refusals import ServiceUnavailable
from server.gateways.mobile_id import TROUBLES_AT_MOST, MobileId, MobileIdSettings
from tests.contracts.mobile_identity_contract import CHALLENGE, ENOUGH, SCREEN, ended, started, user_of
from tests.fakes.clock import HeldClock
from tests.fakes.sim import Sim
from tests.integration.gateways.mobile_id import Pauses, client_of
from tests.mobile_id_server import (
    RELYING_PARTY,
    Misbehaviour,
    MobileIdServer,
    flood,
    garbage,
    hang,
    hang_up,
    internal_error,
    saying,
)

POLL = "authentication/session"

PASSING = [
    pytest.param(internal_error, id="500"),
    pytest.param(garbage, id="garbage"),
    pytest.param(hang_up, id="hangs up"),
    pytest.param(flood, id="flood"),
    pytest.param(saying(429, {}), id="429"),
    pytest.param(saying(content=["no object"]), id="list"),
    pytest.param(saying(content={"state": "DANCING"}), id="no state"),
    pytest.param(saying(content={"state": "COMPLETE"}), id="no result"),
]


@pytest.mark.parametrize("misbehaviour", PASSING)
async def test_a_poll_that_fails_is_made_again(
    identity: MobileId, sim: Sim, service: MobileIdServer, pauses: Pauses, misbehaviour: Misbehaviour
) -> None:
    begun = await started(identity, sim)
    await sim.enter_right()
    service.misbehaviours.extend([misbehaviour] * (TROUBLES_AT_MOST - 1))

    assert isinstance(await ended(identity, begun), Signed)
    assert len(service.asked(POLL)) == TROUBLES_AT_MOST
    assert pauses.seconds == sorted(pauses.seconds)


@pytest.mark.parametrize("misbehaviour", PASSING)
async def test_polls_that_go_on_failing_are_told(
    identity: MobileId, sim: Sim, service: MobileIdServer, pauses: Pauses, misbehaviour: Misbehaviour
) -> None:
    begun = await started(identity, sim)
    service.always = misbehaviour

    with pytest.raises(ServiceUnavailable) as refusal:
        await ended(identity, begun)

    assert refusal.value.metadata == {"component": "mobile id"}
    assert len(pauses.seconds) == TROUBLES_AT_MOST - 1
    service.always = None
    await sim.enter_right()
    assert isinstance(await ended(identity, begun), Signed)


async def test_polls_that_fail_now_and_then_are_not_added_up(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    begun = await started(identity, sim)
    await sim.enter_right()
    running = saying(content={"state": "RUNNING"})
    service.misbehaviours.extend([internal_error, running] * (TROUBLES_AT_MOST + 1))

    assert isinstance(await ended(identity, begun), Signed)


async def test_a_service_that_hangs_is_given_up(
    settings: MobileIdSettings, clock: HeldClock, sim: Sim, service: MobileIdServer
) -> None:
    short = timedelta(milliseconds=50)
    async with client_of(settings, clock, poll=short, margin=short) as identity:
        begun = await started(identity, sim)
        service.misbehaviours.extend([hang] * TROUBLES_AT_MOST)

        with pytest.raises(ServiceUnavailable):
            await ended(identity, begun)

    await service.until(lambda: service.gone == TROUBLES_AT_MOST)


async def test_waiting_ends_in_time_while_polls_fail(
    settings: MobileIdSettings, clock: HeldClock, sim: Sim, service: MobileIdServer
) -> None:
    async with client_of(settings, clock, pause=asyncio.sleep) as identity:
        begun = await started(identity, sim)
        service.misbehaviours.append(internal_error)

        with pytest.raises(ServiceUnavailable):
            await identity.outcome(begun.session, wait=timedelta(milliseconds=100))

        assert len(service.asked(POLL)) == 1


@pytest.mark.parametrize(
    "misbehaviour",
    [
        *PASSING[:6],
        pytest.param(saying(401, {"error": "Failed to authorize user"}), id="401"),
        pytest.param(saying(400, {"error": "no"}), id="400"),
        pytest.param(saying(content={}), id="nothing"),
        pytest.param(saying(content={"sessionID": "../../admin"}), id="path"),
        pytest.param(saying(content={"sessionID": 7}), id="number"),
    ],
)
async def test_a_phone_is_not_asked_twice_by_one_call(
    identity: MobileId, sim: Sim, service: MobileIdServer, misbehaviour: Misbehaviour
) -> None:
    service.misbehaviours.append(misbehaviour)

    with pytest.raises(ServiceUnavailable):
        await identity.start_authentication(user_of(sim), CHALLENGE, SCREEN)

    assert len(service.asked("authentication")) == 1


async def test_a_redirection_is_not_followed(identity: MobileId, sim: Sim, service: MobileIdServer) -> None:
    elsewhere = f"{service.url}/certificate"
    service.misbehaviours.append(saying(307, {}, Location=elsewhere))

    with pytest.raises(ServiceUnavailable):
        await identity.start_authentication(user_of(sim), CHALLENGE, SCREEN)

    assert [path for path, _ in service.requests] == ["authentication"]


async def test_a_caller_that_goes_away_ends_the_polling(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    begun = await started(identity, sim)
    waiting = asyncio.create_task(identity.outcome(begun.session, wait=ENOUGH))
    await service.until(lambda: len(service.asked(POLL)) == 1)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await service.until(lambda: service.gone == 1)
    assert len(service.asked(POLL)) == 1


async def test_two_who_wait_for_one_session_do_not_chase_each_other(
    settings: MobileIdSettings, clock: HeldClock, sim: Sim, service: MobileIdServer
) -> None:
    paused, go_on = asyncio.Event(), asyncio.Event()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        paused.set()
        await go_on.wait()

    async with client_of(settings, clock, pause=pause) as identity:
        begun = await started(identity, sim)
        first = asyncio.create_task(ended(identity, begun))
        await service.until(lambda: len(service.asked(POLL)) == 1)
        second = asyncio.create_task(ended(identity, begun))
        await paused.wait()
        await sim.enter_right()
        assert isinstance(await second, Signed)
        go_on.set()
        assert isinstance(await first, Signed)

    assert pauses == [1.0]
    assert len(service.asked(POLL)) == 3


async def test_polls_are_as_long_as_the_settings_and_the_caller_permit(
    settings: MobileIdSettings, clock: HeldClock, sim: Sim, service: MobileIdServer
) -> None:
    async with client_of(settings, clock, poll=timedelta(milliseconds=20)) as identity:
        begun = await started(identity, sim)
        assert await identity.outcome(begun.session, wait=timedelta(milliseconds=100)) == Waiting()

    longest, *_, last = [int(query["timeoutMs"]) for query in service.asked(POLL)]
    assert longest == 20
    assert 0 <= last <= 20


async def test_the_last_poll_leaves_its_answer_time_to_arrive(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    begun = await started(identity, sim)

    assert await identity.outcome(begun.session, wait=timedelta(milliseconds=200)) == Waiting()

    (query,) = service.asked(POLL)
    assert 0 < int(query["timeoutMs"]) <= 100


async def test_somebody_else_in_the_service_s_place_is_told_nothing(
    settings: MobileIdSettings, clock: HeldClock, sim: Sim, service: MobileIdServer, tmp_path: Path
) -> None:
    impostor = MobileIdServer()
    (tmp_path / "impostor").mkdir()
    async with impostor.running(tmp_path / "impostor") as other:
        # The machine's authorities do not count either: none of them is asked.
        trusting_other = MobileIdSettings(type(settings.service)(service.url, other), RELYING_PARTY, "NAMAK")
        async with client_of(trusting_other, clock) as identity:
            with pytest.raises(ServiceUnavailable):
                await identity.start_authentication(user_of(sim), CHALLENGE, SCREEN)

    assert service.requests == []


async def test_a_service_that_is_not_there_is_unavailable(
    settings: MobileIdSettings, clock: HeldClock, sim: Sim, tmp_path: Path
) -> None:
    gone = MobileIdServer()
    (tmp_path / "gone").mkdir()
    async with gone.running(tmp_path / "gone") as authorities:
        nowhere = MobileIdSettings(type(settings.service)(gone.url, authorities), RELYING_PARTY, "NAMAK")
    pauses = Pauses()
    async with client_of(nowhere, clock, pause=pauses) as identity:
        with pytest.raises(ServiceUnavailable):
            await identity.start_authentication(user_of(sim), CHALLENGE, SCREEN)

    assert len(pauses.seconds) == 1


async def test_neither_numbers_nor_secrets_get_into_log_lines(
    identity: MobileId, sim: Sim, stranger: Sim, service: MobileIdServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    texts: list[str] = []
    with structlog.testing.capture_logs() as lines:
        service.misbehaviours.append(saying(401, {}))
        with pytest.raises(ServiceUnavailable):
            await started(identity, sim)
        begun = await started(identity, sim)
        texts.append(repr(begun))
        service.misbehaviours.extend([internal_error, garbage, flood])
        sim.cards.update(stranger.cards)
        await sim.enter_right()
        outcome: Any = await ended(identity, begun)
        assert outcome == Failed(Failure.OTHER_PERSON, begun.session.key)
        service.misbehaviours.append(saying(content={"state": "COMPLETE", "result": sim.phone}))
        assert await ended(identity, begun) == Failed(Failure.NOT_COMPLETED, begun.session.key)

    assert len(lines) == 6
    said = " ".join([*texts, *map(str, lines), caplog.text, repr(user_of(sim))])
    for secret in (
        sim.phone[1:],
        sim.person_number,
        stranger.person_number,
        RELYING_PARTY,
        begun.session.reference,
    ):
        assert secret not in said
