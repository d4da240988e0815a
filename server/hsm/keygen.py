"""Making the log's key inside a token."""

import shlex
from pathlib import Path

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism
from pkcs11.util.ec import encode_named_curve_parameters

from server.hsm.ed25519_point import public_key_of_point
from server.hsm.errors import HsmKeyExists, HsmUnavailable

# RFC 8410 section 3
_ED25519 = "1.3.101.112"


def generate_log_key(*, module: Path, token: str, key: str, pin: str) -> bytes:
    """Makes an Ed25519 key pair in the token, under the label `key`, and returns its public key (32 bytes).

    The private key never leaves the token (sensitive, not extractable). Loads the PKCS#11 module into the
    calling process, for one thread only: meant for short commands, not for the server. Raises `HsmKeyExists`
    when the label is taken and `HsmUnavailable` when the token cannot be used.
    """
    try:
        with pkcs11.lib(str(module)).get_token(token_label=token).open(user_pin=pin, rw=True) as session:
            if list(session.get_objects({Attribute.LABEL: key})):
                raise HsmKeyExists(f"the token {token!r} holds a key {key!r} already")
            parameters = session.create_domain_parameters(
                KeyType.EC_EDWARDS,
                {Attribute.EC_PARAMS: encode_named_curve_parameters(_ED25519)},
                local=True,
            )
            # One identifier for both halves is how other software finds them as a pair.
            public, _ = parameters.generate_keypair(
                mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label=key, id=key.encode()
            )
            return public_key_of_point(public[Attribute.EC_POINT])
    except pkcs11.NoSuchToken as failure:
        raise HsmUnavailable(
            f"there is no token {token!r} yet. Initialise it first, in SoftHSM2 with `softhsm2-util "
            f"--init-token --free --label {shlex.quote(token)}`, in another HSM with its vendor's tool"
        ) from failure
    except (pkcs11.PKCS11Error, RuntimeError, ValueError) as failure:
        raise HsmUnavailable(f"no key was made in the token {token!r}: {type(failure).__name__}") from failure
