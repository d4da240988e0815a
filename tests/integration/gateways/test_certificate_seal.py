"""The seal on certificates bears a timestamp where one is to be had, and is put on all the same without."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from asn1crypto import cms
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs

from namak.delivery_certificate.verify import verify_certificate
from namak.evidence.report import Outcome
from namak.evidence.timestamp import REPLY_TYPE, TimestampTrust
from namak.signatures import verify as signatures
from namak.signatures.cades import SignerCertificates
from namak.signatures.pdf_building import prepare_pdf
from namak.signatures.prepared import PreparedPdf
from namak.signatures.report import CheckId, Finding
from namak.signatures.trust import Trust, TrustPolicy
from server.bootstrap_delivery_certificates import stamp_by
from server.gateways.certificate_pages.renderer import CertificateRenderer
from server.gateways.certificate_pages.workers import ALGORITHM
from server.gateways.certificate_seal import PadesSeal, Stamp
from server.gateways.timestamps import HttpTimestampAuthorities
from server.transparency.timestamp_link import TimestampAuthority, TimestampTerms
from tests.delivery_certificates import MADE, certificate_of
from tests.integration.timestamps.authority import OPENSSL, OpensslAuthority
from tests.unit.evidence_documents.pki import Authority
from tests.unit.evidence_documents.world import Story

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
ROOT = Authority.root("Seal root")
_CARD = ROOT.authority("Seal authority").card()
STORY = Story()


async def sign(data: bytes) -> bytes:
    return _CARD.sign(data)


def seal(stamp: Stamp | None) -> PadesSeal:
    return PadesSeal(SignerCertificates(_CARD.der, tuple(_CARD.chain)), sign, stamp)


@pytest.fixture(scope="module")
def prepared() -> PreparedPdf:
    with CertificateRenderer() as renderer:
        pdf = renderer.render(certificate_of(STORY, [STORY.acceptance]))
    return prepare_pdf(pdf, algorithm=ALGORITHM, at=MADE)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> OpensslAuthority:
    return OpensslAuthority.made(tmp_path_factory.mktemp("tsa") / "tsa")


@pytest.fixture
async def terms(authority: OpensslAuthority) -> AsyncIterator[TimestampTerms]:
    """One authority that is away, and one that answers."""

    async def answer(request: web.Request) -> web.Response:
        reply = await asyncio.to_thread(authority.reply, await request.read())
        return web.Response(body=reply, content_type=REPLY_TYPE)

    application = web.Application()
    application.router.add_post("/tsr", answer)
    client = HttpTimestampAuthorities(seconds=60.0)
    trust = TimestampTrust.from_pem(authority.roots.read_bytes())
    async with TestServer(application) as server:
        away = TimestampAuthority("away", "http://127.0.0.1:1/", trust)
        yield TimestampTerms(
            (away, TimestampAuthority("here", str(server.make_url("/tsr")), trust)), client, retry_first=600.0
        )
    await client.close()


def timestamps(pdf: bytes, authority: OpensslAuthority) -> list[tuple[Finding | None, str]]:
    """Returns what a verifier finds of the seal's timestamp, and whose it is."""
    roots = TimestampTrust.from_pem(authority.roots.read_bytes()).roots
    ders = tuple(root.public_bytes(Encoding.DER) for root in roots)
    trust = Trust((TrustPolicy("seal", (ROOT.der,)),), ders)
    (report,) = signatures.verify(signatures.BytesDocument(pdf), None, trust, datetime.now(UTC)).signatures
    return [
        (check.finding, dict(check.facts).get("authority", ""))
        for check in report.checks
        if check.id is CheckId.TIMESTAMP
    ]


def outcome(pdf: bytes) -> Outcome:
    """Returns what the verifier of certificates says of the seal."""
    found = verify_certificate("c.pdf", pdf, STORY.world.trust(), [ROOT.der], MADE + timedelta(days=1))
    (check,) = [check for check in found.file.checks if check.name == "seal"]
    return check.outcome


async def test_a_seal_bears_the_first_timestamp_that_is_given(
    prepared: PreparedPdf, authority: OpensslAuthority, terms: TimestampTerms
) -> None:
    with capture_logs() as logs:
        stamp = stamp_by(terms)
        pdfs = [await seal(stamp).seal(prepared) for _ in range(2)]
    for pdf in pdfs:
        # Over this very seal, by that authority; that its certificate is not revoked no list tells.
        assert timestamps(pdf, authority) == [(Finding.TIMESTAMP_UNTRUSTED, "Authority")]
        assert outcome(pdf) is Outcome.PASSED
    # Said once: the one that is away was left alone the second time.
    assert [(line["trouble"], line["authority"]) for line in logs] == [("AUTHORITY_UNREACHED", "away")]


async def test_without_a_timestamp_a_seal_is_as_good_as_before(
    prepared: PreparedPdf, authority: OpensslAuthority, terms: TimestampTerms
) -> None:
    away = replace(terms, authorities=terms.authorities[:1])

    async def too_large(digest: bytes) -> bytes | None:
        return bytes(cms.ContentInfo({"content_type": "data", "content": bytes(20_000)}).dump())

    for stamp in (None, stamp_by(away), too_large):
        pdf = await seal(stamp).seal(prepared)
        assert timestamps(pdf, authority) == [(Finding.NO_TIMESTAMP, "")]
        assert outcome(pdf) is Outcome.PASSED
