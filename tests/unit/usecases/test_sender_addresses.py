"""The addresses from which organisations may send: who changes them, and what a change does."""

import asyncio
from dataclasses import replace

import pytest

from server.domain.refusals import (
    AlreadyRegistered,
    DomainNotRegistered,
    EtagMismatch,
    InvalidFields,
    InvalidPageToken,
    NotFound,
    RequestIdReused,
    ResourceNotPermitted,
)
from server.domain.senders import SenderAddress
from server.usecases.certificates import BindCertificate
from server.usecases.records import SenderAddressFilter
from server.usecases.sender_addresses import (
    DeleteSenderAddress,
    GetSenderAddress,
    ListSenderAddresses,
    RegisterSenderAddress,
    SetSuspended,
    UpdateSenderAddress,
)
from tests.unit.usecases.registers import BOB, NOBODYS, machine_certificate
from tests.unit.usecases.sender_registers import (
    NETWORK,
    OTHER,
    SenderRegisters,
    deletion,
    etag,
    stored,
    update,
)


@pytest.fixture
async def registers() -> SenderRegisters:
    registers = SenderRegisters()
    await registers.own(registers.src, "src.am")
    return registers


# Registering


async def test_an_address_lies_under_a_domain_of_its_organisation(registers: SenderRegisters) -> None:
    await registers.own(registers.other, "cadastre.am")
    for address in ("a@src.am", "a@deep.mail.src.am", "*@src.am", "*@mail.src.am"):
        await registers.sends(registers.src, address, NETWORK)
    for address in ("a@cadastre.am", "*@cadastre.am", "a@nobodys.am", "*@xsrc.am"):
        with pytest.raises(DomainNotRegistered):
            await registers.sends(registers.src, address, NETWORK)


async def test_a_whole_domain_and_one_of_its_addresses_stand_beside_each_other(
    registers: SenderRegisters,
) -> None:
    whole = await registers.sends(registers.src, "*@src.am", NETWORK)
    single = await registers.sends(registers.src, "a@src.am", NETWORK)
    assert whole.id != single.id
    for again in ("*@src.am", "a@src.am"):
        with pytest.raises(AlreadyRegistered):
            await registers.sends(registers.src, again, NETWORK)


async def test_host_names_do_instead_of_networks_and_nothing_does_not(registers: SenderRegisters) -> None:
    named = await registers.sends(registers.src, "a@src.am", host_names=("b.am", "a.am", "b.am"))
    assert (named.networks, named.host_names) == ((), ("b.am", "a.am"))
    act = registers.acts_so_far()[-1]
    assert act.after is not None
    assert act.after["host_names"] == ("b.am", "a.am")
    assert "networks" not in act.after
    with pytest.raises(InvalidFields):
        await registers.sends(registers.src, "b@src.am")


async def test_a_request_without_host_names_means_what_it_meant_before_there_were_any(
    registers: SenderRegisters,
) -> None:
    command = RegisterSenderAddress(registers.operator, "1", registers.src.id, "a@src.am", (NETWORK,), False)
    address = await registers.addresses.register_sender_address(command)
    assert await registers.addresses.register_sender_address(command) == address
    with pytest.raises(RequestIdReused):
        await registers.addresses.register_sender_address(replace(command, host_names=("a.am",)))


async def test_an_administrator_registers_for_their_own_organisation_only(registers: SenderRegisters) -> None:
    ani = await registers.enabled(registers.src)
    await registers.own(registers.other, "cadastre.am")
    await registers.sends(registers.src, "a@src.am", NETWORK, by=ani)
    assert registers.acts_so_far()[-1].actor.person == ani.person_number
    with pytest.raises(ResourceNotPermitted):
        await registers.sends(registers.other, "a@cadastre.am", NETWORK, by=ani)
    with pytest.raises(DomainNotRegistered):
        await registers.sends(registers.src, "a@cadastre.am", NETWORK, by=ani)


# Changing


async def test_only_what_is_named_changes(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK, host_names=("a.am",))
    steps = [
        ({"networks": (OTHER, OTHER)}, {"networks": (OTHER,)}),
        ({"host_names": ("b.am",)}, {"host_names": ("b.am",)}),
        ({"sms_permitted": True}, {"sms_permitted": True}),
        ({"networks": ()}, {"networks": ()}),
    ]
    for asked, changed in steps:
        command = replace(update(registers, address), **asked)  # type: ignore[arg-type]
        expected = replace(address, **changed)  # type: ignore[arg-type]
        address = await registers.addresses.update_sender_address(command)
        assert address == expected == stored(registers, address)
    changes = [act for act in registers.acts_so_far() if act.act == "UpdateSenderAddress"]
    assert len(changes) == len(steps)


async def test_an_address_keeps_something_that_it_may_send_from(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    with pytest.raises(InvalidFields) as refused:
        await registers.addresses.update_sender_address(replace(update(registers, address), networks=()))
    assert refused.value.problems[0].field == "sender_address.networks"
    assert stored(registers, address) == address
    with pytest.raises(InvalidFields) as refused:
        await registers.sends(registers.src, "b@src.am")
    assert [(each.field, each.reason) for each in refused.value.problems] == [("networks", "EMPTY")]


async def test_of_two_administrators_who_edit_at_once_one_is_told_to_look_again(
    registers: SenderRegisters,
) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    ani, bob = await registers.enabled(registers.src), await registers.enabled(registers.src, BOB)
    outcomes = await asyncio.gather(
        registers.addresses.update_sender_address(
            replace(update(registers, address), by=ani, networks=(OTHER,))
        ),
        registers.addresses.update_sender_address(
            replace(update(registers, address), by=bob, sms_permitted=True)
        ),
        return_exceptions=True,
    )
    (stale,) = [each for each in outcomes if isinstance(each, EtagMismatch)]
    (changed,) = [each for each in outcomes if isinstance(each, SenderAddress)]
    assert stored(registers, address) == changed
    assert stale.metadata["current_etag"] == etag(changed)


async def test_without_an_etag_nobody_asks_what_was_there(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    await registers.addresses.update_sender_address(replace(update(registers, address), sms_permitted=True))
    unchecked = replace(update(registers, address), etag="", networks=(OTHER,))
    changed = await registers.addresses.update_sender_address(unchecked)
    assert (changed.networks, changed.sms_permitted) == ((OTHER,), True)


async def test_the_same_request_again_is_no_stale_one(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    command = replace(update(registers, address), sms_permitted=True)
    changed = await registers.addresses.update_sender_address(command)
    assert await registers.addresses.update_sender_address(command) == changed
    for other in (
        replace(command, networks=()),
        replace(command, host_names=()),
        replace(command, sms_permitted=False),
        replace(command, etag=""),
    ):
        with pytest.raises(RequestIdReused):
            await registers.addresses.update_sender_address(other)


async def test_a_change_to_what_it_is_leaves_no_act(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    before = len(registers.acts_so_far())
    await registers.addresses.update_sender_address(replace(update(registers, address), networks=(NETWORK,)))
    assert len(registers.acts_so_far()) == before


# Deleting


async def test_deleting_revokes_what_is_bound_to_the_address_alone(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    bound = []
    for number, only in enumerate((address.id, None)):
        der = machine_certificate(name=f"machine {number}")
        bound.append(
            await registers.certificates.bind_certificate(
                BindCertificate(registers.operator, registers.request_id(), registers.src.id, only, der)
            )
        )
    command = deletion(registers, address)
    await registers.addresses.delete_sender_address(command)
    await registers.addresses.delete_sender_address(command)
    assert registers.uow.committed.sender_addresses == {}
    alone, general = (registers.uow.committed.bindings[each.certificate_sha256] for each in bound)
    assert alone.revoked_at == registers.clock.now()
    assert general.revoked_at is None
    act = registers.acts_so_far()[-1]
    assert (act.act, act.after) == ("DeleteSenderAddress", None)
    assert act.before is not None
    assert act.before["certificate_bindings"] == (alone.certificate_sha256.hex(),)
    with pytest.raises(NotFound):
        await registers.addresses.delete_sender_address(deletion(registers, address))


async def test_a_deleted_address_can_be_registered_anew_and_the_old_requests_do_not_touch_it(
    registers: SenderRegisters,
) -> None:
    old = await registers.sends(registers.src, "a@src.am", NETWORK)
    command = deletion(registers, old)
    change = replace(update(registers, old), sms_permitted=True)
    await registers.addresses.update_sender_address(change)
    await registers.addresses.delete_sender_address(command)
    new = await registers.sends(registers.src, "a@src.am", NETWORK)
    await registers.addresses.delete_sender_address(command)
    assert stored(registers, new) == new
    with pytest.raises(NotFound):
        await registers.addresses.update_sender_address(change)


async def test_deleting_asks_for_the_present_etag(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    stale = replace(deletion(registers, address), etag=etag(address))
    changed = await registers.addresses.update_sender_address(
        replace(update(registers, address), sms_permitted=True)
    )
    with pytest.raises(EtagMismatch):
        await registers.addresses.delete_sender_address(stale)
    await registers.addresses.delete_sender_address(replace(stale, etag=etag(changed)))


async def test_nothing_is_bound_to_an_address_that_is_gone(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    await registers.addresses.delete_sender_address(deletion(registers, address))
    with pytest.raises(NotFound):
        await registers.certificates.bind_certificate(
            BindCertificate(
                registers.operator,
                registers.request_id(),
                registers.src.id,
                address.id,
                machine_certificate(),
            )
        )


# Looking


async def test_an_administrator_sees_and_changes_their_organisations_and_nothing_else(
    registers: SenderRegisters,
) -> None:
    await registers.own(registers.other, "cadastre.am")
    theirs = await registers.sends(registers.other, "a@cadastre.am", NETWORK)
    own = await registers.sends(registers.src, "a@src.am", NETWORK)
    ani = await registers.enabled(registers.src)
    assert await registers.addresses.get_sender_address(GetSenderAddress(ani, own.id)) == own
    told = set()
    for address_id in (theirs.id, NOBODYS):
        request_id = registers.request_id()
        for attempt in (
            registers.addresses.get_sender_address(GetSenderAddress(ani, address_id)),
            registers.addresses.update_sender_address(
                UpdateSenderAddress(ani, request_id, address_id, "", None, None, True)
            ),
            registers.addresses.delete_sender_address(DeleteSenderAddress(ani, request_id, address_id, "")),
            registers.addresses.set_suspended(SetSuspended(ani, request_id, address_id, True)),
            registers.addresses.set_suspended(SetSuspended(ani, request_id, address_id, False)),
        ):
            with pytest.raises(ResourceNotPermitted) as refused:
                await attempt
            told.add((refused.value.text, *refused.value.metadata.items()))
    assert len(told) == 1
    assert stored(registers, theirs) == theirs
    with pytest.raises(NotFound):
        await registers.addresses.get_sender_address(GetSenderAddress(registers.operator, NOBODYS))


async def test_addresses_are_listed_in_pages_as_asked_for(registers: SenderRegisters) -> None:
    await registers.own(registers.other, "cadastre.am")
    for address in ("c@src.am", "a@src.am", "*@src.am", "b@mail.src.am"):
        await registers.sends(registers.src, address, NETWORK)
    await registers.sends(registers.other, "a@cadastre.am", NETWORK)
    ani = await registers.enabled(registers.src)
    everything = ListSenderAddresses(registers.operator, SenderAddressFilter(), 50, "")

    async def listed(command: ListSenderAddresses) -> list[str]:
        found: list[str] = []
        while True:
            page = await registers.addresses.list_sender_addresses(command)
            assert len(page.items) <= command.page_size
            found += [address.address for address in page.items]
            if not page.next_page_token:
                return found
            command = replace(command, page_token=page.next_page_token)

    own = ["*@src.am", "a@src.am", "b@mail.src.am", "c@src.am"]
    assert await listed(everything) == sorted([*own, "a@cadastre.am"])
    assert await listed(replace(everything, page_size=2)) == sorted([*own, "a@cadastre.am"])
    assert await listed(replace(everything, by=ani)) == own
    assert await listed(replace(everything, by=ani, page_size=1)) == own
    narrow = SenderAddressFilter(organisation_id=registers.src.id, domain="src.am", suspended=False)
    assert await listed(replace(everything, by=ani, wanted=narrow)) == ["*@src.am", "a@src.am", "c@src.am"]
    for organisation_id in (registers.other.id, NOBODYS):
        foreign = SenderAddressFilter(organisation_id=organisation_id)
        with pytest.raises(ResourceNotPermitted):
            await listed(replace(everything, by=ani, wanted=foreign))


async def test_a_page_token_serves_the_query_that_it_came_from(registers: SenderRegisters) -> None:
    for address in ("a@src.am", "b@src.am"):
        await registers.sends(registers.src, address, NETWORK)
    command = ListSenderAddresses(registers.operator, SenderAddressFilter(), 1, "")
    token = (await registers.addresses.list_sender_addresses(command)).next_page_token
    for wanted in (
        SenderAddressFilter(organisation_id=registers.src.id),
        SenderAddressFilter(domain="src.am"),
        SenderAddressFilter(suspended=False),
        SenderAddressFilter(sms_permitted=False),
        SenderAddressFilter(suspended=True),
    ):
        with pytest.raises(InvalidPageToken):
            await registers.addresses.list_sender_addresses(replace(command, wanted=wanted, page_token=token))
