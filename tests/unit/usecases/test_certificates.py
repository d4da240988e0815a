"""The register of machine certificates."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from server.domain.paging import Query
from server.domain.refusals import (
    AlreadyRegistered,
    CertificateRevoked,
    InvalidFields,
    InvalidPageToken,
    NotFound,
    Refused,
    RequestIdReused,
    ResourceNotPermitted,
    RevocationStatusUnknown,
)
from server.domain.senders import BindingRole, CertificateBinding
from server.usecases.certificates import BindCertificate, ListBindings, RevokeCertificate
from tests.unit.usecases.registers import NOBODYS, START, Registers, machine_certificate, proven_binding


@pytest.fixture
def registers() -> Registers:
    return Registers()


def listing(registers: Registers) -> ListBindings:
    return ListBindings(registers.operator, registers.src.id, None, False, None, 50, "")


async def test_binds_a_certificate_to_an_organisation_or_one_address(registers: Registers) -> None:
    address = registers.address(registers.src)
    for number, narrowed in enumerate((None, address.id)):
        der = machine_certificate()
        binding = await registers.certificates.bind_certificate(
            BindCertificate(registers.operator, str(number), registers.src.id, narrowed, der)
        )
        assert binding.certificate_sha256 == hashlib.sha256(der).digest()
        assert (binding.role, binding.organisation_id) == (BindingRole.SENDER, registers.src.id)
        assert (binding.sender_address_id, binding.revoked_at) == (narrowed, None)
        assert binding.subject == "CN=machine"
        act = registers.acts_so_far()[-1]
        assert act.resource.identifier == hashlib.sha256(der).hexdigest()
        assert act.after is not None
        assert act.after.get("sender_address") == (None if narrowed is None else str(narrowed))


async def test_a_certificate_stands_for_one_thing_for_ever(registers: Registers) -> None:
    address = registers.address(registers.src)
    der = machine_certificate()
    first = BindCertificate(registers.operator, "1", registers.src.id, None, der)
    binding = await registers.certificates.bind_certificate(first)
    assert await registers.certificates.bind_certificate(replace(first, request_id="2")) == binding
    for command in (
        replace(first, request_id="3", organisation_id=registers.other.id),
        replace(first, request_id="4", sender_address_id=address.id),
    ):
        with pytest.raises(AlreadyRegistered):
            await registers.certificates.bind_certificate(command)
    with pytest.raises(AlreadyRegistered):
        await registers.certificates.bind_operator(der, registers.command_line)
    revoked = await registers.certificates.revoke_certificate(
        RevokeCertificate(registers.operator, "5", binding.certificate_sha256)
    )
    with pytest.raises(AlreadyRegistered):
        await registers.certificates.bind_certificate(replace(first, request_id="6"))
    assert await registers.certificates.bind_certificate(first) == revoked
    assert [act.act for act in registers.acts_so_far()] == ["BindCertificate", "RevokeCertificate"]


async def test_an_address_of_another_organisation_is_not_found(registers: Registers) -> None:
    foreign = registers.address(registers.other)
    for number, sender_address_id in enumerate((foreign.id, NOBODYS)):
        command = BindCertificate(
            registers.operator, str(number), registers.src.id, sender_address_id, machine_certificate()
        )
        with pytest.raises(NotFound):
            await registers.certificates.bind_certificate(command)


async def test_an_administrator_binds_and_revokes_for_their_own_organisation_only(
    registers: Registers,
) -> None:
    ani = await registers.enabled(registers.src)
    own = await registers.certificates.bind_certificate(proven_binding(ani, "1", registers.src.id))
    foreign = await registers.certificates.bind_certificate(
        BindCertificate(registers.operator, "1", registers.other.id, None, machine_certificate())
    )
    operators = await registers.certificates.bind_operator(machine_certificate(), registers.command_line)
    bind = proven_binding(ani, "2", registers.other.id)
    for attempt in (bind, replace(bind, sender_address_id=registers.address(registers.other).id)):
        with pytest.raises(ResourceNotPermitted):
            await registers.certificates.bind_certificate(attempt)
    for binding in (foreign, operators):
        with pytest.raises(ResourceNotPermitted):
            await registers.certificates.revoke_certificate(
                RevokeCertificate(ani, "3", binding.certificate_sha256)
            )
    revoked = await registers.certificates.revoke_certificate(
        RevokeCertificate(ani, "4", own.certificate_sha256)
    )
    assert revoked.revoked_at == START
    with pytest.raises(ResourceNotPermitted):
        await registers.certificates.list_bindings(
            replace(listing(registers), by=ani, organisation_id=registers.other.id)
        )


async def test_an_administrator_binds_no_certificate_whose_key_they_do_not_hold(registers: Registers) -> None:
    ani = await registers.enabled(registers.src)
    good = proven_binding(ani, "1", registers.src.id)
    others = proven_binding(ani, "2", registers.other.id)
    another = proven_binding(ani, "3", registers.src.id)
    acts = len(registers.acts_so_far())
    for command, reason in (
        (replace(good, possession_signature=b""), "REQUIRED"),
        (replace(good, possession_signature=another.possession_signature), "POSSESSION_NOT_PROVED"),
        # What its holder signed for their own organisation, got hold of.
        (replace(others, organisation_id=registers.src.id), "POSSESSION_NOT_PROVED"),
    ):
        with pytest.raises(InvalidFields) as wrong:
            await registers.certificates.bind_certificate(command)
        assert [(each.field, each.reason) for each in wrong.value.problems] == [
            ("possession_signature", reason)
        ]
    assert len(registers.acts_so_far()) == acts
    assert registers.uow.committed.bindings == {}
    # Refused before anything was written: the request id is free, and the certificate its holder's.
    bound = await registers.certificates.bind_certificate(good)
    assert bound.certificate_sha256 == hashlib.sha256(good.certificate).digest()


async def test_one_organisation_can_t_take_another_s_certificate_away_first(registers: Registers) -> None:
    ani, bob = await registers.enabled(registers.src), await registers.enabled(registers.other)
    theirs = proven_binding(bob, "1", registers.other.id)
    for proof in (b"", theirs.possession_signature):
        with pytest.raises(InvalidFields):
            await registers.certificates.bind_certificate(
                BindCertificate(ani, "1", registers.src.id, None, theirs.certificate, proof)
            )
    bound = await registers.certificates.bind_certificate(theirs)
    assert bound.organisation_id == registers.other.id


async def test_the_operator_may_leave_the_proof_out_but_not_give_a_wrong_one(registers: Registers) -> None:
    good = proven_binding(registers.operator, "1", registers.src.id)
    with pytest.raises(InvalidFields) as wrong:
        await registers.certificates.bind_certificate(
            replace(good, possession_signature=good.possession_signature[:-1])
        )
    assert [each.reason for each in wrong.value.problems] == ["POSSESSION_NOT_PROVED"]
    bound = await registers.certificates.bind_certificate(replace(good, possession_signature=b""))
    # The proof is no part of the content: the same request, now with it, is answered as before.
    assert await registers.certificates.bind_certificate(good) == bound
    await registers.certificates.bind_certificate(proven_binding(registers.operator, "2", registers.src.id))


@pytest.mark.parametrize("ends", [START - timedelta(seconds=1), START])
async def test_an_expired_certificate_is_a_wrong_field(registers: Registers, ends: datetime) -> None:
    with pytest.raises(InvalidFields) as wrong:
        await registers.certificates.bind_certificate(
            BindCertificate(registers.operator, "1", registers.src.id, None, machine_certificate(ends))
        )
    assert [problem.reason for problem in wrong.value.problems] == ["CERTIFICATE_EXPIRED"]


async def test_an_unreadable_certificate_is_a_wrong_field(registers: Registers) -> None:
    with pytest.raises(InvalidFields) as wrong:
        await registers.certificates.bind_certificate(
            BindCertificate(registers.operator, "1", registers.src.id, None, b"x")
        )
    assert [problem.field for problem in wrong.value.problems] == ["certificate"]


async def test_a_binding_repeated_after_the_certificate_ended_is_given_as_it_is(registers: Registers) -> None:
    der = machine_certificate(START + timedelta(days=1))
    command = BindCertificate(registers.operator, "1", registers.src.id, None, der)
    binding = await registers.certificates.bind_certificate(command)
    registers.clock.move(timedelta(days=2))
    assert await registers.certificates.bind_certificate(command) == binding


async def test_a_revoked_binding_keeps_its_first_time(registers: Registers) -> None:
    binding = await registers.certificates.bind_certificate(
        BindCertificate(registers.operator, "1", registers.src.id, None, machine_certificate())
    )
    revoke = RevokeCertificate(registers.operator, "2", binding.certificate_sha256)
    first = await registers.certificates.revoke_certificate(revoke)
    registers.clock.move(timedelta(days=1))
    again = await registers.certificates.revoke_certificate(replace(revoke, request_id="3"))
    assert first.revoked_at == again.revoked_at == START
    assert len(registers.acts_so_far()) == 2
    with pytest.raises(RequestIdReused):
        await registers.certificates.revoke_certificate(replace(revoke, certificate_sha256=bytes(32)))


async def test_binds_the_operators_certificate_and_binding_it_again_changes_nothing(
    registers: Registers,
) -> None:
    der = machine_certificate()
    binding = await registers.certificates.bind_operator(der, registers.command_line)
    assert (binding.role, binding.organisation_id) == (BindingRole.OPERATOR, None)
    registers.clock.move(timedelta(days=1))
    assert await registers.certificates.bind_operator(der, registers.command_line) == binding
    assert len(registers.acts_so_far()) == 1
    with pytest.raises(InvalidFields):
        await registers.certificates.bind_operator(b"x", registers.command_line)


@pytest.mark.parametrize(
    "known",
    ["5001950015", CertificateRevoked(), RevocationStatusUnknown()],
    ids=["valid", "revoked", "unknown"],
)
async def test_a_personal_certificate_is_never_bound(registers: Registers, known: str | Refused) -> None:
    der = machine_certificate()
    registers.persons.numbers[der] = known
    command = BindCertificate(registers.operator, "1", registers.src.id, None, der)
    for binding in (
        registers.certificates.bind_certificate(command),
        registers.certificates.bind_operator(der, registers.command_line),
    ):
        with pytest.raises(InvalidFields) as refused:
            await binding
        assert [problem.reason for problem in refused.value.problems] == ["PERSONAL_CERTIFICATE"]
    assert not registers.uow.committed.bindings


async def test_lists_bindings_newest_first_in_pages(registers: Registers) -> None:
    bound = []
    for number in range(5):
        # Three of them at one moment.
        registers.clock.move(timedelta(seconds=number // 3))
        command = BindCertificate(
            registers.operator, str(number), registers.src.id, None, machine_certificate()
        )
        bound.append(await registers.certificates.bind_certificate(command))
    await registers.certificates.bind_certificate(
        BindCertificate(registers.operator, "other", registers.other.id, None, machine_certificate())
    )
    seen: list[CertificateBinding] = []
    token = None
    while token != "":
        page = await registers.certificates.list_bindings(
            replace(listing(registers), page_size=2, page_token=token or "")
        )
        seen += page.items
        token = page.next_page_token
    newest_first = sorted(bound, key=lambda each: (each.bound_at, each.certificate_sha256), reverse=True)
    assert seen == newest_first


async def test_lists_what_expires_soon_and_what_has_ended_only_when_asked(registers: Registers) -> None:
    address = registers.address(registers.src)
    ends = {"past": 1, "soon": 10, "later": 300, "revoked": 400}
    bound = {}
    for name, days in ends.items():
        der = machine_certificate(START + timedelta(days=days))
        narrowed = address.id if name == "later" else None
        bound[name] = await registers.certificates.bind_certificate(
            BindCertificate(registers.operator, name, registers.src.id, narrowed, der)
        )
    revoke = RevokeCertificate(registers.operator, "r", bound["revoked"].certificate_sha256)
    await registers.certificates.revoke_certificate(revoke)
    registers.clock.move(timedelta(days=2))
    digests = {binding.certificate_sha256: name for name, binding in bound.items()}

    async def listed(command: ListBindings) -> set[str]:
        page = await registers.certificates.list_bindings(command)
        return {digests[binding.certificate_sha256] for binding in page.items}

    everything = listing(registers)
    assert await listed(everything) == {"soon", "later"}
    assert await listed(replace(everything, with_ended=True)) == set(ends)
    assert await listed(replace(everything, expiring_within=timedelta(days=30))) == {"soon"}
    assert await listed(replace(everything, expiring_within=timedelta(days=7))) == set()
    assert await listed(replace(everything, sender_address_id=address.id)) == {"later"}


async def test_a_made_up_key_in_a_token_is_refused(registers: Registers) -> None:

    query = Query(("ListCertificateBindings", str(registers.src.id), "", "False", ""))
    for key in ("", "x", "2026-11-21T23:42:45.123456Z zz", "yesterday " + "00" * 32):
        with pytest.raises(InvalidPageToken):
            await registers.certificates.list_bindings(
                replace(listing(registers), page_token=query.token(key))
            )
    with pytest.raises(NotFound):
        await registers.certificates.list_bindings(replace(listing(registers), organisation_id=NOBODYS))
