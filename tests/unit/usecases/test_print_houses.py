"""The register of print houses, as the operator looks after it."""

from uuid import UUID

import pytest

from server.domain.print_houses import PrintHouseState
from server.domain.refusals import (
    AlreadyRegistered,
    InvalidFields,
    InvalidPageToken,
    NotFound,
    RequestIdReused,
)
from server.domain.senders import CertificateBinding
from server.usecases.certificates import BindPrintHouse, RevokeCertificate
from server.usecases.print_houses import (
    ListPrintHouses,
    PrintHouseRegister,
    RegisterPrintHouse,
    SetPrintHouseState,
)
from tests.unit.usecases.registers import NOBODYS, START, Registers, machine_certificate

SUSPENDED, ACTIVE, REMOVED = PrintHouseState.SUSPENDED, PrintHouseState.ACTIVE, PrintHouseState.REMOVED


class PrintHouses(Registers):
    """The registers, with that of print houses."""

    def __init__(self) -> None:
        super().__init__()
        self.houses = PrintHouseRegister(
            administration=self.administration, uow=self.uow, clock=self.clock, entropy=self.entropy
        )
        self._requests = 0

    async def register(self, name: str = "Տպարան", request_id: str = "") -> UUID:
        self._requests += 1
        command = RegisterPrintHouse(self.operator, request_id or f"h-{self._requests}", name)
        return (await self.houses.register(command)).house.id

    async def bind(self, house: UUID, der: bytes | None = None) -> CertificateBinding:
        self._requests += 1
        command = BindPrintHouse(self.operator, f"b-{self._requests}", house, der or machine_certificate())
        return await self.certificates.bind_print_house(command)

    async def set(self, house: UUID, state: PrintHouseState, request_id: str = "") -> PrintHouseState:
        self._requests += 1
        command = SetPrintHouseState(self.operator, request_id or f"s-{self._requests}", house, state)
        return (await self.houses.set_state(command)).house.state


@pytest.fixture
def post() -> PrintHouses:
    return PrintHouses()


async def test_a_print_house_is_registered_and_then_gets_its_certificates(post: PrintHouses) -> None:
    house, other = await post.register(), await post.register("Another")
    assert (await post.houses.get(house)).certificates == ()
    await post.bind(house)
    await post.bind(house)

    view = await post.houses.get(house)
    assert (view.house.name, view.house.state, view.house.registered_at) == ("Տպարան", ACTIVE, START)
    assert [each.print_house_id for each in view.certificates] == [house, house]
    assert (await post.houses.get(other)).certificates == ()
    acts = post.acts_so_far()
    assert [each.act for each in acts] == [
        *("RegisterPrintHouse", "RegisterPrintHouse"),
        *("BindPrintHouseCertificate", "BindPrintHouseCertificate"),
    ]
    assert acts[0].after == {"display_name": "Տպարան", "state": "ACTIVE"}
    assert acts[-1].after is not None
    assert (acts[-1].after["role"], acts[-1].after["print_house"]) == ("PRINT_HOUSE", str(house))


async def test_a_repeated_registration_returns_the_same_print_house_and_a_name_is_taken_once(
    post: PrintHouses,
) -> None:
    house = await post.register(request_id="1")
    assert await post.register(request_id="1") == house
    with pytest.raises(RequestIdReused):
        await post.register("Other", request_id="1")
    with pytest.raises(AlreadyRegistered):
        await post.register()
    assert len((await post.houses.list_houses(ListPrintHouses(post.operator, 50, ""))).items) == 1


async def test_a_repeated_binding_returns_the_same_certificate(post: PrintHouses) -> None:
    house, other, der = await post.register(), await post.register("Other"), machine_certificate()
    command = BindPrintHouse(post.operator, "1", house, der)
    bound = await post.certificates.bind_print_house(command)
    assert await post.certificates.bind_print_house(command) == bound
    with pytest.raises(RequestIdReused):
        await post.certificates.bind_print_house(BindPrintHouse(post.operator, "1", other, der))


async def test_a_certificate_that_stands_for_something_else_is_refused(post: PrintHouses) -> None:
    house, other, der = await post.register(), await post.register("Another"), machine_certificate()
    await post.certificates.bind_operator(der, post.command_line)
    with pytest.raises(AlreadyRegistered):
        await post.bind(house, der)
    with pytest.raises(InvalidFields):
        await post.bind(house, b"nonsense")
    own = machine_certificate()
    await post.bind(house, own)
    with pytest.raises(AlreadyRegistered):
        await post.bind(other, own)
    assert (await post.houses.get(other)).certificates == ()


async def test_is_suspended_and_goes_on_and_each_is_an_act(post: PrintHouses) -> None:
    house = await post.register()
    acts = len(post.acts_so_far())
    assert await post.set(house, SUSPENDED) is SUSPENDED
    assert await post.set(house, SUSPENDED) is SUSPENDED
    assert await post.set(house, ACTIVE) is ACTIVE

    changes = post.acts_so_far()[acts:]
    assert [each.after and each.after["state"] for each in changes] == ["SUSPENDED", "ACTIVE"]
    assert [each.act for each in changes] == ["SuspendPrintHouse", "ResumePrintHouse"]
    assert {each.resource.identifier for each in changes} == {str(house)}


async def test_a_removal_revokes_its_certificates_and_no_others_and_is_for_ever(post: PrintHouses) -> None:
    house, other = await post.register(), await post.register("Another")
    for owner in (house, house, other):
        await post.bind(owner)
    (first, *_) = (await post.houses.get(house)).certificates
    await post.certificates.revoke_certificate(
        RevokeCertificate(post.operator, "r", first.certificate_sha256)
    )
    acts = len(post.acts_so_far())
    assert await post.set(house, REMOVED) is REMOVED

    assert all(each.revoked_at for each in (await post.houses.get(house)).certificates)
    assert not any(each.revoked_at for each in (await post.houses.get(other)).certificates)
    kinds = [each.resource.kind for each in post.acts_so_far()[acts:]]
    assert kinds == ["PRINT_HOUSE", "CERTIFICATE_BINDING"]
    assert await post.set(house, REMOVED) is REMOVED
    for state in (ACTIVE, SUSPENDED):
        with pytest.raises(AlreadyRegistered):
            await post.set(house, state)
    with pytest.raises(AlreadyRegistered):
        await post.bind(house)
    with pytest.raises(AlreadyRegistered):
        await post.register()


async def test_a_repeated_act_changes_nothing_and_tells_how_it_is_by_now(post: PrintHouses) -> None:
    house = await post.register()
    await post.set(house, SUSPENDED, "once")
    await post.set(house, ACTIVE)
    assert await post.set(house, SUSPENDED, "once") is ACTIVE
    with pytest.raises(RequestIdReused):
        await post.set(house, REMOVED, "once")


async def test_one_that_there_is_not_is_not_found(post: PrintHouses) -> None:
    with pytest.raises(NotFound):
        await post.houses.get(NOBODYS)
    with pytest.raises(NotFound):
        await post.set(NOBODYS, SUSPENDED)
    with pytest.raises(NotFound):
        await post.bind(NOBODYS)


async def test_lists_the_last_registered_first_page_by_page(post: PrintHouses) -> None:
    houses = [await post.register(name) for name in ("A", "B", "C")]
    first = await post.houses.list_houses(ListPrintHouses(post.operator, 2, ""))
    second = await post.houses.list_houses(ListPrintHouses(post.operator, 2, first.next_page_token))

    assert [each.house.id for each in (*first.items, *second.items)] == houses[::-1]
    assert second.next_page_token == ""
    with pytest.raises(InvalidPageToken):
        await post.houses.list_houses(ListPrintHouses(post.operator, 2, "nonsense"))
