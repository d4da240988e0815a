"""The register of organisations: who they are, and whether their contract is in force (POST-8)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.administration import (
    Actor,
    absent,
    check_etag,
    organisation_resource,
    organisation_snapshot,
    owns,
)
from server.domain.caller import Holder, Operator
from server.domain.paging import Page, Query
from server.domain.profile import Profile
from server.domain.refusals import AlreadyRegistered, FieldProblem, InvalidFields
from server.domain.senders import ContractState, Organisation
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork
from server.usecases.records import OrganisationFilter


@dataclass(frozen=True, slots=True)
class RegisterOrganisation:
    """`code` is a legal entity code and `name` one line, both checked (`server.domain.fields`)."""

    by: Actor
    request_id: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class SetContractState:
    """`state` is any but NONE: a contract that was is never undone. `ends_on` is the last local day on which
    it holds; None takes back an end that was set.
    """

    by: Actor
    request_id: str
    organisation_id: UUID
    state: ContractState
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class UpdateOrganisation:
    """`name` is checked; `etag` is that of the organisation as it was read, empty for no check.
    `notification_policies` are of the right form, and none is named twice. What is None stays as it is.
    """

    by: Actor
    request_id: str
    organisation_id: UUID
    name: str | None
    etag: str
    notification_policies: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ListOrganisations:
    """`page_size` is checked. Of a holder, those are listed that they administer."""

    caller: Operator | Holder
    contract_state: ContractState | None
    code: str | None
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation, and the state of its contract today."""

    organisation: Organisation
    contract_state: ContractState


class OrganisationRegister:
    """Registers organisations and sets their contracts; every change is an administrative act."""

    def __init__(
        self,
        *,
        administration: Administration,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        profile: Profile,
    ) -> None:
        self._administration = administration
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._zone = ZoneInfo(profile.time_zone)
        self._policies = profile.notification_policies

    async def register_organisation(self, command: RegisterOrganisation) -> OrganisationView:
        """Registers an organisation, without a contract as yet.

        Raises:
            RequestIdReused, AlreadyRegistered: the latter for a code in use.
        """
        organisation = Organisation(
            self._entropy.new_id(), command.code, command.name, ContractState.NONE, self._clock.now()
        )

        async def change(tx: Transaction) -> Changed[Organisation]:
            if not await tx.organisations.add(organisation):
                raise AlreadyRegistered("organisation", command.code)
            return _changed(None, organisation)

        content = (command.code, command.name)
        act = Act("RegisterOrganisation", command.by, command.request_id, content, organisation.id)
        return self._view(await self._administration.carry_out(act, change, partial(_as_it_is, command.by)))

    async def set_contract_state(self, command: SetContractState) -> OrganisationView:
        """Sets the state of an organisation's contract; it counts from the next submission on (POST-8).

        Raises:
            RequestIdReused, NotFound.
            InvalidFields: the state NONE, or a last day that is over or has no contract to end.
        """

        async def change(tx: Transaction) -> Changed[Organisation]:
            # Not before the claim: a repetition gets its answer also when that last day is over.
            self._check_contract(command)
            before = await _locked(tx, command.by, command.organisation_id)
            after = replace(before, contract_state=command.state, contract_ends_on=command.ends_on)
            await tx.organisations.change(after)
            return _changed(before, after)

        last_day = () if command.ends_on is None else (command.ends_on.isoformat(),)
        content = (str(command.organisation_id), command.state.value, *last_day)
        act = Act("SetContractState", command.by, command.request_id, content, command.organisation_id)
        return self._view(await self._administration.carry_out(act, change, partial(_as_it_is, command.by)))

    def _check_contract(self, command: SetContractState) -> None:
        problems = []
        if command.state is ContractState.NONE:
            settable = "must be IN_FORCE, SUSPENDED or ENDED"
            problems.append(FieldProblem("contract_state", "NOT_SETTABLE", settable))
        if command.ends_on is not None and command.state is ContractState.ENDED:
            problems.append(FieldProblem("contract_end_date", "NOT_PERMITTED", "has no place with ENDED"))
        elif command.ends_on is not None and command.ends_on < self._today():
            problems.append(FieldProblem("contract_end_date", "DAY_OVER", "must be today or later"))
        if problems:
            raise InvalidFields(problems)

    async def update_organisation(self, command: UpdateOrganisation) -> OrganisationView:
        """Changes what is said of an organisation: its name, the notification policies of its contract.

        Raises:
            RequestIdReused, NotFound, EtagMismatch.
            InvalidFields: a policy that the profile does not have.
        """

        async def change(tx: Transaction) -> Changed[Organisation]:
            before = await _locked(tx, command.by, command.organisation_id)
            check_etag("organisation", command.etag, organisation_snapshot(before))
            self._check_policies(command.notification_policies or ())
            after = before
            if command.name is not None:
                after = replace(after, name=command.name)
            if command.notification_policies is not None:
                after = replace(after, notification_policies=command.notification_policies)
            await tx.organisations.change(after)
            return _changed(before, after)

        policies = command.notification_policies
        content = (
            str(command.organisation_id),
            *(() if command.name is None else (command.name,)),
            command.etag,
            *(() if policies is None else ("notification policies", *policies)),
        )
        act = Act("UpdateOrganisation", command.by, command.request_id, content, command.organisation_id)
        return self._view(await self._administration.carry_out(act, change, partial(_as_it_is, command.by)))

    def _check_policies(self, names: Sequence[str]) -> None:
        problems = [
            FieldProblem(
                f"organisation.notification_policies[{place}]",
                "NO_SUCH_POLICY",
                f"must be one of: {', '.join(self._policies)}",
            )
            for place, name in enumerate(names)
            if name not in self._policies
        ]
        if problems:
            raise InvalidFields(problems)

    async def get_organisation(self, by: Actor, organisation_id: UUID) -> OrganisationView:
        """Returns an organisation.

        Raises:
            NotFound; for an administrator, of another one too, ResourceNotPermitted.
        """
        async with self._administration.reading(by) as tx:
            return self._view(await organisation_for(tx, by, organisation_id))

    async def list_organisations(self, command: ListOrganisations) -> Page[OrganisationView]:
        """Lists organisations by code: for the operator all, for a person those that they administer.

        Raises:
            InvalidPageToken.
        """
        state = "" if command.contract_state is None else command.contract_state.value
        query = Query(("ListOrganisations", *_whose(command.caller), state, command.code or ""))
        after = query.key(command.page_token)
        async with self._uow.reading() as tx:
            own = None
            if isinstance(command.caller, Holder):
                # Asked for again: what the door remembers may have ended meanwhile.
                person = command.caller.person_number
                own = (await tx.administrators.organisations_of([person]))[person]
            found = await tx.organisations.list_by_code(
                OrganisationFilter(own, command.contract_state, command.code),
                self._today(),
                after=after,
                limit=command.page_size + 1,
            )
        shown: Sequence[Organisation] = found[: command.page_size]
        more = len(found) > command.page_size
        views = [self._view(organisation) for organisation in shown]
        return Page(views, query.token(shown[-1].code) if more else "")

    def _today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()

    def _view(self, organisation: Organisation) -> OrganisationView:
        return OrganisationView(organisation, organisation.contract_state_on(self._today()))


async def organisation_for(tx: Transaction, by: Actor, organisation_id: UUID) -> Organisation:
    """Returns an organisation that the actor may act on.

    Raises:
        NotFound; for an administrator, of another one too, ResourceNotPermitted.
    """
    if owns(by, organisation_id):
        organisation = await tx.organisations.get(organisation_id)
        if organisation is not None:
            return organisation
    raise absent(by, "organisation", str(organisation_id))


async def _as_it_is(by: Actor, tx: Transaction, organisation_id: UUID) -> Organisation:
    return await organisation_for(tx, by, organisation_id)


async def _locked(tx: Transaction, by: Actor, organisation_id: UUID) -> Organisation:
    organisation = await tx.organisations.lock(organisation_id) if owns(by, organisation_id) else None
    if organisation is None:
        raise absent(by, "organisation", str(organisation_id))
    return organisation


def _changed(before: Organisation | None, after: Organisation) -> Changed[Organisation]:
    return Changed(
        result=after,
        resource=organisation_resource(after.id),
        organisation_id=after.id,
        before=None if before is None else organisation_snapshot(before),
        after=organisation_snapshot(after),
    )


def _whose(caller: Operator | Holder) -> tuple[str, ...]:
    return ("holder", caller.person_number) if isinstance(caller, Holder) else ("operator",)
