"""The registers in memory: the operator, two organisations, and a person who may administer."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from namak.client import sign_possession
from namak.evidence.administrative_act import ActDetails, AdministrativeAct
from server.domain.administration import ActingAdministrator, Actor, CommandLine
from server.domain.caller import Connection, Operator
from server.domain.refusals import Refused
from server.domain.senders import ContractState, Organisation, SenderAddress
from server.jurisdictions.am import AM
from server.usecases.acts import ActRegister
from server.usecases.administration import Administration
from server.usecases.administrators import AdministratorRegister, EnableAdministrator
from server.usecases.certificates import BindCertificate, CertificateRegister
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.organisations import OrganisationRegister
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.world import ANI, BOB, START, CountedEntropy, FixedClock

NOBODYS = UUID(int=7)
OPERATOR_CONNECTION = Connection(bytes([1] * 32), ipaddress.ip_address("198.51.100.1"))
CARD_CONNECTION = Connection(bytes([2] * 32), ipaddress.ip_address("198.51.100.2"))


class Persons:
    """Knows the personal certificates that a test names."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, str | Refused] = {}

    async def person_of(self, certificate: bytes, at: datetime) -> str | None:
        known = self.numbers.get(certificate)
        if isinstance(known, Refused):
            raise known
        return known


class Registers:
    """The use cases, with two organisations to begin with."""

    def __init__(self) -> None:
        self.uow = FakeUnitOfWork()
        self.clock = FixedClock()
        self.entropy = CountedEntropy()
        self.persons = Persons()
        self.wakes = 0
        self.administration = Administration(
            uow=self.uow, clock=self.clock, entropy=self.entropy, wake_log=self._wake, profile=AM
        )
        self.organisations = OrganisationRegister(
            administration=self.administration,
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            profile=AM,
        )
        self.administrators = AdministratorRegister(
            administration=self.administration, clock=self.clock, entropy=self.entropy
        )
        self.certificates = CertificateRegister(
            administration=self.administration,
            clock=self.clock,
            entropy=self.entropy,
            persons=self.persons,
        )
        self.mailboxes = MailboxRegister(
            administration=self.administration, clock=self.clock, entropy=self.entropy, profile=AM
        )
        self.acts = ActRegister(administration=self.administration)
        self.operator = Operator(OPERATOR_CONNECTION)
        self.command_line = CommandLine()
        self.src = self._organisation("11223344", "State Revenue Committee")
        self.other = self._organisation("99887766", "Cadastre Committee")

    def _wake(self) -> None:
        self.wakes += 1

    def _organisation(self, code: str, name: str) -> Organisation:
        organisation = Organisation(self.entropy.new_id(), code, name, ContractState.IN_FORCE, START)
        self.uow.committed.organisations[organisation.id] = organisation
        return organisation

    def address(self, owner: Organisation, text: str = "notices@src.am") -> SenderAddress:
        networks = (ipaddress.ip_network("8.8.8.8/32"),)
        address = SenderAddress(self.entropy.new_id(), owner.id, text, networks, False, False, START)
        self.uow.committed.sender_addresses[address.id] = address
        return address

    def acting(self, organisation: Organisation, person_number: str = ANI) -> ActingAdministrator:
        """Returns a person who acts for an organisation, whether they may or not."""
        return ActingAdministrator(CARD_CONNECTION, person_number, organisation.id)

    async def enabled(self, organisation: Organisation, person_number: str = ANI) -> ActingAdministrator:
        """Enables a person and returns them as who acts."""
        await self.administrators.enable_administrator(
            EnableAdministrator(
                self.operator,
                f"enable-{person_number}-{organisation.code}",
                organisation.id,
                person_number,
                "Անի Սարգսյան",
            )
        )
        return self.acting(organisation, person_number)

    def acts_so_far(self) -> Sequence[ActDetails]:
        """Returns what is recorded of acts, oldest first; each is in the log's queue and in the list."""
        recorded = [fact for fact in self.uow.committed.queue if fact.event.name == "AdministrativeAct"]
        assert [fact.id for fact in recorded] == list(self.uow.committed.administrative_acts)
        return [AdministrativeAct.parse(fact.data).details for fact in recorded]


def machine_certificate(
    ends: datetime = START + timedelta(days=365),
    name: str = "machine",
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Returns a self-signed certificate, DER; of a key of its own unless one is given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(ends.replace(microsecond=0))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def proven_binding(by: Actor, request_id: str, organisation_id: UUID) -> BindCertificate:
    """Asks to bind a new certificate, as one who holds its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    der = machine_certificate(key=key)
    proof = sign_possession(key, str(organisation_id), der)
    return BindCertificate(by, request_id, organisation_id, None, der, proof)


__all__ = ["ANI", "BOB", "NOBODYS", "START", "Registers", "machine_certificate", "proven_binding"]
