"""The list of administrative acts, and their receipts, for those who may see them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence.administrative_act import RecordedAct
from server.domain.administration import ActingAdministrator
from server.domain.caller import Holder, Operator, Sender
from server.domain.paging import Query
from server.domain.refusals import InvalidFields, InvalidPageToken, ResourceNotPermitted
from server.domain.senders import ContractState
from server.usecases.acts import ListActs
from server.usecases.administrators import DisableAdministrator
from server.usecases.evidence import EvidenceDesk, GetReceipt
from server.usecases.mailbox_register import OpenMailbox
from server.usecases.organisations import SetContractState
from server.usecases.records import ActFilter
from tests.fakes.witnessed_log import FakeTimestampedLog, FakeWitnessedLog
from tests.unit.usecases.registers import (
    ANI,
    BOB,
    CARD_CONNECTION,
    NOBODYS,
    START,
    Registers,
    proven_binding,
)
from tests.unit.usecases.world import MemoryLog


@pytest.fixture
async def registers() -> Registers:
    """One act on each of several things, an hour apart, oldest first: see `NAMES`."""
    registers = Registers()
    await registers.mailboxes.open_mailbox(OpenMailbox(registers.operator, "m", "5001950077@e-citizen.am"))
    registers.clock.move(timedelta(hours=1))
    ani = await registers.enabled(registers.src)
    registers.clock.move(timedelta(hours=1))
    await registers.organisations.set_contract_state(
        SetContractState(registers.operator, "s", registers.other.id, ContractState.ENDED)
    )
    registers.clock.move(timedelta(hours=1))
    await registers.certificates.bind_certificate(proven_binding(ani, "b", registers.src.id))
    return registers


NAMES = ["OpenMailbox", "EnableAdministrator", "SetContractState", "BindCertificate"]


async def listed(registers: Registers, wanted: ActFilter, by: ActingAdministrator | None = None) -> list[str]:
    page = await registers.acts.list_acts(ListActs(by or registers.operator, wanted, 50, ""))
    for view in page.items:
        assert RecordedAct.parse(view.fact.data).document == view.document
        assert view.fact.id == view.document.evidence_id == view.listed.evidence_id
    return [view.document.details.act for view in page.items]


async def test_the_operator_sees_all_acts_newest_first(registers: Registers) -> None:
    assert await listed(registers, ActFilter()) == NAMES[::-1]


async def test_an_administrator_sees_acts_on_their_organisation_s_things_whoever_did_them(
    registers: Registers,
) -> None:
    ani = registers.acting(registers.src)
    own = ["BindCertificate", "EnableAdministrator"]
    assert await listed(registers, ActFilter(), ani) == own
    assert await listed(registers, ActFilter(organisation_id=registers.src.id), ani) == own
    for organisation_id in (registers.other.id, NOBODYS):
        with pytest.raises(ResourceNotPermitted):
            await listed(registers, ActFilter(organisation_id=organisation_id), ani)
    assert await listed(registers, ActFilter(act="SetContractState"), ani) == []
    with pytest.raises(ResourceNotPermitted):
        await listed(registers, ActFilter(), registers.acting(registers.other))


async def test_acts_are_found_by_what_is_asked_for(registers: Registers) -> None:
    assert await listed(registers, ActFilter(organisation_id=registers.other.id)) == ["SetContractState"]
    assert await listed(registers, ActFilter(act="OpenMailbox")) == ["OpenMailbox"]
    assert await listed(registers, ActFilter(resource="5001950077@e-citizen.am")) == ["OpenMailbox"]
    assert await listed(registers, ActFilter(resource=str(registers.other.id))) == ["SetContractState"]
    assert await listed(registers, ActFilter(person_number=ANI)) == ["BindCertificate"]
    # Whom an act is about is its resource; who did it is the person.
    assert await listed(registers, ActFilter(resource=ANI)) == ["EnableAdministrator"]
    assert await listed(registers, ActFilter(person_number=BOB)) == []
    since = START + timedelta(hours=1)
    assert await listed(registers, ActFilter(since=since)) == NAMES[:0:-1]
    assert await listed(registers, ActFilter(until=since)) == ["OpenMailbox"]
    assert await listed(registers, ActFilter(since=since, until=since + timedelta(hours=1))) == [NAMES[1]]


@pytest.mark.parametrize("hours", [0, -1])
async def test_times_of_which_the_later_is_not_after_the_earlier_are_refused(
    registers: Registers, hours: int
) -> None:
    with pytest.raises(InvalidFields) as refused:
        await listed(registers, ActFilter(since=START, until=START + timedelta(hours=hours)))
    (problem,) = refused.value.problems
    assert (problem.field, problem.reason) == ("end_time", "TIMES_REVERSED")


async def test_acts_come_in_pages_and_tokens_belong_to_their_query(registers: Registers) -> None:
    command = ListActs(registers.operator, ActFilter(), 3, "")
    page = await registers.acts.list_acts(command)
    rest = await registers.acts.list_acts(replace(command, page_token=page.next_page_token))
    acts = [view.document.details.act for view in (*page.items, *rest.items)]
    assert acts == NAMES[::-1]
    assert rest.next_page_token == ""
    made_up = Query(("ListAdministrativeActs", *[""] * 6)).token("no identifier")
    for wanted, token in (
        (ActFilter(act="OpenMailbox"), page.next_page_token),
        (ActFilter(), page.next_page_token + "x"),
        (ActFilter(), made_up),
    ):
        with pytest.raises(InvalidPageToken):
            await registers.acts.list_acts(replace(command, wanted=wanted, page_token=token))


async def receipt(
    registers: Registers, caller: Operator | ActingAdministrator | Holder | Sender, evidence_id: UUID
) -> bytes:
    desk = EvidenceDesk(
        uow=registers.uow,
        log=MemoryLog(),
        witnessed=FakeWitnessedLog(),
        timestamped=FakeTimestampedLog(),
        clock=registers.clock,
    )
    found = await desk.receipt(GetReceipt(caller, evidence_id, 0))
    assert found is not None
    return found.tlog_proof


async def test_the_receipt_of_an_act_is_for_those_who_see_it_in_the_list(registers: Registers) -> None:
    acts = {act.act: act.evidence_id for act in registers.uow.committed.administrative_acts.values()}
    ani = registers.acting(registers.src)
    for name in NAMES:
        assert b"AdministrativeAct" in await receipt(registers, registers.operator, acts[name])
    assert await receipt(registers, ani, acts["BindCertificate"])
    agency = Sender(CARD_CONNECTION, registers.src.id, None, ())
    for caller, name in (
        (ani, "OpenMailbox"),
        (ani, "SetContractState"),
        (registers.acting(registers.other), "SetContractState"),
        (Holder(CARD_CONNECTION, ANI, frozenset({registers.src.id})), "BindCertificate"),
        (agency, "BindCertificate"),
    ):
        with pytest.raises(ResourceNotPermitted):
            await receipt(registers, caller, acts[name])
    await registers.administrators.disable_administrator(
        DisableAdministrator(registers.operator, "d", registers.src.id, ANI)
    )
    with pytest.raises(ResourceNotPermitted):
        await receipt(registers, ani, acts["BindCertificate"])
