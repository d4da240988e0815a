"""Logins, and counts of tries, in tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Interval, Row, bindparam, case, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from server.domain.logins import Login, skeleton
from server.domain.sessions import TryLimit
from server.storage.session_tables import LoginRow, TryRow
from server.storage.statements import Statements
from server.storage.stored import table

_LOGINS = table(LoginRow)
_TRIES = table(TryRow)

_ADD = insert(_LOGINS).on_conflict_do_nothing()
_NAMED = select(_LOGINS).where(
    _LOGINS.c.skeleton == bindparam("skeleton"), _LOGINS.c.login == bindparam("login")
)
_OF_PERSON = select(_LOGINS).where(_LOGINS.c.person_number == bindparam("person")).order_by(_LOGINS.c.login)
_GIVEN = select(_LOGINS.c.login).where(_LOGINS.c.skeleton == bindparam("skeleton"))
_SET_PASSWORD = (
    update(_LOGINS)
    .where(_LOGINS.c.skeleton == bindparam("of"), _LOGINS.c.login == bindparam("name"))
    .values(password_hash=bindparam("hash"))
)
_OVER = _TRIES.c.last_at <= bindparam("at") - bindparam("pause", type_=Interval())
_TAKE = insert(_TRIES).values(key=bindparam("key"), tries=1, last_at=bindparam("at"))
# The row is locked by whoever counts first; the others count one after the other, each seeing those before.
_TAKE = _TAKE.on_conflict_do_update(
    index_elements=[_TRIES.c.key],
    set_={"tries": case((_OVER, 1), else_=_TRIES.c.tries + 1), "last_at": bindparam("at")},
    where=(_TRIES.c.tries < bindparam("most")) | _OVER,
)
_LAST = select(_TRIES.c.last_at).where(_TRIES.c.key == bindparam("key"))
_CLEAR = delete(_TRIES).where(_TRIES.c.key == bindparam("key"))
_GIVE_BACK = (
    update(_TRIES)
    .where(_TRIES.c.key == bindparam("counted"), _TRIES.c.tries > 0)
    .values(tries=_TRIES.c.tries - 1)
)
_FORGET = delete(_TRIES).where(
    _TRIES.c.key.in_(
        select(_TRIES.c.key)
        .where(_TRIES.c.last_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)


class SqlLogins:
    """Logins in a table, by what they look like."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, login: Login) -> bool:
        """Adds it; returns False when it or one that looks like it is given out."""
        values = {
            "skeleton": skeleton(login.login),
            "login": login.login,
            "person_number": login.person_number,
            "password_hash": login.password_hash,
            "registered_at": login.registered_at,
        }
        return await self._statements.changed(_ADD, values) == 1

    async def named(self, login: str) -> Login | None:
        """Returns the login in its canonical form."""
        row = await self._statements.first(_NAMED, {"skeleton": skeleton(login), "login": login})
        return None if row is None else _login(row)

    async def lock(self, login: str) -> Login | None:
        """Returns the same, locked until the transaction ends."""
        values = {"skeleton": skeleton(login), "login": login}
        row = await self._statements.first(_NAMED.with_for_update(), values)
        return None if row is None else _login(row)

    async def of_person(self, person_number: str) -> Sequence[Login]:
        """Returns a person's logins, by name."""
        return [_login(row) for row in await self._statements.rows(_OF_PERSON, {"person": person_number})]

    async def is_given(self, login: str) -> bool:
        """Tells whether it, or one that looks like it, is given out."""
        return await self._statements.first(_GIVEN, {"skeleton": skeleton(login)}) is not None

    async def set_password(self, login: str, password_hash: str) -> None:
        """Stores another hash; LookupError for a login that is not there."""
        values = {"of": skeleton(login), "name": login, "hash": password_hash}
        if await self._statements.changed(_SET_PASSWORD, values) != 1:
            raise LookupError("no such login")


def _login(row: Row[Any]) -> Login:
    return Login(row.login, row.person_number, row.password_hash, row.registered_at)


class SqlTries:
    """Counts of tries in a table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def take(self, key: bytes, limit: TryLimit, at: datetime) -> datetime | None:
        """Counts one try; returns None, or until when there are none."""
        values = {"key": key, "at": at, "most": limit.tries, "pause": limit.pause}
        if await self._statements.changed(_TAKE, values) == 1:
            return None
        row = await self._statements.first(_LAST, values)
        return None if row is None else row.last_at + limit.pause

    async def clear(self, keys: Sequence[bytes]) -> None:
        """Forgets the tries counted so far, in the order given: that in which they are counted, so that none
        who counts and none who clears wait for each other.
        """
        for key in keys:
            await self._statements.run(_CLEAR, {"key": key})

    async def give_back(self, keys: Sequence[bytes]) -> None:
        """Counts one try less, in the order given; see `clear`."""
        for key in keys:
            await self._statements.run(_GIVE_BACK, {"counted": key})

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes counts without a try since then; returns how many."""
        return await self._statements.changed(_FORGET, {"before": before, "most": limit})
