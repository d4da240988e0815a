"""Whose a domain is: on the operator's word, by the DNS, and until it is given up."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from server.domain.refusals import (
    AlreadyRegistered,
    DomainNotRegistered,
    DomainProofMissing,
    InvalidPageToken,
    NotFound,
    RequestIdReused,
    ResourceInUse,
    ResourceNotPermitted,
    ServiceUnavailable,
)
from server.domain.senders import DomainProof
from server.usecases.domains import (
    CHALLENGE_LIFE,
    DeleteDomain,
    ListDomains,
    RegisterDomain,
    RequestDomainProof,
)
from tests.fakes.senders import FakeDomains
from tests.unit.usecases.registers import BOB, NOBODYS
from tests.unit.usecases.sender_registers import SenderRegisters

NETWORK = ip_network("8.8.8.0/24")


@pytest.fixture
def registers() -> SenderRegisters:
    return SenderRegisters()


def asking(registers: SenderRegisters, name: str = "src.am") -> RequestDomainProof:
    return RequestDomainProof(registers.operator, registers.src.id, name)


def giving_up(registers: SenderRegisters, name: str = "src.am") -> DeleteDomain:
    return DeleteDomain(registers.operator, registers.request_id(), registers.src.id, name)


async def test_the_operators_word_makes_a_domain_an_organisations_own(registers: SenderRegisters) -> None:
    await registers.own(registers.src, "src.am")
    await registers.own(registers.src, "src.am")
    with pytest.raises(AlreadyRegistered):
        await registers.own(registers.other, "src.am")
    domain = registers.uow.committed.domains["src.am"]
    assert (domain.organisation_id, domain.proof) == (registers.src.id, DomainProof.DOCUMENT)
    (act,) = registers.acts_so_far()
    assert (act.act, act.before) == ("RegisterDomain", None)
    assert act.after == {"name": "src.am", "proof": "DOCUMENT", "document_reference": "letter 1"}


async def test_a_domain_below_another_s_can_be_registered_for_somebody_else(
    registers: SenderRegisters,
) -> None:
    await registers.own(registers.src, "src.am")
    await registers.own(registers.other, "customs.src.am")
    await registers.sends(registers.other, "a@x.customs.src.am", NETWORK)
    with pytest.raises(DomainNotRegistered):
        await registers.sends(registers.src, "b@customs.src.am", NETWORK)


async def test_a_domain_with_another_s_addresses_in_it_cannot_be_taken_from_under_them(
    registers: SenderRegisters,
) -> None:
    await registers.own(registers.src, "src.am")
    await registers.sends(registers.src, "*@deep.customs.src.am", NETWORK)
    with pytest.raises(AlreadyRegistered):
        await registers.own(registers.other, "customs.src.am")
    await registers.show_proof(registers.other, "customs.src.am")
    with pytest.raises(AlreadyRegistered):
        await registers.domains.prove_domain(registers.proving(registers.other, "customs.src.am"))
    await registers.own(registers.src, "customs.src.am")


async def test_addresses_that_a_narrower_domain_decides_over_stand_in_nobodys_way(
    registers: SenderRegisters,
) -> None:
    await registers.own(registers.src, "tax.customs.am")
    await registers.sends(registers.src, "a@tax.customs.am", NETWORK)
    await registers.own(registers.other, "customs.am")
    await registers.sends(registers.other, "a@customs.am", NETWORK)


async def test_the_record_is_the_same_until_it_expires(registers: SenderRegisters) -> None:
    first = await registers.domains.request_proof(asking(registers))
    assert first.record_name == "_namak.src.am"
    assert first.expires_at == registers.clock.now() + CHALLENGE_LIFE
    registers.clock.move(CHALLENGE_LIFE - timedelta(seconds=1))
    assert await registers.domains.request_proof(asking(registers)) == first
    registers.clock.move(timedelta(seconds=1))
    second = await registers.domains.request_proof(asking(registers))
    assert second.record_text != first.record_text
    assert registers.acts_so_far() == []


async def test_each_organisation_gets_a_record_of_its_own(registers: SenderRegisters) -> None:
    first = await registers.domains.request_proof(asking(registers))
    other = replace(asking(registers), organisation_id=registers.other.id)
    assert (await registers.domains.request_proof(other)).record_text != first.record_text


async def test_no_record_is_given_for_what_is_registered_or_for_nobody(registers: SenderRegisters) -> None:
    await registers.own(registers.other, "src.am")
    with pytest.raises(AlreadyRegistered):
        await registers.domains.request_proof(asking(registers))
    with pytest.raises(NotFound):
        await registers.domains.request_proof(replace(asking(registers, "a.am"), organisation_id=NOBODYS))


async def test_the_record_in_the_dns_proves_the_domain(registers: SenderRegisters) -> None:
    ani = await registers.enabled(registers.src)
    await registers.show_proof(registers.src, "src.am", ani)
    command = registers.proving(registers.src, "src.am", ani)
    domain = await registers.domains.prove_domain(command)
    assert (domain.organisation_id, domain.proof) == (registers.src.id, DomainProof.DNS)
    assert domain.document_reference == registers.texts.records["_namak.src.am"][0]
    assert registers.acts_so_far()[-1].act == "ProveDomain"
    # Taken out of the DNS again, it is not asked for any more.
    registers.texts.records.clear()
    registers.texts.unavailable = True
    assert await registers.domains.prove_domain(command) == domain
    assert await registers.domains.prove_domain(registers.proving(registers.src, "src.am", ani)) == domain
    assert registers.texts.asked == ["_namak.src.am"]
    registers.texts.unavailable = False
    await registers.show_proof(registers.src, "other.am", ani)
    with pytest.raises(RequestIdReused):
        await registers.domains.prove_domain(replace(command, name="other.am"))


async def test_without_the_record_the_refusal_tells_it_and_leaves_the_request_id_free(
    registers: SenderRegisters,
) -> None:
    command = registers.proving(registers.src, "src.am")
    with pytest.raises(DomainProofMissing) as refused:
        await registers.domains.prove_domain(command)
    told = refused.value.metadata
    registers.texts.records[told["record_name"]] = ["v=spf1 -all", told["record_text"]]
    assert (await registers.domains.prove_domain(command)).name == "src.am"


@pytest.mark.parametrize("spoil", [str.upper, lambda text: text + "0", lambda text: text[:-1], lambda _: ""])
async def test_no_other_text_proves_it(registers: SenderRegisters, spoil: object) -> None:
    assert callable(spoil)
    text = (await registers.domains.request_proof(asking(registers))).record_text
    registers.texts.records["_namak.src.am"] = [spoil(text)]
    with pytest.raises(DomainProofMissing):
        await registers.domains.prove_domain(registers.proving(registers.src, "src.am"))


async def test_another_organisation_s_record_and_an_expired_one_prove_nothing(
    registers: SenderRegisters,
) -> None:
    await registers.show_proof(registers.other, "src.am")
    with pytest.raises(DomainProofMissing):
        await registers.domains.prove_domain(registers.proving(registers.src, "src.am"))
    registers.clock.move(CHALLENGE_LIFE)
    with pytest.raises(DomainProofMissing):
        await registers.domains.prove_domain(registers.proving(registers.other, "src.am"))
    assert registers.uow.committed.domains == {}


async def test_a_record_elsewhere_proves_nothing(registers: SenderRegisters) -> None:
    await registers.show_proof(registers.src, "mail.src.am")
    registers.texts.records["src.am"] = registers.texts.records["_namak.mail.src.am"]
    with pytest.raises(DomainProofMissing):
        await registers.domains.prove_domain(registers.proving(registers.src, "src.am"))


async def test_a_dns_that_does_not_answer_decides_nothing(registers: SenderRegisters) -> None:
    await registers.show_proof(registers.src, "src.am")
    command = registers.proving(registers.src, "src.am")
    registers.texts.unavailable = True
    with pytest.raises(ServiceUnavailable):
        await registers.domains.prove_domain(command)
    assert registers.uow.committed.claims == {}
    registers.texts.unavailable = False
    await registers.domains.prove_domain(command)


async def test_of_two_organisations_that_prove_a_domain_at_once_exactly_one_gets_it(
    registers: SenderRegisters,
) -> None:
    for owner in (registers.src, registers.other):
        await registers.show_proof(owner, "src.am")
    outcomes = await asyncio.gather(
        *(
            registers.domains.prove_domain(registers.proving(owner, "src.am"))
            for owner in (registers.src, registers.other)
        ),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyRegistered", "Domain"]
    assert len(registers.acts_so_far()) == 1


async def test_a_domain_that_is_another_s_is_not_even_looked_up(registers: SenderRegisters) -> None:
    await registers.own(registers.other, "src.am")
    with pytest.raises(AlreadyRegistered):
        await registers.domains.prove_domain(registers.proving(registers.src, "src.am"))
    assert registers.texts.asked == []


async def test_a_domain_on_the_operators_word_stays_so_when_it_is_proved_too(
    registers: SenderRegisters,
) -> None:
    await registers.own(registers.src, "src.am")
    domain = await registers.domains.prove_domain(registers.proving(registers.src, "src.am"))
    assert domain.proof is DomainProof.DOCUMENT
    assert len(registers.acts_so_far()) == 1


async def test_a_domain_that_is_given_up_while_its_proof_is_repeated_does_not_come_back(
    registers: SenderRegisters, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registers.own(registers.src, "src.am")
    lock = FakeDomains.lock

    async def wait(self: FakeDomains, names: Collection[str], *, shared: bool = False) -> None:
        # Whoever gives it up holds the lock, and commits before this transaction gets it.
        self._state.domains.pop("src.am", None)
        await lock(self, names, shared=shared)

    monkeypatch.setattr(FakeDomains, "lock", wait)
    with pytest.raises(NotFound):
        await registers.domains.prove_domain(registers.proving(registers.src, "src.am"))
    assert registers.texts.asked == []


async def test_a_domain_is_given_up_once(registers: SenderRegisters) -> None:
    await registers.own(registers.src, "src.am")
    command = giving_up(registers)
    await registers.domains.delete_domain(command)
    assert registers.uow.committed.domains == {}
    act = registers.acts_so_far()[-1]
    assert (act.act, act.after) == ("DeleteDomain", None)
    await registers.own(registers.other, "src.am")
    await registers.domains.delete_domain(command)
    assert "src.am" in registers.uow.committed.domains
    with pytest.raises(NotFound):
        await registers.domains.delete_domain(giving_up(registers))


@pytest.mark.parametrize("address", ["a@src.am", "*@src.am", "a@deep.mail.src.am"])
async def test_a_domain_is_not_given_up_while_an_address_needs_it(
    registers: SenderRegisters, address: str
) -> None:
    await registers.own(registers.src, "src.am")
    used = await registers.sends(registers.src, address, NETWORK)
    with pytest.raises(ResourceInUse) as refused:
        await registers.domains.delete_domain(giving_up(registers))
    assert refused.value.metadata["used_by_name"] == used.address
    assert "src.am" in registers.uow.committed.domains


async def test_a_domain_is_given_up_where_a_wider_or_a_narrower_one_serves_its_addresses(
    registers: SenderRegisters,
) -> None:
    for name in ("src.am", "mail.src.am", "deep.mail.src.am"):
        await registers.own(registers.src, name)
    await registers.sends(registers.src, "a@mail.src.am", NETWORK)
    await registers.sends(registers.src, "a@deep.mail.src.am", NETWORK)
    await registers.domains.delete_domain(giving_up(registers, "mail.src.am"))
    with pytest.raises(ResourceInUse):
        await registers.domains.delete_domain(giving_up(registers, "src.am"))


async def test_a_wider_domain_of_somebody_else_serves_nobody(registers: SenderRegisters) -> None:
    await registers.own(registers.other, "src.am")
    await registers.own(registers.src, "mail.src.am")
    await registers.sends(registers.src, "a@mail.src.am", NETWORK)
    with pytest.raises(ResourceInUse):
        await registers.domains.delete_domain(giving_up(registers, "mail.src.am"))


async def test_domains_are_listed_by_name_in_pages(registers: SenderRegisters) -> None:
    for name in ("c.am", "a.am", "b.am"):
        await registers.own(registers.src, name)
    await registers.own(registers.other, "d.am")
    asked = ListDomains(registers.operator, registers.src.id, 2, "")
    page = await registers.domains.list_domains(asked)
    assert [domain.name for domain in page.items] == ["a.am", "b.am"]
    rest = await registers.domains.list_domains(replace(asked, page_token=page.next_page_token))
    assert [domain.name for domain in rest.items] == ["c.am"]
    assert rest.next_page_token == ""
    for wrong in (replace(asked, page_token="x"), replace(asked, page_token=page.next_page_token[:-1])):
        with pytest.raises(InvalidPageToken):
            await registers.domains.list_domains(wrong)
    other = replace(asked, organisation_id=registers.other.id, page_token=page.next_page_token)
    with pytest.raises(InvalidPageToken):
        await registers.domains.list_domains(other)


async def test_what_is_anothers_is_the_same_to_an_administrator_as_what_is_not_there(
    registers: SenderRegisters,
) -> None:
    ani = await registers.enabled(registers.src)
    await registers.own(registers.other, "other.am")
    there, nowhere = registers.other.id, NOBODYS
    for organisation_id in (there, nowhere):
        for attempt in (
            registers.domains.request_proof(RequestDomainProof(ani, organisation_id, "new.am")),
            registers.domains.prove_domain(
                replace(registers.proving(registers.src, "new.am", ani), organisation_id=organisation_id)
            ),
            registers.domains.list_domains(ListDomains(ani, organisation_id, 50, "")),
            registers.domains.delete_domain(
                DeleteDomain(ani, registers.request_id(), organisation_id, "other.am")
            ),
        ):
            with pytest.raises(ResourceNotPermitted) as refused:
                await attempt
            assert "other" not in refused.value.text.replace("another", "")
    with pytest.raises(ResourceNotPermitted):
        await registers.domains.delete_domain(
            DeleteDomain(ani, registers.request_id(), registers.src.id, "other.am")
        )
    assert registers.texts.asked == []


async def test_who_is_no_administrator_any_more_does_nothing(registers: SenderRegisters) -> None:
    bob = registers.acting(registers.src, BOB)
    await registers.own(registers.src, "src.am")
    for attempt in (
        registers.domains.request_proof(RequestDomainProof(bob, registers.src.id, "new.am")),
        registers.domains.list_domains(ListDomains(bob, registers.src.id, 50, "")),
        registers.domains.delete_domain(replace(giving_up(registers), by=bob)),
    ):
        with pytest.raises(ResourceNotPermitted):
            await attempt
    assert "src.am" in registers.uow.committed.domains


async def test_repeating_a_registration_that_was_given_up_since_does_not_bring_it_back(
    registers: SenderRegisters,
) -> None:
    command = RegisterDomain(registers.operator, "once", registers.src.id, "src.am", "letter 1")
    await registers.domains.register_domain(command)
    await registers.domains.delete_domain(giving_up(registers))
    with pytest.raises(NotFound):
        await registers.domains.register_domain(command)
    assert registers.uow.committed.domains == {}
    await registers.own(registers.other, "src.am")
    with pytest.raises(AlreadyRegistered):
        await registers.domains.register_domain(command)


async def test_repeating_a_proof_of_what_was_given_up_since_tells_an_administrator_that_it_is_not_theirs(
    registers: SenderRegisters,
) -> None:
    ani = await registers.enabled(registers.src)
    await registers.show_proof(registers.src, "src.am", ani)
    command = registers.proving(registers.src, "src.am", ani)
    await registers.domains.prove_domain(command)
    await registers.domains.delete_domain(replace(giving_up(registers), by=ani))
    with pytest.raises(ResourceNotPermitted):
        await registers.domains.prove_domain(command)
    assert registers.uow.committed.domains == {}


async def test_an_organisation_keeps_the_records_of_200_domains_that_it_asked_for_last(
    registers: SenderRegisters,
) -> None:
    first = await registers.domains.request_proof(asking(registers))
    for number in range(199):
        registers.clock.move(timedelta(seconds=1))
        await registers.domains.request_proof(asking(registers, f"d{number}.am"))
    assert await registers.domains.request_proof(asking(registers)) == first
    await registers.domains.request_proof(asking(registers, "one-more.am"))
    assert len(registers.uow.committed.challenges) == 200
    assert await registers.domains.request_proof(asking(registers)) != first
    assert len(registers.uow.committed.challenges) == 200
