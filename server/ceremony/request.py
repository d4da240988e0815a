"""The request for the seal's certificate (PKCS #10, RFC 2986), signed by the key in the token."""

from collections.abc import Awaitable, Callable

from asn1crypto import csr, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

Sign = Callable[[bytes], Awaitable[bytes]]
"""Signs with the seal's key: ECDSA as DER, or RSA by PKCS #1 v1.5, over SHA-256."""


def subject_of(text: str) -> x509.Name:
    """Reads a subject as RFC 4514 writes it, such as `CN=Namak,O=Operator,C=AM`. Raises ValueError."""
    try:
        name = x509.Name.from_rfc4514_string(text)
    except ValueError as problem:
        raise ValueError(
            f"--subject: {problem}; it is written like CN=E-Post seal,O=Operator,C=AM"
        ) from problem
    if not name.rdns:
        raise ValueError(
            "--subject must name whom the certificate is for, like CN=E-Post seal,O=Operator,C=AM"
        )
    return name


async def certificate_request(subject: x509.Name, public_key: bytes, sign: Sign) -> bytes:
    """Returns the request as PEM, after verifying it. It asks for the use that a seal has: contentCommitment.

    Raises what `sign` raises.
    """
    key = keys.PublicKeyInfo.load(public_key)
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": asn1_x509.Name.load(subject.public_bytes()),
            "subject_pk_info": key,
            "attributes": [
                {
                    "type": "extension_request",
                    "values": [
                        [
                            {
                                "extn_id": "key_usage",
                                "critical": True,
                                "extn_value": asn1_x509.KeyUsage({"non_repudiation"}),
                            }
                        ]
                    ],
                }
            ],
        }
    )
    request = csr.CertificationRequest(
        {
            "certification_request_info": info,
            "signature_algorithm": {"algorithm": "sha256_rsa" if key.algorithm == "rsa" else "sha256_ecdsa"},
            "signature": await sign(info.dump()),
        }
    )
    made = x509.load_der_x509_csr(request.dump())
    if not made.is_signature_valid:
        raise ValueError("the request's signature does not verify")
    return made.public_bytes(Encoding.PEM)
