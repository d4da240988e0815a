"""Passwords hashed with Argon2id: whoever has no login waits as long as everybody else."""

import asyncio
import threading

import pytest
from argon2 import Parameters, extract_parameters
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from server.domain.refusals import Overloaded
from server.gateways.argon2_passwords import Argon2Passwords
from tests.waiting import until


async def test_a_password_is_told_from_all_others() -> None:
    passwords = Argon2Passwords(CHEAPEST)
    kept = await passwords.hash("a long enough password")

    assert await passwords.verify(kept, "a long enough password")
    for wrong in ("", "a long enough password ", "A long enough password", "a long enough passwor"):
        assert not await passwords.verify(kept, wrong)


async def test_no_two_hashes_are_alike_and_none_holds_the_password() -> None:
    passwords = Argon2Passwords(CHEAPEST)
    kept = [await passwords.hash("password") for _ in range(2)]

    assert kept[0] != kept[1]
    assert "password" not in "".join(kept)


async def test_without_a_hash_nothing_is_right_not_even_what_it_is_compared_with() -> None:
    class Counting(Argon2Passwords):
        compared = 0

        def _verify(self, password_hash: str, password: str) -> bool:
            self.compared += 1
            return super()._verify(password_hash, password)

    passwords = Counting(CHEAPEST)

    assert not await passwords.verify(None, "password")
    assert passwords.compared == 1
    passwords._nobodys = await passwords.hash("password")
    assert not await passwords.verify(None, "password")


@pytest.mark.parametrize("kept", ["", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$damaged"])
async def test_what_is_no_hash_is_right_for_no_password(kept: str) -> None:
    assert not await Argon2Passwords(CHEAPEST).verify(kept or "x", "plain")


async def test_hashes_are_made_as_the_standard_recommends_and_weaker_ones_are_outdated() -> None:
    weak, strong = Argon2Passwords(CHEAPEST), Argon2Passwords()
    kept = await weak.hash("password")

    assert strong.is_outdated(kept)
    assert not weak.is_outdated(kept)
    parameters: Parameters = extract_parameters(await strong.hash("password"))
    assert parameters.memory_cost >= RFC_9106_LOW_MEMORY.memory_cost
    assert parameters.type.name == "ID"


async def test_more_than_can_wait_are_refused_and_the_others_are_served() -> None:
    go = threading.Event()

    class Slow(Argon2Passwords):
        def _verify(self, password_hash: str, password: str) -> bool:
            go.wait(60)
            return super()._verify(password_hash, password)

    passwords = Slow(CHEAPEST, at_once=1, waiting=2)
    kept = await passwords.hash("password")
    tries = [asyncio.create_task(passwords.verify(kept, "password")) for _ in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await passwords.verify(kept, "password")
    go.set()
    assert await asyncio.gather(*tries) == [True] * 3
    assert await passwords.verify(kept, "password")


async def test_who_hangs_up_keeps_the_turn_until_the_hash_is_made() -> None:
    go = threading.Event()

    class Slow(Argon2Passwords):
        now = most = 0
        counting = threading.Lock()

        def _verify(self, password_hash: str, password: str) -> bool:
            with self.counting:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                go.wait(60)
                return super()._verify(password_hash, password)
            finally:
                with self.counting:
                    self.now -= 1

    passwords = Slow(CHEAPEST, at_once=2, waiting=2)
    kept = await passwords.hash("password")
    for _ in range(3):
        gone = [asyncio.create_task(passwords.verify(kept, "password")) for _ in range(2)]
        await asyncio.sleep(0)
        for each in gone:
            each.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
    stays = [asyncio.create_task(passwords.verify(kept, "password")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await passwords.verify(kept, "password")

    # Other threads of the server are free all the while.
    assert await asyncio.to_thread(lambda: True)
    # Those who hung up have both places, whose threads may take a while to begin.
    await until(lambda: passwords.now == 2)
    go.set()
    assert await asyncio.gather(*stays) == [True, True]
    assert passwords.most == 2
    # All the room comes back, once the threads of those who left have ended too.
    answers: list[bool | BaseException] = []
    async with asyncio.timeout(60):
        while answers != [True] * 4:
            asked = (passwords.verify(kept, "password") for _ in range(4))
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert all(answer is True or isinstance(answer, Overloaded) for answer in answers)
