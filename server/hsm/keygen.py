"""Making keys inside a token."""

import shlex
from pathlib import Path
from typing import Any, Final

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag
from pkcs11.util.ec import encode_named_curve_parameters

from server.hsm.ed25519_point import public_key_of_point
from server.hsm.errors import HsmKeyExists, HsmUnavailable
from server.hsm.key_kinds import KeyKind

_CURVES: Final = {
    # RFC 8410 section 3
    KeyKind.ED25519: (KeyType.EC_EDWARDS, "1.3.101.112", Mechanism.EC_EDWARDS_KEY_PAIR_GEN),
    KeyKind.P256: (KeyType.EC, "secp256r1", Mechanism.EC_KEY_PAIR_GEN),
}
_BITS: Final = {KeyKind.RSA_3072: 3072, KeyKind.RSA_4096: 4096}

_NEVER_LEAVES: Final = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
_SIGNS_ONLY: Final = MechanismFlag.SIGN | MechanismFlag.VERIFY


def make_pair(session: Any, kind: KeyKind, label: str) -> Any:
    """Makes a key pair under a label in the session's token, and returns its public half.

    The private half signs and does nothing else, and never leaves the token (sensitive, not extractable).
    Raises `HsmKeyExists` when the label, or the identifier that goes with it, is taken by anything, and what
    python-pkcs11 raises.
    """
    # One identifier for both halves is how other software finds them as a pair.
    identifier = label.encode()
    for taken in ({Attribute.LABEL: label}, {Attribute.ID: identifier}):
        if list(session.get_objects(taken)):
            raise HsmKeyExists(f"the token {session.token.label!r} holds a key {label!r} already")
    asked: dict[str, Any] = {
        "store": True,
        "label": label,
        "id": identifier,
        "capabilities": _SIGNS_ONLY,
        "private_template": _NEVER_LEAVES,
    }
    if kind in _BITS:
        public, _ = session.generate_keypair(KeyType.RSA, _BITS[kind], **asked)
        return public
    key_type, curve, mechanism = _CURVES[kind]
    parameters = session.create_domain_parameters(
        key_type, {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
    )
    public, _ = parameters.generate_keypair(mechanism=mechanism, **asked)
    return public


def no_such_token(label: str) -> str:
    """Says that there is no token of this label, and how one is made."""
    return (
        f"there is no token {label!r} yet. Initialise it first, in SoftHSM2 with `softhsm2-util "
        f"--init-token --free --label {shlex.quote(label)}`, in another HSM with its vendor's tool"
    )


def generate_log_key(*, module: Path, token: str, key: str, pin: str) -> bytes:
    """Makes an Ed25519 key pair in the token, under the label `key`, and returns its public key (32 bytes).

    Loads the PKCS#11 module into the calling process, for one thread only: for development worlds, whose
    tokens are made by processes of their own. Raises `HsmKeyExists` when the label is taken and
    `HsmUnavailable` when the token cannot be used.
    """
    try:
        with pkcs11.lib(str(module)).get_token(token_label=token).open(user_pin=pin, rw=True) as session:
            return public_key_of_point(make_pair(session, KeyKind.ED25519, key)[Attribute.EC_POINT])
    except pkcs11.NoSuchToken as failure:
        raise HsmUnavailable(no_such_token(token)) from failure
    except (pkcs11.PKCS11Error, RuntimeError, ValueError) as failure:
        raise HsmUnavailable(f"no key was made in the token {token!r}: {type(failure).__name__}") from failure
