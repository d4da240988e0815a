"""The process that holds the seal's token: signs what comes in on standard input with the seal's key.

It is apart from the server for the reasons of `server.hsm.token_process`, and talks in the same way. First it
says `{"key": "EC"}` or `{"key": "RSA"}`; then for each `{"data": HEX}` it answers `{"signature": HEX}`: ECDSA
over the data's SHA-256, r and s one after the other, or RSA by PKCS #1 v1.5 with SHA-256.
"""

import json
import sys
from typing import Any

from pkcs11 import KeyType, ObjectClass

from server.hsm.token_process import Say, answering, opened, signature_of


def serve(say: Say, *, module: str, token: str, key: str, pin_file: str) -> None:
    """Opens the key, answers until standard input ends. Raises what the module or the file system raises."""
    with opened(module, token, pin_file) as session:
        private: Any = session.get_key(label=key, object_class=ObjectClass.PRIVATE_KEY)
        say({"key": "EC" if private.key_type == KeyType.EC else "RSA"})
        for line in sys.stdin:
            data = bytes.fromhex(json.loads(line)["data"])
            say({"signature": signature_of(private, data).hex()})


if __name__ == "__main__":
    sys.exit(answering(serve))
