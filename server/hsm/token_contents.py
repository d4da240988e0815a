"""What is in a PKCS#11 token, as `server.hsm.ceremony_process` tells it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.hsm.ed25519_point import public_key_of_point

PRIVATE: Final = "PRIVATE_KEY"
PUBLIC: Final = "PUBLIC_KEY"

_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "06082a8648ce3d030107": ec.SECP256R1(),
    "06052b81040022": ec.SECP384R1(),
}
_CURVE_NAMES: Final = {"06082a8648ce3d030107": "EC P-256", "06052b81040022": "EC P-384"}
_ED25519: Final = frozenset(
    # The object identifier of RFC 8410, and the name that PKCS#11 3.0 has for the curve.
    {"06032b6570", (b"\x13\x0cedwards25519").hex()}
)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What a token and its module say of themselves; nothing of it is proved."""

    label: str
    serial: str
    manufacturer: str
    model: str
    hardware: str
    firmware: str
    library: str
    library_manufacturer: str
    cryptoki: str


@dataclass(frozen=True, slots=True)
class TokenObject:
    """One object of a token."""

    kind: str
    """What PKCS#11 calls its class: PRIVATE_KEY, PUBLIC_KEY, CERTIFICATE, SECRET_KEY, DATA, …"""
    label: str
    identifier: bytes
    key_type: str
    """In words with its size, such as `EC P-256`; empty for what is no key."""
    flags: Mapping[str, bool | None]
    """Attributes by the names that `pkcs11-tool` has for them; None where the token does not say."""
    public_key: bytes
    """SubjectPublicKeyInfo, DER; empty where the object does not tell it."""
    certificate: bytes
    """DER; empty for what is none."""

    def is_set(self, flag: str) -> bool:
        """Says whether the token says that an attribute is true."""
        return self.flags.get(flag) is True


def fingerprint(public_key: bytes) -> str:
    """Returns the SHA-256 of a SubjectPublicKeyInfo, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()


def facts_of(answer: Mapping[str, Any]) -> TokenFacts:
    """Reads what the process says of a token. Raises KeyError, TypeError."""
    return TokenFacts(**{name: str(answer[name]) for name in TokenFacts.__slots__})


def object_of(answer: Mapping[str, Any]) -> TokenObject:
    """Reads what the process says of an object. Raises KeyError, TypeError, ValueError."""
    values = {name: str(value) for name, value in answer["bytes"].items()}
    key = _public_key(answer["type"], values)
    return TokenObject(
        answer["class"],
        answer["label"],
        bytes.fromhex(answer["id"]),
        _type_in_words(answer["type"], values),
        dict(answer["flags"]),
        b"" if key is None else key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        bytes.fromhex(answer["certificate"]),
    )


def _type_in_words(key_type: str, values: Mapping[str, str]) -> str:
    match key_type:
        case "EC":
            return _CURVE_NAMES.get(values["parameters"], "EC")
        case "EC_EDWARDS":
            return "Ed25519" if values["parameters"] in _ED25519 else "Edwards"
        case "RSA":
            return f"RSA {int(values['modulus'] or '0', 16).bit_length() or ''}".strip()
    return key_type


def _public_key(key_type: str, values: Mapping[str, str]) -> PublicKeyTypes | None:
    try:
        match key_type:
            case "EC" if values["point"]:
                point = bytes.fromhex(values["point"])
                curve = _CURVES[values["parameters"]]
                length = 1 + 2 * ((curve.key_size + 7) // 8)
                # In a DER OCTET STRING (PKCS#11 3.0, 6.3.3), and bare in some tokens.
                return ec.EllipticCurvePublicKey.from_encoded_point(curve, point[-length:])
            case "EC_EDWARDS" if values["point"]:
                return Ed25519PublicKey.from_public_bytes(public_key_of_point(bytes.fromhex(values["point"])))
            case "RSA" if values["modulus"] and values["exponent"]:
                numbers = rsa.RSAPublicNumbers(int(values["exponent"], 16), int(values["modulus"], 16))
                return numbers.public_key()
    except (KeyError, ValueError):
        return None
    return None


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both halves of a key, found by its label."""

    private: TokenObject
    public: TokenObject


class NoSinglePair(Exception):
    """There is not one key pair under a label; the text says what there is, for people."""

    def __init__(self, text: str, *, missing: bool = False) -> None:
        super().__init__(text)
        self.missing = missing
        """Whether nothing at all is under the label."""


def pair_of(objects: Sequence[TokenObject], label: str) -> KeyPair:
    """Returns the key pair under a label. Raises `NoSinglePair`."""
    private = [each for each in objects if each.kind == PRIVATE and each.label == label]
    public = [each for each in objects if each.kind == PUBLIC and each.label == label]
    if not private and not public:
        raise NoSinglePair(f"there is no key {label!r} in the token", missing=True)
    for halves, name in ((private, "private"), (public, "public")):
        if len(halves) > 1:
            raise NoSinglePair(
                f"{len(halves)} {name} keys are called {label!r}: nobody can tell which one signs"
            )
        if not halves:
            raise NoSinglePair(f"the {name} half of the key {label!r} is missing in the token")
    return KeyPair(private[0], public[0])
