"""The whole post under each profile: one setting, the same services, other numbers, addresses and names."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import grpc
import pytest
import pytest_asyncio
import structlog

from namak.client.confirmation import check_statement
from namak.errors import ContentMismatch
from namak.evidence.document import EvidenceDocument
from namak.evidence.namings import NAMINGS
from namak.evidence.verify import Trust, Verdict, verify_receipts
from namak.v1 import delivery_pb2, mailbox_pb2, registration_pb2
from server.dev.world import World
from server.domain.profile import RegistrationWay
from server.jurisdictions import PROFILES
from tests import forking, numbers
from tests.postgres import copied_database, database_called
from tests.system.conftest import new_world
from tests.system.post import Post, opened, running_post, signed
from tests.system.receipts import receipts_of, trust, verified
from tests.system.refusing import refusal_of, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGNED = {
    "am": "Հավաստում եմ, որ կարդացել և ընդունել եմ նամակի բովանդակությունը",
    "kz": "Хаттың мазмұнын оқып, қабылдағанымды растаймын",
    "az": "Məktubun məzmununu oxuduğumu və qəbul etdiyimi təsdiq edirəm",
}
"""What people sign under each profile (ADMIN-7)."""


@pytest.fixture(scope="module", params=list(PROFILES))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world of each jurisdiction in turn: its people's certificates are named by its profile."""
    return new_world(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def own_database_url(world: World, postgres_url: str, template_database: str) -> Iterator[str]:
    """A database for each world."""
    with copied_database(postgres_url, database_called(postgres_url, template_database)) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, own_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    """A running server under the world's profile."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    async with running_post(world, own_database_url, guard / "checkpoint.note") as post:
        yield post


async def test_a_letter_is_submitted_opened_confirmed_and_verified(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()

    act = await opened(agency, citizen)
    confirmed = await citizen.client.mailbox.confirm(
        act.delivery_id, act.statement_id, signed(citizen.card.signing, act.statement)
    )

    assert confirmed.message.state == delivery_pb2.DELIVERY_STATE_NOTIFIED
    receipts = await receipts_of(agency.client, act.delivery_id)
    report = verified(post.world, receipts)
    assert report.verdict is Verdict.VALID
    documents = [EvidenceDocument.parse(fact.document) for fact in confirmed.evidence]
    for document in documents:
        assert document.policy_id == post.profile.evidence_policy
        assert document.issuer.identifier == post.profile.operator_identifier
        assert document.notification_policy == post.profile.notification_policy
        assert document.recipient is not None
        assert document.recipient.identifier == citizen.address
    assert citizen.address.endswith(f"@{post.profile.mailbox_domain}")


async def test_under_the_names_of_another_profile_the_confirmation_convinces_nobody(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    act = await opened(agency, citizen)
    await citizen.client.mailbox.confirm(
        act.delivery_id, act.statement_id, signed(citizen.card.signing, act.statement)
    )
    receipts = await receipts_of(agency.client, act.delivery_id)
    here = trust(post.world)

    for policy_id, naming in NAMINGS.items():
        elsewhere = Trust(here.log_policy, here.citizen_roots, naming=naming)
        expected = Verdict.VALID if policy_id == post.profile.evidence_policy else Verdict.INVALID
        assert verify_receipts(receipts, elsewhere).verdict is expected


async def test_a_certificate_named_as_elsewhere_is_nobodys(post: Post) -> None:
    """Issued by the same authority, over the same number, but not named as this profile names people."""
    citizen = await post.citizen()
    await citizen.client.mailbox.get()

    for other in PROFILES.values():
        if other.code == post.profile.code:
            continue
        stranger = replace(citizen.person, naming=other.naming)
        card = post.pki.card(f"foreign-{citizen.person.personal_number}-{other.code}", stranger)
        client = await post.client(card.authentication)
        await refused(client.mailbox.get(), grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_UNBOUND")


async def test_the_numbers_and_domains_of_others_are_refused_in_words(post: Post) -> None:
    agency = await post.agency()
    for other in PROFILES.values():
        if other.code == post.profile.code:
            continue
        foreign = f"{numbers.person(other.code, 5)}@{other.mailbox_domain}"
        there = await refusal_of(agency.client.deliveries.submit(agency.letter(foreign)))
        mixed = f"{numbers.person(other.code, 5)}@{post.profile.mailbox_domain}"
        here = await refusal_of(agency.client.deliveries.submit(agency.letter(mixed)))

        assert (there.reason, here.reason) == ("INVALID_FIELDS", "INVALID_FIELDS")
        assert f"@{post.profile.mailbox_domain}" in there.text
        assert post.profile.identifiers.either in here.text
        assert numbers.person(other.code, 5) not in there.text + here.text


async def test_no_number_stands_in_the_log(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.DEBUG):
        agency, citizen, neighbour = await post.agency(), await post.citizen(), await post.citizen()
        nobody = f"{numbers.person(post.profile.code, 4999)}@{post.profile.mailbox_domain}"
        act = await opened(agency, citizen)
        admin = (await post.operator()).admin
        for call in (
            agency.client.deliveries.submit(agency.letter(nobody)),
            agency.client.deliveries.submit(agency.letter(f"x{citizen.address}")),
            neighbour.client.mailbox.open(act.delivery_id),
            citizen.client.mailbox.confirm(
                act.delivery_id, act.statement_id, signed(neighbour.card.signing, act.statement)
            ),
            admin.open_mailbox(citizen.address),
            admin.register_organisation(code=citizen.person.personal_number, display_name="x"),
        ):
            await refusal_of(call)

    logged = json.dumps(lines, ensure_ascii=False, default=str) + caplog.text
    assert "call finished" in logged
    people = [citizen.person.personal_number, neighbour.person.personal_number, nobody.partition("@")[0]]
    assert [number for number in people if number.lower() in logged.lower()] == []


async def test_a_password_is_set_only_where_people_sign_in_by_one(post: Post) -> None:
    citizen = await post.citizen()

    refusal = await refusal_of(citizen.client.identity.set_password("a long enough password"))

    offered = post.profile.sign_in.passwords is not None
    assert refusal.reason == ("RESOURCE_NOT_PERMITTED" if offered else "SIGN_IN_METHOD_NOT_OFFERED")


async def test_the_settings_name_the_profile_that_is_shown(post: Post) -> None:
    path = await asyncio.to_thread(post.world.write_settings, "shown")
    show = ("profile", "show", "--json", "--config", path)
    done = await asyncio.to_thread(forking.run, "server", *show)

    assert json.loads(done.stdout)["code"] == post.profile.code


async def test_a_statement_shows_what_is_confirmed_to(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    act = await opened(agency, citizen)
    issued = await citizen.client.mailbox.issue_statement(act.delivery_id)
    check_statement(issued, act.message)
    assert citizen.address.encode() in issued.statement


async def test_people_sign_the_sentence_of_their_state_whatever_they_read(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    act = await opened(agency, citizen)

    assert act.statement.decode().splitlines()[1] == SIGNED[post.profile.code]


async def test_the_sentence_of_another_state_confirms_nothing(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    act = await opened(agency, citizen)
    issued = await citizen.client.mailbox.issue_statement(act.delivery_id)

    for code, sentence in SIGNED.items():
        if code == post.profile.code:
            continue
        other = act.statement.replace(SIGNED[post.profile.code].encode(), sentence.encode())
        assert other != act.statement
        # Neither the holder's program would sign it, nor does the post take it.
        with pytest.raises(ContentMismatch, match="its sentence"):
            check_statement(replaced(issued, other), act.message)
        call = citizen.client.mailbox.confirm(
            act.delivery_id, act.statement_id, signed(citizen.card.signing, other)
        )
        await refused(call, grpc.StatusCode.INVALID_ARGUMENT, "SIGNATURE_INVALID")


def replaced(
    issued: mailbox_pb2.IssueStatementResponse, statement: bytes
) -> mailbox_pb2.IssueStatementResponse:
    """Returns the answer with another statement in it."""
    changed = mailbox_pb2.IssueStatementResponse()
    changed.CopyFrom(issued)
    changed.statement = statement
    return changed


async def test_an_import_opens_mailboxes_where_they_come_with_the_identity_card(post: Post) -> None:
    operator = await post.registration(post.world.operator)
    wanted = [numbers.person(post.profile.code, number).encode() for number in range(900, 1000)]

    async def blocks() -> AsyncIterator[registration_pb2.ImportMailboxesRequest]:
        for first, numbered in ((1, wanted[:50]), (52, wanted[50:])):
            yield registration_pb2.ImportMailboxesRequest(first_line=first, lines=[b"broken", *numbered])

    async def imported() -> list[registration_pb2.ImportMailboxesResponse]:
        return [reply async for reply in operator.ImportMailboxes(blocks())]

    if RegistrationWay.CARD_REGISTER not in post.profile.registration.persons:
        await refused(imported(), grpc.StatusCode.FAILED_PRECONDITION, "REGISTRATION_WAY_CLOSED")
        return
    replies = await imported()
    assert sum(reply.opened for reply in replies) == len(set(wanted))
    assert all(reply.others[0].problem == "NUMBER_MALFORMED" for reply in replies)
