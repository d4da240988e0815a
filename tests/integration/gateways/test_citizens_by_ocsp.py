"""Cards at the door and confirmations, where a responder is asked besides the operator's lists."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from namak.evidence.signature import build_confirmation_signature
from server.domain import refusals
from server.gateways.citizen_pki import CitizenPki
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.jurisdictions.am import AM
from tests.integration.gateways.authorities import COMMITMENT, HOUR, NOW, Entry, Issued
from tests.integration.gateways.status_scene import Scene, clock
from tests.integration.gateways.status_servers import http_serving, openssl_responder

STATEMENT = b"namak-statement/1\n"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with http_serving() as http:
        made = Scene(tmp_path, http)
        made.put_list("government", made.government_list())
        yield made
        await made.close()


def citizens(scene: Scene, url: str) -> CitizenPki:
    files = CitizenFiles(scene.directory / "roots.pem", scene.directory / "others.pem", scene.lists)
    trust = CitizenTrust(files, poll_seconds=0)
    return CitizenPki(trust, AM.naming, status=scene.checker(url, responder=url))


def confirmed(scene: Scene, person: Issued) -> bytes:
    key = person.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    chain = [authority.der for authority in (scene.country.government, scene.country.policy)]
    return build_confirmation_signature(
        STATEMENT, person.der, chain, lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))
    )


async def test_a_card_that_the_responder_calls_good_opens_the_door_even_without_a_list(
    scene: Scene, tmp_path: Path
) -> None:
    government, person = scene.country.government, scene.country.person()
    (scene.lists / "government.crl").unlink()
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        assert await citizens(scene, url).person_of(person.der, clock()) == "5001950015"
    with pytest.raises(refusals.RevocationStatusUnknown):
        await citizens(scene, url).person_of(person.der, clock())


async def test_a_card_that_the_responder_calls_revoked_does_not_though_no_list_names_it(
    scene: Scene, tmp_path: Path
) -> None:
    government, person = scene.country.government, scene.country.person()
    revoked = (Entry(person.serial),)
    async with openssl_responder(tmp_path / "ocsp", government, government, revoked=revoked) as url:
        with pytest.raises(refusals.CertificateRevoked):
            await citizens(scene, url).person_of(person.der, clock())


async def test_a_confirmation_is_taken_with_the_lists_that_its_evidence_will_carry(
    scene: Scene, tmp_path: Path
) -> None:
    government = scene.country.government
    person = scene.country.person(usage=COMMITMENT, extended=())
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        signer = await citizens(scene, url).verify(confirmed(scene, person), STATEMENT, clock())

        assert signer.person_number == "5001950015"
        assert signer.revocation_lists[0] == (scene.lists / "government.crl").read_bytes()
        assert len(signer.revocation_lists) == 3
        (scene.lists / "government.crl").unlink()
        with pytest.raises(refusals.RevocationStatusUnknown):
            await citizens(scene, url).verify(confirmed(scene, person), STATEMENT, clock())


async def test_a_confirmation_is_refused_when_the_responder_knows_more_than_the_list(
    scene: Scene, tmp_path: Path
) -> None:
    government = scene.country.government
    person = scene.country.person(usage=COMMITMENT, extended=())
    revoked = (Entry(person.serial),)
    async with openssl_responder(tmp_path / "ocsp", government, government, revoked=revoked) as url:
        with pytest.raises(refusals.SigningCertificateRevoked):
            await citizens(scene, url).verify(confirmed(scene, person), STATEMENT, clock())


async def test_a_confirmation_needs_lists_of_its_very_time_as_its_evidence_does(
    scene: Scene, tmp_path: Path
) -> None:
    government = scene.country.government
    person = scene.country.person(usage=COMMITMENT, extended=())
    async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
        at = NOW - 2 * HOUR
        with pytest.raises(refusals.RevocationStatusUnknown):
            await citizens(scene, url).verify(confirmed(scene, person), STATEMENT, at)
