"""The story that the tests of certificates share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from namak.client.signing import sign_pdf
from namak.evidence.document import RecordedFact
from namak.signatures.pdf_long_term import with_material
from namak.signatures.trust import RevocationMaterial
from server.gateways.certificate_pages.renderer import CertificateRenderer
from tests.delivery_certificates import MADE, certificate_of
from tests.unit.delivery_certificates.sealing import CARD, ROOT, SEAL, STAMPS, TIME
from tests.unit.evidence_documents.world import Story


@dataclass(frozen=True)
class Told:
    """A delivery from its acceptance to its effect."""

    story: Story
    facts: Sequence[RecordedFact]


@pytest.fixture(scope="session")
def told() -> Told:
    story = Story()
    confirmed = story.world.record(story.confirmation())
    effected = story.world.record(story.effect(confirmed))
    return Told(story, [story.acceptance, story.consignment, story.access, confirmed, effected])


@pytest.fixture(scope="package")
def plain(told: Told) -> Iterator[bytes]:
    """A certificate without a seal."""
    with CertificateRenderer() as renderer:
        yield renderer.render(certificate_of(told.story, [told.story.acceptance]))


@pytest.fixture(scope="package")
def sealed(plain: bytes) -> bytes:
    """PAdES B-B."""
    return sign_pdf(plain, SEAL, at=MADE)


@pytest.fixture(scope="package")
def kept(plain: bytes) -> bytes:
    """PAdES B-LT: with a timestamp, and a store of certificates and lists behind the seal."""
    stamped = sign_pdf(plain, SEAL, at=MADE, timestamps=STAMPS)
    return with_material(stamped, [CARD.der, ROOT.der], RevocationMaterial((TIME.crl(),), ()))
