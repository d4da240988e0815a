"""The register of administrators: persons who may act for organisations (ADMIN-1)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from server.domain.administration import (
    Actor,
    Administrator,
    absent,
    administrator_resource,
    administrator_snapshot,
    owns,
)
from server.domain.paging import Page, Query
from server.usecases.administration import Act, Administration, Changed
from server.usecases.organisations import organisation_for
from server.usecases.ports import Clock, Entropy, Transaction


@dataclass(frozen=True, slots=True)
class EnableAdministrator:
    """`person_number` and `name` are checked (`server.domain.fields`)."""

    by: Actor
    request_id: str
    organisation_id: UUID
    person_number: str
    name: str


@dataclass(frozen=True, slots=True)
class DisableAdministrator:
    """`person_number` is checked."""

    by: Actor
    request_id: str
    organisation_id: UUID
    person_number: str


@dataclass(frozen=True, slots=True)
class ListAdministrators:
    """`page_size` is checked."""

    by: Actor
    organisation_id: UUID
    with_disabled: bool
    page_size: int
    page_token: str


class AdministratorRegister:
    """Enables and disables administrators; every change is an administrative act."""

    def __init__(self, *, administration: Administration, clock: Clock, entropy: Entropy) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy

    async def enable_administrator(self, command: EnableAdministrator) -> Administrator:
        """Lets a person act for an organisation from now on; one who may already gets the new name.

        Raises:
            RequestIdReused; NotFound, for an administrator ResourceNotPermitted.
        """

        async def change(tx: Transaction) -> Changed[Administrator]:
            organisation_id, person_number = command.organisation_id, command.person_number
            if not owns(command.by, organisation_id):
                raise absent(command.by, "organisation", str(organisation_id))
            before = await tx.administrators.lock(organisation_id, person_number)
            if before is None:
                # There is no entry to lock yet: who makes it at the same moment waits here.
                if await tx.organisations.lock(organisation_id) is None:
                    raise absent(command.by, "organisation", str(organisation_id))
                before = await tx.administrators.lock(organisation_id, person_number)
            after = await tx.administrators.enable(
                organisation_id, person_number, command.name, self._clock.now()
            )
            return _changed(before, after)

        content = (str(command.organisation_id), command.person_number, command.name)
        return await self._carry_out("EnableAdministrator", command, content, change)

    async def disable_administrator(self, command: DisableAdministrator) -> Administrator:
        """Ends a person's right to act for an organisation; it counts within a second, and what they are
        doing at the moment is finished before.

        Raises:
            RequestIdReused, NotFound: the latter also for a person who never was one.
        """

        async def change(tx: Transaction) -> Changed[Administrator]:
            await organisation_for(tx, command.by, command.organisation_id)
            before = await tx.administrators.lock(command.organisation_id, command.person_number)
            if before is None:
                raise absent(command.by, "administrator", command.person_number)
            await tx.administrators.disable(before.organisation_id, before.person_number, self._clock.now())
            return _changed(before, await _administrator(tx, command))

        content = (str(command.organisation_id), command.person_number)
        return await self._carry_out("DisableAdministrator", command, content, change)

    async def _carry_out(
        self,
        name: str,
        command: EnableAdministrator | DisableAdministrator,
        content: tuple[str, ...],
        change: Callable[[Transaction], Awaitable[Changed[Administrator]]],
    ) -> Administrator:
        async def again(tx: Transaction, _subject: UUID) -> Administrator:
            return await _administrator(tx, command)

        # An administrator is known by organisation and number; the claim gets an identifier of its own.
        act = Act(name, command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)

    async def list_administrators(self, command: ListAdministrators) -> Page[Administrator]:
        """Lists the administrators of an organisation by number.

        Raises:
            InvalidPageToken; NotFound, for an administrator ResourceNotPermitted.
        """
        query = Query(("ListAdministrators", str(command.organisation_id), str(command.with_disabled)))
        after = query.key(command.page_token)
        async with self._administration.reading(command.by) as tx:
            await organisation_for(tx, command.by, command.organisation_id)
            found = await tx.administrators.list_of(
                command.organisation_id,
                after=after,
                limit=command.page_size + 1,
                disabled=command.with_disabled,
            )
        shown = found[: command.page_size]
        more = len(found) > command.page_size
        return Page(shown, query.token(shown[-1].person_number) if more else "")


async def _administrator(
    tx: Transaction, command: EnableAdministrator | DisableAdministrator
) -> Administrator:
    found = await tx.administrators.get(command.organisation_id, command.person_number)
    if found is None:
        raise absent(command.by, "administrator", command.person_number)
    return found


def _changed(before: Administrator | None, after: Administrator) -> Changed[Administrator]:
    return Changed(
        result=after,
        resource=administrator_resource(after.person_number),
        organisation_id=after.organisation_id,
        before=None if before is None else administrator_snapshot(before),
        after=administrator_snapshot(after),
    )
