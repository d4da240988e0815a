"""The registers of domains and sender addresses in memory, and a DNS that shows what a test puts there."""

from collections.abc import Sequence
from ipaddress import ip_network

from server.domain.administration import Actor, etag_of, sender_address_snapshot
from server.domain.caller import IpNetwork
from server.domain.refusals import ServiceUnavailable
from server.domain.senders import Organisation, SenderAddress
from server.usecases.domains import DomainRegister, ProveDomain, RegisterDomain, RequestDomainProof
from server.usecases.sender_addresses import (
    DeleteSenderAddress,
    RegisterSenderAddress,
    SenderAddressRegister,
    UpdateSenderAddress,
)
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.registers import Registers

NETWORK, OTHER = ip_network("8.8.8.0/24"), ip_network("9.9.9.9/32")


class Texts:
    """TXT records. Whoever asks inside a transaction is told so."""

    def __init__(self, uow: FakeUnitOfWork) -> None:
        self._uow = uow
        self.records: dict[str, list[str]] = {}
        self.unavailable = False
        self.asked: list[str] = []

    async def texts_of(self, name: str) -> Sequence[str]:
        assert self._uow.open_here == 0
        self.asked.append(name)
        if self.unavailable:
            raise ServiceUnavailable("DNS")
        return self.records.get(name, [])


class SenderRegisters(Registers):
    """All the registers; `texts` is what the DNS shows."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = Texts(self.uow)
        self.domains = DomainRegister(
            administration=self.administration, clock=self.clock, entropy=self.entropy, texts=self.texts
        )
        self.addresses = SenderAddressRegister(
            administration=self.administration, clock=self.clock, entropy=self.entropy
        )
        self._requests = 0

    def request_id(self) -> str:
        """Returns one that was never used."""
        self._requests += 1
        return f"request-{self._requests}"

    async def own(self, organisation: Organisation, name: str) -> None:
        """Registers a domain on the operator's word."""
        await self.domains.register_domain(
            RegisterDomain(self.operator, self.request_id(), organisation.id, name, "letter 1")
        )

    async def show_proof(self, organisation: Organisation, name: str, by: Actor | None = None) -> None:
        """Puts into the DNS what proves a domain."""
        asked = RequestDomainProof(by or self.operator, organisation.id, name)
        challenge = await self.domains.request_proof(asked)
        self.texts.records.setdefault(challenge.record_name, []).append(challenge.record_text)

    def proving(self, organisation: Organisation, name: str, by: Actor | None = None) -> ProveDomain:
        """Returns a request to look into the DNS."""
        return ProveDomain(by or self.operator, self.request_id(), organisation.id, name)

    async def sends(
        self,
        organisation: Organisation,
        address: str,
        *networks: IpNetwork,
        host_names: tuple[str, ...] = (),
        by: Actor | None = None,
    ) -> SenderAddress:
        """Registers a sender address."""
        return await self.addresses.register_sender_address(
            RegisterSenderAddress(
                by or self.operator,
                self.request_id(),
                organisation.id,
                address,
                networks,
                False,
                host_names,
            )
        )


def etag(address: SenderAddress) -> str:
    return etag_of(sender_address_snapshot(address))


def update(registers: SenderRegisters, address: SenderAddress) -> UpdateSenderAddress:
    return UpdateSenderAddress(
        registers.operator, registers.request_id(), address.id, etag(address), None, None, None
    )


def deletion(registers: SenderRegisters, address: SenderAddress) -> DeleteSenderAddress:
    return DeleteSenderAddress(registers.operator, registers.request_id(), address.id, "")


def stored(registers: SenderRegisters, address: SenderAddress) -> SenderAddress:
    return registers.uow.committed.sender_addresses[address.id]
