"""The throwaway PKI: its certificates are what they are said to be, as OpenSSL and pyHanko judge them."""

import hashlib
import ipaddress
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    InvalidCertificateError,
    PathBuildingError,
    PathValidationError,
    RevokedError,
)

from server.dev.authority import Validity
from server.dev.pki import DevelopmentPki, Identity, Person

ANNA = Person("5001950015", "Աննա", "Պետրոսյան")


@pytest.fixture
def pki(tmp_path: Path) -> DevelopmentPki:
    return DevelopmentPki.open(tmp_path)


async def path_of(pki: DevelopmentPki, identity: Identity, *, usage: set[str]) -> list[str]:
    """Validates against the citizen root and both CRLs, all of it fresh; returns the path's common names."""
    context = ValidationContext(
        trust_roots=[asn1(pki.citizen_root.certificate)],
        crls=[asn1_crl_of(path) for path in pki.citizen_crl_paths],
        allow_fetching=False,
        revocation_mode="require",
    )
    validator = CertificateValidator(
        asn1(identity.certificate), [asn1(one) for one in identity.chain], validation_context=context
    )
    path = await validator.async_validate_usage(usage)  # type: ignore[no-untyped-call]
    return [one.subject.native["common_name"] for one in path if isinstance(one, asn1_x509.Certificate)]


def asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def asn1_crl_of(path: Path) -> asn1_crl.CertificateList:
    crl = x509.load_pem_x509_crl(path.read_bytes())
    return asn1_crl.CertificateList.load(crl.public_bytes(Encoding.DER))


def usage_of(identity: Identity) -> x509.KeyUsage:
    return identity.certificate.extensions.get_extension_for_class(x509.KeyUsage).value


def handshake(server: Identity, client: Identity, pki: DevelopmentPki) -> bool:
    """A whole TLS handshake with client certificates, in memory. True when both sides accept."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server.cert_path, server.key_path)
    serving.load_verify_locations(pki.client_roots_path)
    serving.verify_mode = ssl.CERT_REQUIRED
    calling = ssl.create_default_context(cafile=str(pki.server_root_path))
    calling.load_cert_chain(client.cert_path, client.key_path)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        serving.wrap_bio(to_server, to_client, server_side=True),
        calling.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
    ]
    for _ in range(10):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return not ends


def test_machines_and_citizens_get_through_the_handshake(pki: DevelopmentPki) -> None:
    server = pki.server_identity()
    agency = pki.machine("agency", organisation="State Revenue Committee", common_name="src-gateway")
    citizen = pki.card("anna", ANNA).authentication

    assert handshake(server, agency, pki)
    assert handshake(server, citizen, pki)


def test_the_handshake_refuses_expired_unknown_and_signing_certificates(pki: DevelopmentPki) -> None:
    server = pki.server_identity()
    expired = pki.machine("late", organisation="A", common_name="late", validity=Validity.days(-1))
    unknown = pki.machine("who", organisation="A", common_name="who", authority=pki.unknown_authority())
    future = Validity(datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
    early = pki.machine("early", organisation="A", common_name="early", validity=future)
    signing = pki.signing_certificate("anna-signing", ANNA)

    assert not handshake(server, signing, pki)
    assert not handshake(server, expired, pki)
    assert not handshake(server, unknown, pki)
    assert not handshake(server, early, pki)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_the_server_certificate_is_good_for_loopback(pki: DevelopmentPki, host: str) -> None:
    name: x509.GeneralName = (
        x509.DNSName(host) if host == "localhost" else x509.IPAddress(ipaddress.ip_address(host))
    )
    verifier = (
        PolicyBuilder().store(Store([pki.server_authority.certificate])).build_server_verifier(name)  # type: ignore[arg-type]
    )

    path = verifier.verify(pki.server_identity().certificate, [])

    assert path[-1] == pki.server_authority.certificate


async def test_a_card_has_two_certificates_of_one_person_for_two_purposes(pki: DevelopmentPki) -> None:
    card = pki.card("anna", ANNA)

    authentication, signing = usage_of(card.authentication), usage_of(card.signing)
    assert (authentication.digital_signature, authentication.content_commitment) == (True, False)
    assert (signing.digital_signature, signing.content_commitment) == (False, True)
    extended = card.authentication.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(extended.value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert card.authentication.certificate.subject == card.signing.certificate.subject
    assert card.authentication.certificate.public_key() != card.signing.certificate.public_key()
    path = ["Namak Development Citizen Root", "Namak Development Citizen Issuing CA", "Աննա Պետրոսյան"]
    assert await path_of(pki, card.authentication, usage={"digital_signature"}) == path
    assert await path_of(pki, card.signing, usage={"non_repudiation"}) == path


async def test_an_authentication_certificate_cannot_sign_statements(pki: DevelopmentPki) -> None:
    card = pki.card("anna", ANNA)

    with pytest.raises(InvalidCertificateError, match="non repudiation"):
        await path_of(pki, card.authentication, usage={"non_repudiation"})


def test_a_card_names_its_person(pki: DevelopmentPki) -> None:
    subject = pki.card("anna", ANNA).signing.certificate.subject

    assert {one.oid: one.value for one in subject} == {
        NameOID.COUNTRY_NAME: "AM",
        NameOID.SURNAME: "Պետրոսյան",
        NameOID.GIVEN_NAME: "Աննա",
        NameOID.SERIAL_NUMBER: "PNOAM-5001950015",
        NameOID.COMMON_NAME: "Աննա Պետրոսյան",
    }


def test_the_signing_key_may_be_elsewhere(pki: DevelopmentPki) -> None:
    elsewhere = ec.generate_private_key(ec.SECP256R1()).public_key()

    signing = pki.card("anna", ANNA, signing_key=elsewhere).signing

    assert signing.certificate.public_key() == elsewhere
    assert (signing.key, signing.key_path) == (None, None)
    with pytest.raises(ValueError, match="in a token"):
        _ = signing.key_pem


async def test_a_revoked_certificate_fails_and_its_neighbour_does_not(pki: DevelopmentPki) -> None:
    card = pki.card("anna", ANNA)

    pki.revoke(card.signing)
    pki.revoke(card.signing)

    with pytest.raises(RevokedError):
        await path_of(pki, card.signing, usage={"non_repudiation"})
    assert await path_of(pki, card.authentication, usage={"digital_signature"})


async def test_revoking_the_issuing_authority_fails_its_certificates(pki: DevelopmentPki) -> None:
    card = pki.card("anna", ANNA)

    pki.citizen_root.revoke(pki.citizen_authority.certificate)

    with pytest.raises(RevokedError):
        await path_of(pki, card.authentication, usage={"digital_signature"})


async def test_a_stale_crl_is_not_enough(pki: DevelopmentPki) -> None:
    card = pki.card("anna", ANNA)
    now = datetime.now(UTC)

    pki.write_crls(this_update=now - timedelta(days=10), next_update=now - timedelta(days=3))

    with pytest.raises(PathValidationError):
        await path_of(pki, card.signing, usage={"non_repudiation"})
    pki.write_crls()
    assert await path_of(pki, card.signing, usage={"non_repudiation"})


async def test_an_expired_card_fails(pki: DevelopmentPki) -> None:
    card = pki.card("anna", ANNA, validity=Validity.days(-30))

    with pytest.raises(PathValidationError, match="expired"):
        await path_of(pki, card.signing, usage={"non_repudiation"})


async def test_an_agency_certificate_with_a_citizens_number_leads_to_no_citizen_root(
    pki: DevelopmentPki,
) -> None:
    forged = pki.machine("forged", organisation="A", common_name="Anna", serial_number="PNOAM-5001950015")

    numbers = forged.certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    assert [one.value for one in numbers] == ["PNOAM-5001950015"]
    with pytest.raises(PathBuildingError):
        await path_of(pki, forged, usage={"digital_signature"})


def test_machine_certificates_are_not_the_citizen_authoritys_to_revoke(pki: DevelopmentPki) -> None:
    agency = pki.machine("agency", organisation="A", common_name="a")

    with pytest.raises(ValueError, match="issuer"):
        pki.revoke(agency)


def test_what_is_in_the_files_is_what_the_identity_says(pki: DevelopmentPki) -> None:
    citizen = pki.card("anna", ANNA).authentication
    assert citizen.key_path is not None
    assert citizen.key is not None

    read = x509.load_pem_x509_certificates(citizen.cert_path.read_bytes())
    assert read == [citizen.certificate, pki.citizen_authority.certificate]
    key = load_pem_private_key(citizen.key_path.read_bytes(), password=None)
    assert key.public_key() == citizen.certificate.public_key() == citizen.key.public_key()
    assert citizen.sha256 == hashlib.sha256(citizen.certificate.public_bytes(Encoding.DER)).digest()


def test_every_private_key_is_readable_by_its_owner_only(pki: DevelopmentPki, tmp_path: Path) -> None:
    pki.server_identity()
    pki.machine("agency", organisation="A", common_name="a")
    pki.card("anna", ANNA)

    keys = [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]

    assert len(keys) == 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


async def test_opened_again_it_is_the_same_and_remembers_revocations(
    pki: DevelopmentPki, tmp_path: Path
) -> None:
    card = pki.card("anna", ANNA)
    pki.revoke(card.authentication)

    again = DevelopmentPki.open(tmp_path)

    assert again.citizen_root.certificate == pki.citizen_root.certificate
    assert await path_of(again, card.signing, usage={"non_repudiation"})
    with pytest.raises(RevokedError):
        await path_of(again, card.authentication, usage={"digital_signature"})
