"""Who may send under an address, from where: the entry that counts, and the first reason that holds."""

from dataclasses import replace
from ipaddress import ip_address, ip_network
from uuid import UUID

import pytest

from server.domain.refusals import (
    ContractNotInForce,
    NetworkNotPermitted,
    Refused,
    SenderNotPermitted,
    SenderSuspended,
    ServiceUnavailable,
)
from server.domain.senders import ContractState, SenderAddress
from server.domain.sending_rights import NO_HOSTS, Hosts, host_names_to_ask, judge_sender, permission_for
from tests.contracts.examples import NOON

HOME, ELSEWHERE = ip_address("8.8.8.8"), ip_address("9.9.9.9")
MAIL = "mail.src.am"


def entry(number: int, address: str, *networks: str, hosts: tuple[str, ...] = ()) -> SenderAddress:
    return SenderAddress(
        id=UUID(int=number),
        organisation_id=UUID(int=99),
        address=address,
        networks=tuple(ip_network(network) for network in networks),
        sms_permitted=False,
        suspended=False,
        registered_at=NOON,
        host_names=hosts,
    )


EXACT = entry(1, "notices@src.am", "8.8.8.0/24")
WHOLE = entry(2, "*@src.am", "8.8.8.0/24")
BY_NAME = entry(3, "names@src.am", hosts=(MAIL, "other.src.am"))


def judge(
    sender: str,
    *entries: SenderAddress,
    only: UUID | None = None,
    contract: ContractState = ContractState.IN_FORCE,
    client: str = "8.8.8.8",
    hosts: Hosts = NO_HOSTS,
) -> SenderAddress | Refused:
    by_address = {each.address: each for each in entries}
    return judge_sender(
        sender, by_address, only=only, contract=contract, client=ip_address(client), hosts=hosts
    )


def test_an_address_sends_by_its_own_entry() -> None:
    assert judge("notices@src.am", EXACT) is EXACT


def test_any_address_of_a_domain_sends_by_the_permission_for_the_whole_of_it() -> None:
    assert judge("anything.at-all@src.am", WHOLE) is WHOLE


@pytest.mark.parametrize("sender", ["a@mail.src.am", "a@am", "a@xsrc.am", "a@src.am.am"])
def test_the_permission_for_a_domain_is_not_for_another_nor_for_those_below(sender: str) -> None:
    assert isinstance(judge(sender, WHOLE), SenderNotPermitted)


def test_the_own_entry_wins_over_the_domain_s() -> None:
    assert judge("notices@src.am", WHOLE, EXACT) is EXACT


def test_a_suspended_entry_of_its_own_is_not_mended_by_the_domain_s() -> None:
    assert isinstance(judge("notices@src.am", WHOLE, replace(EXACT, suspended=True)), SenderSuspended)


def test_an_entry_with_other_networks_is_not_widened_by_the_domain_s() -> None:
    narrow = entry(1, "notices@src.am", "1.1.1.1/32")
    assert isinstance(judge("notices@src.am", WHOLE, narrow), NetworkNotPermitted)


def test_nobody_sends_as_a_whole_domain() -> None:
    assert isinstance(judge("*@src.am", WHOLE), SenderNotPermitted)


def test_a_certificate_for_one_entry_sends_by_no_other() -> None:
    assert judge("x@src.am", WHOLE, EXACT, only=WHOLE.id) is WHOLE
    assert isinstance(judge("notices@src.am", WHOLE, EXACT, only=WHOLE.id), SenderNotPermitted)
    assert isinstance(judge("x@src.am", WHOLE, EXACT, only=EXACT.id), SenderNotPermitted)


def test_the_first_reason_that_holds_is_the_answer() -> None:
    suspended = replace(EXACT, suspended=True)
    ended = ContractState.ENDED
    elsewhere = "9.9.9.9"
    assert isinstance(judge("b@src.am", suspended, contract=ended, client=elsewhere), SenderNotPermitted)
    refused = judge("notices@src.am", suspended, contract=ended, client=elsewhere)
    assert isinstance(refused, NetworkNotPermitted)
    assert refused.metadata == {"client_address": elsewhere, "sender": "notices@src.am"}
    assert isinstance(judge("notices@src.am", suspended, contract=ended), SenderSuspended)
    assert isinstance(judge("notices@src.am", EXACT, contract=ended), ContractNotInForce)


def test_an_address_sends_from_what_one_of_its_host_names_shows() -> None:
    hosts = {MAIL: frozenset({HOME}), "other.src.am": frozenset({ELSEWHERE})}
    assert judge("names@src.am", BY_NAME, hosts=hosts) is BY_NAME
    assert judge("names@src.am", BY_NAME, client="9.9.9.9", hosts=hosts) is BY_NAME
    assert isinstance(judge("names@src.am", BY_NAME, client="1.1.1.1", hosts=hosts), NetworkNotPermitted)


def test_a_look_up_that_failed_is_never_held_against_the_sender() -> None:
    refused = judge("names@src.am", BY_NAME, hosts={MAIL: frozenset({ELSEWHERE})})
    assert isinstance(refused, ServiceUnavailable)
    assert not refused.rule.recorded


def test_a_look_up_that_failed_does_not_matter_where_another_one_vouches() -> None:
    assert judge("names@src.am", BY_NAME, hosts={MAIL: frozenset({HOME})}) is BY_NAME
    both = replace(BY_NAME, networks=(ip_network("8.8.8.8/32"),))
    assert judge("names@src.am", both) is both


def test_host_names_of_other_entries_do_not_matter() -> None:
    hosts = {MAIL: frozenset({ELSEWHERE})}
    assert isinstance(
        judge("notices@src.am", EXACT, BY_NAME, client="9.9.9.9", hosts=hosts), NetworkNotPermitted
    )


def test_only_names_that_decide_are_asked_for() -> None:
    entries = {each.address: each for each in (EXACT, BY_NAME, entry(4, "*@tax.am", hosts=("x.tax.am",)))}
    senders = ["names@src.am", "notices@src.am", "nobody@src.am"]
    asked = host_names_to_ask([*senders, "a@tax.am"], entries, only=None, client=HOME)
    assert asked == {MAIL, "other.src.am", "x.tax.am"}
    assert host_names_to_ask(senders, entries, only=EXACT.id, client=HOME) == frozenset()
    own = {BY_NAME.address: replace(BY_NAME, networks=(ip_network("8.8.8.8/32"),))}
    assert host_names_to_ask(senders, own, only=None, client=HOME) == frozenset()


def test_no_entry_is_no_permission() -> None:
    assert permission_for("a@src.am", {}) is None
