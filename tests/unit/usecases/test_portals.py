"""The register of portals, as the operator sees it."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from server.domain.refusals import InvalidPageToken, NotFound
from server.usecases.certificates import BindPortal, RevokeCertificate
from server.usecases.portals import ListPortals, PortalRegister
from tests.contracts import portal_contract
from tests.contracts.sign_in_contract import digest, session
from tests.unit.usecases.registers import NOBODYS, START, Registers, machine_certificate


class Portals(Registers):
    """The registers, with that of portals."""

    def __init__(self) -> None:
        super().__init__()
        self.portals = PortalRegister(uow=self.uow, clock=self.clock, entropy=self.entropy)
        self._requests = 0

    async def bind(self, name: str) -> bytes:
        self._requests += 1
        der = machine_certificate()
        command = BindPortal(self.operator, f"portal-{self._requests}", name, der)
        return (await self.certificates.bind_portal(command)).certificate_sha256


@pytest.fixture
def post() -> Portals:
    return Portals()


async def test_a_portal_is_registered_with_its_first_certificate_and_keeps_its_identifier(
    post: Portals,
) -> None:
    first = await post.bind("portal.am")
    (before,) = (await post.portals.list_portals(ListPortals(post.operator, 50, ""))).items
    post.clock.move(timedelta(minutes=1))
    second = await post.bind("portal.am")
    await post.certificates.revoke_certificate(RevokeCertificate(post.operator, "revoke", first))

    after = await post.portals.get_portal(before.portal.id)

    assert after.portal == before.portal
    assert (after.portal.name, after.portal.registered_at) == ("portal.am", START)
    assert [each.certificate_sha256 for each in after.certificates] == [second, first]
    assert [each.revoked_at is None for each in after.certificates] == [True, False]


async def test_counts_open_sessions_of_each_portal(post: Portals) -> None:
    here, elsewhere = await post.bind("portal.am"), await post.bind("another.am")
    begun = replace(session(), portal_sha256=here, started_at=START, expires_at=START.replace(year=2100))
    async with post.uow.writing() as tx:
        assert await tx.sessions.begin(begun, digest(), most=1)
        await tx.commit()

    views = (await post.portals.list_portals(ListPortals(post.operator, 50, ""))).items

    assert elsewhere != here
    assert {view.portal.name: view.open_sessions for view in views} == {"portal.am": 1, "another.am": 0}


async def test_lists_by_pages_the_last_registered_first(post: Portals) -> None:
    names = ["a.am", "b.am", "c.am", "d.am", "e.am"]
    for each in names:
        await post.bind(each)
    seen, token = [], ""
    while True:
        page = await post.portals.list_portals(ListPortals(post.operator, 2, token))
        seen += [view.portal.name for view in page.items]
        token = page.next_page_token
        if not token:
            break

    assert seen == names[::-1]
    with pytest.raises(InvalidPageToken):
        await post.portals.list_portals(ListPortals(post.operator, 2, "another"))


async def test_there_is_no_portal_that_was_not_registered(post: Portals) -> None:
    await post.bind("portal.am")
    with pytest.raises(NotFound):
        await post.portals.get_portal(NOBODYS)


async def test_what_the_release_before_bound_is_entered_once(post: Portals) -> None:
    bound, certificate = portal_contract.binding("earlier.am")
    async with post.uow.writing() as tx:
        await tx.bindings.add(bound, certificate)
        await tx.commit()

    await post.portals.enter_missing()
    (found,) = (await post.portals.list_portals(ListPortals(post.operator, 50, ""))).items
    await post.portals.enter_missing()

    assert (found.portal.name, found.portal.registered_at) == ("earlier.am", bound.bound_at)
    assert isinstance(found.portal.id, UUID)
    assert (await post.portals.list_portals(ListPortals(post.operator, 50, ""))).items == [found]
