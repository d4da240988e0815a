"""The frame of administrative acts: right, request id, change and evidence, all or nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.administrative_act import Actor as EvidenceActor
from namak.evidence.administrative_act import ActorKind, Resource
from server.domain.administration import Actor
from server.domain.refusals import (
    AlreadyRegistered,
    EtagMismatch,
    NotFound,
    RequestIdReused,
    ResourceNotPermitted,
    ServiceUnavailable,
)
from server.domain.senders import ContractState
from server.usecases.administrators import DisableAdministrator
from server.usecases.certificates import BindCertificate, RevokeCertificate
from server.usecases.organisations import RegisterOrganisation, SetContractState, UpdateOrganisation
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.registers import ANI, BOB, Registers, machine_certificate, proven_binding


@pytest.fixture
def registers() -> Registers:
    return Registers()


async def test_an_act_says_who_did_what_from_where_before_and_after(registers: Registers) -> None:
    await registers.organisations.set_contract_state(
        SetContractState(registers.operator, "r-1", registers.src.id, ContractState.SUSPENDED)
    )
    (act,) = registers.acts_so_far()
    assert act.act == "SetContractState"
    assert act.actor == EvidenceActor(ActorKind.OPERATOR, "01" * 32)
    assert str(act.acted_from) == "198.51.100.1"
    assert act.organisation == "11223344"
    assert act.resource == Resource("ORGANISATION", str(registers.src.id))
    before = {"code": "11223344", "display_name": "State Revenue Committee", "contract_state": "IN_FORCE"}
    assert act.before == before
    assert act.after == {**before, "contract_state": "SUSPENDED"}
    assert act.request_id == "r-1"
    assert registers.wakes == 1


async def test_an_administrator_s_act_names_the_person_and_the_organisation(registers: Registers) -> None:
    ani = await registers.enabled(registers.src)
    await registers.certificates.bind_certificate(proven_binding(ani, "b", registers.src.id))
    act = registers.acts_so_far()[-1]
    assert act.actor == EvidenceActor(ActorKind.ADMINISTRATOR, "02" * 32, ANI)
    assert str(act.acted_from) == "198.51.100.2"
    assert act.organisation == "11223344"
    assert act.before is None


async def test_what_is_done_at_the_command_line_says_so(registers: Registers) -> None:
    await registers.certificates.bind_operator(machine_certificate(), registers.command_line)
    (act,) = registers.acts_so_far()
    assert (act.act, act.actor) == ("operator bind", EvidenceActor(ActorKind.COMMAND_LINE))
    assert (act.acted_from, act.organisation, act.request_id) == (None, None, None)


async def test_what_is_repeated_or_changes_nothing_leaves_no_act(registers: Registers) -> None:
    command = SetContractState(registers.operator, "1", registers.src.id, ContractState.ENDED)
    await registers.organisations.set_contract_state(command)
    await registers.organisations.set_contract_state(command)
    await registers.organisations.set_contract_state(replace(command, request_id="2"))
    assert len(registers.acts_so_far()) == 1
    assert registers.wakes == 1
    # It changed nothing, and has been answered all the same: its request id stands for it.
    assert len(registers.uow.committed.claims) == 2


async def test_what_is_refused_leaves_nothing(registers: Registers) -> None:
    command = RegisterOrganisation(registers.operator, "1", registers.src.code, "Another")
    with pytest.raises(AlreadyRegistered):
        await registers.organisations.register_organisation(command)
    assert registers.acts_so_far() == []
    assert registers.uow.committed.claims == {}
    assert registers.wakes == 0


async def test_a_change_and_its_evidence_are_committed_together_or_not_at_all(registers: Registers) -> None:
    command = SetContractState(registers.operator, "1", registers.src.id, ContractState.ENDED)
    registers.uow.next_commit = LostCommit.DROPPED
    with pytest.raises(ServiceUnavailable):
        await registers.organisations.set_contract_state(command)
    assert registers.acts_so_far() == []
    assert registers.uow.committed.organisations[registers.src.id] == registers.src
    registers.uow.next_commit = LostCommit.APPLIED
    with pytest.raises(ServiceUnavailable):
        await registers.organisations.set_contract_state(command)
    # Repeated, since the outcome was unknown: it was done once.
    await registers.organisations.set_contract_state(command)
    assert len(registers.acts_so_far()) == 1


async def test_a_request_id_stands_for_one_act(registers: Registers) -> None:
    command = SetContractState(registers.operator, "1", registers.src.id, ContractState.ENDED)
    await registers.organisations.set_contract_state(command)
    for other in (
        replace(command, state=ContractState.SUSPENDED),
        replace(command, organisation_id=registers.other.id),
    ):
        with pytest.raises(RequestIdReused):
            await registers.organisations.set_contract_state(other)
    with pytest.raises(RequestIdReused):
        await registers.organisations.update_organisation(
            UpdateOrganisation(registers.operator, "1", registers.src.id, "x", "")
        )


async def test_request_ids_of_the_operator_and_of_each_administrator_are_their_own(
    registers: Registers,
) -> None:
    callers: list[Actor] = [
        registers.operator,
        await registers.enabled(registers.src, ANI),
        await registers.enabled(registers.src, BOB),
        await registers.enabled(registers.other, ANI),
    ]
    for by in callers:
        organisation = registers.other if by is callers[-1] else registers.src
        command = proven_binding(by, "1", organisation.id)
        await registers.certificates.bind_certificate(command)
    assert len(registers.uow.committed.bindings) == 4
    # Those of the organisation's submissions are apart from all of these.
    assert registers.src.id not in {owner for owner, _ in registers.uow.committed.claims}


async def test_an_administrator_who_was_disabled_can_do_nothing_even_repeat(registers: Registers) -> None:
    ani = await registers.enabled(registers.src)
    command = proven_binding(ani, "1", registers.src.id)
    await registers.certificates.bind_certificate(command)
    await registers.administrators.disable_administrator(
        DisableAdministrator(registers.operator, "d", registers.src.id, ANI)
    )
    acts = len(registers.acts_so_far())
    # As one whom the door still remembers as administrator.
    for attempt in (command, proven_binding(ani, "2", registers.src.id)):
        with pytest.raises(ResourceNotPermitted):
            await registers.certificates.bind_certificate(attempt)
    with pytest.raises(ResourceNotPermitted):
        await registers.organisations.get_organisation(ani, registers.src.id)
    assert len(registers.acts_so_far()) == acts


async def test_who_never_was_an_administrator_can_do_nothing(registers: Registers) -> None:
    await registers.enabled(registers.src, ANI)
    for by in (registers.acting(registers.src, BOB), registers.acting(registers.other, ANI)):
        with pytest.raises(ResourceNotPermitted):
            await registers.organisations.get_organisation(by, by.organisation_id)


async def test_another_organisation_s_things_and_absent_ones_are_the_same_to_an_administrator(
    registers: Registers,
) -> None:
    ani = await registers.enabled(registers.src)
    # ANI administers both, and acts for one at a time: rights never add up.
    await registers.enabled(registers.other)
    der = machine_certificate()
    bound = await registers.certificates.bind_certificate(
        BindCertificate(registers.operator, "1", registers.other.id, None, der)
    )
    told = []
    for digest in (bound.certificate_sha256, bytes(32)):
        with pytest.raises(ResourceNotPermitted) as refused:
            await registers.certificates.revoke_certificate(RevokeCertificate(ani, digest.hex(), digest))
        told.append((refused.value.text, refused.value.metadata))
    assert told[0] == told[1]
    with pytest.raises(NotFound):
        await registers.certificates.revoke_certificate(RevokeCertificate(registers.operator, "2", bytes(32)))
    assert registers.uow.committed.bindings[bound.certificate_sha256].revoked_at is None


async def test_of_two_who_edit_at_once_the_second_is_told_to_read_again(registers: Registers) -> None:
    first = await registers.organisations.get_organisation(registers.operator, registers.src.id)
    with pytest.raises(EtagMismatch) as stale:
        await registers.organisations.update_organisation(
            UpdateOrganisation(registers.operator, "0", first.organisation.id, "x", "no such etag")
        )
    etag = stale.value.metadata["current_etag"]

    async def rename(name: str) -> bool:
        command = UpdateOrganisation(registers.operator, name, registers.src.id, name, etag)
        try:
            await registers.organisations.update_organisation(command)
        except EtagMismatch:
            return False
        return True

    done = await asyncio.gather(*(rename(name) for name in ("one", "two", "three")))
    assert sorted(done) == [False, False, True]
    assert len(registers.acts_so_far()) == 1


async def test_acts_are_recorded_at_the_time_of_the_clock(registers: Registers) -> None:
    for days, state in enumerate((ContractState.SUSPENDED, ContractState.ENDED)):
        await registers.organisations.set_contract_state(
            SetContractState(registers.operator, str(days), registers.src.id, state)
        )
        registers.clock.move(timedelta(days=1))
    first, second = registers.uow.committed.administrative_acts.values()
    assert second.recorded_at - first.recorded_at == timedelta(days=1)
    assert first.evidence_id < second.evidence_id
