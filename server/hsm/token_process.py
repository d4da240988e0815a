"""The process that holds the PKCS#11 module: opens the token and signs what comes in on standard input.

It is apart from the server because of what modules do: python-pkcs11 0.10 initialises them for one thread
only and crashes with more, a module that waits for a dead network HSM never comes back, and a module keeps
what it saw of its tokens until it is loaded anew. A process can be killed and started again; a thread cannot.

Standard input and output carry one JSON object a line. First it says `{"public_key": HEX}`; then for each
`{"message": HEX}` it answers `{"signature": HEX}`, in order. On any failure it says `{"error": WORDS}` and
ends; so it does, silently, when its input ends. Diagnostics name PKCS#11 return codes, never PINs.
"""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from server.hsm.ed25519_point import public_key_of_point

_LOOKS_AGAIN_AFTER_SECONDS = (0.05, 0.1, 0.2)

Say = Callable[[dict[str, Any]], None]

_FAILURES: tuple[type[Exception], ...] = (pkcs11.PKCS11Error, RuntimeError, OSError, ValueError)
# RuntimeError is what python-pkcs11 raises for a module that cannot be loaded.


class Serve(Protocol):
    """What one of these processes does."""

    def __call__(self, say: Say, *, module: str, token: str, key: str, pin_file: str) -> None:
        """Opens the token, answers until standard input ends. Raises what module or file system raises."""
        ...


def standard_output_for_answers_only() -> Say:
    """Keeps standard output for answers: what a chatty module prints goes to standard error instead."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    return say


@contextlib.contextmanager
def opened(module: str, token: str, pin_file: str) -> Iterator[Any]:
    """Yields a session of a token's user. Raises what the module or the file system raises."""
    pin = Path(pin_file).read_text(encoding="utf-8").rstrip("\r\n")
    with _the_one(pkcs11.lib(module), token).open(user_pin=pin) as session:
        del pin
        yield session


def tokens_named(library: Any, label: str) -> list[Any]:
    """Returns a module's tokens of this label, after looking for them anew for a moment where there is none:
    SoftHSM writes a token's file anew whenever somebody opens it, and who looks just then sees no token, or
    half of one. Raises what the module raises; nobody has logged in yet, so looking again does no harm.
    """
    for pause in _LOOKS_AGAIN_AFTER_SECONDS:
        with contextlib.suppress(pkcs11.GeneralError):
            if found := list(library.get_tokens(token_label=label)):
                return found
        time.sleep(pause)
        # A module looks for tokens when it is initialised.
        library.reinitialize()
    return list(library.get_tokens(token_label=label))


def _the_one(library: Any, label: str) -> Any:
    found = tokens_named(library, label)
    if not found:
        raise pkcs11.NoSuchToken(f"no token is labelled {label!r}")
    if len(found) > 1:
        raise pkcs11.MultipleTokensReturned(f"{len(found)} tokens are labelled {label!r}")
    return found[0]


def signature_of(key: Any, message: bytes) -> bytes:
    """Has a private key sign in the way of its type: Ed25519; ECDSA over the message's SHA-256, r and s one
    after the other; RSA by PKCS #1 v1.5 with SHA-256.
    """
    match key.key_type:
        case KeyType.EC_EDWARDS:
            signature = key.sign(message, mechanism=Mechanism.EDDSA)
        case KeyType.EC:
            # Not every module hashes for ECDSA; all sign a digest.
            signature = key.sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA)
        case _:
            signature = key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS)
    return bytes(signature)


def words_of(failure: Exception) -> str:
    """Returns what is told of a failure: the errors of PKCS#11 have a name but mostly no text."""
    return type(failure).__name__ + (f": {failure}" if str(failure) else "")


def answering(
    serve: Serve,
    *,
    refusals: tuple[type[Exception], ...] = (),
    words: Callable[[Exception], str] = words_of,
) -> int:
    """Runs a process that holds a token open, by its command line; returns the exit code. What fails is said
    in `words`: of module and file system, and the process's own `refusals`.
    """
    module, token, key, pin_file = sys.argv[1:]
    say = standard_output_for_answers_only()
    try:
        serve(say, module=module, token=token, key=key, pin_file=pin_file)
    except (*_FAILURES, *refusals) as failure:
        with contextlib.suppress(BrokenPipeError):
            say({"error": words(failure)})
        return 1
    return 0


def serve(say: Say, *, module: str, token: str, key: str, pin_file: str) -> None:
    """Opens the key, answers until standard input ends. Raises what the module or the file system raises."""
    with opened(module, token, pin_file) as session:
        public = session.get_key(label=key, object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC_EDWARDS)
        private: Any = session.get_key(
            label=key, object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC_EDWARDS
        )
        say({"public_key": public_key_of_point(public[Attribute.EC_POINT]).hex()})
        for line in sys.stdin:
            request = json.loads(line)
            say({"signature": signature_of(private, bytes.fromhex(request["message"])).hex()})


if __name__ == "__main__":
    sys.exit(answering(serve))
