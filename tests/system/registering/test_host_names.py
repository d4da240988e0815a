"""Senders known by host names, on a running server that asks a real DNS server."""

import asyncio

import dns.rcode
import pytest
from grpc import StatusCode

from namak.v1 import delivery_pb2, delivery_pb2_grpc
from tests.dns_server import DnsServer, reply
from tests.system.post import ELSEWHERE, Agency, Citizen, Post
from tests.system.refusing import refused
from tests.system.registering.people import by_name, refuses

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_host_name_places_a_sender_and_the_dns_can_move_it(
    post: Post, dns_server: DnsServer, citizen: Citizen
) -> None:
    agency = await post.agency()
    name = f"mail.{agency.domain}"
    dns_server.show(name, "0 A 127.0.0.1", "0 A 10.1.2.3")
    await by_name(post, agency, name)
    elsewhere = await post.client(agency.identity, address=await post.relay(ELSEWHERE))
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))
    async with post.records.grow_by(refusals=1, evidence=1, claims=1):
        refusal = await refused(
            elsewhere.deliveries.submit(agency.letter(citizen.address)),
            StatusCode.PERMISSION_DENIED,
            "NETWORK_NOT_PERMITTED",
        )
    assert refusal.evidence_id
    delivery_id = accepted.delivery.delivery_id
    await agency.client.deliveries.get(delivery_id)
    async with post.records.grow_by():
        await refused(
            elsewhere.deliveries.get(delivery_id), StatusCode.PERMISSION_DENIED, "NETWORK_NOT_PERMITTED"
        )

    dns_server.show(name, f"0 A {ELSEWHERE}")
    # What was looked up is known for two seconds more, and no longer.
    async with asyncio.timeout(60):
        while await refuses(elsewhere.deliveries.submit(agency.letter(citizen.address))):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await elsewhere.deliveries.get(delivery_id)
    await refused(
        agency.client.deliveries.get(delivery_id), StatusCode.PERMISSION_DENIED, "NETWORK_NOT_PERMITTED"
    )


async def test_a_failed_look_up_is_an_outage_and_never_a_refusal_that_stays(
    post: Post, dns_server: DnsServer, citizen: Citizen
) -> None:
    agency = await post.agency()
    name = f"mail.{agency.domain}"
    dns_server.behave(name, "A", lambda _question, _tcp: [])
    await by_name(post, agency, name)
    stub = delivery_pb2_grpc.DeliveryServiceStub(await post.channel(agency.identity))
    request = delivery_pb2.SubmitRequest(submission=agency.letter(citizen.address, request_id="outage"))
    async with post.records.grow_by():
        await refused(stub.Submit(request, timeout=60), StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE")
        await refused(
            stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=60),
            StatusCode.UNAVAILABLE,
            "SERVICE_UNAVAILABLE",
        )

    del dns_server.behaviours[name, "A"]
    dns_server.show(name, "60 A 127.0.0.1")
    # The client repeats what is unavailable, under the same request id.
    accepted = await agency.client.deliveries.submit(
        agency.letter(citizen.address, request_id="outage", content=request.submission.parts[0].content)
    )
    dns_server.behave(name, "A", lambda _question, _tcp: [])
    again = await stub.Submit(request, timeout=60)
    assert again.accepted.delivery.delivery_id == accepted.delivery.delivery_id


async def test_one_item_that_waits_for_the_dns_does_not_harm_the_others(
    post: Post, dns_server: DnsServer, citizen: Citizen
) -> None:
    agency, admin = await post.agency(), (await post.operator()).admin
    name, hosted = f"mail.{agency.domain}", f"hosted@{agency.domain}"
    dns_server.behave(name, "A", lambda q, _tcp: [reply(q, rcode=dns.rcode.SERVFAIL).to_wire()])
    await admin.register_sender_address(agency.organisation_id, address=hosted, host_names=[name])
    letters = [agency.letter(citizen.address), agency.letter(citizen.address, sender=hosted)]
    stub = delivery_pb2_grpc.DeliveryServiceStub(await post.channel(agency.identity))
    async with post.records.grow_by(deliveries=1, parts=1, claims=1, mailbox_links=1, evidence=2):
        answer = await stub.BatchSubmit(delivery_pb2.BatchSubmitRequest(submissions=letters), timeout=60)
    first, second = answer.results
    assert first.HasField("accepted")
    assert second.refused.code == StatusCode.UNAVAILABLE.value[0]


async def test_a_sender_in_a_network_never_waits_for_the_dns(
    post: Post, dns_server: DnsServer, citizen: Citizen
) -> None:
    agency, admin = await post.agency(), (await post.operator()).admin
    name = f"mail.{agency.domain}"
    dns_server.behave(name, "A", lambda _question, _tcp: [])
    await admin.update_sender_address(agency.sender_id, host_names=[name])
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    assert dns_server.asked[name, "A"] == 0


async def test_a_host_name_is_a_full_name_under_any_domain(post: Post, new_agency: Agency) -> None:
    admin = (await post.operator()).admin
    changed = await admin.update_sender_address(
        new_agency.sender_id, host_names=["Mail.Provider.EXAMPLE", "փոստ.հայ", "mail.provider.example"]
    )
    assert changed.host_names[0] == "mail.provider.example"
    assert len(changed.host_names) == 2
    refusal = await refused(
        admin.update_sender_address(
            new_agency.sender_id,
            host_names=["localhost", "127.0.0.1", "mail..am", "*.src.am", "mail.am.", "a" * 300, "ok.am"],
        ),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELDS",
    )
    assert len(refusal.violations) == 6
    refusal = await refused(
        admin.update_sender_address(new_agency.sender_id, host_names=[f"h{n}.am" for n in range(17)]),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELDS",
    )
    assert refusal.violations == (("sender_address.host_names", "NUMBER_OF_ITEMS"),)
    async with post.records.grow_by():
        await refused(
            admin.register_sender_address(new_agency.organisation_id, address=f"nowhere@{new_agency.domain}"),
            StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELDS",
        )
