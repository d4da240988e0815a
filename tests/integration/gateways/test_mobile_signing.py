"""A statement confirmed by phone: the CMS that comes of it is one that verifiers of evidence take."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.signature import check_confirmation_signature
from server.bootstrap_machine import SystemEntropy
from server.domain.mobile_identity import Failed, Failure, MobileKey, MobileSession, Started, Waiting
from server.domain.mobile_identity_texts import Screen, screen_for
from server.domain.refusals import SigningCertificateExpired, SigningCertificateUntrusted
from server.gateways.citizen_chains import CitizenChains
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.gateways.mobile_id import MobileId
from server.usecases.mobile_signing import MobileSigning
from tests.contracts.mobile_identity_contract import ENOUGH, started, user_of
from tests.fakes.clock import HeldClock
from tests.fakes.sim import Sim, new_sim
from tests.integration.gateways.mobile_id import somebody_else
from tests.mobile_id_server import MobileIdServer
from tests.unit.evidence_documents.pki import Authority

ROOT = Authority.root("Citizen root")
ISSUER = ROOT.authority("Citizen authority")
LISTS = (ROOT.crl(), ISSUER.crl())
STATEMENT = "namak-statement/1\nՀավաստում եմ\n".encode()
SCREEN = screen_for(Screen.CONFIRM_READING, "az")


@pytest.fixture
def sim(service: MobileIdServer) -> Sim:
    return service.know(new_sim(ISSUER))


@pytest.fixture
def signing(identity: MobileId, clock: HeldClock, tmp_path: Path) -> MobileSigning:
    def pem(authority: Authority) -> bytes:
        return authority.certificate.public_bytes(Encoding.PEM)

    roots, intermediates, lists = tmp_path / "roots.pem", tmp_path / "issuers.pem", tmp_path / "lists"
    roots.write_bytes(pem(ROOT))
    intermediates.write_bytes(pem(ISSUER))
    lists.mkdir()
    chains = CitizenChains(CitizenTrust(CitizenFiles(roots, intermediates, lists)))
    return MobileSigning(mobile=identity, chains=chains, clock=clock, entropy=SystemEntropy())


@pytest.mark.parametrize(
    "private",
    [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)],
    ids=["ec", "rsa"],
)
async def test_a_phone_s_signature_is_a_confirmation(
    signing: MobileSigning,
    service: MobileIdServer,
    clock: HeldClock,
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> None:
    sim = service.know(new_sim(ISSUER, keys={MobileKey.SIGNATURE: private}))
    begun = await signing.start(user_of(sim), STATEMENT, SCREEN)
    assert isinstance(begun, Started)
    assert (await sim.shown()).code == begun.code
    assert (await sim.shown()).text == SCREEN.text
    session = MobileSession.from_text(begun.session.as_text())
    assert await signing.complete(session, STATEMENT, wait=timedelta(0)) == Waiting()

    await sim.enter_right()
    cms = await signing.complete(session, STATEMENT, wait=ENOUGH)

    assert isinstance(cms, bytes)
    signer = check_confirmation_signature(cms, STATEMENT, roots=[ROOT.der], crls=LISTS, at=clock.now())
    assert signer.person.number == sim.person_number
    assert signer.person.path == (sim.cards[MobileKey.SIGNATURE].der, ISSUER.der, ROOT.der)


async def test_what_the_phone_does_instead_is_told(signing: MobileSigning, sim: Sim) -> None:
    begun = await signing.start(user_of(sim), STATEMENT, SCREEN)
    assert isinstance(begun, Started)
    await sim.enter("00000")

    outcome = await signing.complete(begun.session, STATEMENT, wait=ENOUGH)

    assert outcome == Failed(Failure.WRONG_PIN, MobileKey.SIGNATURE, 2)


async def test_who_has_no_signing_certificate_is_not_asked_for_a_pin(
    signing: MobileSigning, service: MobileIdServer
) -> None:
    begun = await signing.start(user_of(somebody_else()), STATEMENT, SCREEN)

    assert begun == Failed(Failure.UNKNOWN_NUMBER, MobileKey.SIGNATURE)
    assert [path for path, _ in service.requests] == ["certificate"]


async def test_who_has_a_certificate_by_another_authority_is_not_asked_for_a_pin(
    signing: MobileSigning, service: MobileIdServer
) -> None:
    stranger = service.know(new_sim(Authority.root("Elsewhere").authority("Elsewhere 2")))

    with pytest.raises(SigningCertificateUntrusted):
        await signing.start(user_of(stranger), STATEMENT, SCREEN)

    assert [path for path, _ in service.requests] == ["certificate"]


async def test_an_authority_that_has_expired_signs_for_nobody(
    signing: MobileSigning, service: MobileIdServer, sim: Sim, clock: HeldClock
) -> None:
    late = service.know(new_sim(ISSUER, days=4000))
    end = x509.load_der_x509_certificate(ISSUER.der).not_valid_after_utc
    clock.move(end - clock.now() + timedelta(days=1))

    with pytest.raises(SigningCertificateExpired):
        await signing.start(user_of(late), STATEMENT, SCREEN)


async def test_the_session_of_another_content_or_of_a_sign_in_makes_no_signature(
    signing: MobileSigning, identity: MobileId, sim: Sim
) -> None:
    begun = await signing.start(user_of(sim), STATEMENT, SCREEN)
    assert isinstance(begun, Started)
    with pytest.raises(ValueError, match="another content"):
        await signing.complete(begun.session, STATEMENT + b" ", wait=ENOUGH)

    sign_in = await started(identity, sim)
    with pytest.raises(ValueError, match="not one of a signature"):
        await signing.complete(sign_in.session, STATEMENT, wait=ENOUGH)
