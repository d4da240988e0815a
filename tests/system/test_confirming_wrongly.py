"""Confirmations that don't count: by whom, by which certificate, over what. Nothing of them is stored."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from grpc import StatusCode

from namak.v1 import mailbox_pb2, mailbox_pb2_grpc
from server.dev.authority import Validity
from server.dev.pki import Identity
from tests.system.post import Agency, Citizen, Opened, Post, opened, signed
from tests.system.receipts import events_of
from tests.system.refusing import Refusal, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused_confirmation(
    post: Post,
    citizen: Citizen,
    act: Opened,
    cms: bytes,
    status: StatusCode,
    reason: str,
    statement_id: str | None = None,
) -> Refusal:
    """Asserts that a confirmation is refused and that it leaves nothing behind."""
    async with post.records.grow_by():
        refusal = await refused(
            citizen.client.mailbox.confirm(act.delivery_id, statement_id or act.statement_id, cms),
            status,
            reason,
        )
    assert await events_of(citizen.client, act.delivery_id) == ["ContentConsignment", "ContentAccessTracking"]
    return refusal


async def test_refuses_the_signature_of_somebody_else(post: Post, agency: Agency, citizen: Citizen) -> None:
    act, neighbour = await opened(agency, citizen), await post.citizen()

    await refused_confirmation(
        post,
        citizen,
        act,
        signed(neighbour.card.signing, act.statement),
        StatusCode.PERMISSION_DENIED,
        "SIGNER_NOT_RECIPIENT",
    )


async def expired(post: Post, citizen: Citizen) -> Identity:
    return post.pki.signing_certificate("expired", citizen.person, validity=Validity.days(-1))


async def revoked(post: Post, citizen: Citizen) -> Identity:
    card = post.pki.signing_certificate("revoked", citizen.person)
    await post.revoke_personal(card)
    return card


async def for_authentication_only(post: Post, citizen: Citizen) -> Identity:
    return citizen.card.authentication


async def by_the_agency_authority(post: Post, citizen: Citizen) -> Identity:
    return post.pki.machine(
        "agency-with-a-number",
        organisation="SRC",
        common_name="x",
        serial_number=f"PNOAM-{citizen.person.personal_number}",
    )


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (expired, "SIGNING_CERTIFICATE_EXPIRED"),
        (revoked, "SIGNING_CERTIFICATE_REVOKED"),
        (for_authentication_only, "SIGNING_CERTIFICATE_PURPOSE"),
        (by_the_agency_authority, "SIGNING_CERTIFICATE_UNTRUSTED"),
    ],
)
async def test_refuses_a_certificate_that_does_not_sign_for_the_person(
    post: Post,
    agency: Agency,
    citizen: Citizen,
    certificate: Callable[[Post, Citizen], Awaitable[Identity]],
    reason: str,
) -> None:
    act = await opened(agency, citizen)
    identity = await certificate(post, citizen)

    await refused_confirmation(
        post, citizen, act, signed(identity, act.statement), StatusCode.INVALID_ARGUMENT, reason
    )


async def test_refuses_a_signature_over_another_text(post: Post, agency: Agency, citizen: Citizen) -> None:
    act, other = await opened(agency, citizen), await opened(agency, citizen)

    for text in (other.statement, act.statement + b"\n", act.statement.replace(b"\n", b"\r\n"), b""):
        await refused_confirmation(
            post,
            citizen,
            act,
            signed(citizen.card.signing, text),
            StatusCode.INVALID_ARGUMENT,
            "SIGNATURE_INVALID",
        )


async def test_refuses_a_statement_about_another_message(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    act, other = await opened(agency, citizen), await opened(agency, citizen)

    await refused_confirmation(
        post,
        citizen,
        act,
        signed(citizen.card.signing, other.statement),
        StatusCode.INVALID_ARGUMENT,
        "STATEMENT_NOT_ISSUED",
        other.statement_id,
    )


async def test_refuses_an_invented_statement(post: Post, agency: Agency, citizen: Citizen) -> None:
    act, invented = await opened(agency, citizen), str(uuid4())
    text = act.statement.replace(act.statement_id.encode(), invented.encode())

    await refused_confirmation(
        post,
        citizen,
        act,
        signed(citizen.card.signing, text),
        StatusCode.INVALID_ARGUMENT,
        "STATEMENT_NOT_ISSUED",
        invented,
    )


async def test_refuses_an_expired_statement(post: Post, agency: Agency, citizen: Citizen) -> None:
    act = await opened(agency, citizen)
    # As it would be found an hour later: statements are never changed, so an older one is put beside it.
    ((older,),) = await post.records.rows(
        "INSERT INTO statements (mailbox_id, id, delivery_id, person_number, text, issued_at, expires_at)"
        " SELECT mailbox_id, gen_random_uuid(), delivery_id, person_number, text,"
        " issued_at - interval '1 hour', expires_at - interval '1 hour'"
        " FROM statements WHERE id = CAST(:id AS uuid) RETURNING id::text",
        id=act.statement_id,
    )

    await refused_confirmation(
        post,
        citizen,
        act,
        signed(citizen.card.signing, act.statement),
        StatusCode.FAILED_PRECONDITION,
        "STATEMENT_EXPIRED",
        older,
    )


async def test_refuses_what_is_no_signature(post: Post, agency: Agency, citizen: Citizen) -> None:
    act = await opened(agency, citizen)
    good = signed(citizen.card.signing, act.statement)

    for cms in (b"nonsense", b"\x30\x00", good[:-1], good + b"\x00"):
        await refused_confirmation(post, citizen, act, cms, StatusCode.INVALID_ARGUMENT, "SIGNATURE_INVALID")
    for cms in (b"", bytes(32 * 1024 + 1)):
        refusal = await refused_confirmation(
            post, citizen, act, cms, StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS"
        )
        assert [field for field, _ in refusal.violations] == ["cms_signature"]


@pytest.mark.parametrize("given", ["", "1", "not-a-uuid", "{0192f0c3-0000-7000-8000-000000000000}"])
async def test_refuses_malformed_identifiers(post: Post, citizen: Citizen, given: str) -> None:
    stub = mailbox_pb2_grpc.MailboxServiceStub(await post.channel(citizen.card.authentication))
    request = mailbox_pb2.ConfirmReadingRequest(delivery_id=given, statement_id=given, cms_signature=b"0")

    async with post.records.grow_by():
        refusal = await refused(
            stub.ConfirmReading(request, timeout=60), StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS"
        )

    assert [field for field, _ in refusal.violations] == ["delivery_id", "statement_id"]
