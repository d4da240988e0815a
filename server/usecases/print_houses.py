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
from server.usecases.ports import Clock, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class SetPrintHouseState:
    by: Operator
    request_id: str
    print_house_id: UUID
    state: PrintHouseState


@dataclass(frozen=True, slots=True)
class ListPrintHouses:
    """`page_size` is checked."""

    by: Operator
    page_size: int
    page_token: str


class PrintHouseRegister:
    """Shows print houses, suspends and removes them; every change is an administrative act.

    A print house is entered with its first certificate (`CertificateRegister.bind_print_house`).
    """

    def __init__(self, *, administration: Administration, uow: UnitOfWork, clock: Clock) -> None:
        self._administration = administration
        self._uow = uow
        self._clock = clock

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

        async def again(tx: Transaction, subject: UUID) -> PrintHouseView:
            return await _view(tx, subject)

        house_id = command.print_house_id
        content = (str(house_id), command.state.value)
        act = Act("SetPrintHouseState", command.by, command.request_id, content, house_id)
        return await self._administration.carry_out(act, change, again)

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
