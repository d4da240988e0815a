"""Signing mail for the post's domain (DKIM, RFC 6376)."""

import base64
import hashlib
import re
import time
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dkim.canonicalization import Relaxed

_SIGNED: Final = (
    "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type",
    "content-transfer-encoding",
)  # fmt: skip
_ONCE: Final = ("from", "to", "subject", "date", "message-id", "content-type")
"""Fields that are named once more than they are there, so that another one can't be added on the way."""
_FIELD: Final = re.compile(rb"^([!-9;-~]+):((?:.*\r\n)(?:[ \t].*\r\n)*)", re.MULTILINE)
_FOLDED: Final = 70


@dataclass(frozen=True, slots=True)
class DkimKey:
    """What mails are signed with: an RSA key (PEM) whose public half stands in the DNS at the selector.

    Raises ValueError where the key can't be used.
    """

    domain: str
    selector: str
    key: bytes = field(repr=False)
    _loaded: rsa.RSAPrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            loaded = load_pem_private_key(self.key, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(f"the DKIM key can't be used: {type(error).__name__}") from None
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError("the DKIM key can't be used: it is no RSA key")
        object.__setattr__(self, "_loaded", loaded)

    def sign(self, message: bytes) -> bytes:
        """Returns the message, whose lines end by CRLF, with its signature before it."""
        head, _, body = message.partition(b"\r\n\r\n")
        there = {name.lower(): (name, value) for name, value in _FIELD.findall(head + b"\r\n")}
        signed = [name.encode() for name in _SIGNED if name.encode() in there]
        named = b":".join([*signed, *(name.encode() for name in _ONCE)])
        digest = base64.b64encode(hashlib.sha256(Relaxed.canonicalize_body(body)).digest())
        own = (
            f" v=1; a=rsa-sha256; c=relaxed/relaxed; d={self.domain};\r\n s={self.selector};"
            f" t={int(time.time())};\r\n h={named.decode()};\r\n bh={digest.decode()};\r\n b="
        ).encode()
        fields = Relaxed.canonicalize_headers([*(there[name] for name in signed), (b"DKIM-Signature", own)])
        # The signature's own field is hashed without the line's end (section 3.7).
        hashed = b"".join(b"%s:%s" % each for each in fields).removesuffix(b"\r\n")
        signature = base64.b64encode(self._loaded.sign(hashed, padding.PKCS1v15(), SHA256()))
        folded = b"\r\n ".join(
            signature[start : start + _FOLDED] for start in range(0, len(signature), _FOLDED)
        )
        return b"DKIM-Signature:%s%s\r\n%s" % (own, folded, message)
