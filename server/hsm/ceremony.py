"""Looking into a token and making keys in it, each with a limit in time: for a person at a terminal."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from server.hsm.errors import HsmKeyExists, HsmUnavailable
from server.hsm.key_kinds import KeyKind
from server.hsm.keygen import no_such_token
from server.hsm.token_contents import TokenFacts, TokenObject, facts_of, object_of
from server.hsm.token_link import ProcessFailed, TokenKey, TokenProcess

_PROGRAM: Final = "server.hsm.ceremony_process"


@dataclass(frozen=True)
class CeremonyPatience:
    """How long a token may take. All in seconds."""

    opening: float = 10.0
    """For starting the process, loading the module, and again for logging in."""

    listing: float = 30.0
    """For telling one object."""

    signing: float = 2.0
    """For one signature: what a server waits for the log's."""

    making: float = 120.0
    """For making a key: RSA of 4096 bits takes some modules a minute."""


DEFAULT_PATIENCE: Final = CeremonyPatience()


class SignatureWrong(Exception):
    """What the token gave as a signature does not verify under the public key beside it."""


class OpenToken:
    """A token that is open, in a process of its own."""

    def __init__(
        self, process: TokenProcess, where: TokenKey, facts: TokenFacts, patience: CeremonyPatience
    ) -> None:
        """For `opened`."""
        self.facts = facts
        self._process = process
        self._where = where
        self._patience = patience

    async def objects(self) -> tuple[TokenObject, ...]:
        """Returns all that the PIN shows. Raises `HsmUnavailable`."""
        found = []
        with _told(self._where):
            answer = await self._process.ask({"do": "objects"}, within=self._patience.listing)
            while "end" not in answer:
                found.append(object_of(answer["object"]))
                answer = await self._process.read(within=self._patience.listing)
        return tuple(found)

    async def make(self, kind: KeyKind, label: str) -> None:
        """Makes a key pair. Raises `HsmKeyExists`, `HsmUnavailable`: then there may be one all the same."""
        with _told(self._where):
            await self._process.ask(
                {"do": "make", "kind": kind, "label": label}, within=self._patience.making
            )

    async def sign(self, label: str, public_key: bytes, message: bytes) -> bytes:
        """Returns a signature by the private key under a label, as certificates have it (ECDSA as DER).

        Raises:
            HsmUnavailable: there is none in time.
            SignatureWrong: it does not verify under this public key (SubjectPublicKeyInfo).
        """
        with _told(self._where):
            answer = await self._process.ask(
                {"do": "sign", "label": label, "message": message.hex()}, within=self._patience.signing
            )
            return _verified(load_der_public_key(public_key), bytes.fromhex(answer["signature"]), message)


@contextlib.asynccontextmanager
async def opened(where: TokenKey, patience: CeremonyPatience = DEFAULT_PATIENCE) -> AsyncIterator[OpenToken]:
    """Opens a token until left. Raises `HsmUnavailable`, with words for people."""
    process = await TokenProcess.start(where, _PROGRAM)
    try:
        with _told(where):
            facts = facts_of((await process.read(within=patience.opening))["token"])
            await process.read(within=patience.opening)
        yield OpenToken(process, where, facts, patience)
    finally:
        await process.end(within=patience.signing)


@contextlib.contextmanager
def _told(where: TokenKey) -> Iterator[None]:
    """Says in words what goes wrong with a token."""
    try:
        yield
    except ProcessFailed as failure:
        raise problem_of(str(failure), where) from failure
    except (LookupError, TypeError, ValueError) as failure:
        raise HsmUnavailable(f"token {where.token!r}: its process did not say what it should") from failure


_WORDS: Final = {
    "MultipleTokensReturned": "more than one token has this label; give each a label of its own",
    "TokenNotInitialized": "the token is not initialised",
    "UserPinNotInitialized": "the token has no user PIN yet: its security officer sets one",
    "PinIncorrect": "the PIN in {pin_file} is wrong. Tokens lock after a few wrong ones",
    "PinLenRange": "the PIN in {pin_file} is too long or too short to be this token's",
    "PinInvalid": "the PIN in {pin_file} has characters that no PIN of this token has",
    "PinLocked": "the PIN is locked, after too many wrong ones: the token's security officer unlocks it",
    "PinExpired": "the PIN has expired: it must be changed first",
    "PinFinalTry": "one more wrong PIN would lock the token, so none is tried: log in once with the vendor's"
    " tool, and see that {pin_file} holds the right one",
    "TokenNotPresent": "the token was taken out",
    "TokenNotRecognised": "the module does not know this kind of token",
    "TokenWriteProtected": "the token is write-protected",
    "DeviceRemoved": "the token was taken out",
    "DeviceError": "the token reports an error of its own (CKR_DEVICE_ERROR)",
    "DeviceMemory": "the token has no room for another key",
    "MechanismInvalid": "the token can't do this with a key of this type (CKR_MECHANISM_INVALID)",
    "MultipleObjectsReturned": "more than one key has this label",
    "NoSuchKey": "there is no such key",
    "FileNotFoundError": "{pin_file} is not there",
    "PermissionError": "{pin_file} can't be read",
    "UnicodeDecodeError": "what {pin_file} holds is no text",
    "ModuleUnusable": "{module} is no PKCS#11 module that can be loaded",
    "the token process ended": "the module ended the process that had loaded it: it crashed, most likely",
}


def problem_of(name: str, where: TokenKey) -> Exception:
    """Returns what is raised for a failure that the process names."""
    if name == "NoSuchToken":
        return HsmUnavailable(no_such_token(where.token))
    if name == "HsmKeyExists":
        return HsmKeyExists(f"the token {where.token!r} holds something called {where.key!r} already")
    words = _WORDS.get(name, name).format(pin_file=where.pin_file, module=where.module)
    return HsmUnavailable(f"token {where.token!r}: {words}")


def _verified(public_key: object, value: bytes, message: bytes) -> bytes:
    try:
        match public_key:
            case Ed25519PublicKey():
                public_key.verify(value, message)
            case ec.EllipticCurvePublicKey():
                half = len(value) // 2
                value = encode_dss_signature(
                    int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
                )
                public_key.verify(value, message, ec.ECDSA(SHA256()))
            case rsa.RSAPublicKey():
                public_key.verify(value, message, padding.PKCS1v15(), SHA256())
            case _:
                raise SignatureWrong("keys of this type sign nothing for the post")
    except InvalidSignature as failure:
        raise SignatureWrong("the signature does not verify under the public key in the token") from failure
    return value
