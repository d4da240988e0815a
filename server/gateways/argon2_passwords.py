"""Passwords, hashed with Argon2id (RFC 9106)."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.profiles import RFC_9106_LOW_MEMORY

from server.domain.refusals import Overloaded

_T = TypeVar("_T")


class Argon2Passwords:
    """Implements `PasswordHashes`. A hash takes 64 MiB and some tens of milliseconds of one processor, so few
    are made at once, in threads of their own, and few wait for that. One that was begun is finished, and
    holds its turn until then, also where the caller goes away.
    """

    def __init__(
        self, parameters: Parameters = RFC_9106_LOW_MEMORY, *, at_once: int = 2, waiting: int = 50
    ) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._turns = asyncio.Semaphore(at_once)
        self._threads = ThreadPoolExecutor(at_once, "argon2")
        self._room = at_once + waiting
        # Of a password that nobody knows, for logins that nobody has.
        self._nobodys = self._hasher.hash(secrets.token_hex(32))

    async def hash(self, password: str) -> str:
        """Returns a new hash, with its salt and parameters. Raises `Overloaded`."""
        return await self._in_turn(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tells whether the password is the one; without a hash it takes as long, and is not. Raises
        `Overloaded`.
        """
        right = await self._in_turn(self._verify, password_hash or self._nobodys, password)
        return right and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _in_turn(self, work: Callable[..., _T], *given: str) -> _T:
        if self._room <= 0:
            raise Overloaded("passwords' checking")
        self._room -= 1
        try:
            await self._turns.acquire()
        except BaseException:
            self._room += 1
            raise
        begun = asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        begun.add_done_callback(self._leave)
        # Cancelling would leave a running thread running: others would hash beside it.
        return await asyncio.shield(begun)

    def _leave(self, _done: object) -> None:
        self._turns.release()
        self._room += 1
