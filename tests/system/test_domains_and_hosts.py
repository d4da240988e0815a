"""Domains proved in the DNS, permissions for whole domains, and senders known by host names, on a running
server that asks a real DNS server.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

import dns.rcode
import grpc
import pytest
import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from namak.client import NamakError
from namak.v1 import delivery_pb2, delivery_pb2_grpc, sender_admin_pb2, sender_admin_pb2_grpc
from server.dev.world import World
from tests.dns_server import DnsServer, dns_serving, reply
from tests.system.post import ELSEWHERE, HERE, Agency, Citizen, Post, der, running_post
from tests.system.refusing import refusal_of, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dns_server() -> AsyncIterator[DnsServer]:
    async with dns_serving() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, dns_server: DnsServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    """A running server that asks the test's DNS server, and does not wait long for it."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    environment = {"NAMAK_DNS_SERVERS": f"127.0.0.1:{dns_server.port}", "NAMAK_DNS_TIMEOUT": "500ms"}
    async with running_post(world, module_database_url, guard / "checkpoint.note", environment) as post:
        yield post


@pytest_asyncio.fixture(loop_scope="module")
async def new_agency(post: Post) -> Agency:
    """An agency that a test may change."""
    return await post.agency()


async def operators(post: Post) -> sender_admin_pb2_grpc.SenderAdminServiceStub:
    """Returns the operator's plain stub, which repeats nothing."""
    return sender_admin_pb2_grpc.SenderAdminServiceStub(await post.channel(post.world.operator))


async def administrator(post: Post, agency: Agency) -> Citizen:
    """Returns a person whom the operator enabled for the agency."""
    person = await post.citizen(mailbox=False)
    await (await post.operator()).admin.enable_administrator(
        agency.organisation_id, person_number=person.person.personal_number, display_name="Անի"
    )
    return person


def show_proof(dns_server: DnsServer, proof: sender_admin_pb2.RequestDomainProofResponse) -> None:
    before = dns_server.records.get(proof.record_name, [])
    dns_server.records[proof.record_name] = [*before, f'{proof.record_name}. 60 TXT "{proof.record_text}"']


async def refuses(call: Awaitable[object]) -> bool:
    """Tells whether a call is refused, for whatever reason."""
    with contextlib.suppress(NamakError):
        await call
        return False
    return True


# Domains


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
        await refused(stub.ProveDomain(request, timeout=10), StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE")
    del dns_server.behaviours[proof.record_name, "TXT"]
    show_proof(dns_server, proof)
    assert (await stub.ProveDomain(request, timeout=10)).domain.name == name


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
            *(stub.ProveDomain(request, timeout=10) for request in requests), return_exceptions=True
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


# Addresses


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

    async with asyncio.timeout(10):
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
        (await operators(post)).UpdateSenderAddress(request, timeout=10),
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


# Host names


async def by_name(post: Post, agency: Agency, *names: str) -> None:
    """Lets the agency's address send from host names only."""
    admin = (await post.operator()).admin
    await admin.update_sender_address(agency.sender_id, networks=[], host_names=list(names))


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
    async with asyncio.timeout(20):
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
        await refused(stub.Submit(request, timeout=20), StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE")
        await refused(
            stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), timeout=20),
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
    again = await stub.Submit(request, timeout=20)
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
        answer = await stub.BatchSubmit(delivery_pb2.BatchSubmitRequest(submissions=letters), timeout=20)
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
