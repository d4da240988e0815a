import base64
from collections.abc import Sequence

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from server.domain.refusals import ServiceUnavailable
from server.gateways.mail_signatures import DkimSignatures

MAIL = b"From: notices@src.am\r\nSubject: Notice\r\n\r\nText\r\n"


class Zone:
    """The TXT records of a few names; others can't be looked up."""

    def __init__(self, **records: str) -> None:
        self.records = {f"{name}._domainkey.src.am": text for name, text in records.items()}

    async def texts_of(self, name: str) -> Sequence[str]:
        if name not in self.records:
            raise ServiceUnavailable("DNS")
        return [self.records[name]] if self.records[name] else []


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def record(key: rsa.RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()


def signed(key: rsa.RSAPrivateKey) -> bytes:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    made: bytes = dkim.sign(MAIL, b"post", b"src.am", pem, include_headers=[b"from", b"subject"])
    return made + MAIL


async def test_a_signature_is_told_with_the_domain_that_made_it(key: rsa.RSAPrivateKey) -> None:
    signatures = DkimSignatures(Zone(post=record(key)))
    mail = signed(key)
    found = await signatures.of(mail)
    assert (found.result, found.domain) == ("pass", "src.am")
    assert (await signatures.of(mail.replace(b"Text", b"Tint"))).result == "fail"
    assert (await signatures.of(MAIL)).result == "none"


async def test_a_key_that_is_not_there_is_another_thing_than_one_that_can_not_be_looked_up(
    key: rsa.RSAPrivateKey,
) -> None:
    assert (await DkimSignatures(Zone(post="")).of(signed(key))).result in ("fail", "permerror")
    assert (await DkimSignatures(Zone()).of(signed(key))).result == "temperror"


@pytest.mark.parametrize("field", [b"", b"v=1", b"v=1; a=rsa-sha256; b=; bh=; d=; s=; h=", b"\xff=;;"])
async def test_no_field_of_a_stranger_makes_it_fail_otherwise(field: bytes) -> None:
    found = await DkimSignatures(Zone()).of(b"DKIM-Signature: " + field + b"\r\n" + MAIL)
    assert found.result in ("none", "fail", "permerror", "temperror")
