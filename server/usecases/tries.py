"""How often somebody may try: passwords against password lists, phones against being rung without end, and
portals against starting what nobody completes.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from server.domain.mobile_identity import MobileUser
from server.domain.profile import Profile
from server.domain.refusals import Overloaded, SignInLocked
from server.domain.sessions import TryLimit
from server.usecases.ports import UnitOfWork

_log = structlog.get_logger(__name__)

PHONE: Final = TryLimit(5, timedelta(minutes=5))
"""Requests of one portal to one phone that came to no signature."""

PHONE_EVERYWHERE: Final = TryLimit(20, timedelta(minutes=5))
"""Requests to one phone, of whichever portals: one portal alone keeps nobody from their phone at another."""

PHONES_OF_PERSON: Final = TryLimit(20, timedelta(minutes=5))
"""Requests of one portal about one person, whatever the phone, so that nobody finds out by trying which one
it is.
"""

EVERYWHERE: Final = 10
"""A login locks everywhere after so many times as many wrong passwords as lock it at one portal. So failing
at one other portal locks nobody out; failing at two or more, again and again, does, for as long as one
portal's lock lasts: a list of passwords must not be tried at all portals in turn.
"""

PORTAL_PER_MINUTE: Final = 3000
"""Passwords that one portal tries, of whatever logins: a list is tried with one password for many logins,
too.
"""

STARTS_PER_MINUTE: Final = 18_000
"""Sign-ins that one portal starts on one replica, in whichever way: each is kept for a day though nobody
completes it.
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted, as its key in the register of tries, how often it may be tried, and what the log calls
    it: whose it is, nobody learns there.
    """

    key: bytes
    limit: TryLimit
    name: str


class Tries:
    """Counts each try before it is made, so that no number of them at the same moment is too many.

    Counts are locked in one order, by whoever takes, clears and gives back: that at a portal, that
    everywhere, that of the portal. What is cleared or given back is given in this order.
    """

    def __init__(self, uow: UnitOfWork, profile: Profile) -> None:
        self._uow = uow
        self._passwords = profile.sign_in.passwords

    async def take_phone(self, portal_sha256: bytes, user: MobileUser, at: datetime) -> tuple[bytes, ...]:
        """Counts a request of a portal to a phone; returns what is to be cleared when it was answered, and
        given to `never_rang` when nothing rang. Raises `SignInLocked`.
        """
        portal, person = portal_sha256.hex(), user.person_number
        counted = [
            Counted(_key("person at portal", portal, person), PHONES_OF_PERSON, "phones of a person"),
            Counted(_key("phone at portal", portal, person, user.phone), PHONE, "a phone"),
            Counted(_key("phone", person, user.phone), PHONE_EVERYWHERE, "a phone everywhere"),
        ]
        await self._take(counted, at)
        return tuple(each.key for each in counted)

    async def never_rang(self, counted: Sequence[bytes]) -> None:
        """Takes back a request to a phone that did not ring. That somebody tried this number stays
        counted.
        """
        await self.give_back(ringing(counted))

    async def give_back(self, counted: Sequence[bytes]) -> None:
        """Takes back a try that was none, in a transaction of its own."""
        async with self._uow.writing() as tx:
            await tx.tries.give_back(counted)
            await tx.commit()

    async def take_password(self, portal_sha256: bytes, skeleton: str, at: datetime) -> Sequence[bytes]:
        """Counts a password for a login that looks like this, whether there is one or not; returns what is
        to be cleared when it was right, and given back when it could not be compared. Raises `SignInLocked`.
        """
        rules = self._passwords
        assert rules is not None
        here = TryLimit(rules.wrong, rules.locked_for)
        everywhere = TryLimit(rules.wrong * EVERYWHERE, rules.locked_for)
        minute = str(int(at.timestamp()) // 60)
        at_portal, login = password_keys(skeleton, [portal_sha256])
        portal = _key("portal", portal_sha256.hex(), minute)
        await self._take(
            [
                Counted(at_portal, here, "a login"),
                Counted(login, everywhere, "a login everywhere"),
                Counted(portal, TryLimit(PORTAL_PER_MINUTE, timedelta(minutes=1)), "a portal"),
            ],
            at,
        )
        return (at_portal, login)

    async def _take(self, counted: Sequence[Counted], at: datetime) -> None:
        async with self._uow.writing() as tx:
            for each in counted:
                until = await tx.tries.take(each.key, each.limit, at)
                if until is not None:
                    _log.warning("sign-ins are locked", counted=each.name, until=until.isoformat())
                    # Nothing of this try is kept: who is locked is not locked for longer by trying.
                    raise SignInLocked(max(1, math.ceil((until - at).total_seconds())))
            await tx.commit()


class Starts:
    """Counts on this replica, in memory, what each portal starts in a minute."""

    def __init__(self, most: int = STARTS_PER_MINUTE) -> None:
        self._most = most
        self._minute = 0
        self._started: dict[bytes, int] = {}

    def take(self, portal_sha256: bytes, at: datetime) -> None:
        """Counts a start. Raises `Overloaded`, which says when the next minute begins."""
        minute, second = divmod(int(at.timestamp()), 60)
        if minute != self._minute:
            self._minute, self._started = minute, {}
        started = self._started.get(portal_sha256, 0)
        if started >= self._most:
            raise Overloaded("starting of this portal's sign-ins", 60 - second)
        self._started[portal_sha256] = started + 1


def password_keys(skeleton: str, portals: Sequence[bytes]) -> Sequence[bytes]:
    """Returns what is counted of a login that looks like this: at each of the portals (by the SHA-256 of
    their certificates), then everywhere.
    """
    here = [_key("login at portal", each.hex(), skeleton) for each in portals]
    return (*here, _key("login", skeleton))


def ringing(counted: Sequence[bytes]) -> Sequence[bytes]:
    """Returns what of `Tries.take_phone` counts that a phone rang."""
    return counted[1:]


def _key(kind: str, *parts: str) -> bytes:
    digest = hashlib.sha256(b"namak-tries/1\x00")
    for part in (kind, *parts):
        digest.update(len(part.encode()).to_bytes(8, "big"))
        digest.update(part.encode())
    return digest.digest()
