"""The process that looks into a token and makes keys in it, for a person at a terminal (`namak-server hsm`).

It is apart for the reasons of `server.hsm.token_process`, and talks in the same way: one JSON object a line.
First it says `{"token": …}`, before it logs in, and `{"open": true}` after that. Then it answers

- `{"do": "objects"}` with `{"object": …}` for each object of the token and `{"end": COUNT}`,
- `{"do": "make", "kind": KIND, "label": LABEL}` with `{"made": LABEL}`,
- `{"do": "sign", "label": LABEL, "message": HEX}` with `{"signature": HEX}`: Ed25519; ECDSA over the
  message's SHA-256, r and s one after the other; RSA by PKCS #1 v1.5 with SHA-256.

On any failure it says `{"error": NAME}`, what PKCS#11 calls it, and ends. It never says a PIN.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import pkcs11
from pkcs11 import Attribute, ObjectClass, TokenFlag

from server.hsm.errors import HsmKeyExists
from server.hsm.key_kinds import KeyKind
from server.hsm.keygen import make_pair
from server.hsm.token_process import Say, answering, signature_of, tokens_named

_FLAGS: Final = {
    "sensitive": Attribute.SENSITIVE,
    "extractable": Attribute.EXTRACTABLE,
    "always sensitive": Attribute.ALWAYS_SENSITIVE,
    "never extractable": Attribute.NEVER_EXTRACTABLE,
    "local": Attribute.LOCAL,
    "private": Attribute.PRIVATE,
    "sign": Attribute.SIGN,
    "decrypt": Attribute.DECRYPT,
    "unwrap": Attribute.UNWRAP,
    "derive": Attribute.DERIVE,
    "verify": Attribute.VERIFY,
}
_BYTES: Final = {
    "parameters": Attribute.EC_PARAMS,
    "point": Attribute.EC_POINT,
    "modulus": Attribute.MODULUS,
    "exponent": Attribute.PUBLIC_EXPONENT,
}


class _NotUsable(Exception):
    """Why a token is not even tried; the text is a name like those of PKCS#11."""


def serve(
    say: Say,
    *,
    module: str,
    token: str,
    key: str = "",  # noqa: ARG001
    pin_file: str,
) -> None:
    """Opens the token, answers until standard input ends: of any key, so `key` is of no interest. Raises what
    module or file system raises.
    """
    try:
        library = pkcs11.lib(module)
    except (pkcs11.PKCS11Error, RuntimeError) as failure:
        raise _NotUsable("ModuleUnusable") from failure
    named = tokens_named(library, token)
    if len(named) != 1:
        raise _NotUsable("NoSuchToken" if not named else "MultipleTokensReturned")
    (found,) = named
    say({"token": _token(library, found)})
    _refuse_to_log_in(found)
    pin = Path(pin_file).read_text(encoding="utf-8").rstrip("\r\n")
    with found.open(user_pin=pin) as session:
        del pin
        say({"open": True})
        for line in sys.stdin:
            request = json.loads(line)
            match request["do"]:
                case "objects":
                    _tell_objects(say, session)
                case "make":
                    # Logged in already: that is the token's, for all sessions of this process.
                    with found.open(rw=True) as writing:
                        make_pair(writing, KeyKind(request["kind"]), request["label"])
                    say({"made": request["label"]})
                case "sign":
                    say({"signature": _sign(session, request["label"], bytes.fromhex(request["message"]))})


def _refuse_to_log_in(token: Any) -> None:
    """A wrong PIN in a file must not lock a token for good."""
    for flag, name in (
        (TokenFlag.USER_PIN_LOCKED, "PinLocked"),
        (TokenFlag.USER_PIN_FINAL_TRY, "PinFinalTry"),
    ):
        if token.flags & flag:
            raise _NotUsable(name)
    if not token.flags & TokenFlag.TOKEN_INITIALIZED:
        raise _NotUsable("TokenNotInitialized")
    if not token.flags & TokenFlag.USER_PIN_INITIALIZED:
        raise _NotUsable("UserPinNotInitialized")


def _token(library: Any, token: Any) -> dict[str, Any]:
    return {
        "label": token.label,
        "serial": token.serial.decode("utf-8", "replace").strip(),
        "manufacturer": token.manufacturer_id,
        "model": token.model,
        "hardware": _version(token.hardware_version),
        "firmware": _version(token.firmware_version),
        "library": f"{library.library_description} {_version(library.library_version)}".strip(),
        "library_manufacturer": library.manufacturer_id,
        "cryptoki": _version(library.cryptoki_version),
    }


def _version(pair: tuple[int, int]) -> str:
    return f"{pair[0]}.{pair[1]}"


def _tell_objects(say: Say, session: Any) -> None:
    objects = list(session.get_objects())
    for each in objects:
        kind, key_type = _got(each, Attribute.CLASS), _got(each, Attribute.KEY_TYPE)
        is_certificate = kind is ObjectClass.CERTIFICATE
        say(
            {
                "object": {
                    "class": getattr(kind, "name", str(kind)),
                    "label": _got(each, Attribute.LABEL) or "",
                    "id": _hex(_got(each, Attribute.ID)),
                    "type": getattr(key_type, "name", "" if key_type is None else str(key_type)),
                    "flags": {name: _flag(each, attribute) for name, attribute in _FLAGS.items()},
                    "bytes": {name: _hex(_got(each, attribute)) for name, attribute in _BYTES.items()},
                    "certificate": _hex(_got(each, Attribute.VALUE)) if is_certificate else "",
                }
            }
        )
    say({"end": len(objects)})


def _flag(found: Any, attribute: Attribute) -> bool | None:
    value = _got(found, attribute)
    return value if isinstance(value, bool) else None


def _hex(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, bytes | bytearray) else ""


def _got(found: Any, attribute: Attribute) -> Any:
    """Returns an attribute; None where the object has none, or where the module does not know of such."""
    try:
        return found[attribute]
    except (pkcs11.PKCS11Error, NotImplementedError, ValueError):
        return None


def _sign(session: Any, label: str, message: bytes) -> str:
    return signature_of(session.get_key(label=label, object_class=ObjectClass.PRIVATE_KEY), message).hex()


def _name(failure: Exception) -> str:
    return str(failure) if isinstance(failure, _NotUsable) else type(failure).__name__


if __name__ == "__main__":
    sys.exit(answering(serve, refusals=(HsmKeyExists, _NotUsable), words=_name))
