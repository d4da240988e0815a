"""The process that holds the seal's token: signs what comes in on standard input with the seal's key.

It is apart from the server for the reasons of `server.hsm.token_process`, and talks in the same way. First it
says `{"key": "EC"}` or `{"key": "RSA"}`; then for each `{"data": HEX}` it answers `{"signature": HEX}`: ECDSA
over the data's SHA-256, r and s one after the other, or RSA by PKCS #1 v1.5 with SHA-256.
"""

import contextlib
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import KeyType, Mechanism, ObjectClass

from server.hsm.token_process import Say, standard_output_for_answers_only


def serve(say: Say, *, module: str, token: str, key: str, pin_file: str) -> None:
    """Opens the key, answers until standard input ends. Raises what the module or the file system raises."""
    pin = Path(pin_file).read_text(encoding="utf-8").rstrip("\r\n")
    with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin) as session:
        del pin
        private: Any = session.get_key(label=key, object_class=ObjectClass.PRIVATE_KEY)
        is_ec = private.key_type == KeyType.EC
        say({"key": "EC" if is_ec else "RSA"})
        for line in sys.stdin:
            data = bytes.fromhex(json.loads(line)["data"])
            # Not every module hashes for ECDSA; all sign a digest.
            signed = (
                private.sign(hashlib.sha256(data).digest(), mechanism=Mechanism.ECDSA)
                if is_ec
                else private.sign(data, mechanism=Mechanism.SHA256_RSA_PKCS)
            )
            say({"signature": signed.hex()})


def main() -> int:
    module, token, key, pin_file = sys.argv[1:]
    say = standard_output_for_answers_only()
    try:
        serve(say, module=module, token=token, key=key, pin_file=pin_file)
    except (pkcs11.PKCS11Error, RuntimeError, OSError, ValueError) as failure:
        words = type(failure).__name__ + (f": {failure}" if str(failure) else "")
        with contextlib.suppress(BrokenPipeError):
            say({"error": words})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
