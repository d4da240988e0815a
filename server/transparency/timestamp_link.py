"""One time-stamping authority, as the log sees it: how it is asked, and when to leave it alone."""

import hashlib
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from namak.evidence.errors import EvidenceError, TimestampNotGranted
from namak.evidence.timestamp import (
    NONCE_BITS,
    REPLY_TYPE,
    TimestampTrust,
    check_digest_timestamp,
    digest_request,
    token_from,
)
from server.transparency.timestamp_ports import LogTimestamp
from server.transparency.troubles import Trouble, Watchman
from server.usecases.ports import Clock
from server.usecases.timestamp_ports import AuthorityUnreached, TimestampClient

_GIVEN: Final = 200
_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """Who gives timestamps: its name among ours, its address, and whom its certificate must lead to."""

    name: str
    url: str
    trust: TimestampTrust


@dataclass(frozen=True, slots=True)
class TimestampTerms:
    """Whom to ask for timestamps, and how. Times are in seconds.

    Attributes:
        authorities: each is asked about every checkpoint that any is asked about.
        client: asks them.
        interval: at most one checkpoint in this time is stamped.
        retry_first, retry_longest: for how long one that failed is left alone; twice as long each time.
        tolerance: a token's time may differ from ours by so much. One that is behind would have evidence seen
            before it happened, and one that is ahead proves little.
        quorum: tokens of so many authorities make a receipt a timestamped one.
    """

    authorities: tuple[TimestampAuthority, ...]
    client: TimestampClient
    interval: float = 60.0
    retry_first: float = 1.0
    retry_longest: float = 600.0
    tolerance: float = 60.0
    quorum: int = 1


class _Failed(Exception):
    """An authority gave no good token."""

    def __init__(self, trouble: Trouble, **fields: str | int) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.fields = fields


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was just given and checked: DER, the time that it tells, and ours."""

    der: bytes
    gen_time: datetime
    at: datetime


class AuthorityLink:
    """Asks one authority."""

    def __init__(
        self,
        part: str,
        authority: TimestampAuthority,
        terms: TimestampTerms,
        clock: Clock,
        now: Callable[[], float],
    ) -> None:
        """Takes the name of the part that asks, for the logs, the authority, and a clock in seconds that
        nobody sets, for pauses.
        """
        self.authority = authority
        self._terms = terms
        self._clock = clock
        self._now = now
        self._failures = 0
        self._retry_at = 0.0
        self.watchman = Watchman(part)

    @property
    def ready(self) -> bool:
        """Whether it may be asked now."""
        return self._now() >= self._retry_at

    async def token(self, sha256: bytes) -> Token | None:
        """Asks for a token over what has this SHA-256 and returns it, checked; None where there is none,
        which is logged.
        """
        try:
            token = await self._asked(sha256)
        except AuthorityUnreached as unreached:
            self._fails(Trouble.AUTHORITY_UNREACHED, {"cause": unreached.cause})
        except _Failed as failed:
            self._fails(failed.trouble, failed.fields)
        else:
            self._failures, self._retry_at = 0, 0.0
            self.watchman.ends()
            return token
        return None

    def _fails(self, trouble: Trouble, fields: Mapping[str, str | int]) -> None:
        self.watchman.begins(trouble, {"authority": self.authority.name, **fields})
        pause = min(self._terms.retry_first * 2**self._failures, self._terms.retry_longest)
        # Spread at random, or all logs would come at once.
        self._retry_at = self._now() + pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        self._failures = min(self._failures + 1, 30)

    async def _asked(self, sha256: bytes) -> Token:
        trust = self.authority.trust
        # Another one each time, never nought: an answer that was given before is none to this question.
        nonce = secrets.randbelow(2**NONCE_BITS - 1) + 1
        query = digest_request(sha256, nonce, trust.policy)
        answer = await self._terms.client.ask(self.authority.url, query)
        if answer.status != _GIVEN:
            busy = answer.status == _TOO_MANY or answer.status >= _SERVER_ERRORS
            raise _Failed(
                Trouble.AUTHORITY_UNREACHED if busy else Trouble.AUTHORITY_REFUSES,
                cause=f"status {answer.status}",
            )
        if answer.media_type != REPLY_TYPE:
            raise _Failed(Trouble.AUTHORITY_WRONG, cause="it answers with another media type")
        try:
            token = token_from(answer.body)
            checked = check_digest_timestamp(token, sha256, trust, nonce=nonce)
        except TimestampNotGranted as refused:
            raise _Failed(Trouble.AUTHORITY_REFUSES, cause=refused.detail) from None
        except EvidenceError as error:
            raise _Failed(Trouble.AUTHORITY_WRONG, cause=error.detail) from None
        now = self._clock.now()
        ahead = (checked.gen_time - now).total_seconds()
        if abs(ahead) > self._terms.tolerance:
            raise _Failed(Trouble.AUTHORITY_WRONG, cause="its clock differs from ours", seconds=round(ahead))
        return Token(token, checked.gen_time, now)


class TimestampLink(AuthorityLink):
    """Asks one authority about one shard's checkpoints."""

    def __init__(
        self,
        origin: str,
        authority: TimestampAuthority,
        terms: TimestampTerms,
        clock: Clock,
        now: Callable[[], float],
    ) -> None:
        """Takes the shard, and what any link takes."""
        super().__init__(f"log timestamps {authority.name} {origin}", authority, terms, clock, now)
        self._origin = origin

    async def timestamp(self, size: int, note: bytes) -> LogTimestamp | None:
        """Asks for a token over a checkpoint's note; see `token`."""
        digest = hashlib.sha256(note).digest()
        given = await self.token(digest)
        if given is None:
            return None
        name = self.authority.name
        return LogTimestamp(self._origin, size, name, digest, given.der, given.gen_time, stored_at=given.at)
