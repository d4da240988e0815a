"""A revocation list of more than 64 KiB: evidence names it, the post serves it, a verifier takes it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from grpc import StatusCode

from namak.evidence.details import ConfirmationDetails, InlineList, NamedList
from namak.evidence.document import EvidenceDocument
from scripts.story.post import namak
from server.dev.world import World
from tests.system.conftest import new_world
from tests.system.post import Agency, Citizen, Post, opened, signed
from tests.system.receipts import receipts_of, saved
from tests.system.refusing import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 64 * 1024
NOT_VERIFIED = 4


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which thousands of cards were revoked before anything began."""
    world = new_world(tmp_path_factory.mktemp("world"))
    now = datetime.now(UTC)
    entries: list[x509.RevokedCertificate] = [
        x509.RevokedCertificateBuilder().serial_number(2**127 + number).revocation_date(now).build()
        for number in range(2500)
    ]
    world.pki.citizen_authority._write_crl(entries, None, None)
    return world


async def test_a_confirmation_names_a_large_list_and_verifies_with_it(
    post: Post, agency: Agency, citizen: Citizen, tmp_path: Path
) -> None:
    act = await opened(agency, citizen)
    cms = signed(citizen.card.signing, act.statement)

    async with post.records.grow_by(confirmations=1, evidence=2, revocation_lists=1):
        confirmed = await citizen.client.mailbox.confirm(act.delivery_id, act.statement_id, cms)

    document = EvidenceDocument.parse(confirmed.evidence[0].document)
    assert isinstance(document.details, ConfirmationDetails)
    large, small = document.details.revocation
    assert isinstance(large, NamedList)
    assert isinstance(small, InlineList)

    stranger = await post.client(post.world.stranger)
    served = await stranger.evidence.revocation_list(bytes.fromhex(large.digest))
    assert len(served) > LIMIT
    assert hashlib.sha256(served).hexdigest() == large.digest
    (path, _) = post.pki.citizen_crl_paths
    assert x509.load_der_x509_crl(served) == x509.load_pem_x509_crl(path.read_bytes())

    config = post.world.write_client("stranger", post.world.stranger, post.address)
    files = saved(tmp_path, await receipts_of(citizen.client, act.delivery_id))
    crl = tmp_path / "citizens.crl"
    crl.write_bytes(served)
    code, output = await namak("verify", *map(str, files), "--crl", str(crl), config=config)
    assert code == 0, output
    code, output = await namak("verify", *map(str, files), config=config)
    assert (code, "FAIL revocation" in output) == (NOT_VERIFIED, True), output


async def test_a_list_is_kept_once_for_all_confirmations_under_it(
    post: Post, agency: Agency, citizen: Citizen
) -> None:
    first, second = await opened(agency, citizen), await opened(agency, citizen)
    mailbox = citizen.client.mailbox
    await mailbox.confirm(
        first.delivery_id, first.statement_id, signed(citizen.card.signing, first.statement)
    )

    async with post.records.grow_by(confirmations=1, evidence=2):
        await mailbox.confirm(
            second.delivery_id, second.statement_id, signed(citizen.card.signing, second.statement)
        )


async def test_a_list_that_no_evidence_names_is_not_found(post: Post, citizen: Citizen) -> None:
    await refused(citizen.client.evidence.revocation_list(bytes(32)), StatusCode.NOT_FOUND, "NOT_FOUND")
