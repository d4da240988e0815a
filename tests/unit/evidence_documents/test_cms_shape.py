import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from namak.evidence.der import children, contents, encode
from namak.evidence.failures import (
    CertificateUntrusted,
    SignatureInvalid,
)
from tests.unit.evidence_documents.citizens import (
    CARD,
    ISSUER,
    LISTS,
    RSA_1024,
    RSA_2048,
    SIGNATURE,
    STATEMENT,
    check,
    signed_by,
)
from tests.unit.evidence_documents.pki import Card, PrivateKey


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


def _changed(value: bytes, path: tuple[int, ...], change: Callable[[bytes], bytes]) -> bytes:
    """Returns the DER value with what stands at ``path`` in it changed."""
    if not path:
        return change(value)
    inner = children(value)
    inner[path[0]] = _changed(inner[path[0]], path[1:], change)
    return encode(value[0], b"".join(inner))


def _with(*more: str) -> Callable[[bytes], bytes]:
    return lambda value: encode(value[0], contents(value) + bytes.fromhex("".join(more)))


def _spelled_otherwise(issuer_and_serial: bytes) -> bytes:
    # The same words as another type of string: PrintableString instead of UTF8String.
    return issuer_and_serial.replace(b"\x0c\x11Citizen", b"\x13\x11Citizen")


def _with_lists(signed: bytes) -> bytes:
    *others, signers = children(signed)
    return encode(signed[0], b"".join([*others, bytes.fromhex("a100"), signers]))


UNSIGNED: dict[str, tuple[tuple[int, ...], Callable[[bytes], bytes]]] = {
    "a second content": ((1,), lambda value: encode(value[0], contents(value) * 2)),
    "an empty set of lists": ((1, 0), _with_lists),
    "an empty set of unsigned attributes": ((1, 0, 4, 0), _with("a100")),
    "a field after the signature": ((1, 0, 4, 0), _with("0500")),
    "a second parameter of the signature's algorithm": ((1, 0, 4, 0, 4), _with("0500", "0500")),
    "a second parameter of the digest": ((1, 0, 4, 0, 2), _with("0500", "0500")),
    "a second parameter of the declared digest": ((1, 0, 1, 0), _with("0500", "0500")),
    "a field after the signer's serial number": ((1, 0, 4, 0, 1), _with("0500")),
    "a field in the name of the signer's issuer": ((1, 0, 4, 0, 1, 0, 0, 0), _with("0500")),
    "another spelling of the signer's issuer": ((1, 0, 4, 0, 1), _spelled_otherwise),
}


@pytest.mark.parametrize(("path", "change"), UNSIGNED.values(), ids=UNSIGNED.keys())
def test_refuses_where_no_signature_covers_it(
    path: tuple[int, ...], change: Callable[[bytes], bytes]
) -> None:
    changed = _changed(SIGNATURE, path, change)

    assert changed != SIGNATURE
    with pytest.raises(SignatureInvalid):
        check(changed)


def test_the_signer_may_be_named_by_the_key_identifier() -> None:
    identifier = asn1_x509.Certificate.load(CARD.der).key_identifier

    cms = crafted(
        change_signer=lambda signer: signer.update(
            version="v3", sid=asn1_cms.SignerIdentifier({"subject_key_identifier": identifier})
        ),
        change_signed=_set("version", "v3"),
    )

    assert check(cms).person.number == "5001950015"


def test_a_signed_attribute_with_a_third_field_is_refused() -> None:
    attributes = encode(0x31, contents(_raw_attributes()))
    longer = encode(
        0x31, b"".join(sorted(encode(0x30, contents(one) + b"\x05\x00") for one in children(attributes)))
    )

    changed = _changed(SIGNATURE, (1, 0, 4, 0, 3), lambda value: encode(value[0], contents(longer)))
    changed = _changed(changed, (1, 0, 4, 0, 5), lambda value: encode(value[0], CARD.sign(longer)))

    with pytest.raises(SignatureInvalid, match="more than its values"):
        check(changed)


def _raw_attributes() -> bytes:
    return children(children(children(children(children(SIGNATURE)[1])[0])[4])[0])[3]
