"""Signing in with a phone: the four digits, waiting for the PIN, and every way it ends (SIGN-1, SIGN-2)."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.caller import Portal
from server.domain.mobile_identity import Digest, MobileKey, MobileUser
from server.domain.profile import MobileCode
from server.domain.refusals import (
    ChallengeUsed,
    InvalidFields,
    MobileIdFailed,
    ServiceUnavailable,
    SignerNotExpected,
    SignInLocked,
    SignInMethodNotOffered,
    VerificationCodeWrong,
)
from server.domain.sessions import Method
from server.services.identity_wire import started_to_proto
from server.usecases.sign_in import ByMobileId, SignedIn, StartedSignIn, StartSignIn
from server.usecases.sign_in_proofs import CompleteSignIn, Pending
from server.usecases.tries import PHONE, PHONE_EVERYWHERE, PHONES_OF_PERSON
from tests.fakes.sim import Sim, new_sim
from tests.unit.evidence_documents.pki import Authority
from tests.unit.usecases.sign_in_world import SignInWorld, at, everything, portal
from tests.unit.usecases.world import ANI, BOB

AUTHORITY = Authority.root("Citizen root").authority("Citizen authority")
WAIT = timedelta(seconds=20)


class Phone:
    """A portal, and a citizen with a phone."""

    def __init__(self, code: MobileCode = MobileCode.COMPARE, *, person: str = ANI) -> None:
        profile = everything()
        self.scene = SignInWorld(replace(profile, sign_in=replace(profile.sign_in, mobile_code=code)))
        self.sim: Sim = self.scene.mobile.know(new_sim(AUTHORITY, person_number=person))
        self.certificate = self.sim.cards[MobileKey.AUTHENTICATION].der
        self.scene.signatures.know(self.certificate, person)

    async def start(self, **changes: object) -> StartedSignIn:
        user = MobileUser(self.sim.phone, self.sim.person_number)
        command = StartSignIn(self.scene.portal, ByMobileId(user), "hy", ends_others=False)
        return await self.scene.desk.start(replace(command, **changes))  # type: ignore[arg-type]

    async def complete(
        self, started: StartedSignIn, *, code: str | None = None, wait: timedelta = WAIT
    ) -> SignedIn | Pending:
        command = CompleteSignIn(self.scene.portal, started.sign_in.id, code=code, wait=wait)
        return await self.scene.desk.complete(command)


async def test_the_phone_signs_in_with_pin_1_and_both_screens_show_the_same_digits() -> None:
    phone = Phone()

    started = await phone.start()
    shown = await phone.sim.shown()
    await phone.sim.enter_right()
    signed_in = await phone.complete(started)

    assert isinstance(signed_in, SignedIn)
    assert (signed_in.session.person_number, signed_in.session.method) == (ANI, Method.MOBILE_ID)
    assert shown.key is MobileKey.AUTHENTICATION
    assert shown.digest == hashlib.sha256(started.sign_in.text).digest()
    assert started.code == shown.code
    assert not started.code_required
    assert phone.scene.uow.committed.proofs[started.sign_in.id].certificate == phone.certificate


async def test_until_the_pin_comes_the_sign_in_is_pending() -> None:
    phone = Phone()
    started = await phone.start()

    assert await phone.complete(started, wait=timedelta(0)) == Pending(started.sign_in.expires_at)

    await phone.sim.enter_right()
    assert isinstance(await phone.complete(started), SignedIn)
    with pytest.raises(ChallengeUsed):
        await phone.complete(started)


class TestDigitsToEnter:
    """Where the profile has people enter the digits, the portal is never told them."""

    async def test_the_right_digits_sign_in(self) -> None:
        phone = Phone(MobileCode.ENTER)
        started = await phone.start()
        code = (await phone.sim.shown()).code
        await phone.sim.enter_right()

        assert (started.code, started.code_required) == (None, True)
        assert isinstance(await phone.complete(started, code=code), SignedIn)

    async def test_what_the_portal_is_told_does_not_tell_the_digits(self) -> None:
        phone = Phone(MobileCode.ENTER)
        told = started_to_proto(await phone.start())

        assert (told.challenge, told.verification_code, told.verification_code_required) == (b"", "", True)

    async def test_wrong_digits_end_the_sign_in_for_good(self) -> None:
        phone = Phone(MobileCode.ENTER)
        started = await phone.start()
        code = (await phone.sim.shown()).code
        await phone.sim.enter_right()

        with pytest.raises(VerificationCodeWrong):
            await phone.complete(started, code=f"{(int(code) + 1) % 8192:04d}")
        with pytest.raises(ChallengeUsed):
            await phone.complete(started, code=code)

    async def test_without_digits_nothing_is_asked_of_the_service(self) -> None:
        phone = Phone(MobileCode.ENTER)
        started = await phone.start()

        with pytest.raises(InvalidFields) as refused:
            await phone.complete(started)
        assert [problem.field for problem in refused.value.problems] == ["verification_code"]


async def test_each_way_it_fails_is_told_by_its_own_name_and_ends_the_sign_in() -> None:
    phone = Phone()
    found = []
    for act in ("cancel", "ignore", "fail"):
        started = await phone.start()
        await getattr(phone.sim, act)()
        with pytest.raises(MobileIdFailed) as refused:
            await phone.complete(started)
        found.append(refused.value.metadata["outcome"])
        with pytest.raises(ChallengeUsed):
            await phone.complete(started)

    assert found == ["CANCELLED", "TIMED_OUT", "SIM_FAULT"]


async def test_wrong_pins_count_down_to_the_puk() -> None:
    phone = Phone()
    found: list[tuple[str, str | None]] = []
    for _ in range(4):
        started = await phone.start()
        if len(found) < 3:
            await phone.sim.enter("0000")
        with pytest.raises(MobileIdFailed) as refused:
            await phone.complete(started)
        found.append((refused.value.metadata["outcome"], refused.value.metadata.get("tries_left")))

    assert found == [("WRONG_PIN", "2"), ("WRONG_PIN", "1"), ("PIN_BLOCKED", None), ("PIN_BLOCKED", None)]


async def test_a_certificate_of_somebody_else_signs_nobody_in() -> None:
    phone = Phone()
    phone.scene.signatures.know(phone.certificate, BOB)
    started = await phone.start()
    await phone.sim.enter_right()

    with pytest.raises(SignerNotExpected):
        await phone.complete(started)


async def test_a_phone_is_not_rung_without_end() -> None:
    phone = Phone()
    for _ in range(PHONE.tries):
        await phone.start()

    with pytest.raises(SignInLocked):
        await phone.start()
    assert len(phone.sim.asked) == PHONE.tries

    phone.scene.clock.move(PHONE.pause)
    started = await phone.start()
    await phone.sim.enter_right()
    await phone.complete(started)
    assert phone.scene.uow.committed.tries == {}


def not_hers(number: int = 0) -> ByMobileId:
    """Somebody says it was Ani's number; the service knows better."""
    return ByMobileId(MobileUser(f"+3749999{number:04}", ANI))


async def rings_nobody(phone: Phone, how: ByMobileId, by: Portal) -> str:
    """Starts and completes with a number at which nothing rings; returns what is told."""
    try:
        started = await phone.start(by=by, how=how)
        command = CompleteSignIn(by, started.sign_in.id, code="0000", wait=WAIT)
        await phone.scene.desk.complete(command)
    except MobileIdFailed as refused:
        return refused.metadata["outcome"]
    except SignInLocked:
        return "SignInLocked"
    raise AssertionError("it rang")


async def test_who_rings_a_phone_at_one_portal_keeps_nobody_from_it_at_another() -> None:
    phone = Phone()
    for _ in range(PHONE.tries):
        await phone.start(by=phone.scene.elsewhere)
    with pytest.raises(SignInLocked):
        await phone.start(by=phone.scene.elsewhere)

    started = await phone.start()
    await phone.sim.enter_right()
    assert isinstance(await phone.complete(started), SignedIn)


async def test_a_phone_is_not_rung_without_end_by_all_portals_together_either() -> None:
    phone = Phone()
    for number in range(PHONE_EVERYWHERE.tries):
        await phone.start(by=portal(f"portal {number}"))

    with pytest.raises(SignInLocked):
        await phone.start()


async def test_what_rang_no_phone_counts_as_no_ringing_of_it() -> None:
    phone = Phone()
    where = phone.scene.portal
    found = [await rings_nobody(phone, not_hers(), where) for _ in range(PHONES_OF_PERSON.tries - 1)]

    assert found == ["NOT_A_CLIENT"] * (PHONES_OF_PERSON.tries - 1)
    started = await phone.start()
    await phone.sim.enter_right()
    assert isinstance(await phone.complete(started), SignedIn)


async def test_asking_again_what_became_of_a_phone_gives_nothing_back_twice() -> None:
    phone = Phone()
    user = ByMobileId(MobileUser(phone.sim.phone, ANI))
    for _ in range(PHONE.tries - 1):
        await phone.start()
    phone.sim.refusal = "NOT_MID_CLIENT"
    started = await phone.start()
    phone.sim.refusal = None
    waiting = [phone.complete(started) for _ in range(4)]
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert "MobileIdFailed" in {type(each).__name__ for each in ended}

    await phone.start(how=user)
    with pytest.raises(SignInLocked):
        await phone.start(how=user)


async def test_which_phone_a_person_has_is_not_found_by_trying_all() -> None:
    phone = Phone()
    numbers = range(PHONES_OF_PERSON.tries + 1)

    found = [await rings_nobody(phone, not_hers(number), phone.scene.elsewhere) for number in numbers]

    assert found == ["NOT_A_CLIENT"] * PHONES_OF_PERSON.tries + ["SignInLocked"]


async def test_while_the_service_is_away_nothing_is_used_up() -> None:
    phone = Phone()
    started = await phone.start()
    await phone.sim.enter_right()
    phone.scene.mobile.away = True
    with pytest.raises(ServiceUnavailable):
        await phone.complete(started)

    phone.scene.mobile.away = False
    assert isinstance(await phone.complete(started), SignedIn)


async def test_a_phone_raises_a_session_of_the_same_person_only() -> None:
    phone = Phone()
    phone.scene.know_login()
    holder = at(phone.scene.portal, (await phone.scene.by_password()).session)

    started = await phone.start(by=holder)
    await phone.sim.enter_right()
    raised = await phone.scene.desk.complete(CompleteSignIn(holder, started.sign_in.id, wait=WAIT))
    assert isinstance(raised, SignedIn)
    with pytest.raises(SignerNotExpected):
        await phone.start(by=holder, how=ByMobileId(MobileUser(phone.sim.phone, BOB)))


async def test_without_a_service_nobody_is_offered_it() -> None:
    phone = Phone()
    phone.scene.mobile = None  # type: ignore[assignment]
    phone.scene.desk = phone.scene.new_desk()

    with pytest.raises(SignInMethodNotOffered):
        await phone.start()


def test_the_digits_are_those_of_the_challenge() -> None:
    digest = Digest(hashlib.sha256(b"a challenge").digest())

    assert digest.has_code(digest.code)
