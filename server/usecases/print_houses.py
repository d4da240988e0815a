"""The register of print houses, as the operator looks after it (BOX-11, CARD-4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from server.domain.administration import binding_resource, binding_snapshot, print_house_resource
from server.domain.caller import Operator
from server.domain.paging import Page, Query
from server.domain.print_houses import PrintHouseState, PrintHouseView, RegisteredPrintHouse
from server.domain.refusals import AlreadyRegistered, NotFound
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class RegisterPrintHouse:
    """`name` is for people."""

    by: Operator
    request_id: str
    name: str


@dataclass(frozen=True, slots=True)
class SetPrintHouseState:
    """`state` is what it is to be."""

    by: Operator
    request_id: str
    print_house_id: UUID
    state: PrintHouseState


_ACTS = {
    PrintHouseState.SUSPENDED: "SuspendPrintHouse",
    PrintHouseState.ACTIVE: "ResumePrintHouse",
    PrintHouseState.REMOVED: "RemovePrintHouse",
}
"""How the act is called that leads to a state."""


@dataclass(frozen=True, slots=True)
class ListPrintHouses:
    """`page_size` is checked."""

    by: Operator
    page_size: int
    page_token: str


class PrintHouseRegister:
    """Enters print houses, shows, suspends and removes them; every change is an administrative act.

    `CertificateRegister.bind_print_house` binds their certificates.
    """

    def __init__(
        self, *, administration: Administration, uow: UnitOfWork, clock: Clock, entropy: Entropy
    ) -> None:
        self._administration = administration
        self._uow = uow
        self._clock = clock
        self._entropy = entropy

    async def register(self, command: RegisterPrintHouse) -> PrintHouseView:
        """Enters a print house, without any certificate.

        Raises:
            RequestIdReused.
            AlreadyRegistered: one has the name, or had it until it was removed.
        """
        fresh = RegisteredPrintHouse(self._entropy.new_id(), command.name, self._clock.now())

        async def change(tx: Transaction) -> Changed[PrintHouseView]:
            if not await tx.print_houses.add(fresh):
                raise AlreadyRegistered("print house", command.name)
            view = PrintHouseView(fresh, ())
            return Changed(view, print_house_resource(fresh.id), None, None, fresh.snapshot())

        act = Act("RegisterPrintHouse", command.by, command.request_id, (command.name,), fresh.id)
        return await self._administration.carry_out(act, change, _view)

    async def set_state(self, command: SetPrintHouseState) -> PrintHouseView:
        """Suspends a print house, lets it go on, or removes it; with a removal its certificates are revoked,
        and refused within a second.

        Raises:
            RequestIdReused; NotFound.
            AlreadyRegistered: it was removed, and is to be something else.
        """

        async def change(tx: Transaction) -> Changed[PrintHouseView]:
            before = await tx.print_houses.lock(command.print_house_id)
            if before is None:
                raise NotFound("print house", str(command.print_house_id))
            if before.state is PrintHouseState.REMOVED is not command.state:
                raise AlreadyRegistered("print house", before.name)
            after = replace(before, state=command.state)
            await tx.print_houses.put(after)
            revoked: tuple[Changed[None], ...] = ()
            if command.state is PrintHouseState.REMOVED:
                revoked = await self._revoked(tx, after.id)
            (view,) = await _views(tx, [after])
            return Changed(
                result=view,
                resource=print_house_resource(after.id),
                organisation_id=None,
                before=before.snapshot(),
                after=after.snapshot(),
                with_it=revoked,
            )

        house_id = command.print_house_id
        act = Act(_ACTS[command.state], command.by, command.request_id, (str(house_id),), house_id)
        return await self._administration.carry_out(act, change, _view)

    async def get(self, house_id: UUID) -> PrintHouseView:
        """Returns a print house. Raises `NotFound`."""
        async with self._uow.reading() as tx:
            return await _view(tx, house_id)

    async def list_houses(self, command: ListPrintHouses) -> Page[PrintHouseView]:
        """Lists print houses, the last registered first. Raises `InvalidPageToken`."""
        query = Query(("ListPrintHouses",))
        before = query.identifier(command.page_token)
        async with self._uow.reading() as tx:
            found = await tx.print_houses.list_newest(before=before, limit=command.page_size + 1)
            shown = found[: command.page_size]
            views = await _views(tx, shown)
        more = len(found) > command.page_size
        return Page(views, query.token(str(shown[-1].id)) if more else "")

    async def _revoked(self, tx: Transaction, house_id: UUID) -> tuple[Changed[None], ...]:
        now = self._clock.now()
        return tuple(
            Changed(
                result=None,
                resource=binding_resource(each.certificate_sha256),
                organisation_id=None,
                before=binding_snapshot(each),
                after=binding_snapshot(replace(each, revoked_at=now)),
            )
            for each in await tx.print_houses.revoke_certificates(house_id, now)
        )


async def _view(tx: Transaction, house_id: UUID) -> PrintHouseView:
    house = await tx.print_houses.get(house_id)
    if house is None:
        raise NotFound("print house", str(house_id))
    (view,) = await _views(tx, [house])
    return view


async def _views(tx: Transaction, houses: Sequence[RegisteredPrintHouse]) -> list[PrintHouseView]:
    certificates = await tx.print_houses.certificates([each.id for each in houses])
    return [PrintHouseView(each, tuple(certificates.get(each.id, ()))) for each in houses]
