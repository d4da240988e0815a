"""Who calls: certificates that do not count, and metadata that claims more than the certificate."""

from collections.abc import Sequence

import grpc
import pytest
from grpc import StatusCode

from namak.client import Client, Patience
from namak.errors import CannotConnect, InvalidFields, OwnCertificateError
from namak.evidence.document import EvidenceDocument
from namak.v1 import (
    delivery_pb2,
    delivery_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
)
from server.dev.authority import Validity
from server.dev.pki import Identity
from tests.system.post import ELSEWHERE, Agency, Citizen, Post, der
from tests.system.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


def machine(post: Post, label: str, validity: Validity | None = None) -> Identity:
    return post.pki.machine(label, organisation="SRC", common_name=label, validity=validity)


def unknown(post: Post) -> Identity:
    return post.pki.machine(
        "unknown", organisation="SRC", common_name="unknown", authority=post.pki.unknown_authority()
    )


def certificate(post: Post, kind: str) -> Identity | None:
    match kind:
        case "none":
            return None
        case "expired":
            return machine(post, "expired", Validity.days(-1))
        case _:
            return unknown(post)


async def submit(
    channel: grpc.aio.Channel,
    agency: Agency,
    citizen: Citizen,
    metadata: Sequence[tuple[str, str]] = (),
) -> delivery_pb2.SubmitResponse:
    request = delivery_pb2.SubmitRequest(submission=agency.letter(citizen.address))
    return await delivery_pb2_grpc.DeliveryServiceStub(channel).Submit(request, metadata=metadata, timeout=60)


@pytest.mark.parametrize("kind", ["none", "expired", "unknown issuer"])
async def test_the_handshake_ends_without_a_certificate_that_counts(
    post: Post, agency: Agency, citizen: Citizen, kind: str
) -> None:
    channel = await post.channel(certificate(post, kind))

    async with post.records.grow_by():
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await submit(channel, agency, citizen)

    assert refusal.value.code() is StatusCode.UNAVAILABLE


async def test_the_client_finds_its_own_expired_certificate_before_it_connects(post: Post) -> None:
    with pytest.raises(OwnCertificateError, match="expired"):
        await post.client(machine(post, "expired-too", Validity.days(-1)))


async def test_the_client_says_what_to_look_at_when_the_handshake_ends(post: Post) -> None:
    with pytest.raises(CannotConnect, match="handshake"):
        await post.client(unknown(post), patience=Patience(total=1.0))


async def test_a_verified_certificate_that_is_bound_to_nobody_is_a_strangers(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    channel = await post.channel(post.world.stranger)

    async with post.records.grow_by():
        await refused(submit(channel, agency, citizen), StatusCode.UNAUTHENTICATED, "CERTIFICATE_UNBOUND")
    # What is public is a stranger's too.
    stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    assert (await stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(), timeout=60)).checkpoint


async def test_a_certificate_whose_binding_is_revoked_is_nobodys_even_for_public_data(
    post: Post, citizen: Citizen
) -> None:
    agency = await post.agency()
    await (await post.operator()).admin.revoke_certificate(agency.identity.sha256)
    channel = await post.channel(agency.identity, address=(await post.second()).address)

    async with post.records.grow_by():
        await refused(submit(channel, agency, citizen), StatusCode.UNAUTHENTICATED, "CERTIFICATE_REVOKED")
        stub = evidence_pb2_grpc.EvidenceServiceStub(channel)
        await refused(
            stub.GetCheckpoint(evidence_pb2.GetCheckpointRequest(), timeout=60),
            StatusCode.UNAUTHENTICATED,
            "CERTIFICATE_REVOKED",
        )


async def test_a_revoked_binding_is_never_bound_again(post: Post) -> None:
    agency, other = await post.agency(), await post.agency("Police")
    admin = (await post.operator()).admin
    revoked = await admin.revoke_certificate(agency.identity.sha256)

    again = await admin.revoke_certificate(agency.identity.sha256)

    assert again.revoke_time == revoked.revoke_time
    await refused(
        admin.bind_certificate(other.organisation_id, der(agency.identity)),
        StatusCode.ALREADY_EXISTS,
        "ALREADY_REGISTERED",
    )


async def test_a_revoked_personal_certificate_is_nobodys(post: Post) -> None:
    citizen = await post.citizen()
    post.pki.revoke(citizen.card.authentication)
    # A replica that starts now has read the list; how soon the others see it is another test's.
    replica = await post.start()
    stub = mailbox_pb2_grpc.MailboxServiceStub(
        await post.channel(citizen.card.authentication, address=replica.address)
    )

    await refused(
        stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60),
        StatusCode.UNAUTHENTICATED,
        "CERTIFICATE_REVOKED",
    )


async def test_an_agencys_certificate_with_a_citizens_number_opens_no_mailbox(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    impostor = post.pki.machine(
        "impostor",
        organisation="SRC",
        common_name=f"{citizen.person.given_name} {citizen.person.surname}",
        serial_number=f"PNOAM-{citizen.person.personal_number}",
    )
    stub = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(impostor))
    delivery_id = accepted.delivery.delivery_id

    async with post.records.grow_by():
        for call in (
            stub.GetMailbox(mailbox_pb2.GetMailboxRequest(), timeout=60),
            stub.ListMessages(mailbox_pb2.ListMessagesRequest(), timeout=60),
            stub.OpenMessage(mailbox_pb2.OpenMessageRequest(delivery_id=delivery_id), timeout=60),
        ):
            await refused(call, StatusCode.UNAUTHENTICATED, "CERTIFICATE_UNBOUND")

    # Bound, it is its agency's, and still no citizen's.
    await (await post.operator()).admin.bind_certificate(agency.organisation_id, der(impostor))
    bound = mailbox_pb2_grpc.MailboxServiceStub(
        await post.channel(impostor, address=(await post.start()).address)
    )
    async with post.records.grow_by():
        await refused(
            bound.OpenMessage(mailbox_pb2.OpenMessageRequest(delivery_id=delivery_id), timeout=60),
            StatusCode.PERMISSION_DENIED,
            "ROLE_NOT_PERMITTED",
        )


async def test_nobody_opens_an_entitys_mailbox_yet(post: Post, agency: Agency, citizen: Citizen) -> None:
    accepted = await agency.client.deliveries.submit(agency.letter(await post.entity()))

    async with post.records.grow_by():
        await refused(
            citizen.client.mailbox.open(accepted.delivery.delivery_id),
            StatusCode.PERMISSION_DENIED,
            "RESOURCE_NOT_PERMITTED",
        )


def forged(post: Post, agency: Agency, citizen: Citizen) -> Sequence[tuple[str, str]]:
    """Returns metadata by which proxies elsewhere tell who calls and from where."""
    certificate = agency.identity.cert_pem.decode().replace("\n", "%0A")
    return (
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1;by=127.0.0.1"),
        ("x-forwarded-client-cert", f'Hash={agency.identity.sha256.hex()};Cert="{certificate}"'),
        ("ssl-client-cert", certificate),
        (
            "x-ssl-client-s-dn",
            citizen.card.authentication.certificate.subject.rfc4514_string()
            .encode("ascii", "replace")
            .decode(),
        ),
        ("authorization", f"Bearer {citizen.person.personal_number}"),
        ("x-namak-session", citizen.person.personal_number),
        ("acting-as", citizen.address),
    )


async def test_forged_metadata_gives_a_stranger_nothing(post: Post, agency: Agency, citizen: Citizen) -> None:
    channel = await post.channel(post.world.stranger)
    metadata = forged(post, agency, citizen)
    mailbox = mailbox_pb2_grpc.MailboxServiceStub(channel)
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    delivery_id = accepted.delivery.delivery_id
    await citizen.client.mailbox.open(delivery_id)

    async with post.records.grow_by():
        await refused(
            submit(channel, agency, citizen, metadata), StatusCode.UNAUTHENTICATED, "CERTIFICATE_UNBOUND"
        )
        await refused(
            mailbox.GetMailbox(mailbox_pb2.GetMailboxRequest(), metadata=metadata, timeout=60),
            StatusCode.UNAUTHENTICATED,
            "CERTIFICATE_UNBOUND",
        )
        stream = mailbox.DownloadContent(
            mailbox_pb2.DownloadContentRequest(delivery_id=delivery_id, part_number=1),
            metadata=metadata,
            timeout=60,
        )
        await refused(stream.read(), StatusCode.UNAUTHENTICATED, "CERTIFICATE_UNBOUND")


async def test_forged_metadata_moves_a_sender_into_no_network(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    channel = await post.channel(agency.identity, address=await post.relay())

    async with post.records.grow_by():
        await refused(
            submit(channel, agency, citizen, forged(post, agency, citizen)),
            StatusCode.PERMISSION_DENIED,
            "NETWORK_NOT_PERMITTED",
        )


async def test_a_sender_outside_all_networks_of_its_organisation_is_stopped_at_the_door(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    client = await post.client(agency.identity, address=await post.relay())
    delivery_id = accepted.delivery.delivery_id

    async with post.records.grow_by():
        for call in (
            client.deliveries.submit(agency.letter(citizen.address)),
            client.deliveries.get(delivery_id),
            client.evidence.receipt(accepted.evidence[0].evidence_id),
        ):
            refusal = await refused(call, StatusCode.PERMISSION_DENIED, "NETWORK_NOT_PERMITTED")
            assert refusal.evidence_id is None


async def test_an_address_used_from_another_address_network_is_refused_with_evidence(
    post: Post, citizen: Citizen
) -> None:
    agency = await post.agency()
    info = f"info@{agency.domain}"
    await (await post.operator()).admin.register_sender_address(
        agency.organisation_id, address=info, networks=[f"{ELSEWHERE}/32"]
    )
    elsewhere = await post.client(agency.identity, address=await post.relay())

    assert (await elsewhere.deliveries.submit(agency.letter(citizen.address, sender=info))).evidence
    async with post.records.grow_by_a_refusal():
        from_there = await refused(
            elsewhere.deliveries.submit(agency.letter(citizen.address)),
            StatusCode.PERMISSION_DENIED,
            "NETWORK_NOT_PERMITTED",
        )
    async with post.records.grow_by_a_refusal():
        from_here = await refused(
            agency.client.deliveries.submit(agency.letter(citizen.address, sender=info)),
            StatusCode.PERMISSION_DENIED,
            "NETWORK_NOT_PERMITTED",
        )

    told = []
    for refusal in (from_there, from_here):
        assert refusal.evidence_id is not None
        document = EvidenceDocument.parse((await post.records.evidence(refusal.evidence_id))[1])
        told.append((document.sender.identifier, document.details))
    assert [(sender, str(getattr(details, "submitted_from", ""))) for sender, details in told] == [
        (agency.sender, ELSEWHERE),
        (info, "127.0.0.1"),
    ]


async def test_every_item_of_a_batch_is_held_against_its_own_address(post: Post, citizen: Citizen) -> None:
    agency = await post.agency()
    info = f"info@{agency.domain}"
    await (await post.operator()).admin.register_sender_address(
        agency.organisation_id, address=info, networks=[f"{ELSEWHERE}/32"]
    )
    elsewhere = await post.client(agency.identity, address=await post.relay())

    async with post.records.grow_by(claims=2, refusals=1, evidence=3, deliveries=1, parts=1, mailbox_links=1):
        wrong, right = await elsewhere.deliveries.submit_many(
            [agency.letter(citizen.address), agency.letter(citizen.address, sender=info)]
        )

    assert wrong.error is not None
    assert (wrong.error.reason, right.error) == ("NETWORK_NOT_PERMITTED", None)


async def test_production_settings_permit_no_loopback_network(post: Post, agency: Agency) -> None:
    replica = await post.start({"NAMAK_DEVELOPMENT": "false"})
    operator: Client = await post.client(post.world.operator, address=replica.address)

    async with post.records.grow_by():
        refusal = await refused(
            operator.admin.register_sender_address(
                agency.organisation_id, address=f"loop@{agency.domain}", networks=["127.0.0.1/32"]
            ),
            StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELDS",
        )

    assert refusal.violations == (("networks[0]", "NETWORK_NOT_PUBLIC"),)


async def test_a_persons_certificate_is_never_bound(post: Post) -> None:
    agency = await post.agency()
    admin = (await post.operator()).admin
    with pytest.raises(InvalidFields) as refused:
        await admin.bind_certificate(agency.organisation_id, der(post.world.citizen.authentication))
    assert [violation.reason for violation in refused.value.violations] == ["PERSONAL_CERTIFICATE"]
