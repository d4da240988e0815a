"""BillingService at the edge: days and names come in checked, usage goes out."""

from datetime import date
from uuid import UUID

import grpc
import pytest
from google.type.date_pb2 import Date

from namak.v1 import billing_pb2 as pb
from namak.v1 import billing_pb2_grpc
from server.usecases.billing import AskUsage
from tests.rpc.edge import Edge, bad_request

ORGANISATION = "0192f0c3-0000-7000-8000-00000000000a"


def request(**fields: object) -> pb.GetUsageRequest:
    asked = pb.GetUsageRequest(
        start_date=Date(year=2026, month=11, day=1), end_date=Date(year=2026, month=11, day=30)
    )
    asked.MergeFrom(pb.GetUsageRequest(**fields))  # type: ignore[arg-type]
    return asked


async def test_a_request_reaches_the_use_case_in_canonical_form(edge: Edge) -> None:
    async with edge.channel(edge.world.operator) as channel:
        stub = billing_pb2_grpc.BillingServiceStub(channel)
        reply = await stub.GetUsage(request(organisation_id=ORGANISATION.upper(), sender="Notices@SRC.am"))

    (asked,) = edge.desks.commands
    assert isinstance(asked, AskUsage)
    assert (asked.organisation_id, asked.sender) == (UUID(ORGANISATION), "notices@src.am")
    assert (asked.first, asked.last) == (date(2026, 11, 1), date(2026, 11, 30))
    assert reply.time_zone == "Asia/Yerevan"
    assert (reply.total.accepted, reply.total.withdrawn) == (3, 1)
    assert [each.date for each in reply.days] == [Date(year=2026, month=11, day=1)]
    assert [each.sender for each in reply.addresses] == ["notices@src.am"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start_date": Date(year=2026, month=2, day=30)}, "start_date"),
        ({"end_date": Date(year=2026, month=13, day=1)}, "end_date"),
        ({"end_date": Date(year=10_000, month=1, day=1)}, "end_date"),
        ({"end_date": Date(year=-1, month=1, day=1)}, "end_date"),
        ({"organisation_id": "garbage"}, "organisation_id"),
        ({"sender": "somebody@gmail.com"}, "sender"),
    ],
)
async def test_a_wrong_field_is_named(edge: Edge, fields: dict[str, object], field: str) -> None:
    async with edge.channel(edge.world.operator) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await billing_pb2_grpc.BillingServiceStub(channel).GetUsage(request(**fields))

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [each.field for each in bad_request(refused.value).field_violations] == [field]


async def test_days_that_are_left_out_are_all_named_at_once(edge: Edge) -> None:
    async with edge.channel(edge.world.operator) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await billing_pb2_grpc.BillingServiceStub(channel).GetUsage(pb.GetUsageRequest())

    violations = bad_request(refused.value).field_violations
    assert [(each.field, each.reason) for each in violations] == [
        ("start_date", "DAY_MALFORMED"),
        ("end_date", "DAY_MALFORMED"),
    ]


@pytest.mark.parametrize("caller", ["operator", "agency"])
async def test_machines_act_for_nobody_else(edge: Edge, caller: str) -> None:
    async with edge.channel(getattr(edge.world, caller)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await billing_pb2_grpc.BillingServiceStub(channel).GetUsage(request(acting_as=ORGANISATION))

    violations = bad_request(refused.value).field_violations
    assert [(each.field, each.reason) for each in violations] == [("acting_as", "NOT_PERMITTED")]
