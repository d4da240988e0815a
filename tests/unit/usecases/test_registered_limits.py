"""How much one organisation can register: addresses, host names at all of them, and domains."""

from ipaddress import ip_network

import pytest

from server.domain import limits
from server.domain.refusals import InvalidFields
from server.usecases.sender_addresses import UpdateSenderAddress
from tests.unit.usecases.sender_registers import SenderRegisters

NETWORK = ip_network("8.8.8.0/24")


@pytest.fixture
async def registers() -> SenderRegisters:
    registers = SenderRegisters()
    await registers.own(registers.src, "src.am")
    return registers


def problem(refused: pytest.ExceptionInfo[InvalidFields]) -> tuple[str, str]:
    (only,) = refused.value.problems
    return only.field, only.reason


async def test_no_more_addresses_than_the_limit(
    registers: SenderRegisters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ADDRESSES_PER_ORGANISATION", 3)
    for number in range(3):
        await registers.sends(registers.src, f"a{number}@src.am", NETWORK)

    with pytest.raises(InvalidFields) as refused:
        await registers.sends(registers.src, "one@src.am", NETWORK)

    assert problem(refused) == ("address", "TOO_MANY")


async def test_no_more_host_names_in_all_than_the_limit(
    registers: SenderRegisters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HOST_NAMES_PER_ORGANISATION", 3)
    await registers.sends(registers.src, "a@src.am", host_names=("1.am", "2.am", "3.am"))
    other = await registers.sends(registers.src, "b@src.am", host_names=("1.am", "3.am"))

    with pytest.raises(InvalidFields) as refused:
        await registers.sends(registers.src, "c@src.am", host_names=("4.am",))
    assert problem(refused) == ("host_names", "TOO_MANY")

    change = UpdateSenderAddress(
        registers.operator, registers.request_id(), other.id, "", None, ("1.am", "4.am"), None
    )
    with pytest.raises(InvalidFields) as refused:
        await registers.addresses.update_sender_address(change)
    assert problem(refused) == ("sender_address.host_names", "TOO_MANY")


async def test_no_more_domains_than_the_limit(
    registers: SenderRegisters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DOMAINS_PER_ORGANISATION", 2)
    await registers.own(registers.src, "tax.am")

    with pytest.raises(InvalidFields) as refused:
        await registers.own(registers.src, "more.am")
    assert problem(refused) == ("name", "TOO_MANY")

    await registers.own(registers.src, "tax.am")
