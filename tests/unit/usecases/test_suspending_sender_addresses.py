"""Who suspends a sender address, and who may lift that."""

from dataclasses import replace

import pytest

from server.domain.refusals import RoleNotPermitted
from server.usecases.sender_addresses import SetSuspended
from tests.unit.usecases.sender_registers import NETWORK, SenderRegisters, deletion, etag, stored, update


@pytest.fixture
async def registers() -> SenderRegisters:
    registers = SenderRegisters()
    await registers.own(registers.src, "src.am")
    return registers


async def test_who_suspended_decides_who_resumes(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    ani = await registers.enabled(registers.src)

    async def set_suspended(by: object, suspended: bool) -> tuple[bool, bool]:
        command = SetSuspended(by, registers.request_id(), address.id, suspended)  # type: ignore[arg-type]
        changed = await registers.addresses.set_suspended(command)
        assert changed == stored(registers, address)
        return changed.suspended, changed.suspended_by_operator

    operator = registers.operator
    assert await set_suspended(ani, True) == (True, False)
    assert await set_suspended(ani, False) == (False, False)
    assert await set_suspended(ani, False) == (False, False)
    assert await set_suspended(ani, True) == (True, False)
    assert await set_suspended(operator, True) == (True, True)
    with pytest.raises(RoleNotPermitted):
        await set_suspended(ani, False)
    # An administrator takes nothing of the operator's suspension away by suspending too.
    assert await set_suspended(ani, True) == (True, True)
    assert await set_suspended(operator, False) == (False, False)
    assert await set_suspended(operator, True) == (True, True)
    assert await set_suspended(registers.command_line, False) == (False, False)


async def test_an_administrator_does_not_get_round_a_suspension_by_registering_anew(
    registers: SenderRegisters,
) -> None:
    single = await registers.sends(registers.src, "a@src.am", NETWORK)
    whole = await registers.sends(registers.src, "*@src.am", NETWORK)
    ani, operator = await registers.enabled(registers.src), registers.operator
    for address in (single, whole):
        command = SetSuspended(operator, registers.request_id(), address.id, True)
        await registers.addresses.set_suspended(command)
        with pytest.raises(RoleNotPermitted):
            await registers.addresses.delete_sender_address(replace(deletion(registers, address), by=ani))
    # An entry of its own would decide instead of the suspended one.
    with pytest.raises(RoleNotPermitted):
        await registers.sends(registers.src, "b@src.am", NETWORK, by=ani)
    await registers.sends(registers.src, "b@mail.src.am", NETWORK, by=ani)
    await registers.addresses.delete_sender_address(deletion(registers, whole))


async def test_an_update_leaves_a_suspension_alone(registers: SenderRegisters) -> None:
    address = await registers.sends(registers.src, "a@src.am", NETWORK)
    suspended = await registers.addresses.set_suspended(
        SetSuspended(registers.operator, registers.request_id(), address.id, True)
    )
    assert etag(suspended) != etag(address)
    ani = await registers.enabled(registers.src)
    changed = await registers.addresses.update_sender_address(
        replace(update(registers, suspended), by=ani, sms_permitted=True)
    )
    assert (changed.suspended, changed.suspended_by_operator) == (True, True)
