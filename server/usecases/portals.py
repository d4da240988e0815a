"""The register of portals, as the operator looks at it (SIGN-5, CARD-4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from server.domain.caller import Operator
from server.domain.paging import Page, Query
from server.domain.portals import PortalView, RegisteredPortal
from server.domain.refusals import NotFound
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class ListPortals:
    """`page_size` is checked."""

    by: Operator
    page_size: int
    page_token: str


class PortalRegister:
    """Shows portals with their certificates and how many sessions are open there.

    A portal is entered with its first certificate (`CertificateRegister.bind_portal`).
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy

    async def list_portals(self, command: ListPortals) -> Page[PortalView]:
        """Lists portals, the last registered first.

        Raises:
            InvalidPageToken.
        """
        query = Query(("ListPortals",))
        before = query.identifier(command.page_token)
        async with self._uow.reading() as tx:
            found = await tx.portals.list_newest(before=before, limit=command.page_size + 1)
            shown = found[: command.page_size]
            views = await self._views(tx, shown)
        more = len(found) > command.page_size
        return Page(views, query.token(str(shown[-1].id)) if more else "")

    async def get_portal(self, portal_id: UUID) -> PortalView:
        """Returns a portal.

        Raises:
            NotFound.
        """
        async with self._uow.reading() as tx:
            found = await tx.portals.get(portal_id)
            if found is None:
                raise NotFound("portal", str(portal_id))
            (view,) = await self._views(tx, [found])
        return view

    async def enter_missing(self) -> None:
        """Enters the portals that the release before bound certificates for while it still served; every
        replica may do so at the same time.

        Raises:
            ServiceUnavailable: the database does not answer; the next time goes on.
        """
        async with self._uow.writing() as tx:
            missing = await tx.portals.missing()
            for name, bound_at in sorted(missing.items(), key=lambda each: each[1]):
                await tx.portals.enter(RegisteredPortal(self._entropy.new_id(), name, bound_at))
            if missing:
                await tx.commit()

    async def _views(self, tx: Transaction, portals: Sequence[RegisteredPortal]) -> list[PortalView]:
        names = [each.name for each in portals]
        certificates = await tx.portals.certificates(names)
        sessions = await tx.portals.open_sessions(names, self._clock.now())
        return [
            PortalView(each, tuple(certificates.get(each.name, ())), sessions.get(each.name, 0))
            for each in portals
        ]
