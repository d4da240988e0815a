"""Holders sign in at a portal with their cards: the whole server on two replicas, and the client library."""

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client, Holder, sign_challenge
from namak.client.signers import FileSigner
from namak.errors import (
    ContentMismatch,
    NamakError,
    NotAuthenticated,
    NotPermitted,
    SignatureRefused,
    WrongState,
)
from namak.evidence.sign_in import Purpose, SignInChallenge
from namak.v1 import identity_pb2 as pb
from namak.v1 import identity_pb2_grpc, mailbox_pb2, mailbox_pb2_grpc
from server.dev.pki import Identity
from tests.rpc.edge import error_info
from tests.system.post import Citizen, Post, der, signed
from tests.system.refusing import refused
from tests.system.test_revoking import assert_refused_within_a_second

pytestmark = pytest.mark.asyncio(loop_scope="module")

WATCH = mailbox_pb2.WatchMailboxRequest()


@dataclass
class Portal:
    """A portal whose back end talks to both replicas."""

    post: Post
    identity: Identity
    here: Client
    elsewhere: Client
    """The same portal's client at the other replica."""

    @classmethod
    async def at(cls, post: Post, label: str) -> "Portal":
        identity = post.pki.machine(label, organisation="Portal", common_name=label)
        operator = await post.operator()
        await operator.identity.bind_portal(f"{label}.am", der(identity))
        second = await post.second()
        return cls(
            post, identity, await post.client(identity), await post.client(identity, address=second.address)
        )

    async def enter(self, citizen: Citizen, *, end_other_session: bool = False) -> Holder:
        """Signs a citizen in; returns their calls."""
        entered = await self.here.identity.sign_in(signer_of(citizen), end_other_session=end_other_session)
        return self.here.in_session(entered.session_token)


def signer_of(citizen: Citizen) -> FileSigner:
    return signer(citizen.card.authentication)


def signer(identity: Identity) -> FileSigner:
    assert identity.key is not None
    chain = tuple(one.public_bytes(Encoding.DER) for one in identity.chain)
    return FileSigner(identity.key, der(identity), chain)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portal(post: Post) -> Portal:
    return await Portal.at(post, "portal")


async def test_a_holder_signs_in_reads_and_signs_out_at_a_portal(post: Post, portal: Portal) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    accepted = await agency.client.deliveries.submit(agency.letter(citizen.address))

    entered = await portal.here.identity.sign_in(signer_of(citizen))
    holder = portal.here.in_session(entered.session_token)

    assert entered.session.holder == citizen.person.personal_number
    assert (await holder.mailbox.get()).address == citizen.address
    opened = await holder.mailbox.open(accepted.delivery.delivery_id)
    assert opened.message.subject
    session = await holder.identity.session()
    assert (session.session_id, session.portal) == (entered.session.session_id, "portal.am")
    assert [each.session_id async for each in holder.identity.sessions()] == [session.session_id]

    ended = await holder.identity.sign_out()

    assert ended.ending == pb.SESSION_ENDING_SIGNED_OUT
    await until_refused(holder)


async def until_refused(holder: Holder, within: float = 5.0) -> NotAuthenticated:
    """Calls on until the session is refused; returns how."""
    async with asyncio.timeout(within):
        while True:
            try:
                await holder.mailbox.get()
            except NotAuthenticated as refusal:
                return refusal


async def test_a_token_counts_at_every_replica_and_with_no_other_certificate(
    post: Post, portal: Portal
) -> None:
    citizen = await post.citizen()
    other = await Portal.at(post, "other")
    token = (await portal.here.identity.sign_in(signer_of(citizen))).session_token

    assert (await portal.elsewhere.in_session(token).mailbox.get()).address == citizen.address
    for stranger in (other.here, other.elsewhere):
        with pytest.raises(NotAuthenticated) as refusal:
            await stranger.in_session(token).mailbox.get()
        assert refusal.value.reason == "SESSION_UNKNOWN"
    # With a certificate of their own, people are who they are whatever comes along.
    somebody = await post.citizen()
    assert (await somebody.client.in_session(token).mailbox.get()).address == somebody.address


async def test_a_second_sign_in_is_refused_unless_its_signer_asks_for_the_first_to_end(
    post: Post, portal: Portal
) -> None:
    citizen, other = await post.citizen(), await Portal.at(post, "second")
    first = await portal.enter(citizen)

    with pytest.raises(WrongState) as refusal:
        await other.enter(citizen)
    assert refusal.value.reason == "SESSION_ACTIVE"
    assert refusal.value.metadata["start_time"].endswith("Z")

    second = await other.enter(citizen, end_other_session=True)
    ended = await until_refused(first)
    assert (ended.reason, ended.metadata["ending"]) == ("SESSION_ENDED", "REPLACED")
    assert (await second.mailbox.get()).address == citizen.address


async def test_sign_ins_on_two_replicas_at_the_same_moment_begin_one_session(
    post: Post, portal: Portal
) -> None:
    citizen = await post.citizen()

    async def enter(client: Client) -> str:
        try:
            return (await client.identity.sign_in(signer_of(citizen))).session_token
        except NamakError as refusal:
            return refusal.reason

    for _ in range(5):
        outcomes = await asyncio.gather(*map(enter, [portal.here, portal.elsewhere] * 2))

        (token,) = [each for each in outcomes if each != "SESSION_ACTIVE"]
        await portal.here.in_session(token).identity.sign_out()


@pytest.mark.parametrize("how", ["signed out", "terminated", "portal revoked"])
async def test_what_ends_a_session_ends_its_streams_on_every_replica(post: Post, how: str) -> None:
    own, citizen, operator = (
        await Portal.at(post, f"ending-{len(how)}"),
        await post.citizen(),
        await post.operator(),
    )
    entered = await own.here.identity.sign_in(signer_of(citizen))
    metadata = (("namak-session", entered.session_token),)
    streams = []
    for server in post.servers[:2]:
        channel = await post.channel(own.identity, address=server.address)
        stream = mailbox_pb2_grpc.MailboxServiceStub(channel).WatchMailbox(WATCH, metadata=metadata)
        await stream.read()
        streams.append(stream)

    match how:
        case "signed out":
            await own.here.in_session(entered.session_token).identity.sign_out()
        case "terminated":
            await operator.identity.terminate_session(entered.session.session_id)
        case _:
            await operator.admin.revoke_certificate(own.identity.sha256)
    reasons = await asyncio.gather(*map(ending_of, streams))

    expected = "CERTIFICATE_REVOKED" if how == "portal revoked" else "SESSION_ENDED"
    assert list(reasons) == [expected, expected]


async def ending_of(stream: Any) -> str:
    """Reads a stream to its end; returns why it ended."""

    async def read_on() -> None:
        while await stream.read() is not grpc.aio.EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await asyncio.wait_for(read_on(), 60)
    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
    return str(error_info(ended.value).reason)


async def test_an_ended_session_is_refused_within_a_second_by_the_other_replica(
    post: Post, portal: Portal
) -> None:
    citizen, operator = await post.citizen(), await post.operator()
    entered = await portal.here.identity.sign_in(signer_of(citizen))
    channel = await post.channel(portal.identity, address=(await post.second()).address)
    stub = identity_pb2_grpc.IdentityServiceStub(channel)
    metadata = (("namak-session", entered.session_token),)
    await stub.GetSession(pb.GetSessionRequest(), metadata=metadata)

    await operator.identity.terminate_session(entered.session.session_id)

    await assert_refused_within_a_second(
        lambda: stub.GetSession(pb.GetSessionRequest(), timeout=60, metadata=metadata),
        grpc.StatusCode.UNAUTHENTICATED,
        "SESSION_ENDED",
    )


async def test_termination_is_an_act_with_evidence_that_does_not_name_the_holder(
    post: Post, portal: Portal
) -> None:
    citizen, operator = await post.citizen(), await post.operator()
    await portal.enter(citizen)
    (session,) = [each async for each in operator.identity.sessions(holder=citizen.person.personal_number)]

    await operator.identity.terminate_session(session.session_id)

    acts = [act async for act in operator.admin.administrative_acts(act="TerminateSession")]
    (found,) = [act for act in acts if act.resource == session.session_id]
    assert found.resource_kind == "session"
    assert citizen.person.personal_number.encode() not in found.evidence.document


async def test_the_signing_key_of_a_card_signs_nobody_in(post: Post, portal: Portal) -> None:
    citizen = await post.citizen()

    with pytest.raises(SignatureRefused) as refusal:
        await portal.here.identity.sign_in(signer(citizen.card.signing))

    assert refusal.value.reason == "SIGNING_CERTIFICATE_PURPOSE"


async def test_a_signature_for_another_purpose_signs_nobody_in(post: Post, portal: Portal) -> None:
    citizen, identity = await post.citizen(), portal.here.identity
    mine = citizen.card.authentication
    started = await identity.start_by_certificate(der(mine))
    other = await identity.start_by_certificate(der(mine))
    changed = started.challenge.replace(b"other sessions: keep", b"other sessions: end")

    for text in (other.challenge, changed, b"namak-statement/1 reading-confirmation\n", b""):
        with pytest.raises(NamakError) as refusal:
            await identity.complete(started.sign_in_id, cms=signed(mine, text))
        assert refusal.value.reason == "SIGNATURE_INVALID"
    assert await identity.complete(started.sign_in_id, cms=signed(mine, started.challenge))


async def test_somebody_elses_signature_over_the_challenge_signs_nobody_in(
    post: Post, portal: Portal
) -> None:
    citizen, somebody = await post.citizen(), await post.citizen()
    started = await portal.here.identity.start_by_certificate(der(citizen.card.authentication))

    self_made = post.pki.machine(
        "self-made",
        organisation="X",
        common_name="x",
        serial_number=f"PNOAM-{citizen.person.personal_number}",
        authority=post.pki.unknown_authority(),
    )
    for card in (somebody.card.authentication, self_made):
        with pytest.raises(NamakError) as refusal:
            await portal.here.identity.complete(started.sign_in_id, cms=signed(card, started.challenge))
        assert refusal.value.reason in ("SIGNER_NOT_EXPECTED", "SIGNING_CERTIFICATE_UNTRUSTED")


async def test_the_machines_certificate_is_no_persons_whatever_it_says(post: Post, portal: Portal) -> None:
    impostor = post.pki.machine(
        "impostor", organisation="X", common_name="x", serial_number="PNOAM-5001950015"
    )

    with pytest.raises(SignatureRefused) as refusal:
        await portal.here.identity.start_by_certificate(der(impostor))
    assert refusal.value.reason == "SIGNING_CERTIFICATE_UNTRUSTED"


async def test_a_portal_does_nothing_but_sign_in_while_nobody_is_signed_in(portal: Portal) -> None:
    with pytest.raises(NotPermitted) as refusal:
        await portal.here.mailbox.get()
    assert refusal.value.reason == "ROLE_NOT_PERMITTED"


async def test_a_challenge_serves_once_and_at_its_portal(post: Post, portal: Portal) -> None:
    citizen, other = await post.citizen(), await Portal.at(post, "third")
    mine = signer_of(citizen)
    started = await portal.here.identity.start_by_certificate(mine.certificate)
    cms = sign_challenge(started.challenge, mine)

    with pytest.raises(NotPermitted):
        await other.here.identity.complete(started.sign_in_id, cms=cms)
    assert await portal.here.identity.complete(started.sign_in_id, cms=cms)
    with pytest.raises(WrongState) as refusal:
        await portal.elsewhere.identity.complete(started.sign_in_id, cms=cms)
    assert refusal.value.reason == "CHALLENGE_USED"


async def test_the_client_signs_nothing_but_a_challenge_for_its_own_certificate(
    post: Post, portal: Portal
) -> None:
    citizen, somebody = await post.citizen(), await post.citizen()
    theirs = await portal.here.identity.start_by_certificate(der(somebody.card.authentication))
    challenge = SignInChallenge.parse(theirs.challenge)

    assert (challenge.purpose, challenge.portal) == (Purpose.SIGN_IN, "portal.am")
    for text in (theirs.challenge, b"pay me", theirs.challenge + b"and my house\n"):
        with pytest.raises(ContentMismatch):
            sign_challenge(text, signer_of(citizen))


async def test_a_guessed_token_and_what_is_none_get_the_same_answer(post: Post, portal: Portal) -> None:
    channel = await post.channel(portal.identity)
    stub = identity_pb2_grpc.IdentityServiceStub(channel)

    for token in ("A" * 43, "x", "Bearer operator"):
        call = stub.GetSession(pb.GetSessionRequest(), metadata=(("namak-session", token),))
        await refused(call, grpc.StatusCode.UNAUTHENTICATED, "SESSION_UNKNOWN")
