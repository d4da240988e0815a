"""Whom the jurisdiction trusts to vouch for signers, and the whole way of a verification on the server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client.signing import FileSigner, sign_cms
from namak.signatures.report import AnswerSource, CheckId, RevocationStatus, SubIndication, Verdict
from server.dev.pki import DevelopmentPki, Identity, Person
from server.domain.caller import Connection, Stranger
from server.gateways.certificate_status.checker import CertificateChecker
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.gateways.signature_verification.trust import CitizenSignatureTrust
from server.gateways.signature_verification.workers import SignatureWorkers, WorkerLimits
from server.jurisdictions.am import AM
from server.usecases.signature_verification import SignatureDesk, VerifySignature
from tests.signing.world import DOCUMENT, checks_of, only

PERSON = Person("5001950015", "Արամ", "Պետրոսյան")


class PresentClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


SOMEBODY = Stranger(Connection(bytes(32), ip_address("198.51.100.1")))


@pytest.fixture
def pki(tmp_path: Path) -> DevelopmentPki:
    return DevelopmentPki.open(tmp_path / "pki")


@pytest.fixture
async def desk(pki: DevelopmentPki) -> AsyncIterator[SignatureDesk]:
    files = CitizenTrust(
        CitizenFiles(pki.citizen_roots_path, None, pki.citizen_crl_paths[0].parent), poll_seconds=0.0
    )
    status = CertificateChecker(files)
    workers = SignatureWorkers(WorkerLimits(processes=1, seconds=30.0))
    trust = CitizenSignatureTrust(files, status, AM)
    yield SignatureDesk(verifier=workers, trust=trust, clock=PresentClock())
    await workers.close()
    await status.close()


def signed_by(identity: Identity) -> bytes:
    assert identity.key is not None
    own, *chain = (each.public_bytes(Encoding.DER) for each in (identity.certificate, *identity.chain))
    return sign_cms(DOCUMENT, FileSigner(identity.key, own, tuple(chain)))


async def test_a_citizens_signature_is_valid_by_the_operators_files(
    desk: SignatureDesk, pki: DevelopmentPki
) -> None:
    signature = signed_by(pki.card("aram", PERSON).signing)

    report = await desk.verify(VerifySignature(SOMEBODY, DOCUMENT, signature))

    assert (report.verdict, report.sub_indication) == (Verdict.VALID, None), checks_of(report)
    found = only(report)
    assert found.trust_policy == "am citizens"
    assert found.signer is not None
    assert (found.signer.number, found.signer.number_kind) == (PERSON.personal_number, "PNOAM")
    assert [each.revocation.source for each in found.chain[:-1]] == [AnswerSource.CRL, AnswerSource.CRL]


async def test_a_revoked_card_is_seen_as_soon_as_the_list_says_so(
    desk: SignatureDesk, pki: DevelopmentPki
) -> None:
    card = pki.card("aram", PERSON)
    since = datetime.now(UTC) - timedelta(days=1)
    pki.revoke(card.signing, at=since)

    report = await desk.verify(VerifySignature(SOMEBODY, DOCUMENT, signed_by(card.signing)))

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.REVOKED)
    assert only(report).chain[0].revocation.status is RevocationStatus.REVOKED


async def test_an_authentication_certificate_and_an_agencys_do_not_sign(
    desk: SignatureDesk, pki: DevelopmentPki
) -> None:
    card = pki.card("aram", PERSON)
    agency = pki.machine("agency", organisation="SRC", common_name="src", serial_number="PNOAM-5001950015")

    sign_in = await desk.verify(VerifySignature(SOMEBODY, DOCUMENT, signed_by(card.authentication)))
    machine = await desk.verify(VerifySignature(SOMEBODY, DOCUMENT, signed_by(agency)))

    assert sign_in.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    assert machine.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert checks_of(machine)[CheckId.IDENTITY].finding is not None
