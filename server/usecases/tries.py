"""How often somebody may try: passwords against password lists, and phones against being rung without end."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.domain.mobile_identity import MobileUser
from server.domain.profile import Profile
from server.domain.refusals import SignInLocked
from server.domain.sessions import TryLimit
from server.usecases.ports import UnitOfWork

PHONE: Final = TryLimit(5, timedelta(minutes=5))
"""Requests to one phone that came to no sign-in."""

EVERYWHERE: Final = 10
"""A login locks everywhere after so many times as many wrong passwords as lock it at one portal: nobody can
lock somebody else out at the portal that they use by failing at another.
"""

PORTAL_PER_MINUTE: Final = 3000
"""Passwords that one portal tries, of whatever logins: a list is tried with one password for many logins,
too.
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted, as its key in the register of tries, and how often it may be tried."""

    key: bytes
    limit: TryLimit


class Tries:
    """Counts each try before it is made, so that no number of them at the same moment is too many."""

    def __init__(self, uow: UnitOfWork, profile: Profile) -> None:
        self._uow = uow
        self._passwords = profile.sign_in.passwords

    async def take_phone(self, user: MobileUser, at: datetime) -> None:
        """Counts a request to a phone. Raises `SignInLocked`."""
        await self._take([Counted(phone_key(user.person_number), PHONE)], at)

    async def take_password(self, portal_sha256: bytes, skeleton: str, at: datetime) -> Sequence[bytes]:
        """Counts a password for a login that looks like this, whether there is one or not; returns what is
        to be cleared when it was right. Raises `SignInLocked`.
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
                Counted(at_portal, here),
                Counted(login, everywhere),
                Counted(portal, TryLimit(PORTAL_PER_MINUTE, timedelta(minutes=1))),
            ],
            at,
        )
        return (at_portal, login)

    async def _take(self, counted: Sequence[Counted], at: datetime) -> None:
        async with self._uow.writing() as tx:
            for each in counted:
                until = await tx.tries.take(each.key, each.limit, at)
                if until is not None:
                    # Nothing of this try is kept: who is locked is not locked for longer by trying.
                    raise SignInLocked(max(1, math.ceil((until - at).total_seconds())))
            await tx.commit()


def password_keys(skeleton: str, portals: Sequence[bytes]) -> Sequence[bytes]:
    """Returns what is counted of a login that looks like this: at each of the portals (by the SHA-256 of
    their certificates), then everywhere.
    """
    here = [_key("login at portal", each.hex(), skeleton) for each in portals]
    return (*here, _key("login", skeleton))


def phone_key(person_number: str) -> bytes:
    """Returns what is cleared when a phone answered."""
    return _key("phone", person_number)


def _key(kind: str, *parts: str) -> bytes:
    digest = hashlib.sha256(b"namak-tries/1\x00")
    for part in (kind, *parts):
        digest.update(len(part.encode()).to_bytes(8, "big"))
        digest.update(part.encode())
    return digest.digest()
