"""Signs with the holder's card or token through its PKCS#11 module. The only place in the client that knows
PKCS#11.

Needs the extra ``card`` (python-pkcs11), imported at first use. All calls into the module happen on one
thread of their own: python-pkcs11 lets threads into a module that was told there is only one.
"""

import hashlib
import importlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from asn1crypto.algos import DigestAlgorithm, DigestInfo

from namak.config import Signing
from namak.errors import (
    CardError,
    CardModuleMissing,
    CardSupportMissing,
    PinLocked,
    SigningKeyMissing,
    TokenMissing,
    WrongPin,
)

T = TypeVar("T")

_DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="namak-card")

_configured: dict[str, str | None] = {}
# By module: the configuration that it last read.


class Card:
    """An opened card: a context manager around one session with one key.

    MUST NOT share a process with other users of the same PKCS#11 module, nor be open at the same time as a
    card with another SoftHSM configuration.
    """

    def __init__(self, settings: Signing, pin: str) -> None:
        self._settings = settings
        self._pin = pin
        self._pkcs11: Any = None
        self._session: Any = None
        self._key: Any = None

    def __enter__(self) -> Self:
        """Opens the token and finds the key. Raises a :class:`CardError` that says which of the two went
        wrong.
        """
        try:
            self._on_card(self._open)
        except CardError:
            self._on_card(self._close)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on_card(self._close)

    def sign_digest(self, digest: bytes, algorithm: str = "sha256") -> bytes:
        """Returns the signature of a digest, as X.509 and CMS have it.

        ECDSA: DER of r and s. RSA: PKCS #1 v1.5 (RFC 8017, 8.2.1). ``algorithm``: sha256, sha384 or sha512.
        """
        if _DIGEST_BYTES[algorithm] != len(digest):
            raise ValueError(f"{len(digest)} bytes are no digest of {algorithm}")
        return self._on_card(lambda: self._sign(digest, algorithm))

    def sign(self, data: bytes, algorithm: str = "sha256") -> bytes:
        """Returns the signature of data, hashed here: many cards and SoftHSM only sign digests."""
        return self.sign_digest(hashlib.new(algorithm, data).digest(), algorithm)

    def _on_card(self, step: Callable[[], T]) -> T:
        return _thread.submit(step).result()

    def _open(self) -> None:
        try:
            self._pkcs11 = importlib.import_module("pkcs11")
        except ImportError as problem:
            raise CardSupportMissing("python-pkcs11 is not installed") from problem
        failures = self._pkcs11.exceptions
        try:
            module = self._module()
        except failures.PKCS11Error as problem:
            raise CardModuleMissing(f"no PKCS#11 module at {self._settings.module}: {problem}") from problem
        try:
            token = module.get_token(token_label=self._settings.token)
            self._session = self._open_session(token)
            self._key = self._find_key()
        except failures.PKCS11Error as problem:
            raise self._explained(problem) from problem

    def _module(self) -> Any:
        """Returns the module. SoftHSM only reads its configuration, which the environment names, when it
        starts.
        """
        path, config = str(self._settings.module), self._settings.config
        wanted = None if config is None else str(config)
        if wanted is not None:
            os.environ["SOFTHSM2_CONF"] = wanted
        module = self._pkcs11.lib(path)
        if _configured.setdefault(path, wanted) != wanted:
            module.reinitialize()
            _configured[path] = wanted
        return module

    def _open_session(self, token: Any) -> Any:
        try:
            return token.open(user_pin=self._pin)
        except self._pkcs11.exceptions.UserAlreadyLoggedIn:
            return token.open()  # a log-in counts for the whole token

    def _find_key(self) -> Any:
        return self._session.get_key(
            object_class=self._pkcs11.ObjectClass.PRIVATE_KEY, label=self._settings.label
        )

    def _sign(self, digest: bytes, algorithm: str) -> bytes:
        if self._key is None:
            raise CardError("the card is not open")
        mechanisms, kinds = self._pkcs11.Mechanism, self._pkcs11.KeyType
        try:
            # A signing key of a real card may want the PIN for every signature (CKA_ALWAYS_AUTHENTICATE).
            pin = {"pin": self._pin} if self._always_authenticates() else {}
            if self._key.key_type == kinds.EC:
                raw = self._key.sign(digest, mechanism=mechanisms.ECDSA, **pin)
                encode = importlib.import_module("pkcs11.util.ec").encode_ecdsa_signature
                return bytes(encode(raw))
            if self._key.key_type == kinds.RSA:
                info = DigestInfo(
                    {"digest_algorithm": DigestAlgorithm({"algorithm": algorithm}), "digest": digest}
                )
                return bytes(self._key.sign(info.dump(), mechanism=mechanisms.RSA_PKCS, **pin))
        except self._pkcs11.exceptions.PKCS11Error as problem:
            raise self._explained(problem) from problem
        raise CardError(f"the key {self._settings.label!r} is neither an EC nor an RSA key")

    def _always_authenticates(self) -> bool:
        try:
            return bool(self._key[self._pkcs11.Attribute.ALWAYS_AUTHENTICATE])
        except self._pkcs11.exceptions.PKCS11Error:
            return False  # modules need not know the attribute

    def _close(self) -> None:
        session, self._session, self._key = self._session, None, None
        if session is not None:
            with suppress(self._pkcs11.exceptions.PKCS11Error):  # the card may be gone
                session.close()

    def _explained(self, problem: Exception) -> CardError:
        """Returns the failure in our words; the module's own are names of return values."""
        failures = self._pkcs11.exceptions
        token, label = self._settings.token, self._settings.label
        name = type(problem).__name__
        if isinstance(problem, failures.NoSuchToken | failures.TokenNotPresent | failures.TokenNotRecognised):
            return TokenMissing(f"no card or token {token!r} is present")
        if isinstance(problem, failures.DeviceRemoved):
            return TokenMissing(f"the card {token!r} was taken out")
        if isinstance(problem, failures.MultipleTokensReturned):
            return TokenMissing(f"more than one token is called {token!r}")
        if isinstance(problem, failures.PinIncorrect | failures.PinInvalid | failures.PinLenRange):
            return WrongPin(f"wrong PIN for {token!r}")
        if isinstance(problem, failures.PinLocked):
            return PinLocked(f"the PIN of {token!r} is locked")
        if isinstance(problem, failures.PinExpired | failures.UserPinNotInitialized):
            return PinLocked(f"the PIN of {token!r} was never set or has expired")
        if isinstance(problem, failures.NoSuchKey):
            return SigningKeyMissing(f"{token!r} holds no private key {label!r}")
        if isinstance(problem, failures.MultipleObjectsReturned):
            return SigningKeyMissing(f"{token!r} holds more than one private key {label!r}")
        return CardError(f"the card {token!r} could not sign: {name} {problem}".rstrip())


def read_pin(settings: Signing) -> str | None:
    """Returns the PIN from the file that the settings name; None when they name none, and it must be asked
    for.
    """
    if settings.pin_file is None:
        return None
    try:
        lines = settings.pin_file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise CardError(f"pin_file {settings.pin_file} can't be read") from problem
    if not lines or not lines[0].strip():
        raise CardError(f"pin_file {settings.pin_file} is empty")
    return lines[0].strip()
