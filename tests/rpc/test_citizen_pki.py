"""Personal certificates against the citizen roots and their revocation lists, as files that change."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.signature import build_confirmation_signature
from server.dev.authority import Validity
from server.dev.pki import DevelopmentPki, Identity, Person
from server.domain import refusals
from server.gateways.citizen_pki import CitizenPki
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.jurisdictions.am import AM

PERSON = Person("5001950015", "Արամ", "Պետրոսյան")
STATEMENT = b"namak-statement/1\n"


def now() -> datetime:
    return datetime.now(UTC)


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


class Scene:
    """A PKI of its own, and the gateway over its files, which looks at them whenever it is asked."""

    def __init__(self, directory: Path) -> None:
        self.pki = DevelopmentPki.open(directory)
        self.card = self.pki.card("card", PERSON)
        files = CitizenFiles(
            self.pki.citizen_roots_path,
            self.pki.citizen_authority.path,
            self.pki.citizen_crl_paths[0].parent,
        )
        self.gateway = CitizenPki(CitizenTrust(files, poll_seconds=0), AM.naming)

    async def person_of(self, identity: Identity, at: datetime | None = None) -> str | None:
        return await self.gateway.person_of(der(identity), at or now())

    def signed(self, identity: Identity, statement: bytes = STATEMENT) -> bytes:
        key = identity.key
        assert key is not None
        chain = [one.public_bytes(Encoding.DER) for one in identity.chain]
        return build_confirmation_signature(
            statement, der(identity), chain, lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))
        )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_tells_the_person_of_an_authentication_certificate(scene: Scene) -> None:
    assert await scene.person_of(scene.card.authentication) == "5001950015"


async def test_takes_an_agencys_certificate_with_a_citizens_number_for_nobodys(scene: Scene) -> None:
    impostor = scene.pki.machine(
        "impostor", organisation="SRC", common_name="x", serial_number="PNOAM-5001950015"
    )

    assert await scene.person_of(impostor) is None


async def test_takes_a_signing_certificate_for_nobodys_at_the_door(scene: Scene) -> None:
    assert await scene.person_of(scene.card.signing) is None


async def test_takes_an_expired_certificate_for_nobodys(scene: Scene) -> None:
    expired = scene.pki.authentication_certificate("expired", PERSON, validity=Validity.days(-1))

    assert await scene.person_of(expired) is None


async def test_forgets_a_person_when_the_certificate_ends(scene: Scene) -> None:
    certificate = scene.card.authentication.certificate
    scene.pki.write_crls(next_update=certificate.not_valid_after_utc + timedelta(days=2))
    end = certificate.not_valid_after_utc

    assert await scene.person_of(scene.card.authentication, end - timedelta(seconds=1)) == "5001950015"
    assert await scene.person_of(scene.card.authentication, end + timedelta(seconds=1)) is None


async def test_sees_a_new_revocation_list(scene: Scene) -> None:
    assert await scene.person_of(scene.card.authentication) == "5001950015"

    scene.pki.revoke(scene.card.authentication)

    with pytest.raises(refusals.CertificateRevoked):
        await scene.person_of(scene.card.authentication)


async def test_cannot_tell_once_the_list_is_stale(scene: Scene) -> None:
    end = now() + timedelta(hours=1)
    scene.pki.write_crls(next_update=end)
    assert await scene.person_of(scene.card.authentication, end - timedelta(seconds=5)) == "5001950015"

    with pytest.raises(refusals.RevocationStatusUnknown):
        await scene.person_of(scene.card.authentication, end + timedelta(seconds=5))


async def test_cannot_tell_without_a_list_and_can_again_with_one(scene: Scene) -> None:
    (path, _) = scene.pki.citizen_crl_paths
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(refusals.RevocationStatusUnknown):
        await scene.person_of(scene.card.authentication)

    path.write_bytes(content)

    assert await scene.person_of(scene.card.authentication) == "5001950015"


async def test_takes_lists_in_der_too(scene: Scene) -> None:
    for path in scene.pki.citizen_crl_paths:
        list_ = x509.load_pem_x509_crl(path.read_bytes())
        path.with_name(f"{path.name.removesuffix('.crl.pem')}.crl").write_bytes(
            list_.public_bytes(Encoding.DER)
        )
        path.unlink()

    assert await scene.person_of(scene.card.authentication) == "5001950015"


async def test_keeps_the_former_list_while_a_file_is_half_written(scene: Scene) -> None:
    assert await scene.person_of(scene.card.authentication) == "5001950015"
    (path, _) = scene.pki.citizen_crl_paths

    path.write_bytes(path.read_bytes()[:100])

    assert await scene.person_of(scene.card.authentication) == "5001950015"


async def test_keeps_the_former_roots_while_their_file_is_broken(scene: Scene) -> None:
    scene.pki.citizen_roots_path.write_bytes(b"nothing")

    assert await scene.person_of(scene.card.authentication) == "5001950015"


def test_does_not_begin_without_a_root(scene: Scene, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")

    with pytest.raises(ValueError, match="PEM"):
        CitizenTrust(CitizenFiles(empty, None, tmp_path))


async def test_looks_at_the_files_no_more_often_than_it_is_told(scene: Scene) -> None:
    seconds = 0.0
    files = CitizenFiles(scene.pki.citizen_roots_path, None, scene.pki.citizen_crl_paths[0].parent)
    trust = CitizenTrust(files, monotonic=lambda: seconds, poll_seconds=0.5)
    first = await trust.current()
    path = scene.pki.citizen_crl_paths[0]
    os.utime(path, ns=(1, 1))

    seconds = 0.4
    assert await trust.current() is first
    seconds = 0.5
    assert (await trust.current()).generation == first.generation + 1


async def test_tells_when_the_first_of_the_lists_goes_stale(scene: Scene, tmp_path: Path) -> None:
    directory = scene.pki.citizen_crl_paths[0].parent
    trust = CitizenTrust(CitizenFiles(scene.pki.citizen_roots_path, None, directory), poll_seconds=0)
    soon = (now() + timedelta(hours=1)).replace(microsecond=0)
    later = await trust.lists_end()
    assert later is not None
    assert later > soon

    scene.pki.citizen_authority.write_crl(next_update=soon)
    assert await trust.lists_end() == soon

    (tmp_path / "none").mkdir()
    without = CitizenTrust(CitizenFiles(scene.pki.citizen_roots_path, None, tmp_path / "none"))
    assert await without.lists_end() is None


async def test_tells_who_signed_a_statement_and_by_which_lists(scene: Scene) -> None:
    signer = await scene.gateway.verify(scene.signed(scene.card.signing), STATEMENT, now())

    assert signer.person_number == "5001950015"
    issuers = [x509.load_der_x509_crl(list_).issuer for list_ in signer.revocation_lists]
    authority = scene.pki.citizen_authority
    assert issuers == [authority.certificate.subject, scene.pki.citizen_root.certificate.subject]


def _authentication(scene: Scene) -> bytes:
    return scene.signed(scene.card.authentication)


def _of_an_agency(scene: Scene) -> bytes:
    agency = scene.pki.machine(
        "agency", organisation="SRC", common_name="x", serial_number="PNOAM-5001950015"
    )
    return scene.signed(agency)


def _expired(scene: Scene) -> bytes:
    return scene.signed(scene.pki.signing_certificate("old", PERSON, validity=Validity.days(-1)))


def _without_its_authority(scene: Scene) -> bytes:
    key = scene.card.signing.key
    assert key is not None
    return build_confirmation_signature(
        STATEMENT, der(scene.card.signing), (), lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))
    )


def _revoked(scene: Scene) -> bytes:
    scene.pki.revoke(scene.card.signing)
    return scene.signed(scene.card.signing)


def _stale(scene: Scene) -> bytes:
    past = now() - timedelta(hours=2)
    scene.pki.write_crls(this_update=past, next_update=past + timedelta(hours=1))
    return scene.signed(scene.card.signing)


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        (lambda scene: b"nonsense", refusals.SignatureInvalid),
        (lambda scene: scene.signed(scene.card.signing, b"another"), refusals.SignatureInvalid),
        (_of_an_agency, refusals.SigningCertificateUntrusted),
        # The operator knows the authority; whoever verifies the evidence later does not.
        (_without_its_authority, refusals.SigningCertificateUntrusted),
        (_expired, refusals.SigningCertificateExpired),
        (_revoked, refusals.SigningCertificateRevoked),
        (_authentication, refusals.SigningCertificatePurpose),
        (_stale, refusals.RevocationStatusUnknown),
    ],
    ids=[
        "nonsense",
        "another text",
        "an agency's",
        "without its authority",
        "expired",
        "revoked",
        "authentication only",
        "stale list",
    ],
)
async def test_refuses_a_signature(
    scene: Scene, make: Callable[[Scene], bytes], refusal: type[Exception]
) -> None:
    signature = make(scene)

    with pytest.raises(refusal):
        await scene.gateway.verify(signature, STATEMENT, now())
