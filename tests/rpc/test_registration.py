"""RegistrationService over real mTLS: what the edge hands in, gives back, and refuses."""

from collections.abc import AsyncIterator, Awaitable

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.date_pb2 import Date

from namak.v1 import registration_pb2 as pb
from namak.v1.registration_pb2_grpc import RegistrationServiceStub
from server.domain.applications import Channel
from server.domain.caller import Clerk, Holder
from server.domain.mailboxes import HolderKind
from server.usecases.application_commands import DecideApplication, Paper, SubmitApplication
from server.usecases.holder_profiles import ChangeHolderData
from server.usecases.mailbox_import import ImportBlock
from tests.rpc.edge import CITIZEN, Edge, bad_request, error_info
from tests.rpc.registration_desks import DECIDED

AN_ID = "0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d"


def person(**more: str) -> pb.NaturalPerson:
    fields = {
        "full_name": "Անի Սարգսյան",
        "number": CITIZEN,
        "identity_document": "AN0000000",
        "residence": "Երևան, Մաշտոցի 1",
        "mobile_phone": "+37491000000",
    }
    return pb.NaturalPerson(**(fields | more))


def company(**more: str) -> pb.LegalEntity:
    fields = {
        "full_name": "«Ընկերություն» ՍՊԸ",
        "number": "22335588",
        "registration_number": "12",
        "legal_address": "Երևան",
        "actual_address": "Երևան",
        "home_phone": "+37410000000",
    }
    return pb.LegalEntity(registration_date=Date(year=2020, month=2, day=29), **(fields | more))


def stub(edge: Edge, who: str) -> RegistrationServiceStub:
    return RegistrationServiceStub(edge.channel(getattr(edge.world, who)))


async def wrong_fields(call: Awaitable[object]) -> dict[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return {each.field: each.reason for each in bad_request(refused.value).field_violations}


async def test_an_applicant_submits_a_signed_application(edge: Edge) -> None:
    request = pb.SubmitApplicationRequest(
        request_id="1", form=pb.ApplicationForm(natural_person=person()), cms_signature=b"cms"
    )
    reply = await stub(edge, "citizen").SubmitApplication(request)
    (command,) = edge.desks.registration.commands
    assert isinstance(command, SubmitApplication)
    assert isinstance(command.by, Holder)
    assert (command.form.data.number, command.form.language, command.confirmation) == (CITIZEN, "hy", b"cms")
    assert reply.application.form.natural_person == person()
    assert reply.application.state == pb.APPLICATION_STATE_CONTRADICTED
    assert list(reply.application.findings) == [pb.APPLICATION_FINDING_ENDED]


async def test_a_clerk_enters_an_entitys_paper_with_its_scan_and_signatory(edge: Edge) -> None:
    paper = pb.PaperApplication(scan=b"%PDF", media_type="application/pdf", signatory_number=CITIZEN)
    request = pb.SubmitApplicationRequest(
        request_id="1", form=pb.ApplicationForm(legal_entity=company()), paper=paper
    )
    reply = await stub(edge, "clerk").SubmitApplication(request)
    (command,) = edge.desks.registration.commands
    assert isinstance(command, SubmitApplication)
    assert isinstance(command.by, Clerk)
    assert isinstance(command.confirmation, Paper)
    assert (command.confirmation.scan.content, command.confirmation.signer_number) == (b"%PDF", CITIZEN)
    assert reply.application.form.legal_entity == company()
    assert command.form.data.kind is HolderKind.ENTITY
    assert reply.application.channel == pb.APPLICATION_CHANNEL_ELECTRONIC
    assert Channel.ELECTRONIC.value == "ELECTRONIC"


async def test_all_wrong_fields_of_an_application_are_told_at_once(edge: Edge) -> None:
    form = pb.ApplicationForm(
        natural_person=person(number="123", residence="", mobile_phone="+77010000000", full_name="a\nb"),
        login="aigul",
        agreement_version="no such version!",
        language="tlh",
    )
    request = pb.SubmitApplicationRequest(request_id="", form=form, paper=pb.PaperApplication(scan=b"x"))
    assert await wrong_fields(stub(edge, "citizen").SubmitApplication(request)) == {
        "request_id": "REQUEST_ID_MALFORMED",
        "form.natural_person.number": "PERSON_NUMBER_MALFORMED",
        "form.natural_person.residence": "EMPTY",
        "form.natural_person.mobile_phone": "PHONE_MALFORMED",
        "form.natural_person.full_name": "CONTROL_CHARACTER",
        "form.login": "NOT_OFFERED",
        "form.agreement_version": "VERSION_MALFORMED",
        "form.language": "LANGUAGE_NOT_OFFERED",
        "paper": "ROLE_NOT_PERMITTED",
        "cms_signature": "EMPTY",
    }
    assert edge.desks.registration.commands == []


async def test_an_application_without_a_phone_or_an_applicant_is_refused(edge: Edge) -> None:
    citizen = stub(edge, "citizen")
    without = pb.PrepareApplicationRequest(
        request_id="1", form=pb.ApplicationForm(natural_person=person(mobile_phone=""))
    )
    assert await wrong_fields(citizen.PrepareApplication(without)) == {
        "form.natural_person.mobile_phone": "REQUIRED"
    }
    nobody = pb.PrepareApplicationRequest(request_id="1")
    assert await wrong_fields(citizen.PrepareApplication(nobody)) == {"form.natural_person": "REQUIRED"}


async def test_an_approval_gives_the_mailbox_and_a_second_one_says_that_it_is_decided(edge: Edge) -> None:
    clerk = stub(edge, "clerk")
    reply = await clerk.ApproveApplication(pb.ApproveApplicationRequest(request_id="1", application_id=AN_ID))
    assert reply.mailbox.address == reply.application.mailbox_address
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await clerk.RefuseApplication(
            pb.RefuseApplicationRequest(request_id="2", application_id=str(DECIDED), reason="no")
        )
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    info = error_info(refused.value)
    assert (info.reason, info.metadata["state"]) == ("APPLICATION_DECIDED", "REFUSED")
    (_, decided) = edge.desks.registration.commands
    assert isinstance(decided, DecideApplication)
    assert decided.refusal_reason == "no"
    assert await wrong_fields(clerk.RefuseApplication(pb.RefuseApplicationRequest(request_id="3"))) == {
        "application_id": "NOT_A_UUID",
        "reason": "EMPTY",
    }


async def test_a_holder_changes_what_is_theirs_to_change_and_a_clerk_names_a_document(edge: Edge) -> None:
    request = pb.ChangeHolderDataRequest(
        request_id="1",
        natural_person=person(residence="Գյումրի"),
        update_mask=FieldMask(paths=["residence"]),
    )
    await stub(edge, "citizen").ChangeHolderData(request)
    (command,) = edge.desks.registration.commands
    assert isinstance(command, ChangeHolderData)
    assert (command.fields, command.data.residence, command.data.number) == (
        frozenset({"residence"}),
        "Գյումրի",
        "",
    )
    request.update_mask.paths.extend(["full_name", "number"])
    assert set((await wrong_fields(stub(edge, "citizen").ChangeHolderData(request))).values()) == {
        "PATH_NOT_SETTABLE"
    }
    del request.update_mask.paths[2:]
    assert await wrong_fields(stub(edge, "clerk").ChangeHolderData(request)) == {
        "address": "ADDRESS_MALFORMED",
        "document_reference": "REQUIRED",
    }


async def test_everybody_reads_the_agreement_and_sees_which_is_in_force(edge: Edge) -> None:
    stranger = stub(edge, "stranger")
    reply = await stranger.GetUserAgreement(pb.GetUserAgreementRequest())
    assert reply.agreement.current
    assert [each.language for each in reply.agreement.texts] == ["kk", "ru"]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stranger.GetUserAgreement(pb.GetUserAgreementRequest(version="never"))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_only_the_holder_gets_the_text_that_confirms_a_profile(edge: Edge) -> None:
    own = await stub(edge, "citizen").GetHolderProfile(pb.GetHolderProfileRequest())
    assert own.confirmation_text == b"text"
    other = await stub(edge, "clerk").GetHolderProfile(
        pb.GetHolderProfileRequest(address="22335588@ecitizen.am")
    )
    assert other.confirmation_text == b""
    assert edge.desks.registration.commands[1][1] == "22335588@e-citizen.am"  # type: ignore[index]


async def test_an_import_answers_each_block_and_refuses_one_out_of_order(edge: Edge) -> None:
    async def blocks() -> AsyncIterator[pb.ImportMailboxesRequest]:
        yield pb.ImportMailboxesRequest(first_line=1, lines=[b"x", b"5001950015"])
        yield pb.ImportMailboxesRequest(first_line=3, lines=[b"5001950016"])
        yield pb.ImportMailboxesRequest(first_line=3, lines=[b"5001950017"])

    replies = []

    async def read() -> None:
        async for reply in stub(edge, "operator").ImportMailboxes(blocks()):
            replies.append(reply)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await read()
    assert [reply.through_line for reply in replies] == [2, 3]
    assert replies[0].others[0].outcome == pb.IMPORT_OUTCOME_MALFORMED
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [each.field for each in bad_request(refused.value).field_violations] == ["first_line"]
    assert [type(each) for each in edge.desks.registration.commands] == [ImportBlock, ImportBlock]
