"""The fake unit of work's domains and sender addresses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.caller import IpNetwork
from server.domain.senders import Domain, DomainChallenge, SenderAddress
from server.usecases.records import SenderAddressFilter
from tests.fakes.state import State


class FakeDomains:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, domain: Domain) -> bool:
        if domain.name in self._state.domains:
            return False
        known = domain.organisation_id in self._state.organisations
        self._state.require(known, "fk_domains_organisation_id_organisations")
        self._state.domains[domain.name] = domain
        return True

    async def get(self, name: str) -> Domain | None:
        return self._state.domains.get(name)

    async def among(self, names: Collection[str]) -> Mapping[str, Domain]:
        return {name: self._state.domains[name] for name in names if name in self._state.domains}

    async def lock(self, names: Collection[str], *, shared: bool = False) -> None:
        """Writing transactions run one after the other: there is nothing to wait for."""

    async def delete(self, name: str) -> None:
        if name not in self._state.domains:
            raise LookupError("no such domain")
        del self._state.domains[name]

    async def list_by_name(self, organisation_id: UUID, *, after: str | None, limit: int) -> Sequence[Domain]:
        stored = self._state.domains.values()
        found = [each for each in stored if each.organisation_id == organisation_id]
        return sorted((each for each in found if after is None or each.name > after), key=_name)[:limit]

    async def challenge(self, proposed: DomainChallenge, now: datetime, *, most: int) -> DomainChallenge:
        known = proposed.organisation_id in self._state.organisations
        self._state.require(known, "fk_domain_challenges_organisation_id_organisations")
        key = (proposed.organisation_id, proposed.name)
        standing = self._state.challenges.get(key)
        if standing is None or standing.expires_at <= now:
            self._state.challenges[key] = proposed
            own = [each for each in self._state.challenges.values() if each.organisation_id == key[0]]
            others = [each for each in own if each != proposed]
            for old in sorted(others, key=lambda each: each.expires_at)[: max(len(own) - most, 0)]:
                del self._state.challenges[old.organisation_id, old.name]
        return self._state.challenges[key]


def _name(domain: Domain) -> str:
    return domain.name


class FakeSenderAddresses:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, address: SenderAddress) -> bool:
        if any(each.address == address.address for each in self._state.sender_addresses.values()):
            return False
        self._check(address)
        known = address.organisation_id in self._state.organisations
        self._state.require(known, "fk_sender_addresses_organisation_id_organisations")
        self._state.require(address.id not in self._state.sender_addresses, "pk_sender_addresses")
        self._state.sender_addresses[address.id] = address
        return True

    async def get(self, sender_address_id: UUID) -> SenderAddress | None:
        return self._state.sender_addresses.get(sender_address_id)

    async def lock(self, sender_address_id: UUID) -> SenderAddress | None:
        return self._state.sender_addresses.get(sender_address_id)

    async def change(self, address: SenderAddress) -> None:
        stored = self._state.sender_addresses.get(address.id)
        if stored is None:
            raise LookupError("no such sender address")
        self._check(address)
        self._state.sender_addresses[address.id] = replace(
            stored,
            networks=address.networks,
            host_names=address.host_names,
            sms_permitted=address.sms_permitted,
            suspended=address.suspended,
            suspended_by_operator=address.suspended and address.suspended_by_operator,
        )

    async def delete(self, sender_address_id: UUID) -> None:
        if sender_address_id not in self._state.sender_addresses:
            raise LookupError("no such sender address")
        del self._state.sender_addresses[sender_address_id]

    async def named(self, organisation_id: UUID, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        return {each.address: each for each in self._of(organisation_id) if each.address in addresses}

    async def registered(self, addresses: Collection[str]) -> Mapping[str, SenderAddress]:
        found = self._state.sender_addresses.values()
        return {each.address: each for each in found if each.address in addresses}

    async def below(self, domain: str) -> Sequence[SenderAddress]:
        found: dict[tuple[UUID, str], SenderAddress] = {}
        for each in sorted(self._state.sender_addresses.values(), key=_address):
            if each.domain == domain or each.domain.endswith(f".{domain}"):
                found.setdefault((each.organisation_id, each.domain), each)
        return list(found.values())

    async def list_by_address(
        self, wanted: SenderAddressFilter, *, after: str | None, limit: int
    ) -> Sequence[SenderAddress]:
        found = [
            each
            for each in self._state.sender_addresses.values()
            if wanted.organisation_id in (None, each.organisation_id)
            and wanted.domain in (None, each.domain)
            and wanted.suspended in (None, each.suspended)
            and wanted.sms_permitted in (None, each.sms_permitted)
            and (after is None or each.address > after)
        ]
        return sorted(found, key=_address)[:limit]

    async def places_of(
        self, organisation_ids: Collection[UUID]
    ) -> Mapping[UUID, tuple[Sequence[IpNetwork], Sequence[str]]]:
        return {
            of: (
                list({network: None for each in self._of(of) for network in each.networks}),
                sorted({name for each in self._of(of) for name in each.host_names}),
            )
            for of in organisation_ids
        }

    def _of(self, organisation_id: UUID) -> Sequence[SenderAddress]:
        stored = self._state.sender_addresses.values()
        return [each for each in stored if each.organisation_id == organisation_id]

    def _check(self, address: SenderAddress) -> None:
        somewhere = bool(address.networks or address.host_names)
        self._state.require(somewhere, "ck_sender_addresses_networks")


def _address(address: SenderAddress) -> str:
    return address.address
