"""The register of senders: every change once, whatever is repeated."""

import hashlib
import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.domain.refusals import (
    AlreadyRegistered,
    CertificateRevoked,
    DomainNotRegistered,
    InvalidFields,
    NotFound,
    Refused,
    RequestIdReused,
    RevocationStatusUnknown,
)
from server.domain.senders import BindingRole, ContractState, Organisation, SenderAddress
from server.usecases.sender_admin import (
    BindCertificate,
    RegisterDomain,
    RegisterOrganisation,
    RegisterSenderAddress,
    RevokeCertificate,
    SenderAdmin,
    SetContractState,
    SetSuspended,
)
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.world import START, CountedEntropy, FixedClock

NETWORKS = (ipaddress.ip_network("8.8.8.8/32"),)
NOBODYS = CountedEntropy().new_id()


class Persons:
    """Knows the personal certificates that a test names."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, str | Refused] = {}

    async def person_of(self, certificate: bytes, at: datetime) -> str | None:
        known = self.numbers.get(certificate)
        if isinstance(known, Refused):
            raise known
        return known


class Register:
    """The use case, with an organisation to begin with."""

    def __init__(self) -> None:
        self.uow = FakeUnitOfWork()
        self.clock = FixedClock()
        self.entropy = CountedEntropy()
        self.entropy.new_id()
        self.persons = Persons()
        self.admin = SenderAdmin(uow=self.uow, clock=self.clock, entropy=self.entropy, persons=self.persons)

    async def organisation(self, request_id: str = "o", code: str = "11223344") -> Organisation:
        return await self.admin.register_organisation(RegisterOrganisation(request_id, code, "Committee"))

    async def address(self, text: str = "notices@src.am") -> SenderAddress:
        organisation = await self.organisation()
        await self.admin.register_domain(RegisterDomain("d", organisation.id, "src.am", "file 1"))
        return await self.admin.register_sender_address(
            RegisterSenderAddress("a", organisation.id, text, NETWORKS, False)
        )


@pytest.fixture
def register() -> Register:
    return Register()


def certificate(ends: datetime = START + timedelta(days=365)) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "machine")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(ends.replace(microsecond=0))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


async def test_registers_an_organisation_without_a_contract(register: Register) -> None:
    organisation = await register.organisation()
    assert organisation.contract_state is ContractState.NONE
    assert register.uow.committed.organisations == {organisation.id: organisation}


async def test_repeating_a_registration_gives_the_organisation_as_it_now_is(register: Register) -> None:
    organisation = await register.organisation()
    changed = await register.admin.set_contract_state(
        SetContractState("c", organisation.id, ContractState.IN_FORCE)
    )
    assert changed.contract_state is ContractState.IN_FORCE
    assert await register.organisation() == changed


async def test_a_request_id_stands_for_one_thing(register: Register) -> None:
    organisation = await register.organisation("1")
    with pytest.raises(RequestIdReused):
        await register.organisation("1", "99887766")
    with pytest.raises(RequestIdReused):
        await register.admin.set_contract_state(
            SetContractState("1", organisation.id, ContractState.IN_FORCE)
        )


async def test_a_refused_request_leaves_its_id_free(register: Register) -> None:
    await register.organisation("1")
    with pytest.raises(AlreadyRegistered):
        await register.organisation("2")
    await register.organisation("2", "99887766")


async def test_repeating_an_old_change_does_not_bring_it_back(register: Register) -> None:
    organisation = await register.organisation()
    states = [("1", ContractState.IN_FORCE), ("2", ContractState.ENDED), ("1", ContractState.IN_FORCE)]
    seen = [
        await register.admin.set_contract_state(SetContractState(request_id, organisation.id, state))
        for request_id, state in states
    ]
    assert seen[-1].contract_state is ContractState.ENDED


async def test_a_contract_that_was_is_never_undone(register: Register) -> None:
    organisation = await register.organisation()
    with pytest.raises(InvalidFields):
        await register.admin.set_contract_state(SetContractState("1", organisation.id, ContractState.NONE))


async def test_what_is_not_there_is_not_found(register: Register) -> None:
    organisation = await register.organisation()
    admin = register.admin
    for attempt in (
        admin.set_contract_state(SetContractState("1", NOBODYS, ContractState.IN_FORCE)),
        admin.register_domain(RegisterDomain("1", NOBODYS, "src.am", "file")),
        admin.register_sender_address(RegisterSenderAddress("1", NOBODYS, "a@src.am", NETWORKS, False)),
        admin.set_suspended(SetSuspended("1", NOBODYS, True)),
        admin.bind_certificate(BindCertificate("1", NOBODYS, None, certificate())),
        admin.bind_certificate(BindCertificate("1", organisation.id, NOBODYS, certificate())),
        admin.revoke_certificate(RevokeCertificate("1", bytes(32))),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert len(register.uow.committed.claims) == 1


async def test_a_domain_belongs_to_one_organisation(register: Register) -> None:
    one, other = await register.organisation(), await register.organisation("o2", "99887766")
    admin = register.admin
    domain = await admin.register_domain(RegisterDomain("1", one.id, "src.am", "file 1"))
    assert await admin.register_domain(RegisterDomain("1", one.id, "src.am", "file 1")) == domain
    assert await admin.register_domain(RegisterDomain("2", one.id, "src.am", "file 2")) == domain
    with pytest.raises(AlreadyRegistered):
        await admin.register_domain(RegisterDomain("3", other.id, "src.am", "file 3"))


@pytest.mark.parametrize("address", ["a@src.am", "a@mail.src.am", "a@x.mail.src.am"])
async def test_an_address_lies_under_an_own_domain(register: Register, address: str) -> None:
    registered = await register.address(address)
    assert register.uow.committed.sender_addresses == {registered.id: registered}
    assert not registered.suspended


@pytest.mark.parametrize("address", ["a@other.am", "a@xsrc.am", "a@src.am.am", "a@am"])
async def test_an_address_elsewhere_is_refused(register: Register, address: str) -> None:
    with pytest.raises(DomainNotRegistered):
        await register.address(address)


async def test_the_narrowest_registered_domain_decides(register: Register) -> None:
    await register.address()
    one = next(iter(register.uow.committed.organisations))
    other = await register.organisation("o2", "99887766")
    await register.admin.register_domain(RegisterDomain("d2", other.id, "tax.src.am", "file 2"))
    with pytest.raises(DomainNotRegistered):
        await register.admin.register_sender_address(
            RegisterSenderAddress("a2", one, "a@tax.src.am", NETWORKS, False)
        )
    await register.admin.register_sender_address(
        RegisterSenderAddress("a3", other.id, "a@tax.src.am", NETWORKS, False)
    )


async def test_an_address_is_registered_once(register: Register) -> None:
    address = await register.address()
    with pytest.raises(AlreadyRegistered):
        await register.admin.register_sender_address(
            RegisterSenderAddress("a2", address.organisation_id, address.address, NETWORKS, True)
        )


async def test_an_address_without_networks_is_refused(register: Register) -> None:
    organisation = await register.organisation()
    with pytest.raises(InvalidFields):
        await register.admin.register_sender_address(
            RegisterSenderAddress("a", organisation.id, "a@src.am", (), False)
        )


async def test_suspends_and_resumes_once_each(register: Register) -> None:
    address = await register.address()
    admin = register.admin
    assert (await admin.set_suspended(SetSuspended("1", address.id, True))).suspended
    assert (await admin.set_suspended(SetSuspended("2", address.id, True))).suspended
    assert not (await admin.set_suspended(SetSuspended("3", address.id, False))).suspended
    assert not (await admin.set_suspended(SetSuspended("1", address.id, True))).suspended
    with pytest.raises(RequestIdReused):
        await admin.set_suspended(SetSuspended("1", address.id, False))


async def test_binds_a_certificate_to_an_organisation_or_one_address(register: Register) -> None:
    address = await register.address()
    for number, narrowed in enumerate((None, address.id)):
        der = certificate()
        binding = await register.admin.bind_certificate(
            BindCertificate(str(number), address.organisation_id, narrowed, der)
        )
        assert binding.certificate_sha256 == hashlib.sha256(der).digest()
        assert (binding.role, binding.organisation_id) == (BindingRole.SENDER, address.organisation_id)
        assert binding.sender_address_id == narrowed
        assert binding.revoked_at is None


async def test_a_certificate_stands_for_one_thing_for_ever(register: Register) -> None:
    address = await register.address()
    other = await register.organisation("o2", "99887766")
    der = certificate()
    admin = register.admin
    first = BindCertificate("1", address.organisation_id, None, der)
    binding = await admin.bind_certificate(first)
    assert await admin.bind_certificate(replace(first, request_id="2")) == binding
    for command in (
        BindCertificate("3", other.id, None, der),
        BindCertificate("4", address.organisation_id, address.id, der),
    ):
        with pytest.raises(AlreadyRegistered):
            await admin.bind_certificate(command)
    with pytest.raises(AlreadyRegistered):
        await admin.bind_operator(der)
    revoked = await admin.revoke_certificate(RevokeCertificate("5", binding.certificate_sha256))
    with pytest.raises(AlreadyRegistered):
        await admin.bind_certificate(replace(first, request_id="6"))
    assert await admin.bind_certificate(first) == revoked


async def test_an_address_of_another_organisation_is_not_found(register: Register) -> None:
    address = await register.address()
    other = await register.organisation("o2", "99887766")
    with pytest.raises(NotFound):
        await register.admin.bind_certificate(BindCertificate("1", other.id, address.id, certificate()))


@pytest.mark.parametrize("ends", [START - timedelta(seconds=1), START])
async def test_an_expired_certificate_is_a_wrong_field(register: Register, ends: datetime) -> None:
    organisation = await register.organisation()
    with pytest.raises(InvalidFields) as wrong:
        await register.admin.bind_certificate(BindCertificate("1", organisation.id, None, certificate(ends)))
    assert [problem.reason for problem in wrong.value.problems] == ["CERTIFICATE_EXPIRED"]


async def test_an_unreadable_certificate_is_a_wrong_field(register: Register) -> None:
    organisation = await register.organisation()
    with pytest.raises(InvalidFields) as wrong:
        await register.admin.bind_certificate(BindCertificate("1", organisation.id, None, b"x"))
    assert [problem.field for problem in wrong.value.problems] == ["certificate"]


async def test_a_binding_repeated_after_the_certificate_ended_is_given_as_it_is(register: Register) -> None:
    organisation = await register.organisation()
    command = BindCertificate("1", organisation.id, None, certificate(START + timedelta(days=1)))
    binding = await register.admin.bind_certificate(command)
    register.clock.move(timedelta(days=2))
    assert await register.admin.bind_certificate(command) == binding


async def test_a_revoked_binding_keeps_its_first_time(register: Register) -> None:
    organisation = await register.organisation()
    admin = register.admin
    binding = await admin.bind_certificate(BindCertificate("1", organisation.id, None, certificate()))
    first = await admin.revoke_certificate(RevokeCertificate("2", binding.certificate_sha256))
    register.clock.move(timedelta(days=1))
    again = await admin.revoke_certificate(RevokeCertificate("3", binding.certificate_sha256))
    assert first.revoked_at == again.revoked_at == START


async def test_binds_the_operators_certificate_and_binding_it_again_changes_nothing(
    register: Register,
) -> None:
    der = certificate()
    binding = await register.admin.bind_operator(der)
    assert (binding.role, binding.organisation_id) == (BindingRole.OPERATOR, None)
    register.clock.move(timedelta(days=1))
    assert await register.admin.bind_operator(der) == binding
    with pytest.raises(InvalidFields):
        await register.admin.bind_operator(b"x")


@pytest.mark.parametrize(
    "known",
    ["5001950015", CertificateRevoked(), RevocationStatusUnknown()],
    ids=["valid", "revoked", "unknown"],
)
async def test_a_personal_certificate_is_never_bound(register: Register, known: str | Refused) -> None:
    organisation = await register.organisation()
    der = certificate()
    register.persons.numbers[der] = known
    for binding in (
        register.admin.bind_certificate(BindCertificate("1", organisation.id, None, der)),
        register.admin.bind_operator(der),
    ):
        with pytest.raises(InvalidFields) as refused:
            await binding
        assert [problem.reason for problem in refused.value.problems] == ["PERSONAL_CERTIFICATE"]
    assert not register.uow.committed.bindings
