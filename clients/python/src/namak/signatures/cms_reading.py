"""CMS SignedData (RFC 5652) as it comes from strangers, read into plain values.

Nothing of asn1crypto leaves this module: its values are filled in when they are looked into, which is not
safe in threads. Bytes that signatures and digests are over are taken as they stand, before anything looks
inside.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

# The two besides `cms` teach it their attributes when they are imported.
from asn1crypto import cms, core, pdf, tsp
from asn1crypto import x509 as asn1_x509

from namak.evidence.certificate import PARSING, UNREADABLE
from namak.signatures.algorithms import Algorithms, PssParameters
from namak.signatures.report import Finding
from namak.signatures.trust import RevocationMaterial

MAX_CMS_BYTES: Final = 16 * 1024 * 1024
"""A signature has at most so many bytes, what it carries of revocation included."""

MAX_CERTIFICATES: Final = 32
MAX_SIGNERS: Final = 32
MAX_TIMESTAMPS: Final = 4

_SET: Final = b"\x31"


class NotCms(Exception):
    """The bytes are no CMS SignedData that can be read."""


@dataclass(frozen=True, slots=True)
class CmsSigner:
    """One SignerInfo.

    Attributes:
        attributes: the signed attributes under the tag of a SET: what the value is over; None without any.
        content_type, message_digest, signing_time: of the signed attributes.
        certificate: the signer's certificate, None where neither the signature nor the verifier has it.
        reference: None where the signed attributes name exactly that certificate, else what is wrong.
        timestamps: timestamp tokens over ``value``, DER.
        problem: why it can't be taken as it is.
    """

    algorithms: Algorithms
    attributes: bytes | None = field(repr=False)
    value: bytes = field(repr=False)
    content_type: str
    message_digest: bytes
    signing_time: datetime | None
    certificate: bytes | None = field(repr=False)
    reference: Finding | None
    timestamps: tuple[bytes, ...] = field(repr=False)
    problem: Finding | None = None


@dataclass(frozen=True, slots=True)
class Cms:
    """A SignedData: its own content if it has any, the certificates in it, what it carries of revocation."""

    content_type: str
    content: bytes | None = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    revocation: RevocationMaterial
    signers: tuple[CmsSigner, ...]


def read_cms(data: bytes, known: Sequence[bytes] = ()) -> Cms:
    """Reads a SignedData; ``known`` are certificates (DER) besides those inside. Raises :class:`NotCms`."""
    if len(data) > MAX_CMS_BYTES:
        raise NotCms("too large")
    try:
        with PARSING:
            return _read(data, tuple(known))
    except UNREADABLE:
        raise NotCms("not a CMS signature") from None


def _read(data: bytes, known: tuple[bytes, ...]) -> Cms:
    info = cms.ContentInfo.load(data, strict=True)
    if info["content_type"].native != "signed_data":
        raise NotCms("not a signature")
    signed = info["content"]
    content = signed["encap_content_info"]["content"]
    certificates = tuple(
        choice.dump() for choice in _given(signed["certificates"]) if choice.name == "certificate"
    )
    if len(certificates) > MAX_CERTIFICATES or len(signed["signer_infos"]) > MAX_SIGNERS:
        raise NotCms("too many certificates or signers")
    pool = {der: asn1_x509.Certificate.load(der) for der in dict.fromkeys((*certificates, *known))}
    return Cms(
        signed["encap_content_info"]["content_type"].native,
        None if isinstance(content, core.Void) else bytes(content),
        certificates,
        _revocation(signed),
        tuple(_signer(signer, pool) for signer in signed["signer_infos"]),
    )


def _given(values: Any) -> Sequence[Any]:
    return () if isinstance(values, core.Void) else values


def _signer(signer: Any, pool: dict[bytes, Any]) -> CmsSigner:
    raw = _as_set(signer["signed_attrs"])
    attributes, problem = _attributes(raw)
    algorithms = _algorithms(signer)
    if problem is None and _protects_others(attributes, algorithms):
        problem = Finding.ALGORITHMS_CONTRADICT
    certificate, reference = _certificate(signer["sid"], attributes, pool)
    time = attributes.get("signing_time")
    digest = attributes.get("message_digest")
    kind = attributes.get("content_type")
    return CmsSigner(
        algorithms=algorithms,
        attributes=raw,
        value=signer["signature"].native,
        content_type="" if kind is None else str(kind.native),
        message_digest=b"" if digest is None else digest.native,
        signing_time=None if time is None else _time(time),
        certificate=certificate,
        reference=reference,
        timestamps=tuple(_tokens(signer["unsigned_attrs"])),
        problem=problem,
    )


def _as_set(attributes: Any) -> bytes | None:
    """Returns the signed attributes as they stand, with the tag that they are signed under (5.4)."""
    if isinstance(attributes, core.Void):
        return None
    dumped: bytes = attributes.dump()
    return _SET + dumped[1:]


def _protects_others(attributes: dict[str, Any], algorithms: Algorithms) -> bool:
    """Tells whether the signer protected other algorithms than those declared (RFC 6211)."""
    value = attributes.get("cms_algorithm_protection")
    if value is None:
        return False
    signature = value["signature_algorithm"]
    return bool(
        value["digest_algorithm"]["algorithm"].native != algorithms.digest
        or isinstance(signature, core.Void)
        or signature["algorithm"].native != algorithms.signature
    )


def _attributes(raw: bytes | None) -> tuple[dict[str, Any], Finding | None]:
    """Returns the signed attributes that count by name, and what is wrong with them."""
    if raw is None:
        return {}, Finding.NO_SIGNED_ATTRIBUTES
    found: dict[str, Any] = {}
    for attribute in cms.CMSAttributes.load(raw, strict=True):
        name = attribute["type"].native
        if name not in _COUNT:
            continue
        # RFC 5652, 11: each at most once, with one value.
        if name in found or len(attribute["values"]) != 1:
            return found, Finding.MALFORMED
        found[name] = attribute["values"][0]
    whole = {"content_type", "message_digest"} <= found.keys()
    return found, None if whole else Finding.MALFORMED


# Signed attributes that are gone by. Those of others are let be: whoever signed them, signed them.
_COUNT: Final = frozenset(
    {
        "content_type",
        "message_digest",
        "signing_time",
        "signing_certificate",
        "signing_certificate_v2",
        "cms_algorithm_protection",
    }
)


def _time(value: Any) -> datetime | None:
    found = value.native
    return found.astimezone(UTC) if isinstance(found, datetime) and found.tzinfo else None


def _algorithms(signer: Any) -> Algorithms:
    digest = str(signer["digest_algorithm"]["algorithm"].native)
    signature = str(signer["signature_algorithm"]["algorithm"].native)
    pss = None
    if signature == "rsassa_pss":
        parameters = signer["signature_algorithm"]["parameters"]
        mask = parameters["mask_gen_algorithm"]
        if mask["algorithm"].native == "mgf1" and parameters["trailer_field"].native in (
            1,
            "trailer_field_bc",
        ):
            pss = PssParameters(
                str(parameters["hash_algorithm"]["algorithm"].native),
                str(mask["parameters"]["algorithm"].native),
                int(parameters["salt_length"].native),
            )
    return Algorithms(digest, signature, pss)


def _certificate(
    sid: Any, attributes: dict[str, Any], pool: dict[bytes, Any]
) -> tuple[bytes | None, Finding | None]:
    """Returns the certificate that the signer means, and what is wrong with how the attributes name it."""
    named = [der for der, parsed in pool.items() if _is_meant(sid, parsed)]
    value = attributes.get("signing_certificate_v2", attributes.get("signing_certificate"))
    if not named:
        return None, Finding.CERTIFICATE_MISSING
    if value is None:
        return named[0], Finding.CERTIFICATE_NOT_NAMED
    identifier = value["certs"][0]
    # RFC 2634, 5.4.1: the older attribute has SHA-1 and no name for it.
    old = isinstance(value, tsp.SigningCertificate)
    algorithm = "sha1" if old else identifier["hash_algorithm"]["algorithm"].native
    wanted = identifier["cert_hash"].native
    for der in named:
        if hashlib.new(algorithm, der, usedforsecurity=False).digest() == wanted:
            return der, Finding.ALGORITHM_WEAK if algorithm in ("sha1", "md5") else None
    return named[0], Finding.CERTIFICATE_SUBSTITUTED


def _is_meant(sid: Any, certificate: Any) -> bool:
    if sid.name == "issuer_and_serial_number":
        serial = sid.chosen["serial_number"].native
        return bool(
            certificate.serial_number == serial and certificate.issuer.dump() == sid.chosen["issuer"].dump()
        )
    return bool(certificate.key_identifier == sid.chosen.native)


def _tokens(attributes: Any) -> Iterator[bytes]:
    for attribute in _given(attributes):
        if attribute["type"].native == "signature_time_stamp_token":
            for value in list(attribute["values"])[:MAX_TIMESTAMPS]:
                yield value.dump()


def _revocation(signed: Any) -> RevocationMaterial:
    """Returns the lists and responses that the signature carries (RFC 5652, 10.2.1; RFC 5940)."""
    crls, ocsps = [], []
    for choice in _given(signed["crls"]):
        if choice.name == "certificate_list":
            crls.append(choice.dump())
        elif choice.chosen["other_rev_info_format"].native == "ocsp_response":
            ocsps.append(choice.chosen["other_rev_info"].dump())
    for signer in signed["signer_infos"]:
        for attribute in _given(signer["signed_attrs"]):
            if attribute["type"].native == "adobe_revocation_info_archival":
                for each in attribute["values"]:
                    # Read anew: what stands in the signed attributes must stay as it came.
                    value = pdf.RevocationInfoArchival.load(each.dump())
                    crls += [found.dump() for found in _given(value["crl"])]
                    ocsps += [found.dump() for found in _given(value["ocsp"])]
    return RevocationMaterial(tuple(crls), tuple(ocsps))
