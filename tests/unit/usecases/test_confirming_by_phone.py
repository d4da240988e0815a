"""Confirming with a phone: PIN2 signs, whoever asks again gets the same, and every other end has its reason
(SIGN-1, SIGN-2).
"""

import asyncio
from datetime import timedelta

import pytest

from namak.evidence import events
from namak.evidence.signature import draft_signature
from server.domain.caller import Assurance
from server.domain.mobile_identity import MobileKey
from server.domain.profile import MobileCode
from server.domain.refusals import (
    AlreadyConfirmed,
    InvalidFields,
    MobileIdFailed,
    NotOpened,
    ResourceNotPermitted,
    RevocationStatusUnknown,
    ServiceUnavailable,
    SignatureRequired,
    SigningCertificateRevoked,
    SigningCertificateUntrusted,
    SignInLocked,
    SignInMethodNotOffered,
    VerificationCodeWrong,
)
from server.jurisdictions.am import AM
from server.jurisdictions.az import AZ
from server.usecases.forgetting import Forgetting
from server.usecases.reading import ConfirmedReading, ConfirmReading, OpenMessage
from server.usecases.sign_in_proofs import Pending
from server.usecases.tries import PHONE
from tests.fakes.sim import new_sim
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.phone_world import ISSUER, NoChains, PhoneWorld
from tests.unit.usecases.sign_in_world import SignInWorld, at
from tests.unit.usecases.world import ANI, BOB


async def failure(post: PhoneWorld, *args: object, **more: object) -> dict[str, str]:
    """Returns what the refusal of a failed phone tells."""
    with pytest.raises(MobileIdFailed) as refused:
        await post.complete(*args, **more)  # type: ignore[arg-type]
    return dict(refused.value.metadata)


async def test_pin_2_signs_the_statement_and_the_evidence_is_that_of_any_confirmation() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()

    started = await post.start(delivery)
    shown = await post.sim.shown()
    confirmed = await post.signed(started)

    assert (shown.key, shown.text) == (MobileKey.SIGNATURE, "Հաստատել պաշտոնական նամակի ընթերցումը")
    assert (started.code, started.code_required) == (shown.code, False)
    assert started.statement == post.world.statement(started.statement.id)
    assert [fact.event for fact in confirmed.evidence] == [
        events.READING_CONFIRMED,
        events.NOTIFICATION_EFFECTED,
    ]
    assert confirmed.message.confirmed_at is not None
    assert post.uow.committed.tries == {}


async def test_until_the_pin_comes_it_is_pending_at_whichever_replica() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    other = post.new_desk()

    for desk in (post.desk, other):
        assert await post.complete(started, wait=timedelta(0), desk=desk) == Pending(started.expires_at)
    await post.sim.enter_right()
    assert isinstance(await post.complete(started, desk=other), ConfirmedReading)


async def test_whoever_asks_again_gets_the_same_evidence_whatever_has_changed_since() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    first = await post.signed(started)

    # The operator keeps another authority now, the service has forgotten, and the statement is over.
    post.chains.more = (ISSUER.authority("Another").der,)
    post.mobile.away = True
    post.clock.move(timedelta(hours=1))

    assert (await post.complete(started, desk=post.new_desk())) == first


async def test_of_several_who_wait_at_once_all_get_the_same_evidence() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    waiting = [asyncio.create_task(post.complete(started, desk=post.new_desk())) for _ in range(4)]
    await post.sim.enter_right()

    outcomes = await asyncio.gather(*waiting)

    assert isinstance(outcomes[0], ConfirmedReading)
    assert all(outcome == outcomes[0] for outcome in outcomes)


@pytest.mark.parametrize("lost", LostCommit)
async def test_an_outcome_whose_commit_was_lost_is_asked_for_again(lost: LostCommit) -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    await post.sim.enter_right()
    post.uow.next_commit = lost
    with pytest.raises(ServiceUnavailable):
        await post.complete(started)

    assert isinstance(await post.complete(started), ConfirmedReading)
    assert len(post.sim.asked) == 1


async def test_while_revocation_can_t_be_told_the_signature_is_kept_and_the_phone_left_alone() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    await post.sim.enter_right()
    post.signatures.fault = RevocationStatusUnknown()
    with pytest.raises(RevocationStatusUnknown):
        await post.complete(started)

    post.signatures.fault = None
    post.mobile.away = True
    assert isinstance(await post.complete(started), ConfirmedReading)
    assert len(post.sim.asked) == 1


async def test_a_revoked_certificate_confirms_nothing() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    await post.sim.enter_right()
    post.signatures.fault = SigningCertificateRevoked()

    with pytest.raises(SigningCertificateRevoked):
        await post.complete(started)
    assert post.uow.committed.confirmations == {}


class TestDigitsToEnter:
    """Where the profile has people enter the digits, nobody else is told them."""

    async def test_the_right_digits_confirm(self) -> None:
        post = PhoneWorld(MobileCode.ENTER)
        started = await post.start(await post.world.opened())
        code = (await post.sim.shown()).code
        await post.sim.enter_right()

        assert (started.code, started.code_required) == (None, True)
        confirmed = await post.complete(started, code=code)
        assert isinstance(confirmed, ConfirmedReading)
        # What is recorded needs no digits any more.
        assert await post.complete(started) == confirmed

    async def test_wrong_digits_end_it_for_good(self) -> None:
        post = PhoneWorld(MobileCode.ENTER)
        started = await post.start(await post.world.opened())
        code = (await post.sim.shown()).code
        await post.sim.enter_right()

        for entered in (f"{(int(code) + 1) % 8192:04d}", code):
            with pytest.raises(VerificationCodeWrong):
                await post.complete(started, code=entered)
        assert post.uow.committed.confirmations == {}

    async def test_without_digits_nothing_is_asked_and_nothing_lost(self) -> None:
        post = PhoneWorld(MobileCode.ENTER)
        started = await post.start(await post.world.opened())
        code = (await post.sim.shown()).code
        await post.sim.enter_right()

        with pytest.raises(InvalidFields) as refused:
            await post.complete(started)
        assert [problem.field for problem in refused.value.problems] == ["verification_code"]
        assert isinstance(await post.complete(started, code=code), ConfirmedReading)


async def test_wrong_pins_count_down_to_the_puk_and_each_is_told_again_as_it_was() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    found: list[tuple[str, str | None, str]] = []
    for _ in range(4):
        started = await post.start(delivery)
        if len(found) < 3:
            await post.sim.enter("0")
        told = await failure(post, started)
        assert await failure(post, started, desk=post.new_desk()) == told
        found.append((told["outcome"], told.get("tries_left"), told["pin"]))

    assert found == [
        ("WRONG_PIN", "2", "PIN2"),
        ("WRONG_PIN", "1", "PIN2"),
        ("PIN_BLOCKED", None, "PIN2"),
        ("PIN_BLOCKED", None, "PIN2"),
    ]


@pytest.mark.parametrize(
    ("act", "outcome"), [("cancel", "CANCELLED"), ("ignore", "TIMED_OUT"), ("fail", "SIM_FAULT")]
)
async def test_what_the_holder_does_instead_is_told_and_a_new_question_can_follow(
    act: str, outcome: str
) -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    started = await post.start(delivery)
    await getattr(post.sim, act)()

    assert (await failure(post, started))["outcome"] == outcome

    again = await post.start(delivery)
    assert again.statement == started.statement
    await post.signed(again)


async def test_after_its_time_the_question_is_over() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    post.clock.move(started.expires_at - post.clock.now())
    await post.sim.enter_right()

    assert (await failure(post, started))["outcome"] == "TIMED_OUT"


async def test_a_phone_without_such_a_person_never_rings() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    bobs = post.mobile.know(new_sim(ISSUER, phone="+37400000009", person_number=BOB))

    with pytest.raises(MobileIdFailed) as refused:
        await post.start(delivery, phone=bobs.phone)

    assert refused.value.metadata["outcome"] == "UNKNOWN_NUMBER"
    assert (bobs.asked, post.uow.committed.phone_confirmations) == ([], {})


async def test_a_certificate_without_a_path_to_a_citizen_root_is_refused_before_the_phone_rings() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    post.chains = NoChains()
    post.desk = post.new_desk()

    with pytest.raises(SigningCertificateUntrusted):
        await post.start(delivery)
    assert post.sim.asked == []


async def test_nobody_completes_what_somebody_else_started() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    await post.sim.enter_right()

    for confirmation, holder in ((started.id, post.world.bob), (post.world.entropy.new_id(), post.world.ani)):
        with pytest.raises(ResourceNotPermitted):
            await post.complete(confirmation, by=holder)


async def test_the_phone_rings_only_for_what_its_holder_may_confirm() -> None:
    post = PhoneWorld()
    delivery = await post.world.delivered()
    with pytest.raises(NotOpened):
        await post.start(delivery)
    with pytest.raises(ResourceNotPermitted):
        await post.start(delivery, by=post.world.bob)

    assert (post.sim.asked, post.uow.committed.tries) == ([], {})


async def test_a_session_that_began_with_a_password_has_no_phone_rung_nor_asked() -> None:
    post = PhoneWorld()
    scene = SignInWorld(post.profile, post.world)
    scene.know_login(person=ANI)
    holder = at(scene.portal, (await scene.by_password()).session)
    assert holder.via is not None
    assert holder.via.assurance is Assurance.PASSWORD
    delivery = await post.world.opened()
    with pytest.raises(SignatureRequired):
        await post.start(delivery, by=holder)

    started = await post.start(delivery)
    await post.sim.enter_right()
    with pytest.raises(SignatureRequired):
        await post.complete(started, by=holder)


async def test_a_phone_is_not_rung_without_end() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    started = await post.start(delivery)
    for _ in range(PHONE.tries - 1):
        started = await post.start(delivery)

    with pytest.raises(SignInLocked):
        await post.start(delivery)
    assert len(post.sim.asked) == PHONE.tries

    await post.signed(started)
    assert post.uow.committed.tries == {}


async def test_a_phone_that_does_not_ring_is_not_counted_as_rung() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    for refusal in ("NOT_MID_CLIENT", "SERVICE_SUSPENDED"):
        post.sim.refusal = refusal
        for _ in range(PHONE.tries):
            with pytest.raises(MobileIdFailed):
                await post.complete(await post.start(delivery))
    post.sim.refusal = None

    assert isinstance(await post.signed(await post.start(delivery)), ConfirmedReading)


async def test_the_digits_to_enter_do_not_follow_from_statement_and_certificate() -> None:
    post = PhoneWorld(MobileCode.ENTER)
    delivery = await post.world.opened()
    certificate = post.sim.cards[MobileKey.SIGNATURE].der
    asked, foretold = set(), set()
    for _ in range(3):
        started = await post.start(delivery)
        asked.add((await post.sim.shown()).digest)
        foretold.add(draft_signature(started.statement.text, certificate).digest_value)
        await post.sim.cancel()

    assert (len(asked), len(foretold)) == (3, 1)
    assert asked.isdisjoint(foretold)


async def test_what_was_confirmed_with_the_card_meanwhile_stays_so() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    started = await post.start(delivery)
    cms = post.world.cards.sign(ANI, started.statement.text)
    await post.world.reading.confirm_reading(
        ConfirmReading(post.world.ani, delivery.id, started.statement.id, cms)
    )
    await post.sim.enter_right()

    with pytest.raises(AlreadyConfirmed):
        await post.complete(started)


async def test_while_the_service_is_away_nothing_is_used_up() -> None:
    post = PhoneWorld()
    started = await post.start(await post.world.opened())
    await post.sim.enter_right()
    post.mobile.away = True
    with pytest.raises(ServiceUnavailable):
        await post.complete(started)

    post.mobile.away = False
    assert isinstance(await post.complete(started), ConfirmedReading)


async def test_without_a_service_or_under_a_profile_without_it_it_is_not_offered() -> None:
    post = PhoneWorld()
    delivery = await post.world.opened()
    started = await post.start(delivery)
    for desk in (post.new_desk(served=False), PhoneWorld(profile=AM).new_desk()):
        post.desk = desk
        with pytest.raises(SignInMethodNotOffered):
            await post.start(delivery)
    post.desk = post.new_desk(served=False)
    with pytest.raises(SignInMethodNotOffered):
        await post.complete(started)


async def test_questions_that_came_to_nothing_are_forgotten_and_signatures_are_not() -> None:
    post = PhoneWorld()
    first, second = await post.world.opened(), await post.world.delivered("2")
    await post.world.reading.open_message(OpenMessage(post.world.ani, second.id))
    signed = await post.start(first)
    await post.signed(signed)
    idle = await post.start(second)
    post.clock.move(timedelta(days=2))

    fresh = await post.start(second)
    await Forgetting(uow=post.uow, clock=post.clock, retention=AZ.retention).work_off()

    assert set(post.uow.committed.phone_confirmations) == {signed.id, fresh.id}
    assert idle.id not in post.uow.committed.phone_confirmations
