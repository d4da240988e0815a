"""Signing in with a card: the challenge, its proof, one session a holder, and who may use what."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.sign_in import Purpose, SignInChallenge
from namak.evidence.statement import PURPOSE as CONFIRMATION
from server.domain.caller import Assurance
from server.domain.profile import SignInMethod
from server.domain.refusals import (
    ChallengeExpired,
    ChallengeUsed,
    InvalidFields,
    Refused,
    ResourceNotPermitted,
    SessionActive,
    SessionEnded,
    SignatureInvalid,
    SignerNotExpected,
    SigningCertificateExpired,
    SigningCertificatePurpose,
    SigningCertificateRevoked,
    SigningCertificateUntrusted,
    SignInMethodNotOffered,
)
from server.domain.sessions import CHALLENGE_LIFE, Ending, Method, token_digest
from server.jurisdictions.am import AM
from server.usecases.sign_in import ByCertificate, ByPassword, SignedIn, StartSignIn
from server.usecases.sign_in_proofs import CompleteSignIn
from tests.unit.usecases.sign_in_world import SignInWorld, at, everything
from tests.unit.usecases.world import ANI, BOB, START


async def test_a_card_signs_in_for_500_minutes_and_the_token_is_kept_as_a_digest_only() -> None:
    scene = SignInWorld()

    signed_in = await scene.sign_in()

    session = signed_in.session
    assert (session.person_number, session.method) == (ANI, Method.CERTIFICATE)
    assert session.assurance is Assurance.SIGNATURE
    assert session.expires_at - session.started_at == timedelta(minutes=500)
    assert signed_in.token is not None
    digest = token_digest(signed_in.token)
    assert scene.uow.committed.tokens == {digest: session.id}
    assert signed_in.token not in repr(scene.uow.committed)


async def test_the_challenge_says_what_it_is_for_and_serves_nothing_else() -> None:
    scene = SignInWorld()

    started = await scene.start(ends_others=True)

    text = started.sign_in.text
    challenge = SignInChallenge.parse(text)
    assert challenge.purpose is Purpose.SIGN_IN
    assert (challenge.post, challenge.portal) == (AM.operator_identifier, "e-citizen.am")
    assert challenge.ends_others
    assert challenge.expires - challenge.issued == CHALLENGE_LIFE
    assert "Մուտք եմ գործում" in text.decode()
    assert not text.startswith(CONFIRMATION.encode())


async def test_no_two_challenges_are_alike() -> None:
    scene = SignInWorld()
    texts = [(await scene.start()).sign_in.text for _ in range(3)]

    assert len({SignInChallenge.parse(text).nonce for text in texts}) == 3


async def test_a_proof_signs_in_once() -> None:
    scene = SignInWorld()
    started = await scene.start()
    await scene.desk.complete(scene.proof(started))

    with pytest.raises(ChallengeUsed):
        await scene.desk.complete(scene.proof(started))


async def test_of_the_same_proof_on_two_replicas_at_the_same_moment_one_signs_in() -> None:
    scene = SignInWorld()
    started = await scene.start()
    proof = scene.proof(started)

    outcomes = await asyncio.gather(
        scene.desk.complete(proof), scene.new_desk().complete(proof), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["ChallengeUsed", "SignedIn"]


async def test_a_proof_that_comes_too_late_signs_nobody_in() -> None:
    scene = SignInWorld()
    started = await scene.start()
    scene.clock.move(CHALLENGE_LIFE)

    with pytest.raises(ChallengeExpired) as refused:
        await scene.desk.complete(scene.proof(started))
    assert refused.value.metadata["expire_time"].startswith("2026-11-21T23:47:45")


async def test_another_portal_can_t_complete_it() -> None:
    scene = SignInWorld()
    started = await scene.start()

    with pytest.raises(ResourceNotPermitted):
        await scene.desk.complete(scene.proof(started, by=scene.elsewhere))


@pytest.mark.parametrize("given", ["another challenge", "a statement", "nothing"])
async def test_a_signature_over_something_else_signs_nobody_in(given: str) -> None:
    scene = SignInWorld()
    started, other = await scene.start(), await scene.start()
    texts = {
        "another challenge": other.sign_in.text,
        "a statement": CONFIRMATION.encode() + b"\n",
        "nothing": b"",
    }
    cms = scene.signatures.sign(scene.card, texts[given])

    with pytest.raises(SignatureInvalid):
        await scene.desk.complete(CompleteSignIn(scene.portal, started.sign_in.id, cms=cms))
    assert scene.uow.committed.sessions == {}


@pytest.mark.parametrize("other", [ANI, BOB])
async def test_the_signature_is_by_the_certificate_that_it_was_started_with(other: str) -> None:
    scene = SignInWorld()
    another = scene.signatures.card(other, number=2)
    started = await scene.start()

    with pytest.raises(SignerNotExpected):
        await scene.desk.complete(scene.proof(started, another))
    assert scene.uow.committed.sessions == {}


@pytest.mark.parametrize(
    "refusal",
    [
        SigningCertificateUntrusted(),
        SigningCertificateExpired(),
        SigningCertificateRevoked(),
        SigningCertificatePurpose(),
    ],
)
async def test_a_card_that_does_not_count_is_told_before_anybody_enters_a_pin(refusal: Refused) -> None:
    scene = SignInWorld()
    card = scene.signatures.know(b"a bad card", refusal)

    with pytest.raises(type(refusal)):
        await scene.start(card)
    assert scene.uow.committed.sign_ins == {}


async def test_a_card_that_is_revoked_meanwhile_signs_nobody_in() -> None:
    scene = SignInWorld()
    started = await scene.start()
    scene.signatures.know(scene.card, SigningCertificateRevoked())

    with pytest.raises(SigningCertificateRevoked):
        await scene.desk.complete(scene.proof(started))


@pytest.mark.parametrize(("password", "code"), [(None, None), ("1", None), (None, "1234")])
async def test_a_proof_of_another_kind_is_told_as_a_wrong_field(
    password: str | None, code: str | None
) -> None:
    scene = SignInWorld()
    started = await scene.start()

    with pytest.raises(InvalidFields) as refused:
        await scene.desk.complete(
            CompleteSignIn(scene.portal, started.sign_in.id, password=password, code=code)
        )
    assert [problem.field for problem in refused.value.problems] == ["cms"]


async def test_a_second_sign_in_is_refused_and_says_since_when_there_is_one() -> None:
    scene = SignInWorld()
    first = await scene.sign_in()
    scene.clock.move(timedelta(hours=1))

    with pytest.raises(SessionActive) as refused:
        await scene.sign_in(by=scene.elsewhere)

    assert refused.value.metadata["start_time"] == "2026-11-21T23:42:45.123456Z"
    assert refused.value.metadata["may_be_ended"] == "true"
    assert first.session.started_at == START


async def test_a_refused_sign_in_is_not_completed_once_the_other_has_ended() -> None:
    scene = SignInWorld()
    first = await scene.sign_in()
    started = await scene.start(by=scene.elsewhere)
    proof = scene.proof(started, by=scene.elsewhere)
    with pytest.raises(SessionActive):
        await scene.desk.complete(proof)
    scene.uow.committed.sessions[first.session.id] = replace(
        first.session, ended_at=scene.clock.now(), ending=Ending.SIGNED_OUT
    )

    with pytest.raises(ChallengeUsed):
        await scene.desk.complete(proof)


async def test_a_second_sign_in_may_end_the_first_when_its_signer_asks_for_it() -> None:
    scene = SignInWorld()
    first = await scene.sign_in()
    scene.clock.move(timedelta(hours=1))

    second = await scene.sign_in(by=scene.elsewhere, ends_others=True)

    ended = scene.uow.committed.sessions[first.session.id]
    assert (ended.ended_at, ended.ending) == (scene.clock.now(), Ending.REPLACED)
    assert scene.uow.committed.sessions[second.session.id].ended_at is None


async def test_where_the_profile_does_not_permit_it_no_sign_in_ends_another() -> None:
    profile = everything()
    scene = SignInWorld(replace(profile, sessions=replace(profile.sessions, takeover=False)))
    await scene.sign_in()

    with pytest.raises(SignInMethodNotOffered):
        await scene.start(ends_others=True)
    with pytest.raises(SessionActive) as refused:
        await scene.sign_in()
    assert refused.value.metadata["may_be_ended"] == "false"


async def test_a_session_that_expired_keeps_nobody_out() -> None:
    scene = SignInWorld()
    first = await scene.sign_in()
    scene.clock.move(timedelta(minutes=500))

    await scene.sign_in()

    ended = scene.uow.committed.sessions[first.session.id]
    assert (ended.ended_at, ended.ending) == (first.session.expires_at, Ending.EXPIRED)


async def test_of_two_sign_ins_that_complete_at_the_same_moment_exactly_one_begins_a_session() -> None:
    scene = SignInWorld()
    proofs = [scene.proof(await scene.start(by=where), by=where) for where in (scene.portal, scene.elsewhere)]

    outcomes = await asyncio.gather(
        *(scene.new_desk().complete(proof) for proof in proofs), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["SessionActive", "SignedIn"]


async def test_people_do_not_keep_each_other_out() -> None:
    scene = SignInWorld()
    await scene.sign_in()

    bobs = await scene.sign_in(scene.signatures.card(BOB))

    assert bobs.session.person_number == BOB


async def test_a_way_that_the_jurisdiction_does_not_offer_is_refused() -> None:
    nothing = replace(AM.sign_in, methods=())
    scene = SignInWorld(replace(AM, sign_in=nothing))
    only_token = SignInWorld(replace(AM, sign_in=replace(nothing, methods=(SignInMethod.TOKEN,))))

    with pytest.raises(SignInMethodNotOffered):
        await scene.start()
    with pytest.raises(SignInMethodNotOffered):
        await scene.desk.start(StartSignIn(scene.portal, ByPassword("aida.k"), "hy", False))
    assert isinstance(await only_token.sign_in(), SignedIn)


class TestStepUp:
    """A session that began with a password is raised by a signature of the same person."""

    async def test_the_same_session_and_token_count_for_more_afterwards(self) -> None:
        scene = SignInWorld()
        scene.know_login()
        begun = await scene.by_password()
        assert begun.session.assurance is Assurance.PASSWORD
        holder = at(scene.portal, begun.session)

        started = await scene.start(by=holder)
        raised = await scene.desk.complete(scene.proof(started, by=holder))

        assert isinstance(raised, SignedIn)
        assert raised.token is None
        assert raised.session == replace(begun.session, assurance=Assurance.SIGNATURE)
        assert scene.uow.committed.sessions[begun.session.id] == raised.session
        assert SignInChallenge.parse(started.sign_in.text).purpose is Purpose.STEP_UP

    async def test_somebody_else_can_t_raise_it(self) -> None:
        scene = SignInWorld()
        scene.know_login()
        holder = at(scene.portal, (await scene.by_password()).session)

        with pytest.raises(SignerNotExpected):
            await scene.start(scene.signatures.card(BOB), by=holder)

    async def test_a_portal_can_t_complete_it_as_a_sign_in_nor_another_session_of_it(self) -> None:
        scene = SignInWorld()
        scene.know_login()
        holder = at(scene.portal, (await scene.by_password()).session)
        started = await scene.start(by=holder)
        assert holder.via is not None
        other = replace(holder, via=replace(holder.via, session_id=scene.entropy.new_id()))

        for by in (scene.portal, other):
            with pytest.raises(ResourceNotPermitted):
                await scene.desk.complete(scene.proof(started, by=by))

    async def test_a_session_that_ended_meanwhile_is_not_raised(self) -> None:
        scene = SignInWorld()
        scene.know_login()
        begun = await scene.by_password()
        holder = at(scene.portal, begun.session)
        started = await scene.start(by=holder)
        scene.uow.committed.sessions[begun.session.id] = replace(
            begun.session, ended_at=scene.clock.now(), ending=Ending.TERMINATED
        )

        with pytest.raises(SessionEnded):
            await scene.desk.complete(scene.proof(started, by=holder))

    async def test_it_ends_no_session_and_takes_no_password(self) -> None:
        scene = SignInWorld()
        holder = at(scene.portal, (await scene.sign_in()).session)

        with pytest.raises(SignInMethodNotOffered):
            await scene.start(by=holder, ends_others=True)
        with pytest.raises(SignInMethodNotOffered):
            await scene.desk.start(StartSignIn(holder, ByPassword("aida.k"), "hy", False))

    async def test_who_calls_with_their_own_card_has_nothing_to_raise(self) -> None:
        scene = SignInWorld()

        with pytest.raises(ResourceNotPermitted):
            await scene.desk.start(
                StartSignIn(scene.world.holder(ANI), ByCertificate(scene.card), "hy", False)
            )
