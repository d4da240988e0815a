"""RFC 3161 timestamps over signed notes: asking for one, and checking one as a stranger would.

The imprint is over the note's exact bytes, signatures included, so that a file of them verifies with
``openssl ts -verify -data``. Needs the extra ``timestamps``.

The token's signature and its path are checked by rfc3161-client, at the token's own time: a certificate that
expired later takes nothing from it. What that leaves open is checked here: that the token names the very
certificate that signed (RFC 5816), and that this certificate serves nothing but time-stamping. Whether a
certificate was revoked is not looked at: nothing is fetched.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import algos, cms, parser, tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    TimeStampResponse,
    VerificationError,
    Verifier,
    VerifierBuilder,
    decode_timestamp_response,
)

from namak.evidence.certificate import PARSING, UNREADABLE
from namak.evidence.der import children, encode
from namak.evidence.errors import InvalidTimestamp, MalformedTimestamp, TimestampNotGranted
from namak.evidence.failures import SignatureInvalid
from namak.evidence.timestamp_file import GRANTED, MAX_BYTES

QUERY_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"
MAX_REPLY_BYTES: Final = MAX_BYTES
"""An answer is at most so long."""
NONCE_BITS: Final = 63
"""How large a nonce may be; numbers of eight octets are understood everywhere."""

_SHA256: Final = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_SEQUENCE: Final = (0, 1, 16)
_CERTIFICATES: Final = b"\xa0"
_MOST_WORDS: Final = 160


@dataclass(frozen=True, slots=True)
class TimestampTrust:
    """Whose tokens count: those whose certificates lead to one of `roots`, under `policy` (an OID) if one is
    named.
    """

    roots: tuple[x509.Certificate, ...]
    policy: str | None = None

    @classmethod
    def from_pem(cls, pem: bytes, policy: str | None = None) -> "TimestampTrust":
        """Reads the roots from PEM.

        Raises:
            ValueError: they can't be read, there is none, or the policy is no object identifier.
        """
        roots = tuple(x509.load_pem_x509_certificates(pem))
        if policy is not None:
            x509.ObjectIdentifier(policy)
        return cls(roots, policy)


@dataclass(frozen=True, slots=True)
class CheckedTimestamp:
    """What a good token says: the note existed at `gen_time`, according to `authority` (its certificate's
    subject, RFC 4514).
    """

    gen_time: datetime
    authority: str


def timestamp_request(note: bytes, nonce: int, policy: str | None = None) -> bytes:
    """Returns the DER of a request for a token over the note, with its certificates (RFC 3161, 2.4.1).

    `nonce` must be random, of `NONCE_BITS` at most.
    """
    return digest_request(hashlib.sha256(note).digest(), nonce, policy)


def digest_request(sha256: bytes, nonce: int, policy: str | None = None) -> bytes:
    """Returns a request like `timestamp_request`, over what has this SHA-256."""
    if not 0 < nonce < 2**NONCE_BITS:
        raise ValueError(f"a nonce is a positive number of at most {NONCE_BITS} bits")
    fields: dict[str, Any] = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": sha256,
        },
        "nonce": nonce,
        "cert_req": True,
    }
    if policy is not None:
        fields["req_policy"] = policy
    with PARSING:
        request: bytes = tsp.TimeStampReq(fields).dump()
    return request


def token_from(reply: bytes) -> bytes:
    """Returns the token out of an authority's answer, as it stands there, unchecked.

    Raises:
        MalformedTimestamp: it is no such answer.
        TimestampNotGranted: it holds no token, or one that was granted with changes.
    """
    if len(reply) > MAX_REPLY_BYTES:
        raise MalformedTimestamp(f"the answer has more than {MAX_REPLY_BYTES} bytes")
    try:
        with PARSING:
            pieces = _pieces(reply)
            info = tsp.PKIStatusInfo.load(pieces[0], strict=True)
            status, failure = info["status"].native, info["fail_info"].native
    except UNREADABLE:
        raise MalformedTimestamp("the answer is no TimeStampResp") from None
    if status != "granted":
        names = sorted(failure) if isinstance(failure, set) else []
        raise TimestampNotGranted(f"the status is {status} {' '.join(map(str, names))}".rstrip())
    if len(pieces) == 1:
        raise MalformedTimestamp("the answer grants a token and holds none")
    return pieces[1]


def check_timestamp(
    token: bytes, note: bytes, trust: TimestampTrust, *, nonce: int | None = None
) -> CheckedTimestamp:
    """Checks that `token` (DER) is over exactly the bytes of `note`, by an authority that is trusted.

    Whoever asked for it gives the `nonce` of the question too.

    Raises:
        MalformedTimestamp: it is no token.
        InvalidTimestamp: it is not a good one over these bytes.
    """
    return _checked(token, trust, nonce, lambda verifier, response: verifier.verify_message(response, note))


def check_digest_timestamp(
    token: bytes, sha256: bytes, trust: TimestampTrust, *, nonce: int | None = None
) -> CheckedTimestamp:
    """Checks a token like `check_timestamp`, over what has this SHA-256.

    Raises:
        MalformedTimestamp, InvalidTimestamp: as there.
    """

    def verify(verifier: Verifier, response: TimeStampResponse) -> bool:
        if response.tst_info.message_imprint.hash_algorithm != _SHA256:
            raise VerificationError("Another hash algorithm")
        return verifier.verify(response, sha256)

    return _checked(token, trust, nonce, verify)


def _checked(
    token: bytes,
    trust: TimestampTrust,
    nonce: int | None,
    verify: Callable[[Verifier, TimeStampResponse], bool],
) -> CheckedTimestamp:
    if len(token) > MAX_REPLY_BYTES:
        raise MalformedTimestamp(f"the token has more than {MAX_REPLY_BYTES} bytes")
    try:
        with PARSING:
            certificate = _signers(token)
        signer = x509.load_der_x509_certificate(certificate)
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        subject = signer.subject.rfc4514_string()
        response = decode_timestamp_response(encode(0x30, GRANTED + _in_order(token)))
        gen_time = response.tst_info.gen_time
    except x509.ExtensionNotFound:
        raise InvalidTimestamp("the signer's certificate does not name what its key is for") from None
    except (*UNREADABLE, SignatureInvalid) as error:
        raise MalformedTimestamp(_not_a_token(error)) from None
    if list(usage) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise InvalidTimestamp("the signer's certificate is not for time-stamping alone")
    builder = VerifierBuilder(
        roots=list(trust.roots),
        policy_id=None if trust.policy is None else x509.ObjectIdentifier(trust.policy),
        nonce=nonce,
    )
    try:
        verify(builder.build(), response)
    except VerificationError as error:
        # What OpenSSL says of a path is a page long, and names files.
        said = str(error).partition(":")[0]
        raise InvalidTimestamp(f"the token does not verify: {said}") from None
    except UNREADABLE as error:
        raise MalformedTimestamp(_not_a_token(error)) from None
    return CheckedTimestamp(gen_time.astimezone(UTC), subject)


def _in_order(token: bytes) -> bytes:
    """Returns the token with its set of certificates sorted as DER asks (X.690, 11.6), all else as it stands.

    The parser takes no other order, but nobody has to keep to it there: the set is not signed, and RFC 5652
    (5.1) asks for DER only of what is. OpenSSL sends the signer first and its chain as it is configured.
    """
    kind, content = children(token)
    (signed,) = children(content)
    fields = children(signed)
    for place, each in enumerate(fields):
        if each[:1] == _CERTIFICATES:
            fields[place] = encode(each[0], b"".join(sorted(children(each))))
    return encode(token[0], kind + encode(content[0], encode(signed[0], b"".join(fields))))


def _not_a_token(error: Exception) -> str:
    """Returns what a parser says, in one line and of bounded length, since it may say bytes of the token."""
    said = " ".join("".join(each if " " <= each <= "~" else " " for each in str(error)).split())
    return f"not a token: {said[:_MOST_WORDS] or type(error).__name__}"


def _pieces(reply: bytes) -> Sequence[bytes]:
    """Returns the values inside the outermost sequence: a status, and a token or none."""
    *kind, _, content, _ = parser.parse(reply, strict=True)
    if tuple(kind) != _SEQUENCE:
        raise ValueError("not a sequence")
    pieces: list[bytes] = []
    while content:
        if len(pieces) == 2:
            raise ValueError("more than a status and a token")
        size = parser.peek(content)
        pieces.append(content[:size])
        content = content[size:]
    return pieces


def _signers(token: bytes) -> bytes:
    """Returns the certificate of the token's one signer, which its signed attributes name by digest."""
    info = cms.ContentInfo.load(token, strict=True)
    if info["content_type"].native != "signed_data":
        raise ValueError("not a signature")
    signed = info["content"]
    if signed["encap_content_info"]["content_type"].native != "tst_info":
        raise ValueError("not over a time")
    (signer,) = signed["signer_infos"]
    named = signer["sid"].chosen
    if signer["sid"].name != "issuer_and_serial_number":
        raise ValueError("the signer is not named by issuer and number")
    candidates = [
        each.chosen
        for each in signed["certificates"]
        if each.name == "certificate"
        and each.chosen.serial_number == named["serial_number"].native
        and each.chosen.issuer.dump() == named["issuer"].dump()
    ]
    if len(candidates) != 1:
        raise InvalidTimestamp("the token does not hold its signer's certificate")
    certificate: bytes = candidates[0].dump()
    if not _names(signer["signed_attrs"], certificate):
        raise InvalidTimestamp("the token does not name the certificate that signed it")
    return certificate


def _names(attributes: Any, certificate: bytes) -> bool:
    """Tells whether ESSCertIDv2 (RFC 5816), or ESSCertID where that is not there, is this certificate's."""
    found = {each["type"].native: each["values"] for each in attributes}
    if "signing_certificate_v2" in found:
        (value,) = found["signing_certificate_v2"]
        first = value["certs"][0]
        digest = first["hash_algorithm"]["algorithm"].native
        if digest not in ("sha256", "sha384", "sha512"):
            return False
    else:
        (value,) = found["signing_certificate"]
        first, digest = value["certs"][0], "sha1"
    return hmac.compare_digest(first["cert_hash"].native, hashlib.new(digest, certificate).digest())
