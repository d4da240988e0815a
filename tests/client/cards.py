"""Citizens' cards on SoftHSM, with the certificates that real ones carry, and tokens that answer as told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NoReturn

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.client.authority import name

NORMAL = 0x0000_040D  # TOKEN_INITIALIZED, USER_PIN_INITIALIZED, LOGIN_REQUIRED, RNG
COUNT_LOW, FINAL_TRY, LOCKED = 0x0001_0000, 0x0002_0000, 0x0004_0000
PIN_PAD, ERROR_STATE, NOT_SET = 0x0000_0100, 0x0100_0000, 0x0000_0008


@dataclass(frozen=True)
class Issuer:
    """A root or an authority below one, that issues what cards carry."""

    subject: str
    above: "Issuer | None" = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def certificate(self) -> x509.Certificate:
        return (self.above or self).issue(self.subject, self.key.public_key(), ca=True)

    def issue(
        self,
        subject: str,
        public_key: ec.EllipticCurvePublicKey,
        *,
        ca: bool = False,
        signing: bool = False,
        authentication: bool = False,
        start: timedelta = timedelta(hours=-1),
        end: timedelta = timedelta(hours=2),
    ) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=authentication,
            content_commitment=signing,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=ca,
            crl_sign=ca,
            encipher_only=False,
            decipher_only=False,
        )
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(self.subject))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + start)
            .not_valid_after(now + end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


@dataclass
class ToldToken:
    """A token that answers as told. SoftHSM locks no PIN, can't be taken out and has no reader; the failures
    are python-pkcs11's own.
    """

    label: str = "card"
    serial: bytes = b"0001  "
    flags: int = NORMAL
    flags_after: int | None = None
    """What it says of itself once a PIN was tried."""
    opening: Exception | None = None
    opening_with_pin: Exception | None = None
    finding: Exception | None = None
    signing: Exception | None = None
    pins: list[Any] = field(default_factory=list)
    """Every PIN that it was given."""
    manufacturer_id: str = "Test"
    model: str = "T1"

    def open(self, user_pin: Any = None) -> SimpleNamespace:
        if user_pin is not None:
            self.pins.append(user_pin)
            if self.flags_after is not None:
                self.flags = self.flags_after
            if self.opening_with_pin is not None:
                raise self.opening_with_pin
        if self.opening is not None:
            raise self.opening
        return SimpleNamespace(
            get_key=self._get_key, get_objects=lambda _wanted: iter(()), close=lambda: None
        )

    def _get_key(self, **_: Any) -> "ToldKey":
        if self.finding is not None:
            raise self.finding
        return ToldKey(self)


@dataclass
class ToldKey:
    """Its key, an EC one."""

    token: ToldToken
    key_type: pkcs11.KeyType = pkcs11.KeyType.EC

    def __getitem__(self, _attribute: Any) -> bool:
        raise pkcs11.exceptions.AttributeTypeInvalid

    def sign(self, _data: bytes, **_: Any) -> NoReturn:
        raise self.token.signing or AssertionError("nothing was told")


def told_library(*tokens: ToldToken | Exception | None) -> Callable[[str], Any]:
    """Returns a ``pkcs11.lib`` whose module has a slot for each: a token, none, or a failure."""

    def get_token(token: ToldToken | Exception | None) -> ToldToken:
        if token is None:
            raise pkcs11.exceptions.TokenNotPresent
        if isinstance(token, Exception):
            raise token
        return token

    slots = [
        SimpleNamespace(
            slot_description=f"Reader {number}",
            flags=0 if token is None else 1,
            get_token=lambda token=token: get_token(token),
        )
        for number, token in enumerate(tokens)
    ]
    return lambda _path: SimpleNamespace(get_slots=lambda: slots, reinitialize=lambda: None)
