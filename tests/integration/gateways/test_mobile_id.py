"""The mobile-id client against a service of the published protocol: outcomes, and answers that fail."""

import hashlib
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from server.domain.mobile_identity import (
    Digest,
    Failed,
    Failure,
    MobileKey,
    ScreenText,
    Signed,
    SigningCertificate,
    Started,
)
from server.gateways.mobile_id import MobileId
from tests.contracts.mobile_identity_contract import (
    CHALLENGE,
    KEYS,
    SCREEN,
    MobileIdentityContract,
    ended,
    started,
    user_of,
    verify,
)
from tests.fakes.sim import Sim, new_sim
from tests.integration.gateways.mobile_id import ISSUER, Pauses
from tests.mobile_id_server import NAME, RELYING_PARTY, MobileIdServer, saying
from tests.unit.evidence_documents.pki import Card

PIN1, PIN2 = KEYS
USAGES = {PIN1: ("digital_signature",), PIN2: ("content_commitment",)}
NUMBER = "PNOAM-5001950015"
RSA = rsa.generate_private_key(65537, 2048)


class TestMobileId(MobileIdentityContract):
    """Against the service, over HTTPS."""


async def answer_to(identity: MobileId, sim: Sim, key: MobileKey, digest: Digest = CHALLENGE) -> Any:
    begun = await started(identity, sim, key, digest)
    await sim.enter_right()
    return await ended(identity, begun)


async def test_asks_as_the_protocol_says(identity: MobileId, sim: Sim, service: MobileIdServer) -> None:
    digest = Digest(hashlib.sha384(b"a challenge").digest(), "sha384")
    await started(identity, sim, PIN1, digest)

    assert service.requests == [
        (
            "authentication",
            {
                "relyingPartyUUID": RELYING_PARTY,
                "relyingPartyName": NAME,
                "phoneNumber": sim.phone,
                "nationalIdentityNumber": sim.person_number,
                "hash": b64encode(digest.value).decode(),
                "hashType": "SHA384",
                "language": "AZE",
                "displayText": "Rəsmi poçta giriş",
                "displayTextFormat": "UCS-2",
            },
        )
    ]


@pytest.mark.parametrize(
    ("language", "spoken"), [("az", "AZE"), ("ru", "RUS"), ("en", "ENG"), ("hy", "ENG"), ("fr", "ENG")]
)
async def test_a_language_that_the_service_does_not_speak_becomes_english(
    identity: MobileId, sim: Sim, language: str, spoken: str
) -> None:
    await identity.start_authentication(user_of(sim), CHALLENGE, ScreenText("Sign in", language))

    question = await sim.shown()
    assert (question.language, question.alphabet) == (spoken, "GSM-7")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("in_der", [False, True])
@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "sha256"),
        (ec.generate_private_key(ec.SECP384R1()), "sha384"),
        (ec.generate_private_key(ec.SECP384R1()), "sha256"),
        (RSA, "sha512"),
    ],
    ids=["p256", "p384", "p384-sha256", "rsa"],
)
async def test_takes_every_kind_of_signature_that_the_protocol_has(
    identity: MobileId,
    service: MobileIdServer,
    key: MobileKey,
    in_der: bool,
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    algorithm: str,
) -> None:
    sim = service.know(new_sim(ISSUER, keys={key: private}))
    sim.in_der = in_der
    digest = Digest(hashlib.new(algorithm, b"a challenge").digest(), algorithm)

    outcome = await answer_to(identity, sim, key, digest)

    assert isinstance(outcome, Signed)
    verify(outcome, digest)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("private", [ec.generate_private_key(ec.SECP256R1()), RSA], ids=["ec", "rsa"])
async def test_refuses_a_signature_over_another_digest(
    identity: MobileId,
    service: MobileIdServer,
    key: MobileKey,
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> None:
    sim = service.know(new_sim(ISSUER, keys={key: private}))
    sim.signs_instead = hashlib.sha256(b"something else").digest()

    assert await answer_to(identity, sim, key) == Failed(Failure.SIGNATURE_INVALID, key)


async def test_refuses_the_signature_key_where_the_authentication_key_was_asked(
    identity: MobileId, sim: Sim
) -> None:
    sim.signs_with = PIN2
    assert await answer_to(identity, sim, PIN1) == Failed(Failure.WRONG_KEY, PIN1)

    sim.shows = sim.cards[PIN1]
    assert await answer_to(identity, sim, PIN1) == Failed(Failure.SIGNATURE_INVALID, PIN1)


async def test_refuses_the_authentication_key_where_the_signature_key_was_asked(
    identity: MobileId, sim: Sim
) -> None:
    sim.signs_with = PIN1
    assert await answer_to(identity, sim, PIN2) == Failed(Failure.SIGNATURE_INVALID, PIN2)

    sim.cards[PIN2] = sim.cards[PIN1]
    certificate = await identity.signing_certificate(user_of(sim))
    assert certificate == Failed(Failure.WRONG_KEY, PIN2)
    assert await answer_to(identity, sim, PIN2) == Failed(Failure.WRONG_KEY, PIN2)


def odd_card(use: MobileKey, **what: Any) -> Card:
    return ISSUER.card(**{"number": NUMBER, "usages": USAGES[use], **what})


@pytest.mark.parametrize(
    ("key", "card", "failure"),
    [
        (PIN1, odd_card(PIN1, usages=("digital_signature", "content_commitment")), Failure.WRONG_KEY),
        (PIN1, odd_card(PIN1, usages=("digital_signature",), is_ca=True), Failure.WRONG_KEY),
        (PIN2, odd_card(PIN2, usages=("key_encipherment",)), Failure.WRONG_KEY),
        (PIN1, odd_card(PIN1, number="PNOAM-5001950016"), Failure.OTHER_PERSON),
        (PIN2, odd_card(PIN2, number="PNOAM-5001950016"), Failure.OTHER_PERSON),
        (PIN1, odd_card(PIN1, number="5001950015"), Failure.OTHER_PERSON),
        (PIN1, odd_card(PIN1, days=-1), Failure.CERTIFICATE_EXPIRED),
        (PIN2, odd_card(PIN2, days=-1), Failure.CERTIFICATE_EXPIRED),
        (PIN1, odd_card(PIN1, key=rsa.generate_private_key(65537, 1024)), Failure.SIGNATURE_INVALID),
        (PIN1, odd_card(PIN1, key=ec.generate_private_key(ec.SECP521R1())), Failure.SIGNATURE_INVALID),
    ],
)
async def test_refuses_a_certificate_that_is_not_for_this(
    identity: MobileId, sim: Sim, key: MobileKey, card: Card, failure: Failure
) -> None:
    sim.cards[key] = card

    assert await answer_to(identity, sim, key) == Failed(failure, key)
    if key is PIN2:
        assert await identity.signing_certificate(user_of(sim)) == Failed(failure, key)


def complete(**what: Any) -> dict[str, Any]:
    return {"state": "COMPLETE", "result": "OK", **what}


GOOD = new_sim(ISSUER).cards[PIN1]
CERT = b64encode(GOOD.der).decode()
VALUE = b64encode(b"0" * 64).decode()
EC_256 = "SHA256WithECEncryption"


@pytest.mark.parametrize(
    "content",
    [
        complete(),
        complete(cert=CERT),
        complete(signature=VALUE, cert=CERT),
        complete(signature={"value": VALUE, "algorithm": EC_256}),
        complete(signature={"value": VALUE, "algorithm": EC_256}, cert="no base64"),
        complete(signature={"value": VALUE, "algorithm": EC_256}, cert=VALUE),
        complete(signature={"value": VALUE, "algorithm": EC_256}, cert=CERT),
        complete(signature={"value": "", "algorithm": EC_256}, cert=CERT),
        complete(signature={"value": 7, "algorithm": EC_256}, cert=CERT),
        complete(signature={"value": VALUE}, cert=CERT),
    ],
)
async def test_success_without_a_good_signature_is_none(
    identity: MobileId, sim: Sim, service: MobileIdServer, content: dict[str, Any]
) -> None:
    begun = await started(identity, sim)
    service.misbehaviours.append(saying(content=content))

    assert await ended(identity, begun) == Failed(Failure.SIGNATURE_INVALID, PIN1)


@pytest.mark.parametrize(
    "algorithm",
    [
        "SHA384WithECEncryption",
        "SHA256WithRSAEncryption",
        "SHA1WithECEncryption",
        "sha256WithECEncryption",
        3,
    ],
)
async def test_refuses_an_algorithm_that_is_not_of_the_key_and_the_digest(
    identity: MobileId, sim: Sim, service: MobileIdServer, algorithm: object
) -> None:
    begun = await started(identity, sim)
    value = b64encode(sim.cards[PIN1].sign(b"a challenge")).decode()
    certificate = b64encode(sim.cards[PIN1].der).decode()
    for named in (algorithm, EC_256):
        signature = {"value": value, "algorithm": named}
        service.misbehaviours.append(saying(content=complete(signature=signature, cert=certificate)))

    assert await ended(identity, begun) == Failed(Failure.SIGNATURE_INVALID, PIN1)
    assert isinstance(await ended(identity, begun), Signed)


async def test_a_signature_s_answer_cannot_bring_a_certificate_of_its_own(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    begun = await started(identity, sim, PIN2)
    other = odd_card(PIN2)
    signature = {"value": b64encode(other.sign(b"a challenge")).decode(), "algorithm": EC_256}
    certificate = b64encode(other.der).decode()
    service.misbehaviours.append(saying(content=complete(signature=signature, cert=certificate)))

    assert await ended(identity, begun) == Failed(Failure.SIGNATURE_INVALID, PIN2)


async def test_a_result_that_is_not_known_ends_it_without_a_signature(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    begun = await started(identity, sim)
    service.misbehaviours.append(saying(content=complete(result="SOMETHING_NEW")))

    assert await ended(identity, begun) == Failed(Failure.NOT_COMPLETED, PIN1)


@pytest.mark.parametrize("left", ["2", -1, True, 1000, None, 1.5])
async def test_tries_left_that_are_no_number_are_not_told(
    identity: MobileId, sim: Sim, service: MobileIdServer, left: object
) -> None:
    begun = await started(identity, sim)
    service.misbehaviours.append(saying(content=complete(result="WRONG_PIN", pinTriesLeft=left)))

    assert await ended(identity, begun) == Failed(Failure.WRONG_PIN, PIN1)


async def test_a_service_may_refuse_before_there_is_a_session(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    service.misbehaviours.append(saying(content={"result": "SERVICE_SUSPENDED"}))

    begun = await identity.start_authentication(user_of(sim), CHALLENGE, SCREEN)

    assert begun == Failed(Failure.SERVICE_SUSPENDED, PIN1)


async def test_a_session_that_the_service_has_forgotten_has_timed_out(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    begun = await started(identity, sim)
    service.forget_sessions()

    assert await ended(identity, begun) == Failed(Failure.TIMED_OUT, PIN1)


async def test_a_session_is_not_waited_for_beyond_its_end(
    identity: MobileId, sim: Sim, service: MobileIdServer, clock: Any
) -> None:
    begun = await started(identity, sim)
    clock.move(begun.session.expires_at - clock.now() - timedelta(milliseconds=1500))
    await sim.enter_right()

    assert isinstance(await ended(identity, begun), Signed)
    assert service.asked("authentication/session") == [{"timeoutMs": "1500"}]


async def test_the_session_of_one_pin_is_none_of_the_other(
    identity: MobileId, sim: Sim, service: MobileIdServer
) -> None:
    begun = await identity.start_signing(
        user_of(sim), CHALLENGE, SCREEN, SigningCertificate(sim.cards[PIN2].der)
    )

    assert isinstance(begun, Started)
    assert begun.session.key is PIN2
    await sim.enter_right()
    assert isinstance(await ended(identity, begun), Signed)
    assert [path for path, _ in service.requests] == ["signature", "signature/session"]


async def test_who_is_displaced_by_another_poll_asks_again_while_there_is_time(
    identity: MobileId, sim: Sim, service: MobileIdServer, pauses: Pauses
) -> None:
    begun = await started(identity, sim)
    await sim.enter_right()
    service.misbehaviours.append(saying(content={"state": "RUNNING"}))

    # Less than one poll of the service takes, so that it is the last one from the beginning.
    outcome = await identity.outcome(begun.session, wait=timedelta(seconds=10))

    assert isinstance(outcome, Signed)
    assert pauses.seconds == [1.0]
