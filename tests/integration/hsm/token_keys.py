"""Puts keys that nobody should have into a token, in a process of its own."""

import ctypes
import json
import sys
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from server.dev.tokens import SoftToken
from tests import forking

_ED25519 = encode_named_curve_parameters("1.3.101.112")


def odd_keys(token: SoftToken) -> None:
    """Makes keys under the labels `extractable`, `twice`, `rsa`, `half`, `unlike`, `usable` and `data`."""
    _ask(token, {"do": "keys", "token": token.label, "pin": token.pin})


def token_without_pin(token: SoftToken, label: str) -> None:
    """Initialises another token beside this one, whose security officer has not set a user's PIN yet."""
    _ask(token, {"do": "token", "label": label})


def _ask(token: SoftToken, request: dict[str, str]) -> None:
    words = json.dumps({**request, "module": str(token.module)})
    done = forking.run("tests.integration.hsm.token_keys", given=words, environment=token.environment)
    assert done.returncode == 0, done.stderr


def _make(session: Any, label: str, identifier: bytes, **private: bool) -> Any:
    parameters = session.create_domain_parameters(
        KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _ED25519}, local=True
    )
    template = {Attribute[name.upper()]: value for name, value in private.items()}
    return parameters.generate_keypair(
        mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
        store=True,
        label=label,
        id=identifier,
        private_template=template,
    )


def _make_all(request: dict[str, str]) -> None:
    token = pkcs11.lib(request["module"]).get_token(token_label=request["token"])
    with token.open(user_pin=request["pin"], rw=True) as session:
        _make(session, "extractable", b"1", extractable=True)
        _make(session, "twice", b"2")
        _make(session, "twice", b"3")
        session.generate_keypair(KeyType.RSA, 2048, store=True, label="rsa", id=b"4")
        public, _ = _make(session, "half", b"5")
        public.destroy()
        _, private = _make(session, "unlike", b"6")
        private[Attribute.ID] = b"other"
        _make(session, "usable", b"7", sensitive=True, derive=True)
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.DATA,
                Attribute.TOKEN: True,
                Attribute.LABEL: "data",
                Attribute.VALUE: b"no key at all",
            }
        )


def _initialise(request: dict[str, str]) -> None:
    """Calls the module itself: python-pkcs11 does not initialise tokens."""
    module = ctypes.CDLL(request["module"])
    assert module.C_Initialize(None) == 0
    count = ctypes.c_ulong()
    assert module.C_GetSlotList(1, None, ctypes.byref(count)) == 0
    slots = (ctypes.c_ulong * count.value)()
    assert module.C_GetSlotList(1, slots, ctypes.byref(count)) == 0
    pin, label = b"so-2468", request["label"].encode().ljust(32)
    # The last slot is the one without a token.
    assert module.C_InitToken(ctypes.c_ulong(slots[-1]), pin, ctypes.c_ulong(len(pin)), label) == 0


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    (_make_all if asked["do"] == "keys" else _initialise)(asked)
