"""Seals that verify when their certificates have expired (PAdES B-LT), and those that can't be kept so."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from structlog.testing import capture_logs

from namak.delivery_certificate.verify import verify_certificate
from namak.evidence.report import Check, Outcome
from namak.evidence.times import stated_time
from namak.signatures.cades import SignerCertificates
from namak.signatures.pdf_building import prepare_pdf
from namak.signatures.pdf_long_term import with_material
from namak.signatures.prepared import LongTermPdf, PreparedPdf
from server.gateways.certificate_pages.renderer import CertificateRenderer
from server.gateways.certificate_pages.workers import ALGORITHM, CertificateWorkers
from server.gateways.certificate_seal import PadesSeal, Stamp
from server.gateways.certificate_status.settings import Revocation
from server.gateways.long_term_seal import LongTermSeal, WayNotFound, way
from server.gateways.long_term_status import LongTermStatus
from server.usecases.certificate_ports import CertificateNotSet, SealUnavailable
from tests.delivery_certificates import certificate_of
from tests.signing.authority import NOW, SIGNING, STAMPING, Authority, Holder, named
from tests.signing.stamping import StampingAuthority
from tests.unit.delivery_certificates.sealing import archived
from tests.unit.evidence_documents.pki import sign_with
from tests.unit.evidence_documents.world import Story

STORY = Story()
ROOT = Authority("Seal root")
ISSUING = Authority("Seal authority", ROOT)
SEAL = ISSUING.issue(named("E-Post seal"), replace(SIGNING, end=NOW + timedelta(days=30)))
TIME = Authority("Root of time")
UNIT = TIME.issue(named("Time of the court"), STAMPING)
YEARS = timedelta(days=5 * 365)
END_OF_SECOND = stated_time(NOW + timedelta(seconds=1))


@pytest.fixture(scope="module")
def prepared() -> PreparedPdf:
    with CertificateRenderer() as renderer:
        pdf = renderer.render(certificate_of(STORY, [STORY.acceptance]))
    return prepare_pdf(pdf, algorithm=ALGORITHM, at=NOW)


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    for name, content in {"root": ROOT.crl(), "issuing": ISSUING.crl(), "time": TIME.crl()}.items():
        (tmp_path / f"{name}.crl").write_bytes(content)
    return tmp_path


async def stamp(digest: bytes) -> bytes | None:
    return StampingAuthority(UNIT, NOW).token(digest, "sha256")


async def no_stamp(digest: bytes) -> bytes | None:
    return None


async def extend(kept: LongTermPdf) -> bytes:
    return await asyncio.to_thread(with_material, kept.pdf, kept.certificates, kept.material)


class Signing:
    """Signs with the seal's key, and counts."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, data: bytes) -> bytes:
        self.count += 1
        return sign_with(SEAL.key, data)


def keeping(lists: Path, extend: Any = extend) -> LongTermSeal:
    statuses = LongTermStatus(lists, Revocation(), now=lambda: NOW)
    return LongTermSeal(statuses, extend, way(SEAL.der, ders(SEAL), [ROOT.der], "the seal"), [TIME.der])


def ders(holder: Holder) -> tuple[bytes, ...]:
    return holder.signer.chain


def seal(long_term: LongTermSeal | None, stamp: Stamp = stamp, sign: Signing | None = None) -> PadesSeal:
    return PadesSeal(SignerCertificates(SEAL.der, ders(SEAL)), sign or Signing(), stamp, long_term)


def checked(
    pdf: bytes,
    *,
    after: timedelta = timedelta(),
    roots: tuple[bytes, ...] = (TIME.der,),
    stamped: bool = True,
) -> Check:
    """Returns what the verifier of certificates says of the seal after so long."""
    trust = replace(STORY.world.trust(), tsa_roots=roots)
    found = verify_certificate("c.pdf", pdf, trust, [ROOT.der], NOW + after)
    assert found.timestamped is stamped
    (check,) = [check for check in found.file.checks if check.name == "seal"]
    return check


async def test_a_seal_verifies_by_the_file_alone_when_its_certificates_have_expired(
    prepared: PreparedPdf, lists: Path
) -> None:
    kept = await seal(keeping(lists)).seal(prepared)

    assert SEAL.certificate.not_valid_after_utc < NOW + YEARS
    for after in (timedelta(), YEARS):
        check = checked(kept, after=after)
        assert check.outcome is Outcome.PASSED
        assert check.words == (
            f"sealed by E-Post seal, whom you trust, before {END_OF_SECOND} according to Time of the "
            "court; the file was not altered since, and holds what verifies the seal once its certificate has"
            " expired"
        )
    # By whom nobody named, the time counts for nothing.
    assert checked(kept, after=YEARS, roots=(ROOT.der,)).outcome is Outcome.NOT_GIVEN
    untimed = checked(kept, roots=(ROOT.der,))
    assert untimed.outcome is Outcome.PASSED
    assert untimed.words == (
        "sealed by E-Post seal, whom you trust; the file was not altered since; who stamped the seal's time "
        "you did not name as trusted"
    )
    assert checked(kept, after=timedelta(days=10), roots=(ROOT.der,)).words.endswith("was revoked")
    # As it is without: it still stands, and its certificates' status can't be told; later, nothing can.
    bare = await seal(None).seal(prepared)
    assert checked(bare).words.endswith("the file does not tell whether the certificate was revoked")
    assert checked(bare, after=YEARS).outcome is Outcome.NOT_GIVEN


async def test_a_validator_that_nobody_here_wrote_trusts_seal_and_timestamp_by_the_file_alone(
    prepared: PreparedPdf, lists: Path
) -> None:
    kept = PdfFileReader(io.BytesIO(await seal(keeping(lists)).seal(prepared)), strict=True)
    bare = PdfFileReader(io.BytesIO(await seal(None).seal(prepared)), strict=True)
    strictly = {
        "trust_roots": [asn1_x509.Certificate.load(each) for each in (ROOT.der, TIME.der)],
        "moment": NOW + timedelta(days=1),
        "best_signature_time": NOW + timedelta(days=1),
        "revocation_mode": "require",
        "allow_fetching": False,
    }
    context = DocumentSecurityStore.read_dss(kept).as_validation_context(strictly)

    status = await async_validate_pdf_signature(kept.embedded_signatures[0], context)

    assert status.bottom_line
    assert status.timestamp_validity is not None
    assert status.timestamp_validity.trusted
    with pytest.raises(NoDSSFoundError):
        DocumentSecurityStore.read_dss(bare)


async def test_who_extends_it_for_the_archive_by_a_tool_of_their_own_is_told_with_the_time(
    prepared: PreparedPdf, lists: Path
) -> None:
    kept = await seal(keeping(lists)).seal(prepared)
    # Three years on the first authority's certificate is near its end, and another's is not.
    later = NOW + timedelta(days=3 * 365)
    archive = Authority("Root of the archive")
    own = replace(STAMPING, begin=later - timedelta(days=1), end=later + timedelta(days=300))
    unit = archive.issue(named("Time of the archive"), own)

    pdf = await asyncio.to_thread(archived, kept, StampingAuthority(unit, later), archive)

    known = (TIME.der, archive.der)
    check = checked(pdf, after=YEARS, roots=known)
    assert check.outcome is Outcome.PASSED
    anew = f"; stamped anew {stated_time(later)} according to Time of the archive"
    assert check.words == checked(kept, after=YEARS).words + anew
    # By whom nobody named, the later time is not told; with the archive's word alone the seal was too old.
    assert checked(pdf, after=YEARS).words == checked(kept, after=YEARS).words
    assert checked(pdf, after=YEARS, roots=(archive.der,)).outcome is Outcome.NOT_GIVEN


async def test_what_was_sealed_stays_and_the_file_is_the_same_pdf_a_with_a_store_besides(
    prepared: PreparedPdf, lists: Path
) -> None:
    kept = await seal(keeping(lists)).seal(prepared)

    place = slice(prepared.start, prepared.end)
    assert kept[: place.start] == prepared.data[: place.start]
    assert kept[place.stop :].startswith(prepared.data[place.stop :])
    before = PdfFileReader(io.BytesIO(prepared.data), strict=True)
    after = PdfFileReader(io.BytesIO(kept), strict=True)
    assert after.xrefs.total_revisions == before.xrefs.total_revisions + 1
    added = set(after.root) - set(before.root)
    assert added == {"/DSS", "/Extensions"}
    for name in set(before.root):
        assert after.root.raw_get(name) == before.root.raw_get(name), name
    assert after.root["/Metadata"].data == before.root["/Metadata"].data
    assert after.trailer["/Info"] == before.trailer["/Info"]
    assert str(after.trailer["/ID"][0]) == str(before.trailer["/ID"][0])
    store = after.root["/DSS"]
    assert {name: len(store[name]) for name in store} == {"/Certs": 5, "/CRLs": 3}
    for streams in store.values():
        for each in streams:
            # Nothing that PDF/A-3 forbids (ISO 19005-3, 6.1.7): no file outside, no LZW, no cipher.
            assert set(each.get_object()) <= {"/Length", "/Filter"}
            assert str(each.get_object().get("/Filter", "/FlateDecode")) == "/FlateDecode"


async def test_without_lists_or_timestamp_it_is_sealed_all_the_same_and_the_log_says_so_once(
    prepared: PreparedPdf, lists: Path
) -> None:
    async def fails(kept: LongTermPdf) -> bytes:
        raise CertificateNotSet("the file takes no further material")

    time, issuing = ((lists / name).read_bytes() for name in ("time.crl", "issuing.crl"))
    (lists / "time.crl").unlink()
    (lists / "issuing.crl").unlink()
    long_term = keeping(lists)
    with capture_logs() as logs:
        pdfs = [await seal(long_term).seal(prepared)]
        (lists / "issuing.crl").write_bytes(issuing)
        pdfs += [await seal(long_term).seal(prepared) for _ in range(2)]
        bare = await seal(long_term, no_stamp).seal(prepared)
        (lists / "time.crl").write_bytes(time)
        kept = await seal(long_term).seal(prepared)
        (lists / "time.crl").unlink()
        pdfs.append(await seal(long_term).seal(prepared))
        (lists / "time.crl").write_bytes(time)
        pdfs.append(await seal(keeping(lists, fails)).seal(prepared))
    assert all(checked(pdf).outcome is Outcome.PASSED and b"/DSS" not in pdf for pdf in pdfs)
    assert checked(bare, stamped=False).outcome is Outcome.PASSED
    assert b"/DSS" in kept
    assert [told(line) for line in logs] == [
        "CN=E-Post seal: there is no list of its issuer that is in force",
        "CN=Time of the court: there is no list of its issuer that is in force",
        "there is no timestamp",
        "seals are kept for the long term again",
        "CN=Time of the court: there is no list of its issuer that is in force",
        "the file takes no further material",
    ]


def told(line: Mapping[str, Any]) -> str:
    if line["event"] == "seals are not kept for the long term":
        return str(line["why"])
    return str(line["event"])


async def test_with_a_revoked_certificate_nothing_is_sealed(prepared: PreparedPdf, lists: Path) -> None:
    (lists / "issuing.crl").write_bytes(ISSUING.crl([(SEAL, NOW - timedelta(days=1))]))
    signing = Signing()
    with pytest.raises(SealUnavailable, match="CN=E-Post seal is revoked"):
        await seal(keeping(lists), sign=signing).seal(prepared)
    assert signing.count == 0


async def test_a_timestamp_by_a_revoked_authority_is_not_kept(prepared: PreparedPdf, lists: Path) -> None:
    (lists / "time.crl").write_bytes(TIME.crl([(UNIT, NOW - timedelta(days=1))]))
    with capture_logs() as logs:
        pdf = await seal(keeping(lists)).seal(prepared)
    assert b"/DSS" not in pdf
    assert [told(line) for line in logs] == ["the certificate CN=Time of the court is revoked"]


async def test_a_process_of_its_own_puts_it_in_and_refuses_what_is_no_pdf(
    prepared: PreparedPdf, lists: Path
) -> None:
    async with CertificateWorkers(1) as workers:
        kept = await seal(keeping(lists, workers.extend)).seal(prepared)
        assert checked(kept, after=YEARS).outcome is Outcome.PASSED
        material = await LongTermStatus(lists, Revocation(), now=lambda: NOW).about(
            [UNIT.certificate, x509.load_der_x509_certificate(TIME.der)]
        )
        with pytest.raises(CertificateNotSet):
            await workers.extend(LongTermPdf(b"no PDF", (), material))


def test_a_certificate_that_leads_to_other_roots_is_told() -> None:
    with pytest.raises(WayNotFound, match="the seal does not lead to the roots"):
        way(SEAL.der, ders(SEAL), [TIME.der], "the seal")
