"""Domains proved in the DNS, and permissions for whole domains, on a running server."""

import asyncio

import dns.rcode
import grpc
import pytest
from grpc import StatusCode

from namak.v1 import sender_admin_pb2
from tests.dns_server import DnsServer, reply
from tests.system.post import HERE, Agency, Citizen, Post
from tests.system.refusing import refusal_of, refused
from tests.system.registering.people import administrator, operators, refuses, show_proof

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_administrator_proves_a_domain_and_the_agency_sends_from_all_of_it(
    post: Post, dns_server: DnsServer, new_agency: Agency, citizen: Citizen
) -> None:
    admin = (await administrator(post, new_agency)).client.admin
    of, acting = new_agency.organisation_id, new_agency.organisation_id
    name = f"whole-{new_agency.domain}"
    proof = await admin.request_domain_proof(of, name=name, acting_as=acting)
    assert proof.record_name == f"_namak.{name}"
    async with post.records.grow_by():
        await refused(
            admin.prove_domain(of, name=name, acting_as=acting, request_id="prove"),
            StatusCode.FAILED_PRECONDITION,
            "DOMAIN_PROOF_MISSING",
        )
    show_proof(dns_server, proof)
    domain = await admin.prove_domain(of, name=name, acting_as=acting, request_id="prove")
    assert domain.proof == sender_admin_pb2.DOMAIN_PROOF_DNS
    whole = await admin.register_sender_address(of, address=f"*@{name}", networks=[HERE], acting_as=acting)

    letter = new_agency.letter(citizen.address, sender=f"Any.Thing@{name.upper()}")
    accepted = await new_agency.client.deliveries.submit(letter)
    assert accepted.delivery.sender == f"any.thing@{name}"

    for sender in (f"a@below.{name}", f"*@{name}"):
        refusal = await refusal_of(
            new_agency.client.deliveries.submit(new_agency.letter(citizen.address, sender=sender))
        )
        assert refusal.reason in ("SENDER_NOT_PERMITTED", "INVALID_FIELDS")
    narrower = await admin.register_sender_address(
        of, address=f"any.thing@{name}", networks=[HERE], acting_as=acting
    )
    await admin.suspend_sender_address(narrower.sender_address_id, acting_as=acting)
    again = new_agency.letter(citizen.address, sender=f"any.thing@{name}")
    await refused(
        new_agency.client.deliveries.submit(again), StatusCode.FAILED_PRECONDITION, "SENDER_SUSPENDED"
    )

    await admin.delete_sender_address(whole.sender_address_id, acting_as=acting)
    await refused(
        new_agency.client.deliveries.submit(new_agency.letter(citizen.address, sender=f"other@{name}")),
        StatusCode.PERMISSION_DENIED,
        "SENDER_NOT_PERMITTED",
    )
    delivery = await new_agency.client.deliveries.get(accepted.delivery.delivery_id)
    assert delivery.sender == f"any.thing@{name}"


async def test_a_domain_in_armenian_letters_is_proved_under_its_ascii_name(
    post: Post, dns_server: DnsServer, new_agency: Agency
) -> None:
    admin = (await post.operator()).admin
    proof = await admin.request_domain_proof(new_agency.organisation_id, name="հարկ.հայ")
    assert proof.record_name.startswith("_namak.xn--")
    assert proof.record_name.isascii()
    show_proof(dns_server, proof)
    punycode = proof.record_name.removeprefix("_namak.")
    assert (await admin.request_domain_proof(new_agency.organisation_id, name=punycode)) == proof
    domain = await admin.prove_domain(new_agency.organisation_id, name=punycode)
    assert domain.name == punycode
    assert (await admin.prove_domain(new_agency.organisation_id, name="ՀԱՐԿ.հայ")) == domain
    address = await admin.register_sender_address(
        new_agency.organisation_id, address="*@հարկ.հայ", networks=[HERE]
    )
    assert address.address == f"*@{punycode}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gmail.com", "FOREIGN_DOMAIN"),
        ("yahoo.com", "FOREIGN_DOMAIN"),
        ("mail.ru", "FOREIGN_DOMAIN"),
        ("src.am.ru", "FOREIGN_DOMAIN"),
        ("am", "DOMAIN_MALFORMED"),
        ("*.src.am", "DOMAIN_MALFORMED"),
        ("հարկ.am", "SCRIPT_NOT_PERMITTED"),
        ("b\u0430nk.am", "MIXED_SCRIPT"),
        (".".join(["a" * 61] * 4) + ".am", "DOMAIN_TOO_LONG"),
    ],
)
async def test_no_proof_is_given_for_what_is_not_national(
    post: Post, new_agency: Agency, name: str, reason: str
) -> None:
    admin = (await post.operator()).admin
    for attempt in (admin.request_domain_proof, admin.prove_domain):
        refusal = await refused(
            attempt(new_agency.organisation_id, name=name), StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS"
        )
        assert refusal.violations == (("name", reason),)


@pytest.mark.parametrize("trouble", ["silent", "lying", "broken"])
async def test_a_dns_without_a_usable_answer_proves_nothing_and_keeps_nothing(
    post: Post, dns_server: DnsServer, new_agency: Agency, trouble: str
) -> None:
    admin, name = (await post.operator()).admin, f"{trouble}-{new_agency.domain}"
    proof = await admin.request_domain_proof(new_agency.organisation_id, name=name)
    record = f'{proof.record_name}. 60 TXT "{proof.record_text}"'

    def lie(question: object) -> list[bytes]:
        made = reply(question, record)  # type: ignore[arg-type]
        made.id ^= 1
        return [made.to_wire()]

    troubles = {
        "silent": lambda _question, _tcp: [],
        "lying": lambda question, _tcp: lie(question),
        "broken": lambda question, _tcp: [reply(question, rcode=dns.rcode.SERVFAIL).to_wire()],
    }
    dns_server.behave(proof.record_name, "TXT", troubles[trouble])
    request = sender_admin_pb2.ProveDomainRequest(
        request_id=f"prove-{name}", organisation_id=new_agency.organisation_id, name=name
    )
    stub = await operators(post)
    async with post.records.grow_by():
        await refused(stub.ProveDomain(request, timeout=60), StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE")
    del dns_server.behaviours[proof.record_name, "TXT"]
    show_proof(dns_server, proof)
    assert (await stub.ProveDomain(request, timeout=60)).domain.name == name


async def test_of_two_organisations_that_prove_one_domain_at_once_one_gets_it(
    post: Post, dns_server: DnsServer
) -> None:
    agencies = [await post.agency(), await post.agency()]
    admin, stub = (await post.operator()).admin, await operators(post)
    for number in range(10):
        name = f"race{number}.am"
        for agency in agencies:
            proof = await admin.request_domain_proof(agency.organisation_id, name=name)
            show_proof(dns_server, proof)
        requests = [
            sender_admin_pb2.ProveDomainRequest(
                request_id=f"{name}-{agency.organisation_id}",
                organisation_id=agency.organisation_id,
                name=name,
            )
            for agency in agencies
        ]
        outcomes = await asyncio.gather(
            *(stub.ProveDomain(request, timeout=60) for request in requests), return_exceptions=True
        )
        lost = [each for each in outcomes if isinstance(each, grpc.aio.AioRpcError)]
        assert [each.code() for each in lost] == [StatusCode.ALREADY_EXISTS]


async def test_an_address_and_another_s_domain_above_it_at_once_do_not_cross(
    post: Post, new_agency: Agency
) -> None:
    other, admin = await post.agency(), (await post.operator()).admin
    for number in range(10):
        name = f"sub{number}.{new_agency.domain}"

        not_sends, not_owns = await asyncio.gather(
            refuses(
                admin.register_sender_address(
                    new_agency.organisation_id, address=f"a@{name}", networks=[HERE]
                )
            ),
            refuses(admin.register_domain(other.organisation_id, name=name, document_reference="x")),
        )
        assert not_sends != not_owns


async def test_a_domain_is_given_up_only_when_no_address_needs_it(post: Post, new_agency: Agency) -> None:
    admin, of = (await post.operator()).admin, new_agency.organisation_id
    await refused(
        admin.delete_domain(of, name=new_agency.domain), StatusCode.FAILED_PRECONDITION, "RESOURCE_IN_USE"
    )
    await admin.delete_sender_address(new_agency.sender_id)
    await admin.delete_domain(of, name=new_agency.domain)
    assert [domain.name async for domain in admin.domains(of)] == []
    await refused(
        admin.register_sender_address(of, address=new_agency.sender, networks=[HERE]),
        StatusCode.FAILED_PRECONDITION,
        "DOMAIN_NOT_REGISTERED",
    )
