"""Administrators with their cards, on the whole server: what they may, what is told, how it ends."""

from itertools import count
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from grpc import StatusCode

from namak.client import sign_possession
from namak.evidence.verify import Verdict
from namak.v1 import (
    evidence_pb2,
    evidence_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
    sender_admin_pb2_grpc,
)
from namak.v1 import sender_admin_pb2 as pb
from server.dev.pki import Identity
from tests.system.post import Agency, Citizen, Post, der
from tests.system.receipts import verified
from tests.system.refusing import refusal_of, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

_requests = (f"administrators-{number}" for number in count(1))


def stub_of(channel: grpc.aio.Channel) -> Any:
    return sender_admin_pb2_grpc.SenderAdminServiceStub(channel)


async def operators(post: Post) -> Any:
    return stub_of(await post.channel(post.world.operator))


async def enable(post: Post, agency: Agency, citizen: Citizen) -> None:
    request = pb.EnableAdministratorRequest(
        request_id=next(_requests),
        organisation_id=agency.organisation_id,
        person_number=citizen.person.personal_number,
        display_name="Արամ Պետրոսյան",
    )
    await (await operators(post)).EnableAdministrator(request, timeout=60)


def binding(agency: Agency, identity: Identity, acting_as: str) -> pb.BindCertificateRequest:
    assert identity.key is not None
    return pb.BindCertificateRequest(
        request_id=next(_requests),
        organisation_id=agency.organisation_id,
        certificate=der(identity),
        acting_as=acting_as,
        possession_signature=sign_possession(identity.key, agency.organisation_id, der(identity)),
    )


async def test_an_administrator_binds_a_certificate_and_anyone_can_verify_that_they_did(post: Post) -> None:
    agency, citizen, replica = await post.agency(), await post.citizen(), await post.second()
    await enable(post, agency, citizen)
    channel = await post.channel(citizen.card.authentication, address=replica.address)
    stub = stub_of(channel)
    renewed = post.pki.machine("renewed-by-card", organisation="SRC", common_name="renewed")

    bound = await stub.BindCertificate(binding(agency, renewed, agency.organisation_id), timeout=60)

    client = await post.client(renewed)
    assert [delivery async for delivery in client.deliveries.list()] == []
    listing = pb.ListAdministrativeActsRequest(
        acting_as=agency.organisation_id, resource=bound.binding.certificate_sha256.hex()
    )
    (act,) = (await stub.ListAdministrativeActs(listing, timeout=60)).acts
    assert (act.act, act.actor.kind, act.client_address) == ("BindCertificate", "administrator", "127.0.0.1")
    assert act.actor.person_number == citizen.person.personal_number
    assert act.actor.certificate_sha256 == citizen.card.authentication.sha256
    evidence = evidence_pb2_grpc.EvidenceServiceStub(channel)
    asked = evidence_pb2.GetReceiptRequest(
        evidence_id=act.evidence.evidence_id, acting_as=agency.organisation_id
    )
    receipt = (await evidence.GetReceipt(asked, timeout=60)).receipt
    report = verified(post.world, {"act": receipt.tlog_proof})
    assert report.verdict is Verdict.VALID
    number = citizen.person.personal_number
    assert f"{number}, administrator of " in report.files[0].proves
    assert "did BindCertificate" in report.files[0].proves
    # As a holder, or as nobody's administrator, the same person may not see it.
    await refused(
        evidence.GetReceipt(evidence_pb2.GetReceiptRequest(evidence_id=act.evidence.evidence_id), timeout=60),
        StatusCode.PERMISSION_DENIED,
        "RESOURCE_NOT_PERMITTED",
    )
    operator = evidence_pb2_grpc.EvidenceServiceStub(await post.channel(post.world.operator))
    asked.acting_as = ""
    assert (await operator.GetReceipt(asked, timeout=60)).receipt.leaf_index == receipt.leaf_index


async def test_no_administrator_takes_a_certificate_whose_key_another_holds(post: Post) -> None:
    own, other, citizen = await post.agency(), await post.agency(), await post.citizen()
    await enable(post, own, citizen)
    stub = stub_of(await post.channel(citizen.card.authentication))
    theirs = post.pki.machine("not-yet-bound", organisation="X", common_name="not-yet-bound")
    taken = binding(own, theirs, own.organisation_id)
    for proof in (b"", binding(other, theirs, own.organisation_id).possession_signature):
        taken.possession_signature = proof
        refusal = await refusal_of(stub.BindCertificate(taken, timeout=60))
        assert (refusal.status, refusal.reason) == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS")

    await (await post.operator()).admin.bind_certificate(other.organisation_id, der(theirs))

    client = await post.client(theirs)
    assert [delivery async for delivery in client.deliveries.list()] == []


async def test_every_act_of_an_agency_s_registration_is_a_leaf(post: Post) -> None:
    agency = await post.agency()
    stub = await operators(post)
    listing = pb.ListAdministrativeActsRequest(organisation_id=agency.organisation_id)

    acts = (await stub.ListAdministrativeActs(listing, timeout=60)).acts

    assert [act.act for act in reversed(acts)] == [
        "RegisterOrganisation",
        "RegisterDomain",
        "SetContractState",
        "RegisterSenderAddress",
        "BindCertificate",
    ]
    client = await post.operator()
    receipts = {act.act: (await client.evidence.receipt(act.evidence.evidence_id)).tlog_proof for act in acts}
    assert verified(post.world, receipts).verdict is Verdict.VALID


async def test_another_organisation_s_things_are_as_if_they_were_not_there(post: Post) -> None:
    own, other, citizen = await post.agency(), await post.agency(), await post.citizen()
    await enable(post, own, citizen)
    stub = stub_of(await post.channel(citizen.card.authentication))
    certificate = post.pki.machine("foreign", organisation="X", common_name="foreign")
    absent = "0192f0c3-0000-7000-8000-00000000000a"
    for request in (
        binding(other, certificate, own.organisation_id),
        binding(other, certificate, other.organisation_id),
        binding(own, certificate, absent),
    ):
        refusal = await refusal_of(stub.BindCertificate(request, timeout=60))
        assert (refusal.status, refusal.reason) == (StatusCode.PERMISSION_DENIED, "RESOURCE_NOT_PERMITTED")
    told = {
        str(await refusal_of(stub.GetOrganisation(request, timeout=60)))
        for request in (
            pb.GetOrganisationRequest(acting_as=own.organisation_id, organisation_id=other.organisation_id),
            pb.GetOrganisationRequest(acting_as=own.organisation_id, organisation_id=absent),
        )
    }
    assert len(told) == 1
    await refused(
        stub.RegisterOrganisation(pb.RegisterOrganisationRequest(), timeout=60),
        StatusCode.PERMISSION_DENIED,
        "ROLE_NOT_PERMITTED",
    )


async def test_who_is_disabled_is_refused_at_the_next_call_on_every_replica_and_stays_a_holder(
    post: Post,
) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    await enable(post, agency, citizen)
    channels = [
        await post.channel(citizen.card.authentication, address=server.address)
        for server in (post.servers[0], await post.second())
    ]
    read = pb.GetOrganisationRequest(acting_as=agency.organisation_id, organisation_id=agency.organisation_id)
    for channel in channels:
        await stub_of(channel).GetOrganisation(read, timeout=60)

    await (await operators(post)).DisableAdministrator(
        pb.DisableAdministratorRequest(
            request_id=next(_requests),
            organisation_id=agency.organisation_id,
            person_number=citizen.person.personal_number,
        ),
        timeout=60,
    )

    for channel in channels:
        # What the door remembers for half a second does not help: each act looks again.
        refusal = await refusal_of(stub_of(channel).GetOrganisation(read, timeout=60))
        assert refusal.status is StatusCode.PERMISSION_DENIED
        assert refusal.reason in {"RESOURCE_NOT_PERMITTED", "ROLE_NOT_PERMITTED"}
        mailboxes = mailbox_pb2_grpc.MailboxServiceStub(channel)
        assert (await mailboxes.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60)).mailbox.address


async def test_a_contract_with_a_last_day_to_come_is_in_force(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    stub = await operators(post)
    read = pb.GetOrganisationRequest(organisation_id=agency.organisation_id)
    organisation = (await stub.GetOrganisation(read, timeout=60)).organisation
    assert not organisation.HasField("contract_end_date")
    request = pb.SetContractStateRequest(
        request_id=next(_requests),
        organisation_id=agency.organisation_id,
        contract_state=pb.CONTRACT_STATE_IN_FORCE,
    )
    request.contract_end_date.CopyFrom(Date(year=2199, month=12, day=31))
    changed = (await stub.SetContractState(request, timeout=60)).organisation
    assert changed.contract_state == pb.CONTRACT_STATE_IN_FORCE
    assert changed.etag != organisation.etag
    await agency.client.deliveries.submit(agency.letter(citizen.address))
