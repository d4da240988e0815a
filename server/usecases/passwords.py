"""Setting the password that a login is used with: the first one, and every later one (BOX-8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from namak.evidence.times import format_time
from server.domain.administration import Snapshot, login_resource
from server.domain.caller import Assurance, Holder
from server.domain.fields import Malformed
from server.domain.logins import Login, skeleton
from server.domain.passwords import new_password
from server.domain.profile import Passwords, Profile
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
    RequestIdReused,
    ResourceNotPermitted,
    SignInMethodNotOffered,
)
from server.domain.sessions import Ending
from server.usecases.administration import Act, Administration, Changed
from server.usecases.assurance import check_signed
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork
from server.usecases.session_ports import PasswordHashes
from server.usecases.tries import password_keys

_ROUNDS: Final = 3
"""How often a repeated request is compared anew while the password is being changed."""


@dataclass(frozen=True, slots=True)
class SetPassword:
    """`login` is in its canonical form, and None for the only one that the holder has."""

    by: Holder
    request_id: str
    login: str | None
    password: str = field(repr=False)


class PasswordDesk:
    """Sets passwords. Only who proved to be the holder by a key may: a password sets no other."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        administration: Administration,
        passwords: PasswordHashes,
        profile: Profile,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._administration = administration
        self._passwords = passwords
        self._rules = profile.sign_in.passwords

    async def set_password(self, command: SetPassword) -> str:
        """Sets the password of a login of the holder's, and returns the login.

        Whoever came in with the former password is out, and what was counted against the login is forgotten.
        The act's evidence says that a password was set, and nothing of it; neither does what is kept of the
        request, so that a repetition is told by the password's own hash.

        Raises:
            SignInMethodNotOffered: there are no passwords in this jurisdiction.
            SignatureRequired, Overloaded.
            ResourceNotPermitted: the holder has no such login.
            InvalidFields: it is no good password; or the holder has several logins, and named none.
            RequestIdReused: also for another password than the one that stands.
        """
        if self._rules is None:
            raise SignInMethodNotOffered("sign-in by password")
        for _ in range(_ROUNDS):
            async with self._uow.reading() as tx:
                await check_signed(tx, command.by)
                known = _chosen(command, await tx.logins.of_person(command.by.person_number))
            password = _checked(command.password, known.login, self._rules)
            # No transaction is open here: hashing takes its time.
            stands = bool(known.password_hash) and await self._passwords.verify(known.password_hash, password)
            hashed = await self._passwords.hash(password)
            if await self._carry_out(command, known, hashed, stands=stands):
                return known.login
        raise RequestIdReused(command.request_id)

    async def _carry_out(self, command: SetPassword, known: Login, hashed: str, *, stands: bool) -> bool:
        """Returns whether it is done; False where it was asked for before, and the password was changed
        since `known` was read.
        """

        async def change(tx: Transaction) -> Changed[bool]:
            now = self._clock.now()
            # In the order of a sign-in: counts, the login, sessions.
            await tx.tries.clear(password_keys(skeleton(known.login), await tx.bindings.portals()))
            before = await tx.logins.lock(known.login)
            if before is None or before.person_number != command.by.person_number:
                raise ResourceNotPermitted("login")
            await tx.logins.set_password(before.login, hashed)
            await _end_sessions(tx, command.by, now)
            return Changed(
                result=True,
                resource=login_resource(before.login),
                organisation_id=None,
                before=_snapshot(has_password=bool(before.password_hash)),
                after={**_snapshot(has_password=True), "set_time": format_time(now)},
            )

        async def again(tx: Transaction, _subject: UUID) -> bool:
            found = await tx.logins.named(known.login)
            if found is None or found.password_hash != known.password_hash:
                return False
            if not stands:
                raise RequestIdReused(command.request_id)
            return True

        # Without the password: a plain digest of it would stand in the claim.
        content = (known.login,)
        act = Act("SetPassword", command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)


def _chosen(command: SetPassword, logins: Sequence[Login]) -> Login:
    found = [each for each in logins if command.login in (None, each.login)]
    if not found:
        raise ResourceNotPermitted("login")
    if len(found) > 1:
        raise InvalidFields([FieldProblem("login", "REQUIRED", "must say which of your logins it is")])
    return found[0]


def _checked(given: str, login: str, rules: Passwords) -> str:
    try:
        return new_password(given, login, rules)
    except Malformed as wrong:
        raise InvalidFields([FieldProblem("password", wrong.reason, wrong.text)]) from None


async def _end_sessions(tx: Transaction, by: Holder, at: datetime) -> None:
    """Ends the holder's sessions that rest on a password alone."""
    for each in await tx.sessions.active(by.person_number, at):
        found = await tx.sessions.lock(each.id)
        if found is not None and found.assurance is Assurance.PASSWORD:
            await tx.sessions.end(found.id, at, Ending.PASSWORD_SET)


def _snapshot(*, has_password: bool) -> Snapshot:
    return {"password": "set" if has_password else "none"}
