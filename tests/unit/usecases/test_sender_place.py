"""Senders outside their networks: at one of their host names, at none, or nobody can tell."""

import asyncio
from collections.abc import Collection
from ipaddress import ip_address, ip_network
from uuid import UUID

import pytest

from server.domain.caller import Connection, IpAddress, Sender
from server.domain.refusals import NetworkNotPermitted, ServiceUnavailable
from server.domain.sending_rights import Hosts
from server.grpc_server import SERVICES
from server.interceptors.access import JUDGED_INSIDE, AccessRules
from server.usecases.sender_place import NAMES_AT_ONCE, SenderPlace

HOME, ELSEWHERE = ip_address("8.8.8.8"), ip_address("9.9.9.9")
GET, SUBMIT = "/namak.v1.DeliveryService/GetDelivery", "/namak.v1.DeliveryService/Submit"


class Names:
    """Host names: those that were looked up before, and those that a look-up would find."""

    def __init__(self, found: Hosts, known: Hosts | None = None) -> None:
        self._found = found
        self._known = known or {}
        self.asked: list[frozenset[str]] = []

    def known(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        assert like == HOME
        return {name: self._known[name] for name in names if name in self._known}

    async def addresses_of(self, names: Collection[str], *, like: IpAddress) -> Hosts:
        assert like == HOME
        self.asked.append(frozenset(names))
        return {name: self._found[name] for name in names if name in self._found}


def sender(*host_names: str, network: str = "1.1.1.1/32") -> Sender:
    return Sender(Connection(bytes(32), HOME), UUID(int=1), None, (ip_network(network),), host_names)


async def test_a_sender_at_one_of_its_host_names_is_where_it_may_be() -> None:
    names = Names({"a.am": frozenset({ELSEWHERE}), "b.am": frozenset({ELSEWHERE, HOME})})
    await SenderPlace(names).check(sender("a.am", "b.am"))


async def test_what_is_known_already_is_not_looked_up() -> None:
    names = Names({}, known={"a.am": frozenset({HOME})})
    await SenderPlace(names).check(sender("a.am", "b.am"))
    assert names.asked == []


async def test_a_sender_at_none_of_its_host_names_is_turned_away() -> None:
    names = Names({"a.am": frozenset({ELSEWHERE}), "b.am": frozenset()})
    with pytest.raises(NetworkNotPermitted) as refused:
        await SenderPlace(names).check(sender("a.am", "b.am"))
    assert refused.value.metadata == {"client_address": "8.8.8.8"}


async def test_where_a_look_up_fails_nobody_is_turned_away_for_good() -> None:
    with pytest.raises(ServiceUnavailable):
        await SenderPlace(Names({"a.am": frozenset({ELSEWHERE})})).check(sender("a.am", "b.am"))
    await SenderPlace(Names({"a.am": frozenset({HOME})})).check(sender("a.am", "b.am"))


async def test_however_many_names_an_organisation_has_few_are_looked_up_at_once() -> None:
    many = [f"{number}.am" for number in range(10 * NAMES_AT_ONCE)]
    under_way = most = 0

    class Slow(Names):
        async def addresses_of(self, names: Collection[str], *, like: IpAddress) -> Hosts:
            nonlocal under_way, most
            under_way += len(names)
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= len(names)
            return await super().addresses_of(names, like=like)

    names = Slow({name: frozenset({ELSEWHERE}) for name in many[:-1]} | {many[-1]: frozenset({HOME})})
    place = SenderPlace(names)
    await asyncio.gather(*(place.check(sender(*many)) for _ in range(5)))
    assert most == NAMES_AT_ONCE
    assert frozenset().union(*names.asked) == set(many)
    with pytest.raises(NetworkNotPermitted):
        await place.check(sender(*many[:-1]))


async def test_the_door_looks_host_names_up_for_everything_but_submissions() -> None:
    names = Names({})
    rules = AccessRules(SERVICES, SenderPlace(names))
    for method in JUDGED_INSIDE:
        await rules.check(sender("a.am"), method)
    assert names.asked == []
    with pytest.raises(ServiceUnavailable):
        await rules.check(sender("a.am"), GET)
    await rules.check(sender("a.am", network="8.8.8.8/32"), GET)


async def test_the_door_turns_a_sender_without_host_names_away_by_its_networks_alone() -> None:
    rules = AccessRules(SERVICES, SenderPlace(Names({})))
    for method in (GET, SUBMIT):
        with pytest.raises(NetworkNotPermitted):
            await rules.check(sender(), method)
        with pytest.raises(NetworkNotPermitted):
            await AccessRules(SERVICES).check(sender("a.am"), method)


def test_methods_that_judge_for_themselves_are_methods_of_the_contract() -> None:
    named = {f"/{service.full_name}/{method.name}" for service in SERVICES for method in service.methods}
    assert named >= JUDGED_INSIDE
