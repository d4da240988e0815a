"""CMS signatures taken apart and put together wrongly."""

from collections.abc import Callable
from typing import Any

from asn1crypto import algos, cms, core

from namak.signatures.cades import SignerCertificates, build_cms
from tests.signing.authority import Holder


def rebuilt(data: bytes, change: Callable[[Any], None]) -> bytes:
    """Returns the CMS after a change of its SignedData."""
    info = cms.ContentInfo.load(data)
    change(info["content"])
    whole: bytes = info.dump(force=True)
    return whole


def without_certificates(signed: Any) -> None:
    signed["certificates"] = None


def with_content(content: bytes) -> Callable[[Any], None]:
    def change(signed: Any) -> None:
        signed["encap_content_info"] = {"content_type": "data", "content": core.OctetString(content)}

    return change


def with_signature_algorithm(name: str) -> Callable[[Any], None]:
    def change(signed: Any) -> None:
        signed["signer_infos"][0]["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": name})

    return change


def with_digest_algorithm(name: str) -> Callable[[Any], None]:
    def change(signed: Any) -> None:
        signed["signer_infos"][0]["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": name})

    return change


def without_signed_attributes(signed: Any) -> None:
    signed["signer_infos"][0]["signed_attrs"] = None


def joined(first: bytes, second: bytes) -> bytes:
    """Returns one CMS with the signers of both."""
    other = cms.ContentInfo.load(second)["content"]

    def change(signed: Any) -> None:
        signed["signer_infos"] = cms.SignerInfos([*signed["signer_infos"], *other["signer_infos"]])
        signed["certificates"] = cms.CertificateSet([*signed["certificates"], *other["certificates"]])

    return rebuilt(first, change)


def with_other_certificate(data: bytes, holder: Holder, other: Holder) -> bytes:
    """Returns the CMS as if ``other``, whose certificate is over the same key, had signed."""
    certificate = cms.CertificateChoices.load(other.der)

    def change(signed: Any) -> None:
        signed["certificates"] = cms.CertificateSet([certificate, *list(signed["certificates"])[1:]])
        named = certificate.chosen
        signed["signer_infos"][0]["sid"] = cms.SignerIdentifier(
            {
                "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                    {"issuer": named.issuer, "serial_number": named.serial_number}
                )
            }
        )

    return rebuilt(data, change)


def signed_digest(digest: bytes, holder: Holder) -> bytes:
    """Returns a signature of content that has this digest, whatever it is."""
    signer = holder.signer
    return build_cms(digest, SignerCertificates(signer.certificate, signer.chain), signer.sign)
