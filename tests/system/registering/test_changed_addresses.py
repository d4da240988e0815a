"""Changes of sender addresses on a running server: what they end, refuse and keep."""

import asyncio

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from namak.v1 import sender_admin_pb2
from tests.system.post import HERE, Agency, Citizen, Post, der
from tests.system.refusing import refusal_of, refused
from tests.system.registering.people import administrator, operators

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_deleting_an_address_ends_its_sending_and_the_certificate_bound_to_it_alone(
    post: Post, new_agency: Agency, citizen: Citizen
) -> None:
    admin = (await post.operator()).admin
    # Without any address, the agency could not even call.
    await admin.register_sender_address(
        new_agency.organisation_id, address=f"kept@{new_agency.domain}", networks=[HERE]
    )
    machine = post.pki.machine(f"only-{new_agency.domain}", organisation="x", common_name="only")
    await admin.bind_certificate(
        new_agency.organisation_id, der(machine), sender_address_id=new_agency.sender_id
    )
    only = await post.client(machine)
    await only.deliveries.submit(new_agency.letter(citizen.address))
    await admin.delete_sender_address(new_agency.sender_id)

    async with asyncio.timeout(60):
        while True:
            refusal = await refusal_of(only.deliveries.submit(new_agency.letter(citizen.address)))
            if refusal.reason == "CERTIFICATE_REVOKED":
                break
            assert refusal.reason == "SENDER_NOT_PERMITTED"
    await refused(
        new_agency.client.deliveries.submit(new_agency.letter(citizen.address)),
        StatusCode.PERMISSION_DENIED,
        "SENDER_NOT_PERMITTED",
    )
    (ended,) = [
        binding
        async for binding in admin.certificate_bindings(
            new_agency.organisation_id, sender_address_id=new_agency.sender_id, show_ended=True
        )
    ]
    assert ended.HasField("revoke_time")


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "10.0.0.0/24", "192.168.1.1", "8.8.8.0/23"])
async def test_an_update_takes_no_network_that_a_registration_refuses(
    post: Post, new_agency: Agency, network: str
) -> None:
    admin = (await post.operator()).admin
    refusal = await refused(
        admin.update_sender_address(new_agency.sender_id, networks=[HERE, network]),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELDS",
    )
    assert [field for field, _ in refusal.violations] == ["sender_address.networks[1]"]


@pytest.mark.parametrize(
    ("paths", "field"),
    [
        (["address"], "update_mask.paths[0]"),
        (["networks", "Networks"], "update_mask.paths[1]"),
        (["*"], "update_mask.paths[0]"),
        (["suspended"], "update_mask.paths[0]"),
        (["etag"], "update_mask.paths[0]"),
        ([], "update_mask"),
    ],
)
async def test_an_update_mask_names_only_what_can_be_changed(
    post: Post, new_agency: Agency, paths: list[str], field: str
) -> None:
    request = sender_admin_pb2.UpdateSenderAddressRequest(
        request_id="mask",
        sender_address=sender_admin_pb2.SenderAddress(
            sender_address_id=new_agency.sender_id, networks=[HERE]
        ),
        update_mask=FieldMask(paths=paths),
    )
    refusal = await refused(
        (await operators(post)).UpdateSenderAddress(request, timeout=60),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELDS",
    )
    assert [violated for violated, _ in refusal.violations] == [field]


async def test_of_two_who_edit_an_address_at_once_one_is_told(post: Post, new_agency: Agency) -> None:
    admin = (await post.operator()).admin
    for number in range(10):
        etag = (await admin.sender_address(new_agency.sender_id)).etag
        calls = (
            admin.update_sender_address(new_agency.sender_id, host_names=[f"h{number}.am"], etag=etag),
            admin.update_sender_address(new_agency.sender_id, host_names=[f"i{number}.am"], etag=etag),
        )
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        (lost,) = [each for each in outcomes if isinstance(each, Exception)]
        assert getattr(lost, "reason", "") == "ETAG_MISMATCH"


async def test_what_the_operator_suspended_the_administrator_does_not_resume(
    post: Post, new_agency: Agency
) -> None:
    person, operator = await administrator(post, new_agency), (await post.operator()).admin
    suspended = await operator.suspend_sender_address(new_agency.sender_id)
    assert suspended.suspended_by_operator
    await refused(
        person.client.admin.resume_sender_address(new_agency.sender_id, acting_as=new_agency.organisation_id),
        StatusCode.PERMISSION_DENIED,
        "ROLE_NOT_PERMITTED",
    )
    assert not (await operator.resume_sender_address(new_agency.sender_id)).suspended
