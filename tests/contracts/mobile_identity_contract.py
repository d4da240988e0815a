"""What a mobile-id service's client must do, whatever is behind it: every outcome of SIGN-2."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from server.domain.mobile_identity import (
    Digest,
    Failed,
    Failure,
    MobileKey,
    MobileSession,
    MobileUser,
    Outcome,
    ScreenText,
    Signed,
    SigningCertificate,
    Started,
    Waiting,
)
from server.usecases.mobile_identity import MobileIdentity
from tests.fakes.sim import TRIES, Sim

CHALLENGE = Digest(hashlib.sha256(b"a challenge").digest())
SCREEN = ScreenText("Rəsmi poçta giriş", "az")
ENOUGH = timedelta(seconds=30)
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
KEYS = (MobileKey.AUTHENTICATION, MobileKey.SIGNATURE)


class MovableClock(Protocol):
    """A clock that a test moves."""

    def now(self) -> datetime: ...

    def move(self, by: timedelta) -> None: ...


def user_of(sim: Sim) -> MobileUser:
    return MobileUser(sim.phone, sim.person_number)


async def started(
    identity: MobileIdentity,
    sim: Sim,
    key: MobileKey = MobileKey.AUTHENTICATION,
    digest: Digest = CHALLENGE,
) -> Started:
    """Asks the phone for the PIN of a key."""
    user = user_of(sim)
    if key is MobileKey.AUTHENTICATION:
        begun = await identity.start_authentication(user, digest, SCREEN)
    else:
        certificate = SigningCertificate(sim.cards[MobileKey.SIGNATURE].der)
        begun = await identity.start_signing(user, digest, SCREEN, certificate)
    assert isinstance(begun, Started)
    return begun


async def ended(identity: MobileIdentity, begun: Started) -> Outcome:
    return await identity.outcome(begun.session, wait=ENOUGH)


def verify(signed: Signed, digest: Digest) -> None:
    """Raises InvalidSignature unless the signature is by the certificate's key over the digest."""
    key = x509.load_der_x509_certificate(signed.certificate).public_key()
    algorithm = utils.Prehashed(HASHES[digest.algorithm])
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signed.signature, digest.value, ec.ECDSA(algorithm))
    else:
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(signed.signature, digest.value, padding.PKCS1v15(), algorithm)


class MobileIdentityContract:
    """The fixtures: `identity`, the `sim` that it knows, `stranger`, one that it does not, and `clock`."""

    @pytest.mark.parametrize("key", KEYS)
    async def test_the_right_pin_gives_a_signature_by_that_key(
        self, identity: MobileIdentity, sim: Sim, key: MobileKey
    ) -> None:
        begun = await started(identity, sim, key)
        question = await sim.shown()
        await sim.enter_right()

        outcome = await ended(identity, begun)

        assert (question.key, question.text) == (key, SCREEN.text)
        assert isinstance(outcome, Signed)
        assert (outcome.key, outcome.certificate) == (key, sim.cards[key].der)
        verify(outcome, CHALLENGE)

    async def test_the_code_is_the_one_on_the_phone(self, identity: MobileIdentity, sim: Sim) -> None:
        begun = await started(identity, sim)

        assert begun.code == (await sim.shown()).code
        assert begun.session.digest.has_code(begun.code)

    @pytest.mark.parametrize("key", KEYS)
    async def test_one_pin_does_not_stand_in_for_the_other(
        self, identity: MobileIdentity, sim: Sim, key: MobileKey
    ) -> None:
        other = next(each for each in KEYS if each is not key)
        begun = await started(identity, sim, key)
        await sim.enter(sim.pins[other])

        assert await ended(identity, begun) == Failed(Failure.WRONG_PIN, key, TRIES - 1)

    async def test_wrong_pins_count_down_and_then_block_until_the_puk(
        self, identity: MobileIdentity, sim: Sim
    ) -> None:
        key = MobileKey.AUTHENTICATION
        for expected in (
            Failed(Failure.WRONG_PIN, key, 2),
            Failed(Failure.WRONG_PIN, key, 1),
            Failed(Failure.PIN_BLOCKED, key),
        ):
            begun = await started(identity, sim)
            await sim.enter("0000")
            assert await ended(identity, begun) == expected

        assert await ended(identity, await started(identity, sim)) == Failed(Failure.PIN_BLOCKED, key)
        signing = await started(identity, sim, MobileKey.SIGNATURE)
        await sim.enter_right()
        assert isinstance(await ended(identity, signing), Signed)

        sim.enter_puk(sim.puk)
        begun = await started(identity, sim)
        await sim.enter_right()
        assert isinstance(await ended(identity, begun), Signed)

    async def test_a_right_pin_makes_the_count_begin_anew(self, identity: MobileIdentity, sim: Sim) -> None:
        for pin, left in (("0000", 2), ("1111", None), ("0000", 2)):
            begun = await started(identity, sim)
            await sim.enter(pin)
            outcome = await ended(identity, begun)
            assert (
                isinstance(outcome, Signed)
                if left is None
                else outcome == Failed(Failure.WRONG_PIN, MobileKey.AUTHENTICATION, left)
            )

    @pytest.mark.parametrize("key", KEYS)
    async def test_three_wrong_puks_end_the_sim(
        self, identity: MobileIdentity, sim: Sim, key: MobileKey
    ) -> None:
        for _ in range(TRIES):
            sim.enter_puk("00000000")
        sim.enter_puk(sim.puk)

        assert await ended(identity, await started(identity, sim, key)) == Failed(Failure.PUK_BLOCKED, key)

    @pytest.mark.parametrize("key", KEYS)
    @pytest.mark.parametrize(
        ("refusal", "failure"),
        [
            ("SERVICE_SUSPENDED", Failure.SERVICE_SUSPENDED),
            ("CERTIFICATE_EXPIRED", Failure.CERTIFICATE_EXPIRED),
            ("PHONE_ABSENT", Failure.PHONE_UNREACHABLE),
            ("DELIVERY_ERROR", Failure.PHONE_UNREACHABLE),
            ("SIGNATURE_HASH_MISMATCH", Failure.HASH_MISMATCH),
            ("NOT_MID_CLIENT", Failure.NOT_A_CLIENT),
        ],
    )
    async def test_what_hinders_it_before_the_phone_is_asked_is_told(
        self, identity: MobileIdentity, sim: Sim, key: MobileKey, refusal: str, failure: Failure
    ) -> None:
        sim.refusal = refusal

        assert await ended(identity, await started(identity, sim, key)) == Failed(failure, key)

    @pytest.mark.parametrize("key", KEYS)
    @pytest.mark.parametrize(
        ("doing", "failure"),
        [(Sim.cancel, Failure.CANCELLED), (Sim.ignore, Failure.TIMED_OUT), (Sim.fail, Failure.SIM_FAULT)],
    )
    async def test_what_the_owner_does_instead_of_signing_is_told(
        self,
        identity: MobileIdentity,
        sim: Sim,
        key: MobileKey,
        doing: Callable[[Sim], Awaitable[None]],
        failure: Failure,
    ) -> None:
        begun = await started(identity, sim, key)
        await doing(sim)

        assert await ended(identity, begun) == Failed(failure, key)

    async def test_a_phone_that_is_not_known_is_no_client(
        self, identity: MobileIdentity, stranger: Sim
    ) -> None:
        outcome = await ended(identity, await started(identity, stranger))

        assert outcome == Failed(Failure.NOT_A_CLIENT, MobileKey.AUTHENTICATION)

    async def test_a_phone_of_somebody_else_is_not_asked(
        self, identity: MobileIdentity, sim: Sim, stranger: Sim
    ) -> None:
        mixed = MobileUser(sim.phone, stranger.person_number)
        begun = await identity.start_authentication(mixed, CHALLENGE, SCREEN)

        assert isinstance(begun, Started)
        assert await ended(identity, begun) == Failed(Failure.NOT_A_CLIENT, MobileKey.AUTHENTICATION)
        assert sim.asked == []

    async def test_the_signing_certificate_is_that_of_pin2(self, identity: MobileIdentity, sim: Sim) -> None:
        certificate = await identity.signing_certificate(user_of(sim))

        assert certificate == SigningCertificate(sim.cards[MobileKey.SIGNATURE].der)
        assert sim.asked == []

    async def test_there_is_no_signing_certificate_of_a_number_that_is_not_known(
        self, identity: MobileIdentity, stranger: Sim
    ) -> None:
        found = await identity.signing_certificate(user_of(stranger))

        assert found == Failed(Failure.UNKNOWN_NUMBER, MobileKey.SIGNATURE)

    async def test_it_goes_on_while_the_owner_thinks_and_can_be_asked_again(
        self, identity: MobileIdentity, sim: Sim
    ) -> None:
        begun = await started(identity, sim)
        assert await identity.outcome(begun.session, wait=timedelta(0)) == Waiting()

        await sim.enter_right()

        kept = MobileSession.from_text(begun.session.as_text())
        assert kept == begun.session
        assert isinstance(await identity.outcome(kept, wait=ENOUGH), Signed)
        assert isinstance(await identity.outcome(kept, wait=timedelta(0)), Signed)

    async def test_after_its_end_a_session_has_timed_out_whatever_the_phone_says(
        self, identity: MobileIdentity, sim: Sim, clock: MovableClock
    ) -> None:
        begun = await started(identity, sim)
        await sim.enter_right()
        clock.move(begun.session.expires_at - clock.now())

        assert await ended(identity, begun) == Failed(Failure.TIMED_OUT, MobileKey.AUTHENTICATION)

    async def test_each_session_has_its_own_end(self, identity: MobileIdentity, sim: Sim) -> None:
        first = await started(identity, sim)
        await sim.cancel()
        second = await started(identity, sim, digest=Digest(hashlib.sha512(b"other").digest(), "sha512"))
        await sim.enter_right()

        assert await ended(identity, first) == Failed(Failure.CANCELLED, MobileKey.AUTHENTICATION)
        outcome = await ended(identity, second)
        assert isinstance(outcome, Signed)
        verify(outcome, second.session.digest)
