import hashlib
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from namak.evidence.certificate import CertificateNaming
from namak.evidence.errors import EvidenceError
from namak.evidence.failures import (
    CertificateExpired,
    CertificatePurpose,
    CertificateRevoked,
    CertificateUntrusted,
    NoPath,
    RevocationStatusUnknown,
    SignatureInvalid,
)
from namak.evidence.signature import (
    Signer,
    build_confirmation_signature,
    check_confirmation_signature,
    check_personal_certificate,
)
from tests.unit.evidence_documents.pki import CLIENT_AUTH, NOW, Authority, Card, PrivateKey, subject

STATEMENT = "Հավաստում եմ\n".encode()

ROOT = Authority.root("Citizen root")
ISSUER = ROOT.authority("Citizen authority")
AGENCIES = Authority.root("Agency root")
CARD = ISSUER.card()
LISTS = (ROOT.crl(), ISSUER.crl())
RSA_2048 = rsa.generate_private_key(65537, 2048)
RSA_1024 = rsa.generate_private_key(65537, 1024)
SIGNATURE = build_confirmation_signature(STATEMENT, CARD.der, CARD.chain, CARD.sign)


def signed_by(card: Card, content: bytes = STATEMENT) -> bytes:
    return build_confirmation_signature(content, card.der, card.chain, card.sign)


def check(
    cms: bytes = SIGNATURE,
    content: bytes = STATEMENT,
    *,
    crls: tuple[bytes, ...] = LISTS,
    roots: tuple[bytes, ...] = (ROOT.der,),
    **others: Any,
) -> Signer:
    return check_confirmation_signature(
        cms, content, roots=roots, crls=crls, at=others.pop("at", NOW), **others
    )


def test_a_citizens_signature_says_who_signed() -> None:
    signer = check()

    assert signer.person.number == "5001950015"
    assert signer.person.common_name == "SARGSYAN,ANI"
    assert signer.person.path == (CARD.der, ISSUER.der, ROOT.der)
    assert [checked.crl for checked in signer.person.lists] == [LISTS[1], LISTS[0]]
    assert signer.person.status_time == NOW - timedelta(hours=1)
    assert signer.digest_algorithm == "sha256"


def test_rsa_keys_from_2048_bits_are_accepted() -> None:
    card = ISSUER.card(key=RSA_2048)

    assert check(signed_by(card)).person.certificate == card.der


@pytest.mark.parametrize("digest", ["sha256", "sha384"])
def test_p384_is_accepted_with_either_digest(digest: str) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    card = ISSUER.card(key=key)
    algorithm = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[digest]

    cms = build_confirmation_signature(
        STATEMENT, card.der, card.chain, lambda data: key.sign(data, ec.ECDSA(algorithm)), digest
    )

    assert check(cms).digest_algorithm == digest


def test_the_chain_may_come_from_elsewhere_than_the_signature() -> None:
    bare = build_confirmation_signature(STATEMENT, CARD.der, (), CARD.sign)

    with pytest.raises(CertificateUntrusted):
        check(bare)
    assert check(bare, intermediates=(ISSUER.der,)).person.path == (CARD.der, ISSUER.der, ROOT.der)


def test_openssl_accepts_what_we_build(tmp_path: Path) -> None:
    (tmp_path / "cms").write_bytes(SIGNATURE)
    (tmp_path / "content").write_bytes(STATEMENT)
    (tmp_path / "root.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    command = [
        "openssl",
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "cms",
        "-content",
        "content",
    ]
    command += ["-CAfile", "root.pem", "-purpose", "any", "-attime", str(int(NOW.timestamp())), "-out", "out"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == STATEMENT


def test_we_accept_what_openssl_builds(tmp_path: Path) -> None:
    key_file, card_file = tmp_path / "key.pem", tmp_path / "card.pem"
    key_file.write_bytes(CARD.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    card_file.write_bytes(CARD.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "chain.pem").write_bytes(ISSUER.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "content").write_bytes(STATEMENT)
    command = [
        "openssl",
        "cms",
        "-sign",
        "-cades",
        "-binary",
        "-md",
        "sha256",
        "-outform",
        "DER",
        "-in",
        "content",
    ]
    command += ["-signer", "card.pem", "-inkey", "key.pem", "-certfile", "chain.pem", "-out", "cms"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert check((tmp_path / "cms").read_bytes()).person.number == "5001950015"


async def test_pyhanko_accepts_what_we_build() -> None:
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(ROOT.der)],
        allow_fetching=False,
        moment=NOW,
        crls=list(LISTS),
        revocation_mode="require",
    )
    signed = asn1_cms.ContentInfo.load(SIGNATURE)["content"]

    status = await async_validate_detached_cms(STATEMENT, signed, signer_validation_context=context)

    assert status.bottom_line


# --- whose signature, over what


def test_another_content_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="not over these bytes"):
        check(content=STATEMENT + b"\n")


@pytest.mark.parametrize(
    "cms", [b"", b"\x30\x00", b"garbage", SIGNATURE[:-1], SIGNATURE + b"\x00", STATEMENT]
)
def test_nobodys_signature_is_refused(cms: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        check(cms)


def test_a_signature_by_another_key_is_refused() -> None:
    other = ISSUER.card()

    with pytest.raises(SignatureInvalid, match="does not verify"):
        build_confirmation_signature(STATEMENT, CARD.der, CARD.chain, other.sign)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SIGNATURE) - 1), st.integers(1, 255))
def test_every_changed_byte_is_refused_with_an_error_of_ours(position: int, change: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[position] ^= change

    try:
        signer = check(bytes(changed))
    except EvidenceError:
        return
    # ECDSA-Sig-Value and the like are covered; only a certificate above the signer's may change to one that
    # is ignored.
    pytest.fail(f"byte {position} changed and {signer.person.number} is still taken for the signer")


# --- the certificate


def test_an_agencys_certificate_with_a_citizens_number_is_untrusted() -> None:
    card = AGENCIES.card()

    with pytest.raises(CertificateUntrusted):
        check(signed_by(card), crls=(*LISTS, AGENCIES.crl()))


def test_an_authority_of_the_same_name_is_untrusted() -> None:
    impostor = Authority.root("Citizen root").authority("Citizen authority")
    card = impostor.card()

    for crls in (LISTS, (impostor.crl(), *LISTS)):
        with pytest.raises(CertificateUntrusted):
            check(signed_by(card), crls=crls)


def test_without_roots_nobody_is_trusted() -> None:
    with pytest.raises(CertificateUntrusted):
        check(roots=())


def test_a_root_that_is_its_own_citizen_is_untrusted() -> None:
    with pytest.raises(CertificateUntrusted):
        check(roots=(CARD.der,))


@pytest.mark.parametrize("days", [400, -31])
def test_a_certificate_at_a_time_outside_its_validity_is_expired(days: int) -> None:
    with pytest.raises(CertificateExpired):
        check(at=NOW + timedelta(days=days))


def test_an_authority_that_expired_before_is_expired() -> None:
    card = ROOT.authority("Short-lived authority", days=-1).card()

    with pytest.raises(CertificateExpired):
        check(signed_by(card))


def test_a_root_that_expired_before_is_expired() -> None:
    old = Authority.root("Old root", days=-1)
    card = old.card()

    with pytest.raises(CertificateExpired):
        check(signed_by(card), roots=(old.der,), crls=(old.crl(),))


def test_an_authentication_certificate_has_the_wrong_purpose() -> None:
    card = ISSUER.card(usages=("digital_signature",), extra=(CLIENT_AUTH,))

    with pytest.raises(CertificatePurpose):
        check(signed_by(card))


def test_an_authority_of_citizens_is_no_citizen() -> None:
    key = ROOT.key
    authority = ROOT.authority("PNO", usages=("content_commitment", "key_cert_sign", "crl_sign"))
    card = Card(authority.key, authority.certificate, ())
    assert key is not card.key

    with pytest.raises(CertificateUntrusted):
        check(signed_by(card))


@pytest.mark.parametrize(
    "name",
    [
        subject("NOBODY"),
        subject("ENTITY", "NTRAM-22335588"),
        subject("SHORT", "PNOAM-500195001"),
        subject("FOREIGN", "PNOGE-5001950015"),
        subject("SPACE", "PNOAM-5001950015 "),
        x509.Name([*subject("TWO", "PNOAM-5001950015"), *subject("TWO", "PNOAM-5001950016")]),
    ],
)
def test_a_certificate_that_names_no_person_is_untrusted(name: x509.Name) -> None:
    with pytest.raises(CertificateUntrusted):
        check(signed_by(ISSUER.card(name=name)))


def test_how_certificates_name_people_is_data() -> None:
    naming = CertificateNaming(prefix="IIN", number="[0-9]{12}")
    card = ISSUER.card("IIN950101300123")

    assert check(signed_by(card), naming=naming).person.number == "950101300123"
    with pytest.raises(CertificateUntrusted):
        check(naming=naming)
    with pytest.raises(ValueError, match="attribute"):
        CertificateNaming(attribute="favourite_colour")


@pytest.mark.parametrize(
    "authority",
    [
        ROOT.authority("No authority", constraints=x509.BasicConstraints(False, None)),
        ROOT.authority("May not sign certificates", usages=("crl_sign",)),
        ROOT.authority("Ends here", constraints=x509.BasicConstraints(True, 0)).authority("One too deep"),
        AGENCIES.authority("Citizen authority"),
    ],
)
def test_an_authority_that_may_not_be_one_leads_nowhere(authority: Authority) -> None:
    card = authority.card()

    with pytest.raises(CertificateUntrusted):
        check(signed_by(card), crls=(*LISTS, authority.crl()))


def test_a_critical_extension_that_nobody_knows_is_untrusted() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")

    with pytest.raises(CertificateUntrusted):
        check(signed_by(ISSUER.card(extra=((unknown, True),))))
    assert check(signed_by(ISSUER.card(extra=((unknown, False),)))).person.number == "5001950015"


def test_a_weak_authority_is_untrusted() -> None:
    weak = ROOT.authority("Weak authority", key=RSA_1024)
    card = weak.card()

    with pytest.raises(CertificateUntrusted):
        check(signed_by(card), crls=(*LISTS, weak.crl()))


# --- revocation


def _citizens() -> tuple[Authority, Authority, Card]:
    root = Authority.root("Citizen root")
    issuer = root.authority("Citizen authority")
    return root, issuer, issuer.card()


def test_a_certificate_revoked_before_is_revoked() -> None:
    root, issuer, card = _citizens()
    issuer.revoke(card, NOW - timedelta(hours=2))

    with pytest.raises(CertificateRevoked):
        check(signed_by(card), roots=(root.der,), crls=(root.crl(), issuer.crl()))


def test_an_authority_revoked_before_takes_its_certificates_along() -> None:
    root, issuer, card = _citizens()
    root.revoke(issuer, NOW - timedelta(days=2))

    with pytest.raises(CertificateRevoked):
        check(signed_by(card), roots=(root.der,), crls=(root.crl(), issuer.crl()))


def test_a_certificate_revoked_afterwards_was_not_revoked() -> None:
    root, issuer, card = _citizens()
    issuer.revoke(card, NOW + timedelta(seconds=1))

    signer = check(signed_by(card), roots=(root.der,), crls=(root.crl(), issuer.crl()))

    assert signer.person.certificate == card.der


def test_of_two_lists_the_one_that_names_the_certificate_counts() -> None:
    root, issuer, card = _citizens()
    before = issuer.crl(issued=NOW - timedelta(hours=3))
    issuer.revoke(card, NOW - timedelta(hours=2))

    for crls in ((before, issuer.crl()), (issuer.crl(), before)):
        with pytest.raises(CertificateRevoked):
            check(signed_by(card), roots=(root.der,), crls=(root.crl(), *crls))


def test_of_two_clean_lists_the_newer_is_relied_on() -> None:
    older = ISSUER.crl(issued=NOW - timedelta(hours=3))

    signer = check(crls=(older, *LISTS))

    assert signer.person.lists[0].crl == LISTS[1]


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "none": lambda: b"",
    "of another authority": AGENCIES.crl,
    "run out": lambda: ISSUER.crl(issued=NOW - timedelta(days=3)),
    "from later": lambda: ISSUER.crl(issued=NOW + timedelta(seconds=1)),
    "signed by another key": lambda: ISSUER.crl(key=ROOT.key),
    "damaged": lambda: LISTS[1][:-1] + bytes([LISTS[1][-1] ^ 1]),
    "a delta": lambda: ISSUER.crl(extra=((x509.DeltaCRLIndicator(1), True),)),
    "for authorities only": lambda: ISSUER.crl(extra=(_point(only_contains_ca_certs=True),)),
    "for attribute certificates": lambda: ISSUER.crl(extra=(_point(only_contains_attribute_certs=True),)),
    "for some reasons": lambda: ISSUER.crl(
        extra=(_point(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])),)
    ),
    "indirect": lambda: ISSUER.crl(extra=(_point(indirect_crl=True),)),
    "of another point": lambda: ISSUER.crl(
        extra=(_point(full_name=[x509.UniformResourceIdentifier("http://crl.example/7")]),)
    ),
    "with an unknown critical extension": lambda: ISSUER.crl(
        extra=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"), True),)
    ),
}


def _point(**fields: Any) -> tuple[x509.ExtensionType, bool]:
    empty: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**empty, **fields}), True


@pytest.mark.parametrize("crl", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_without_a_usable_list_the_status_is_unknown(crl: Callable[[], bytes]) -> None:
    with pytest.raises(RevocationStatusUnknown):
        check(crls=(LISTS[0], crl()))


def test_an_unusable_list_beside_a_usable_one_does_no_harm() -> None:
    for crl in UNUSABLE.values():
        assert check(crls=(crl(), *LISTS)).person.lists[0].crl == LISTS[1]


def test_without_the_authoritys_list_its_status_is_unknown() -> None:
    with pytest.raises(RevocationStatusUnknown):
        check(crls=LISTS[1:])


def test_a_list_for_the_certificates_own_point_is_usable() -> None:
    name = x509.UniformResourceIdentifier("http://crl.example/7")
    points = x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])
    card = ISSUER.card(extra=((points, False),))
    crl = ISSUER.crl(extra=(_point(full_name=[name], only_contains_user_certs=True),))

    assert check(signed_by(card), crls=(LISTS[0], crl)).person.lists[0].crl == crl


# --- the shape of the signature


def crafted(
    *,
    card: Card = CARD,
    content: bytes = STATEMENT,
    digest: str = "sha256",
    algorithm: dict[str, Any] | None = None,
    sign: Callable[[bytes], bytes] | None = None,
    change_attributes: Callable[[dict[str, list[Any]]], object] = lambda attributes: None,
    change_signer: Callable[[Any], object] = lambda signer: None,
    change_signed: Callable[[Any], object] = lambda signed: None,
) -> bytes:
    """Returns a signature like ours, but for what the arguments change, signed after the change."""
    attributes: dict[str, list[Any]] = {
        "content_type": ["data"],
        "message_digest": [hashlib.new(digest, content).digest()],
        "signing_certificate_v2": [
            tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(card.der).digest()}]})
        ],
    }
    change_attributes(attributes)
    encoded = asn1_cms.CMSAttributes(
        [
            asn1_cms.CMSAttribute({"type": asn1_cms.CMSAttributeType(name), "values": values})
            for name, values in attributes.items()
        ]
    )
    named = asn1_x509.Certificate.load(card.der)
    signer = {
        "version": "v1",
        "sid": asn1_cms.SignerIdentifier(
            {"issuer_and_serial_number": {"issuer": named.issuer, "serial_number": named.serial_number}}
        ),
        "digest_algorithm": {"algorithm": digest},
        "signed_attrs": encoded,
        "signature_algorithm": algorithm or {"algorithm": "sha256_ecdsa"},
        "signature": (sign or card.sign)(encoded.dump()),
    }
    change_signer(signer)
    signed = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": digest}],
        "encap_content_info": {"content_type": "data"},
        "certificates": [asn1_x509.Certificate.load(der) for der in (card.der, *card.chain)],
        "signer_infos": [asn1_cms.SignerInfo(signer)],
    }
    change_signed(signed)
    content_info = {"content_type": "signed_data", "content": asn1_cms.SignedData(signed)}
    return bytes(asn1_cms.ContentInfo(content_info).dump())


def test_a_crafted_signature_without_a_change_is_accepted() -> None:
    assert check(crafted()).person.number == "5001950015"


def _set(key: str, value: Any) -> Callable[[Any], object]:
    return lambda target: target.__setitem__(key, value)


def _attach(signed: Any) -> None:
    signed["encap_content_info"] = {"content_type": "data", "content": STATEMENT}


def _second_signer(signed: Any) -> None:
    signed["signer_infos"] = [signed["signer_infos"][0], signed["signer_infos"][0].copy()]


def _drop_certificate(signed: Any) -> None:
    signed["certificates"] = signed["certificates"][1:]


def _sha1_ecdsa(data: bytes) -> bytes:
    assert isinstance(CARD.key, ec.EllipticCurvePrivateKey)
    return CARD.key.sign(data, ec.ECDSA(hashes.SHA1()))


OTHER = ISSUER.card()
_OTHER_ID = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(OTHER.der).digest()}]})

MISSHAPEN: dict[str, Callable[[], bytes]] = {
    "content attached": lambda: crafted(change_signed=_attach),
    "two signers": lambda: crafted(change_signed=_second_signer),
    "no signer": lambda: crafted(change_signed=_set("signer_infos", [])),
    "no certificate of the signer": lambda: crafted(change_signed=_drop_certificate),
    "a list inside": lambda: crafted(
        change_signed=_set("crls", [asn1_cms.RevocationInfoChoice.load(LISTS[0])])
    ),
    "two certificates of a subject": lambda: crafted(
        change_signed=lambda signed: signed["certificates"].append(asn1_x509.Certificate.load(OTHER.der))
    ),
    "sha-1": lambda: crafted(digest="sha1", algorithm={"algorithm": "sha1_ecdsa"}, sign=_sha1_ecdsa),
    "sha-1 under sha-256": lambda: crafted(algorithm={"algorithm": "sha1_ecdsa"}, sign=_sha1_ecdsa),
    "two different digests": lambda: crafted(algorithm={"algorithm": "sha384_ecdsa"}),
    "another declared digest": lambda: crafted(
        change_signed=_set("digest_algorithms", [{"algorithm": "sha512"}])
    ),
    "rsa declared over an elliptic key": lambda: crafted(algorithm={"algorithm": "sha256_rsa"}),
    "no signing certificate": lambda: crafted(
        change_attributes=lambda attributes: attributes.pop("signing_certificate_v2")
    ),
    "another's signing certificate": lambda: crafted(
        change_attributes=_set("signing_certificate_v2", [_OTHER_ID])
    ),
    "two values of a digest": lambda: crafted(
        change_attributes=_set("message_digest", [hashlib.sha256(STATEMENT).digest(), b"x"])
    ),
    "no message digest": lambda: crafted(
        change_attributes=lambda attributes: attributes.pop("message_digest")
    ),
    "no content type": lambda: crafted(change_attributes=lambda attributes: attributes.pop("content_type")),
    "another content type": lambda: crafted(change_attributes=_set("content_type", ["tst_info"])),
    "another's message digest": lambda: crafted(change_attributes=_set("message_digest", [bytes(32)])),
    "unsigned attributes": lambda: crafted(
        change_signer=_set(
            "unsigned_attrs", [asn1_cms.CMSAttribute({"type": "content_type", "values": ["data"]})]
        )
    ),
    "no signed attributes": lambda: crafted(
        change_signer=lambda signer: signer.pop("signed_attrs"),
    ),
    "another version of the signer": lambda: crafted(change_signer=_set("version", "v3")),
    "a signature by somebody else": lambda: crafted(sign=OTHER.sign),
    "no signature": lambda: crafted(change_signer=_set("signature", b"")),
}


@pytest.mark.parametrize("cms", MISSHAPEN.values(), ids=MISSHAPEN.keys())
def test_refuses_a_signature_with(cms: Callable[[], bytes]) -> None:
    with pytest.raises(SignatureInvalid):
        check(cms())


def test_a_key_of_1024_bits_is_refused() -> None:
    card = ISSUER.card(key=RSA_1024)

    with pytest.raises(CertificateUntrusted):
        signed_by(card)
    replaced = crafted(algorithm={"algorithm": "sha256_rsa"}).replace(CARD.der, card.der)
    with pytest.raises(SignatureInvalid):
        check(replaced)


def _pss(salt: int, digest: str = "sha256", mask: str = "sha256") -> dict[str, Any]:
    return {
        "algorithm": "rsassa_pss",
        "parameters": {
            "hash_algorithm": {"algorithm": digest},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": mask}},
            "salt_length": salt,
        },
    }


def _pss_sign(key: PrivateKey) -> Callable[[bytes], bytes]:
    assert isinstance(key, rsa.RSAPrivateKey)
    return lambda data: key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def test_pss_is_accepted_with_the_usual_parameters_only() -> None:
    card = ISSUER.card(key=RSA_2048)
    sign = _pss_sign(card.key)

    assert check(crafted(card=card, algorithm=_pss(32), sign=sign)).person.certificate == card.der
    for algorithm in (_pss(20), _pss(32, digest="sha1"), _pss(32, mask="sha1"), {"algorithm": "rsassa_pss"}):
        with pytest.raises(SignatureInvalid):
            check(crafted(card=card, algorithm=algorithm, sign=sign))


def test_signed_attributes_out_of_order_are_refused() -> None:
    signed = asn1_cms.ContentInfo.load(SIGNATURE)["content"]["signer_infos"][0]["signed_attrs"]
    encoded = [attribute.dump() for attribute in signed]
    ordered, turned = b"".join(encoded), b"".join(encoded[::-1])
    assert ordered in SIGNATURE

    with pytest.raises(SignatureInvalid, match="order"):
        check(SIGNATURE.replace(ordered, turned))


def test_ber_is_refused() -> None:
    # The outermost length in one octet more than it needs.
    assert SIGNATURE[:2] == b"\x30\x82"
    longer = b"\x30\x83\x00" + SIGNATURE[2:]
    indefinite = b"\x30\x80" + SIGNATURE[4:] + b"\x00\x00"

    for cms in (longer, indefinite):
        assert asn1_cms.ContentInfo.load(cms)["content_type"].native == "signed_data"
        with pytest.raises(SignatureInvalid, match="DER"):
            check(cms)


def test_a_huge_signature_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="bytes"):
        check(SIGNATURE + bytes(32 * 1024))


# --- personal certificates


def personal(card: Card, crls: tuple[bytes, ...] = LISTS, roots: tuple[bytes, ...] = (ROOT.der,)) -> str:
    return check_personal_certificate(card.der, card.chain, roots, crls, NOW).number


AUTHENTICATION = ISSUER.card(usages=("digital_signature",), extra=(CLIENT_AUTH,))


def test_an_authentication_certificate_says_who_calls() -> None:
    assert personal(AUTHENTICATION) == "5001950015"


def test_an_agencys_certificate_is_no_citizens() -> None:
    with pytest.raises(NoPath):
        personal(AGENCIES.card(usages=("digital_signature",)), (*LISTS, AGENCIES.crl()))


def test_a_citizen_roots_certificate_without_a_person_is_no_citizens() -> None:
    with pytest.raises(NoPath):
        personal(ISSUER.card("NTRAM-22335588", usages=("digital_signature",)))


def test_a_signing_certificate_does_not_authenticate() -> None:
    with pytest.raises(CertificatePurpose):
        personal(CARD)


def test_an_authentication_certificate_for_something_else_does_not_authenticate() -> None:
    mail = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)

    with pytest.raises(CertificatePurpose):
        personal(ISSUER.card(usages=("digital_signature",), extra=(mail,)))


def test_a_revoked_or_unknown_or_expired_authentication_certificate_is_refused() -> None:
    root, issuer, _ = _citizens()
    card = issuer.card(usages=("digital_signature",))
    expired = issuer.card(usages=("digital_signature",), days=-1)
    clean = (root.crl(), issuer.crl())
    issuer.revoke(card, NOW)

    assert personal(card, clean, (root.der,)) == "5001950015"
    with pytest.raises(CertificateRevoked):
        personal(card, (root.crl(), issuer.crl()), (root.der,))
    with pytest.raises(RevocationStatusUnknown):
        personal(card, (), (root.der,))
    with pytest.raises(CertificateExpired):
        personal(expired, clean, (root.der,))


@pytest.mark.parametrize("leaf", [b"", b"\x30\x00", CARD.der[:-1], STATEMENT])
def test_bytes_that_are_no_certificate_are_nobodys(leaf: bytes) -> None:
    with pytest.raises(CertificateUntrusted):
        check_personal_certificate(leaf, (), (ROOT.der,), LISTS, NOW)


def test_reasons_are_those_of_the_contract() -> None:
    assert {
        error.reason
        for error in (
            SignatureInvalid,
            CertificateUntrusted,
            NoPath,
            CertificateExpired,
            CertificateRevoked,
            CertificatePurpose,
            RevocationStatusUnknown,
        )
    } == {
        "SIGNATURE_INVALID",
        "SIGNING_CERTIFICATE_UNTRUSTED",
        "SIGNING_CERTIFICATE_EXPIRED",
        "SIGNING_CERTIFICATE_REVOKED",
        "SIGNING_CERTIFICATE_PURPOSE",
        "REVOCATION_STATUS_UNKNOWN",
    }
