"""Certificates with timestamps: what the page says of them, and what a verifier makes of them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from namak.delivery_certificate.verify import VerifiedCertificate, verify_certificate
from namak.evidence.report import Outcome, Verdict
from namak.evidence.timestamp_file import timestamp_file
from server.gateways.certificate_pages.renderer import CertificateRenderer
from server.usecases.certificate_ports import Certificate
from tests.delivery_certificates import MADE, certificate_of
from tests.signing.authority import STAMPING, Authority, named
from tests.signing.stamping import StampingAuthority
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.delivery_certificates.test_verify import attached, words

ROOT = Authority("Root of time")
OWN = ROOT.issue(named("Time of the court"), STAMPING)
LATER = timedelta(minutes=20)


@pytest.fixture(scope="module")
def renderer() -> Iterator[CertificateRenderer]:
    with CertificateRenderer() as renderer:
        yield renderer


def stamped(told: Told, language: str = "en") -> Certificate:
    at = told.story.acceptance.document.event_time.replace(microsecond=0) + LATER

    def stamp(note: bytes) -> Mapping[str, bytes]:
        token = StampingAuthority(OWN, at).token(hashlib.sha256(note).digest(), "sha256")
        return {"court": timestamp_file(token), "none": b"no timestamp"}

    return certificate_of(told.story, told.facts, language=language, stamp=stamp)


def verify(told: Told, pdf: bytes, *roots: bytes) -> VerifiedCertificate:
    trust = replace(told.story.world.trust(), tsa_roots=roots)
    return verify_certificate("c.pdf", pdf, trust, (), MADE + timedelta(days=1))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Stamped by time-stamping authorities, whom whoever checks must know from elsewhere: court ("),
        ("ru", "Штампы времени поставили центры, которые проверяющий должен знать не от почты: court ("),
        ("hy", "Ժամադրոշմել են ժամադրոշմող մարմիններ, որոնց ստուգողը պետք է ճանաչի ոչ փոստից՝ court ("),
    ],
)
def test_the_page_tells_of_timestamps_beside_the_witnesses(told: Told, language: str, said: str) -> None:
    certificate = stamped(told, language)
    _, _, page = certificate.written(certificate.account())
    (line,) = [line for line in page.log.lines if "court" in line]
    assert line.startswith(said)
    # What is no timestamp over the checkpoint is not told of.
    assert line.endswith("22.11.2026 00:20:00)")
    without = replace(certificate, timestamps={})
    _, _, page = without.written(without.account())
    assert not [line for line in page.log.lines if "court" in line]


def test_timestamps_count_by_the_verifiers_own_roots(told: Told, renderer: CertificateRenderer) -> None:
    pdf = renderer.render(stamped(told))
    alone = verify(told, pdf)
    assert alone.verdict is Verdict.VALID
    assert alone.timestamped
    assert "timestamp" not in {check.name for file in alone.proofs.files for check in file.checks}
    found = verify(told, pdf, ROOT.der)
    assert found.verdict is Verdict.VALID
    for file in found.proofs.files:
        told_of = {check.outcome: check.words for check in file.checks if check.name == "timestamp"}
        assert told_of[Outcome.PASSED].startswith("CN=Time of the court stamped the checkpoint at")
        assert ".none.tsr does not count" in told_of[Outcome.NOT_COUNTED]
        (time,) = [check for check in file.checks if check.name == "time"]
        assert time.outcome is Outcome.PASSED
        assert "according to CN=Time of the court" in time.words


def test_timestamps_that_were_added_or_taken_away_are_found_on_the_page(
    told: Told, renderer: CertificateRenderer
) -> None:
    certificate = stamped(told)
    pdf, own = renderer.render(certificate), {"certificate.json": certificate.statement.encode()}
    taken = attached(pdf, {**own, **certificate.proofs})
    assert words(verify(told, taken))["page"] == "the page says something else than the proofs"
    plain = replace(certificate, timestamps={})
    added = attached(renderer.render(plain), {**own, **plain.proofs, **certificate.timestamps})
    assert words(verify(told, added))["page"] == "the page says something else than the proofs"
    # One of no proof is an attachment like any other.
    strange = attached(pdf, {**own, **certificate.proofs, **certificate.timestamps, "99-X.court.tsr": b""})
    assert verify(told, strange).verdict is Verdict.INVALID
