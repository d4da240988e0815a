"""The registers' client against real registers: true, slow, down, overwhelmed, and lying."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import structlog

from server.domain.state_records import Fault, Found, NotFound, PersonRecord, Unavailable
from server.gateways.state_registers import answers
from server.gateways.state_registers.gateway import HttpStateRegisters
from server.gateways.state_registers.register import Patience, Register
from server.gateways.state_registers.transport import ANSWER_BYTES, MOST_RETRY_AFTER, Endpoint
from tests.contracts.state_registers_contract import ANEW
from tests.register_server import (
    PERSONS,
    Behaviour,
    RegisterServer,
    answering,
    breaking_off,
    endless,
    hanging_up,
    person,
    registers_serving,
)

NUMBER, OTHER = "5001950015", "2509850022"
PATIENCE = Patience(seconds=60.0, attempts=3, pause_seconds=0.0, failures=1000, keep_seconds=86_400.0)


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Pauses:
    """Counts the pauses between attempts instead of waiting through them."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
async def server() -> AsyncIterator[RegisterServer]:
    async with registers_serving() as server:
        yield server


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def persons(
    server: RegisterServer, hand: Hand, pauses: Pauses
) -> AsyncIterator[Register[PersonRecord]]:
    register = made(server, hand, pauses=pauses)
    yield register
    await register.close()


def made(
    server: RegisterServer, hand: Hand, patience: Patience = PATIENCE, *, pauses: Pauses | None = None
) -> Register[PersonRecord]:
    endpoint = Endpoint(server.url(PERSONS))
    pause = pauses or Pauses()
    return Register(
        "persons", endpoint, answers.person, patience, monotonic=hand, pause=pause, chance=lambda: 0.5
    )


async def asked(register: Register[PersonRecord], number: str = NUMBER) -> object:
    return await register.ask(number, no_older_than=timedelta.max)


async def fault(register: Register[PersonRecord], number: str = NUMBER) -> Fault:
    answer = await register.ask(number, no_older_than=ANEW)
    assert isinstance(answer, Unavailable)
    return answer.fault


LIES: dict[str, tuple[Behaviour, Fault]] = {
    "another person's record": (answering(person(OTHER)), Fault.ANOTHER_RECORD),
    "the absence of another person": (
        answering({"number": OTHER, "state": "absent"}, 404),
        Fault.ANOTHER_RECORD,
    ),
    "a proxy's 404": (answering("<h1>Not Found</h1>", 404, "text/html"), Fault.MALFORMED),
    "a 404 in JSON of somebody else": (answering({"error": "no route"}, 404), Fault.MALFORMED),
    "broken JSON": (answering('{"number": "5001950015", '), Fault.MALFORMED),
    "a page instead of a record": (answering("<p>maintenance</p>", 200, "text/html"), Fault.MALFORMED),
    "nothing": (answering(""), Fault.MALFORMED),
    "a body beyond the limit": (answering(b" " * (ANSWER_BYTES + 1)), Fault.TOO_LARGE),
    "a body without end": (endless, Fault.TOO_LARGE),
    "a compressed body": (
        answering(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
        Fault.MALFORMED,
    ),
    "an age that is none": (answering(person(NUMBER), headers={"Age": "-5"}), Fault.MALFORMED),
    "a redirection": (
        answering("", 302, headers={"Location": "/v1/persons/2509850022"}),
        Fault.FAILED,
    ),
    "a refusal of us": (answering("", 403), Fault.REFUSED_US),
    "a status of another protocol": (answering("", 418), Fault.FAILED),
}


@pytest.mark.parametrize(("behaviour", "expected"), LIES.values(), ids=LIES)
async def test_a_register_that_answers_unusably_is_asked_once_and_believed_nothing(
    behaviour: Behaviour, expected: Fault, server: RegisterServer, persons: Register[PersonRecord]
) -> None:
    server.show(PERSONS, person(OTHER))
    server.behave(NUMBER, behaviour)

    assert await fault(persons) is expected
    assert server.asked[NUMBER] == 1
    assert server.asked[OTHER] == 0
    # Nothing of it was kept.
    server.fall_silent()
    assert await fault(persons) is Fault.UNREACHABLE


FAILURES: dict[str, tuple[Behaviour, Fault]] = {
    "500": (answering("", 500), Fault.FAILED),
    "502": (answering("", 502), Fault.FAILED),
    "503": (answering("", 503), Fault.FAILED),
    "a connection that ends": (hanging_up, Fault.UNREACHABLE),
    "half an answer": (breaking_off, Fault.UNREACHABLE),
}


@pytest.mark.parametrize(("behaviour", "expected"), FAILURES.values(), ids=FAILURES)
async def test_a_register_that_fails_is_asked_so_often_and_no_more(
    behaviour: Behaviour,
    expected: Fault,
    server: RegisterServer,
    persons: Register[PersonRecord],
    pauses: Pauses,
) -> None:
    server.behave(NUMBER, behaviour)

    assert await fault(persons) is expected
    # Where a connection ended without an answer, the HTTP library asks once more by itself.
    most = PATIENCE.attempts * (2 if behaviour is hanging_up else 1)
    assert PATIENCE.attempts <= server.asked[NUMBER] <= most
    assert len(pauses.seconds) == PATIENCE.attempts - 1


async def test_a_register_that_fails_once_is_asked_again_at_once(
    server: RegisterServer, persons: Register[PersonRecord]
) -> None:
    server.show(PERSONS, person(NUMBER))
    server.behave(NUMBER, answering("", 500), hanging_up, answering(person(NUMBER)))

    assert isinstance(await asked(persons), Found)
    assert server.asked[NUMBER] == 3


async def test_pauses_grow_and_their_length_is_left_to_chance(server: RegisterServer, hand: Hand) -> None:
    pauses = Pauses()
    patience = replace(PATIENCE, attempts=4, pause_seconds=0.2)
    register = made(server, hand, patience, pauses=pauses)
    server.behave(NUMBER, answering("", 500))

    await fault(register)
    await register.close()

    assert pauses.seconds == pytest.approx([0.1, 0.2, 0.4])  # half of the longest: what `chance` says here


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), ("86400", MOST_RETRY_AFTER), ("soon", PATIENCE.rest_seconds), (None, PATIENCE.rest_seconds)],
)
async def test_a_register_that_has_enough_is_left_alone_for_as_long_as_it_says(
    said: str | None, seconds: float, server: RegisterServer, persons: Register[PersonRecord], hand: Hand
) -> None:
    server.show(PERSONS, person(OTHER))
    server.behave(NUMBER, answering("", 429, headers={"Retry-After": said} if said else None))

    assert await asked(persons) == Unavailable(Fault.BUSY, timedelta(seconds=seconds))
    assert await asked(persons, OTHER) == Unavailable(Fault.RESTING, timedelta(seconds=seconds))
    assert server.asked[OTHER] == 0
    hand.seconds += seconds
    assert isinstance(await asked(persons, OTHER), Found)


async def test_a_register_may_name_the_time_of_its_return_as_a_date(
    server: RegisterServer, persons: Register[PersonRecord]
) -> None:
    back = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.behave(NUMBER, answering("", 503, headers={"Retry-After": back}))

    answer = await asked(persons)

    assert isinstance(answer, Unavailable)
    assert answer.fault is Fault.BUSY
    assert timedelta(seconds=30) < answer.retry_after <= timedelta(seconds=90)


async def test_a_register_that_is_too_slow_is_given_up_when_time_is_over(
    server: RegisterServer, hand: Hand
) -> None:
    register = made(server, hand, replace(PATIENCE, seconds=0.2))
    server.release.clear()

    assert await fault(register) is Fault.TIMED_OUT
    await register.close()


async def test_a_register_that_is_not_there_is_unreachable(server: RegisterServer, hand: Hand) -> None:
    nowhere = Endpoint("http://127.0.0.1:1/v1/persons")
    register = Register("persons", nowhere, answers.person, PATIENCE, monotonic=hand, pause=Pauses())

    assert await fault(register) is Fault.UNREACHABLE
    await register.close()


async def test_a_register_that_keeps_failing_is_left_alone_and_asked_once_after_a_rest(
    server: RegisterServer, hand: Hand
) -> None:
    register = made(server, hand, replace(PATIENCE, attempts=1, failures=2, rest_seconds=30))
    server.show(PERSONS, person(OTHER))
    server.behave(NUMBER, answering("", 500))
    for _ in range(2):
        await fault(register)

    assert await fault(register, OTHER) is Fault.RESTING
    assert server.asked[OTHER] == 0
    hand.seconds += 30
    assert isinstance(await asked(register, OTHER), Found)
    assert await fault(register) is Fault.FAILED  # it was closed again
    await register.close()


async def test_bad_records_do_not_make_the_register_look_ill(server: RegisterServer, hand: Hand) -> None:
    register = made(server, hand, replace(PATIENCE, failures=2))
    server.show(PERSONS, person(OTHER))
    server.behave(NUMBER, answering(person(OTHER)))
    for _ in range(5):
        assert await fault(register) is Fault.ANOTHER_RECORD

    assert isinstance(await asked(register, OTHER), Found)
    await register.close()


async def test_while_a_register_rests_kept_answers_are_given_with_their_age(
    server: RegisterServer, hand: Hand
) -> None:
    register = made(server, hand, replace(PATIENCE, attempts=1, failures=1))
    server.show(PERSONS, person(NUMBER))
    await asked(register)
    server.fall_silent()
    await fault(register, OTHER)
    hand.seconds += 20

    assert await fault(register) is Fault.RESTING
    answer = await asked(register)
    assert isinstance(answer, Found)
    assert answer.age == timedelta(seconds=20)
    await register.close()


async def test_an_answer_is_given_no_longer_than_it_is_kept(server: RegisterServer, hand: Hand) -> None:
    register = made(server, hand, replace(PATIENCE, keep_seconds=60))
    server.show(PERSONS, person(NUMBER))
    await asked(register)
    hand.seconds += 60

    await asked(register)

    assert server.asked[NUMBER] == 2
    await register.close()


async def test_an_answer_that_was_old_when_it_came_says_so(
    server: RegisterServer, persons: Register[PersonRecord]
) -> None:
    server.behave(NUMBER, answering(person(NUMBER), headers={"Age": "3600"}))

    answer = await asked(persons)

    assert isinstance(answer, Found)
    assert answer.age == timedelta(hours=1)


async def test_equal_questions_at_the_same_time_are_asked_once_and_survive_who_hangs_up(
    server: RegisterServer, persons: Register[PersonRecord]
) -> None:
    server.show(PERSONS, person(NUMBER))
    server.release.clear()
    first, *others = [asyncio.create_task(asked(persons)) for _ in range(10)]
    await server.wait_for(NUMBER)
    first.cancel()
    server.release.set()

    answers_ = await asyncio.gather(*others)

    assert all(isinstance(answer, Found) for answer in answers_)
    assert server.asked[NUMBER] == 1


@pytest.mark.parametrize(
    "number", ["", "../entities/1", "5001950015?x=1", "5001 50015", "Ա001950015", "1" * 33]
)
async def test_what_is_no_number_is_never_asked_for(number: str, persons: Register[PersonRecord]) -> None:
    with pytest.raises(ValueError, match="letters and digits only"):
        await asked(persons, number)


async def test_a_register_that_is_not_set_decides_nothing() -> None:
    registers = HttpStateRegisters.at(persons=None, entities=None, patience=PATIENCE)

    for answer in (await registers.person(NUMBER), await registers.entity("22335588")):
        assert isinstance(answer, Unavailable)
        assert answer.fault is Fault.NOT_CONFIGURED
    await registers.close()


async def test_who_is_absent_is_asked_for_again_the_next_time(
    server: RegisterServer, persons: Register[PersonRecord]
) -> None:
    assert await asked(persons) == NotFound()
    assert await asked(persons) == NotFound()
    assert server.asked[NUMBER] == 2


@pytest.mark.parametrize("behaviour", [each for each, _ in [*LIES.values(), *FAILURES.values()]])
async def test_no_log_line_holds_a_number_a_name_or_an_address(
    behaviour: Behaviour,
    server: RegisterServer,
    persons: Register[PersonRecord],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.behave(NUMBER, behaviour)
    with structlog.testing.capture_logs() as lines:
        await fault(persons)

    told = json.dumps(lines, default=repr) + caplog.text
    assert lines
    assert [secret for secret in (NUMBER, OTHER, "Անի", "/v1/persons") if secret in told] == []
