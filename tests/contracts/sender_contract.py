"""What domains and sender addresses are, whatever keeps them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest

from server.domain.senders import DomainChallenge, DomainProof, Organisation, SenderAddress
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from server.usecases.records import SenderAddressFilter
from tests.contracts import examples

NETWORKS = (ip_network("198.51.100.0/24"),)


async def organisations(uow: UnitOfWork, count: int) -> Sequence[Organisation]:
    made = [examples.organisation() for _ in range(count)]
    async with uow.writing() as tx:
        for each in made:
            assert await tx.organisations.add(each)
        await tx.commit()
    return made


class DomainContract:
    """Domains, and what proves them."""

    async def test_a_domain_is_registered_once(self, uow: UnitOfWork) -> None:
        owner, other = await organisations(uow, 2)
        first, second = examples.domain(owner), replace(examples.domain(owner), proof=DomainProof.DNS)
        async with uow.writing() as tx:
            assert await tx.domains.add(second)
            assert await tx.domains.add(first)
            assert not await tx.domains.add(replace(first, organisation_id=other.id))
            assert await tx.domains.get(first.name) == first
            assert await tx.domains.get(second.name) == second
            assert await tx.domains.get("unknown.am") is None
            names = [first.name, second.name, "unknown.am"]
            assert await tx.domains.among(names) == {first.name: first, second.name: second}
            assert await tx.domains.among([]) == {}

    async def test_a_domain_that_was_given_up_can_be_registered_by_another(self, uow: UnitOfWork) -> None:
        owner, other = await organisations(uow, 2)
        domain = examples.domain(owner)
        async with uow.writing() as tx:
            assert await tx.domains.add(domain)
            await tx.domains.delete(domain.name)
            assert await tx.domains.get(domain.name) is None
            with pytest.raises(LookupError):
                await tx.domains.delete(domain.name)
            assert await tx.domains.add(replace(domain, organisation_id=other.id))

    async def test_domains_are_listed_by_name_page_by_page(self, uow: UnitOfWork) -> None:
        owner, other = await organisations(uow, 2)
        number = examples.number()
        names = [f"{prefix}{number}.am" for prefix in ("a", "a-", "a0", "b.a", "xn--a")]
        async with uow.writing() as tx:
            await tx.domains.add(examples.domain(other))
            for name in reversed(names):
                await tx.domains.add(replace(examples.domain(owner), name=name))
            listed = await tx.domains.list_by_name(owner.id, after=None, limit=9)
            assert [domain.name for domain in listed] == sorted(names)
            page = await tx.domains.list_by_name(owner.id, after=sorted(names)[1], limit=2)
            assert [domain.name for domain in page] == sorted(names)[2:4]
            assert list(await tx.domains.list_by_name(examples.new_id(), after=None, limit=9)) == []

    async def test_of_two_who_register_a_domain_at_the_same_moment_one_does(self, uow: UnitOfWork) -> None:
        owners = await organisations(uow, 2)
        name = f"d{examples.number()}.am"

        async def register(owner: Organisation) -> bool:
            async with uow.writing() as tx:
                await tx.domains.lock([name])
                added = await tx.domains.add(replace(examples.domain(owner), name=name))
                await tx.commit()
                return added

        assert sorted(await asyncio.gather(*map(register, owners))) == [False, True]

    async def test_who_locks_a_domain_waits_for_who_shares_it_and_then_sees_what_they_did(
        self, uow: UnitOfWork
    ) -> None:
        (owner,) = await organisations(uow, 1)
        domain = examples.domain(owner)
        address = replace(examples.address(owner), address=f"a@{domain.name}")
        async with uow.writing() as tx:
            await tx.domains.add(domain)
            await tx.commit()

        async def look() -> Sequence[SenderAddress]:
            async with uow.writing() as other:
                await other.domains.lock([domain.name])
                return await other.sender_addresses.below(domain.name)

        async with uow.writing() as tx:
            await tx.domains.lock([domain.name, "unknown.am"], shared=True)
            looking = asyncio.create_task(look())
            # Many turns, in which the other one gets as far as it can.
            for _ in range(40):
                await tx.domains.get(domain.name)
            assert await tx.sender_addresses.add(address)
            await tx.commit()
        assert list(await looking) == [address]

    async def test_a_challenge_stands_until_it_expires(self, uow: UnitOfWork) -> None:
        owner, other = await organisations(uow, 2)
        name = f"d{examples.number()}.am"
        first = DomainChallenge(owner.id, name, "1", examples.at(10))
        second = DomainChallenge(owner.id, name, "2", examples.at(20))
        others = DomainChallenge(other.id, name, "3", examples.at(20))
        async with uow.writing() as tx:
            assert await tx.domains.challenge(first, examples.at(0), most=9) == first
            assert await tx.domains.challenge(second, examples.at(9.9), most=9) == first
            assert await tx.domains.challenge(others, examples.at(9.9), most=9) == others
            assert await tx.domains.challenge(second, examples.at(10), most=9) == second
            elsewhere = replace(first, name=f"x.{name}")
            assert await tx.domains.challenge(elsewhere, examples.at(0), most=9) == elsewhere

    async def test_of_too_many_challenges_the_oldest_of_the_same_organisation_are_forgotten(
        self, uow: UnitOfWork
    ) -> None:
        owner, other = await organisations(uow, 2)
        names = [f"{place}.d{examples.number()}.am" for place in range(4)]

        def proposed(place: int, token: str) -> DomainChallenge:
            # The last one asked for expires no later than the one before: it is the newest all the same.
            return DomainChallenge(owner.id, names[place], token, examples.at(10 + min(place, 2)))

        async with uow.writing() as tx:
            elsewhere = DomainChallenge(other.id, names[0], "other", examples.at(1))
            await tx.domains.challenge(elsewhere, examples.at(0), most=1)
            for place in range(4):
                asked = proposed(place, "first")
                assert await tx.domains.challenge(asked, examples.at(0), most=3) == asked
            await tx.commit()
        async with uow.writing() as tx:
            for place in (1, 2, 3):
                again = await tx.domains.challenge(proposed(place, "again"), examples.at(0), most=3)
                assert again.token == "first"
            again = await tx.domains.challenge(proposed(0, "again"), examples.at(0), most=3)
            assert again.token == "again"
            kept = await tx.domains.challenge(replace(elsewhere, token="again"), examples.at(0), most=1)
            assert kept == elsewhere

    async def test_two_who_ask_for_a_challenge_at_the_same_moment_get_one(self, uow: UnitOfWork) -> None:
        (owner,) = await organisations(uow, 1)
        name = f"d{examples.number()}.am"

        async def ask(token: str) -> DomainChallenge:
            async with uow.writing() as tx:
                proposed = DomainChallenge(owner.id, name, token, examples.at(10))
                standing = await tx.domains.challenge(proposed, examples.at(0), most=9)
                await tx.commit()
                return standing

        assert len(set(await asyncio.gather(ask("1"), ask("2"), ask("3")))) == 1


class SenderAddressContract:
    """Sender addresses."""

    async def test_an_address_is_registered_once(self, uow: UnitOfWork) -> None:
        owner, other = await organisations(uow, 2)
        first, second, foreign = examples.address(owner), examples.address(owner), examples.address(other)
        whole = replace(examples.address(owner), address=f"*@d{examples.number()}.am")
        async with uow.writing() as tx:
            for address in (first, second, foreign, whole):
                assert await tx.sender_addresses.add(address)
            again = replace(first, id=examples.new_id(), organisation_id=other.id)
            assert not await tx.sender_addresses.add(again)
            assert await tx.sender_addresses.get(again.id) is None
            assert await tx.sender_addresses.get(first.id) == first
            named = await tx.sender_addresses.named(
                owner.id, [first.address, foreign.address, whole.address, "nobody@src.am"]
            )
            assert named == {first.address: first, whole.address: whole}
            assert await tx.sender_addresses.named(owner.id, []) == {}
            wanted = [first.address, foreign.address, whole.address, "nobody@src.am"]
            assert await tx.sender_addresses.registered(wanted) == {
                each.address: each for each in (first, foreign, whole)
            }
            assert await tx.sender_addresses.registered([]) == {}

    async def test_the_networks_and_host_names_of_an_organisation_are_those_of_all_its_addresses_each_once(
        self, uow: UnitOfWork
    ) -> None:
        owner, other = await organisations(uow, 2)
        narrow, wide = ip_network("198.51.100.64/32"), ip_network("198.51.100.0/28")
        sixth = ip_network("2001:db8::/64")
        async with uow.writing() as tx:
            for organisation, networks, names in (
                (owner, (narrow, wide), ()),
                (owner, (sixth, narrow), ("b.am", "a.am")),
                (owner, (), ("b.am",)),
                (other, (wide,), ("c.am",)),
            ):
                address = replace(examples.address(organisation), networks=networks, host_names=names)
                assert await tx.sender_addresses.add(address)
            nobody = examples.new_id()
            places = await tx.sender_addresses.places_of([owner.id, nobody])
            found, names_found = places[owner.id]
            assert len(found) == 3
            assert set(found) == {narrow, wide, sixth}
            assert list(names_found) == ["a.am", "b.am"]
            assert [list(each) for each in places[nobody]] == [[], []]
            assert places.keys() == {owner.id, nobody}

    async def test_an_address_changes_all_but_what_it_is(self, uow: UnitOfWork) -> None:
        (owner,) = await organisations(uow, 1)
        address, beside = examples.address(owner), examples.address(owner)
        changed = replace(
            address,
            networks=(),
            host_names=("a.am", "b.am"),
            sms_permitted=True,
            suspended=True,
            suspended_by_operator=True,
        )
        async with uow.writing() as tx:
            await tx.sender_addresses.add(address)
            await tx.sender_addresses.add(beside)
            assert await tx.sender_addresses.lock(address.id) == address
            await tx.sender_addresses.change(changed)
            assert await tx.sender_addresses.get(address.id) == changed
            await tx.sender_addresses.change(replace(changed, suspended=False))
            resumed = replace(changed, suspended=False, suspended_by_operator=False)
            assert await tx.sender_addresses.get(address.id) == resumed
            assert await tx.sender_addresses.get(beside.id) == beside
            assert await tx.sender_addresses.lock(examples.new_id()) is None
            with pytest.raises(LookupError):
                await tx.sender_addresses.change(replace(address, id=examples.new_id()))

    async def test_an_address_that_may_send_from_nowhere_is_refused(self, uow: UnitOfWork) -> None:
        (owner,) = await organisations(uow, 1)
        address = examples.address(owner)
        async with uow.writing() as tx:
            await tx.sender_addresses.add(address)
            with pytest.raises(StorageFault) as raised:
                await tx.sender_addresses.change(replace(address, networks=()))
            assert raised.value.constraint == "ck_sender_addresses_networks"

    async def test_who_changes_an_address_waits_for_who_locked_it(self, uow: UnitOfWork) -> None:
        (owner,) = await organisations(uow, 1)
        address = examples.address(owner)
        async with uow.writing() as tx:
            await tx.sender_addresses.add(address)
            await tx.commit()

        async def look() -> SenderAddress | None:
            async with uow.writing() as other:
                return await other.sender_addresses.lock(address.id)

        changed = replace(address, sms_permitted=True)
        async with uow.writing() as tx:
            await tx.sender_addresses.lock(address.id)
            looking = asyncio.create_task(look())
            # Many turns, in which the other one gets as far as it can.
            for _ in range(40):
                await tx.sender_addresses.get(address.id)
            await tx.sender_addresses.change(changed)
            await tx.commit()
        assert await looking == changed

    async def test_a_deleted_address_is_gone_and_can_be_registered_anew(self, uow: UnitOfWork) -> None:
        owner, other = await organisations(uow, 2)
        address = examples.address(owner)
        async with uow.writing() as tx:
            await tx.sender_addresses.add(address)
            await tx.sender_addresses.delete(address.id)
            assert await tx.sender_addresses.get(address.id) is None
            with pytest.raises(LookupError):
                await tx.sender_addresses.delete(address.id)
            anew = replace(address, id=examples.new_id(), organisation_id=other.id)
            assert await tx.sender_addresses.add(anew)

    async def test_the_bindings_to_a_deleted_address_alone_are_revoked_and_stay(
        self, uow: UnitOfWork
    ) -> None:
        (owner,) = await organisations(uow, 1)
        address, beside = examples.address(owner), examples.address(owner)
        bound, ended = examples.binding(owner, address), examples.binding(owner, address)
        others = [examples.binding(owner), examples.binding(owner, beside)]
        async with uow.writing() as tx:
            for each in (address, beside):
                await tx.sender_addresses.add(each)
            for binding, certificate in (bound, ended, *others):
                await tx.bindings.add(binding, certificate)
            digest = bound[0].certificate_sha256
            await tx.bindings.revoke(ended[0].certificate_sha256, examples.at(1))
            assert await tx.bindings.revoke_of_address(address.id, examples.at(2)) == [digest]
            assert await tx.bindings.revoke_of_address(address.id, examples.at(3)) == []
            await tx.sender_addresses.delete(address.id)
            revoked = await tx.bindings.get(digest)
            both = [digest, ended[0].certificate_sha256]
            assert await tx.bindings.of([*both, bytes(32)]) == {
                each: await tx.bindings.get(each) for each in both
            }
            assert revoked == replace(bound[0], revoked_at=examples.at(2))
            was = await tx.bindings.get(ended[0].certificate_sha256)
            assert was == replace(ended[0], revoked_at=examples.at(1))
            for binding, _ in others:
                assert await tx.bindings.get(binding.certificate_sha256) == binding

    async def test_addresses_below_a_domain_are_told_one_of_each_organisation_and_domain(
        self, uow: UnitOfWork
    ) -> None:
        owner, other = await organisations(uow, 2)
        domain = f"d{examples.number()}.am"
        mine = [f"b@{domain}", f"a@{domain}", f"*@x.{domain}", f"a@x{domain}", f"{domain}@other{domain}"]
        async with uow.writing() as tx:
            for organisation, names in ((owner, mine), (other, [f"c@x.{domain}"])):
                for name in names:
                    await tx.sender_addresses.add(replace(examples.address(organisation), address=name))
            found = await tx.sender_addresses.below(domain)
            told = sorted((each.organisation_id, each.domain) for each in found)
            assert told == sorted([(owner.id, domain), (owner.id, f"x.{domain}"), (other.id, f"x.{domain}")])
            assert list(await tx.sender_addresses.below(f"y.{domain}")) == []

    async def test_addresses_are_listed_by_address_as_asked_for(self, uow: UnitOfWork) -> None:
        owner, other = await organisations(uow, 2)
        domain = f"d{examples.number()}.am"
        plain = replace(examples.address(owner), address=f"a@{domain}")
        suspended = replace(examples.address(owner), address=f"b_@{domain}", suspended=True)
        texting = replace(examples.address(owner), address=f"b@x.{domain}", sms_permitted=True)
        whole = replace(examples.address(owner), address=f"*@{domain}", networks=NETWORKS)
        foreign = replace(examples.address(other), address=f"c@{domain}")
        async with uow.writing() as tx:
            for each in (texting, suspended, foreign, plain, whole):
                assert await tx.sender_addresses.add(each)

            async def listed(
                wanted: SenderAddressFilter, after: str | None = None, limit: int = 9
            ) -> Sequence[SenderAddress]:
                return list(await tx.sender_addresses.list_by_address(wanted, after=after, limit=limit))

            mine = SenderAddressFilter(organisation_id=owner.id)
            assert await listed(mine) == [whole, plain, texting, suspended]
            assert await listed(mine, after=plain.address, limit=1) == [texting]
            assert await listed(replace(mine, domain=domain)) == [whole, plain, suspended]
            assert await listed(replace(mine, suspended=True)) == [suspended]
            assert await listed(replace(mine, suspended=False)) == [whole, plain, texting]
            assert await listed(replace(mine, sms_permitted=True)) == [texting]
            assert await listed(replace(mine, sms_permitted=False, suspended=False)) == [whole, plain]
            everybodys = SenderAddressFilter(domain=domain)
            assert await listed(everybodys) == [whole, plain, suspended, foreign]
            assert await listed(SenderAddressFilter(organisation_id=examples.new_id())) == []

    async def test_those_who_are_judged_come_with_what_permits_them(self, uow: UnitOfWork) -> None:
        (owner,) = await organisations(uow, 1)
        domain = f"d{examples.number()}.am"
        whole = replace(
            examples.address(owner),
            address=f"*@{domain}",
            networks=(),
            host_names=("a.am",),
            suspended=True,
            suspended_by_operator=True,
        )
        async with uow.writing() as tx:
            await tx.sender_addresses.add(whole)
            sides = await tx.sending_sides.of({owner.id: [f"x@{domain}", whole.address]})
            assert sides[owner.id].entries == {whole.address: whole}
