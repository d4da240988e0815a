"""Looks at the caller's own certificate before connecting.

A certificate that is expired, foreign to its key or from an unknown issuer ends in the TLS handshake, where
the client only sees a closed connection. What can be found out here is said here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from namak.errors import OwnCertificateError


def check_own_certificate(certificate: bytes, key: bytes, authorities: bytes, *, at: datetime) -> None:
    """Raises :class:`OwnCertificateError`, naming every problem, unless the three PEM files fit for TLS at
    that time.

    The certificate file holds the caller's certificate first and then its issuers, each vouching for the one
    before. Whether the server knows the last issuer can't be told from here.
    """
    problems: list[str] = []
    chain = _certificates(certificate, "certificate", problems)
    private = _private_key(key, problems)
    _certificates(authorities, "ca", problems)
    if chain and private is not None:
        problems += _wrong_key(chain, private)
    if chain:
        problems += _wrong_time(chain, at)
        problems += _wrong_order(chain)
    if problems:
        raise OwnCertificateError("your certificate", problems)


def _certificates(pem: bytes, name: str, problems: list[str]) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        problems.append(f"{name} holds no readable PEM certificate")
        return ()


def _private_key(pem: bytes, problems: list[str]) -> PrivateKeyTypes | None:
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:
        problems.append("key is protected by a passphrase; the connection needs it without one")
    except (ValueError, UnsupportedAlgorithm):
        problems.append("key holds no readable PEM private key")
    return None


def _wrong_key(chain: Sequence[x509.Certificate], private: PrivateKeyTypes) -> list[str]:
    mine = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    of_chain = [c.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for c in chain]
    if mine == of_chain[0]:
        return []
    if mine in of_chain:
        place = of_chain.index(mine) + 1
        return [f"the key's certificate stands in place {place} of certificate; it must be first"]
    return ["key does not belong to certificate"]


def _wrong_time(chain: Sequence[x509.Certificate], at: datetime) -> list[str]:
    problems = []
    for place, certificate in enumerate(chain, start=1):
        name = "the certificate" if place == 1 else f"the issuer in place {place} of certificate"
        if certificate.not_valid_after_utc < at:
            problems.append(f"{name} expired at {_utc(certificate.not_valid_after_utc)}")
        if certificate.not_valid_before_utc > at:
            problems.append(
                f"{name} is not valid before {_utc(certificate.not_valid_before_utc)}; is the clock right?"
            )
    return problems


def _wrong_order(chain: Sequence[x509.Certificate]) -> list[str]:
    for place, (certificate, issuer) in enumerate(pairwise(chain), start=1):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return [
                f"in certificate, place {place + 1} did not issue place {place}; order: yours, its issuer, …"
            ]
    return []


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
