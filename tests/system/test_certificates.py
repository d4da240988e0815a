"""Delivery certificates from a real post with a seal in its token, verified from the PDF alone."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2 as pdfium
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.delivery_certificate.reading import read_certificate
from namak.delivery_certificate.statement import Audience, Statement
from namak.delivery_certificate.verify import VerifiedCertificate, verify_certificate
from namak.errors import InvalidRequest, NotPermitted
from namak.evidence.report import Outcome, Verdict
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.verify import Trust
from scripts.story.post import namak
from tests.system.post import Agency, Citizen, Post, opened, signed

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]


@dataclass(frozen=True)
class Confirmed:
    """A delivery that its recipient confirmed."""

    agency: Agency
    citizen: Citizen
    delivery_id: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def confirmed(post: Post) -> Confirmed:
    agency, citizen = await post.agency(), await post.citizen()
    read = await opened(agency, citizen)
    cms = signed(citizen.card.signing, read.statement)
    await citizen.client.mailbox.confirm(read.delivery_id, read.statement_id, cms)
    return Confirmed(agency, citizen, read.delivery_id)


def verified(post: Post, pdf: bytes) -> VerifiedCertificate:
    world = post.world
    trust = Trust(
        TlogPolicy.parse(world.log_policy.read_bytes()),
        ders(world.pki.citizen_roots_path),
    )
    return verify_certificate("c.pdf", pdf, trust, ders(world.seal_roots), datetime.now(UTC))


def ders(path: Path) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(path.read_bytes())]


def outcomes(found: VerifiedCertificate) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in found.file.checks}


async def test_the_senders_certificate_holds_and_is_sealed(post: Post, confirmed: Confirmed) -> None:
    made = await confirmed.agency.client.evidence.certificate(confirmed.delivery_id, language="en")

    found = verified(post, made.pdf)
    assert found.verdict is Verdict.VALID
    assert set(outcomes(found).values()) == {Outcome.PASSED}
    assert made.about.receipts == 5
    assert found.statement is not None
    assert found.statement.audience is Audience.SENDER
    assert found.statement.subject == "Հարկային ծանուցում"
    assert made.about.tree_size == max(proof.checkpoint.size for proof in found.account.proofs)  # type: ignore[union-attr]
    assert "is properly notified" in found.file.proves


async def test_the_holder_gets_what_concerns_the_holder_and_not_how_it_was_submitted(
    post: Post, confirmed: Confirmed
) -> None:
    made = await confirmed.citizen.client.evidence.certificate(confirmed.delivery_id)

    read = read_certificate(made.pdf)
    statement = Statement.parse(read.statement)
    assert statement.audience is Audience.HOLDER
    assert statement.language == "hy"
    assert "01-ContentConsignment.tlog-proof" in read.proofs
    assert not any("SubmissionAcceptance" in name for name in read.proofs)
    assert verified(post, made.pdf).verdict is Verdict.VALID


async def test_nobody_else_gets_one(post: Post, confirmed: Confirmed) -> None:
    for stranger in (await post.agency(), await post.citizen()):
        with pytest.raises(NotPermitted) as refused:
            await stranger.client.evidence.certificate(confirmed.delivery_id)
        assert refused.value.reason == "RESOURCE_NOT_PERMITTED"


async def test_a_language_that_there_are_no_words_of_is_refused(confirmed: Confirmed) -> None:
    with pytest.raises(InvalidRequest):
        await confirmed.agency.client.evidence.certificate(confirmed.delivery_id, language="xx")


async def test_the_command_saves_and_verifies_it(post: Post, confirmed: Confirmed, tmp_path: Path) -> None:
    config = post.world.write_client("certificates", confirmed.agency.identity, post.address)
    target = tmp_path / "certificate.pdf"

    code, output = await namak(
        "--json", "certificate", confirmed.delivery_id, "--language", "ru", "-o", str(target), config=config
    )
    assert code == 0, output
    assert json.loads(output)["receipts"] == 5
    code, output = await namak("--json", "verify", str(target), config=config)
    assert code == 0, output
    report = json.loads(output)
    assert report["verdict"] == "VALID"
    assert [file["name"].partition("#")[2] for file in report["files"]][:2] == [
        "",
        "01-SubmissionAcceptance.tlog-proof",
    ]
    code, output = await namak("--lang", "en", "verify", str(target), config=config)
    assert "the page says, word for word, what follows from the proofs" in output
    assert "VALID: 5 of 5 receipts are valid." in output
    code, output = await namak("certificate", confirmed.delivery_id, "-o", str(target), config=config)
    assert code != 0
    assert target.read_bytes()[:5] == b"%PDF-"


async def test_what_people_copy_from_its_pages_is_what_stands_there(confirmed: Confirmed) -> None:
    made = await confirmed.agency.client.evidence.certificate(confirmed.delivery_id, language="ru")

    document = pdfium.PdfDocument(made.pdf)
    text = "".join(document[number].get_textpage().get_text_range() for number in range(len(document)))
    document.close()
    assert "Свидетельство о доставке" in text
    assert confirmed.delivery_id in text
    assert "Прочтение подтверждено подписью" in text
