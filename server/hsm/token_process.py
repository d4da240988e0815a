"""The process that holds the PKCS#11 module: opens the token and signs what comes in on standard input.

It is apart from the server because of what modules do: python-pkcs11 0.10 initialises them for one thread
only and crashes with more, a module that waits for a dead network HSM never comes back, and a module keeps
what it saw of its tokens until it is loaded anew. A process can be killed and started again; a thread cannot.

Standard input and output carry one JSON object a line. First it says `{"public_key": HEX}`; then for each
`{"message": HEX}` it answers `{"signature": HEX}`, in order. On any failure it says `{"error": WORDS}` and
ends; so it does, silently, when its input ends. Diagnostics name PKCS#11 return codes, never PINs.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from server.hsm.ed25519_point import public_key_of_point

Say = Callable[[dict[str, Any]], None]


def standard_output_for_answers_only() -> Say:
    """Keeps standard output for answers: what a chatty module prints goes to standard error instead."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    return say


def serve(say: Say, *, module: str, token: str, key: str, pin_file: str) -> None:
    """Opens the key, answers until standard input ends. Raises what the module or the file system raises."""
    pin = Path(pin_file).read_text(encoding="utf-8").rstrip("\r\n")
    with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin) as session:
        del pin
        public = session.get_key(label=key, object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC_EDWARDS)
        private: Any = session.get_key(
            label=key, object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC_EDWARDS
        )
        say({"public_key": public_key_of_point(public[Attribute.EC_POINT]).hex()})
        for line in sys.stdin:
            request = json.loads(line)
            signature = private.sign(bytes.fromhex(request["message"]), mechanism=Mechanism.EDDSA)
            say({"signature": signature.hex()})


def main() -> int:
    module, token, key, pin_file = sys.argv[1:]
    say = standard_output_for_answers_only()
    try:
        serve(say, module=module, token=token, key=key, pin_file=pin_file)
    except (pkcs11.PKCS11Error, RuntimeError, OSError, ValueError) as failure:
        # RuntimeError is what python-pkcs11 raises for a module that cannot be loaded. The errors of PKCS#11
        # have a name but mostly no text.
        words = type(failure).__name__ + (f": {failure}" if str(failure) else "")
        with contextlib.suppress(BrokenPipeError):
            say({"error": words})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
