"""Signs with the holder's card or token through its PKCS#11 module.

Needs the extra ``card`` (python-pkcs11), imported at first use; :mod:`namak.cards.module` says how.
"""

import hashlib
import importlib
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from asn1crypto.algos import DigestAlgorithm, DigestInfo

from namak.cards.module import (
    FoundToken,
    KeyPlace,
    explained,
    find_token,
    load_module,
    on_card,
    pkcs11,
)
from namak.cards.outcomes import PinState, Step, card_error
from namak.config import Signing
from namak.errors import CardError

_DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}


class Card:
    """An opened card: a context manager around one session with one key.

    MUST NOT share a process with other users of the same PKCS#11 module, nor be open at the same time as a
    card with another SoftHSM configuration. Gives the card the PIN once when it is opened, and again only to
    keys that want it for every signature (CKA_ALWAYS_AUTHENTICATE): a wrong PIN is never tried twice.
    """

    def __init__(self, settings: Signing | KeyPlace, pin: str | None, *, final_try: bool = False) -> None:
        """``pin`` is None where the card's reader asks for it; ``final_try`` is that of
        :func:`open_session`.
        """
        self._place = settings if isinstance(settings, KeyPlace) else place_of(settings)
        self._pin = pin
        self._final_try = final_try
        self._found: FoundToken | None = None
        self._session: Any = None
        self._key: Any = None

    def __enter__(self) -> Self:
        """Opens the token and finds the key. Raises a :class:`CardError` that says what went wrong."""
        try:
            on_card(self._open)
        except CardError:
            on_card(self._close)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        on_card(self._close)

    def sign_digest(self, digest: bytes, algorithm: str = "sha256") -> bytes:
        """Returns the signature of a digest, as X.509 and CMS have it.

        ECDSA: DER of r and s. RSA: PKCS #1 v1.5 (RFC 8017, 8.2.1). ``algorithm``: sha256, sha384 or sha512.
        """
        if _DIGEST_BYTES[algorithm] != len(digest):
            raise ValueError(f"{len(digest)} bytes are no digest of {algorithm}")
        return on_card(lambda: self._sign(digest, algorithm))

    def sign(self, data: bytes, algorithm: str = "sha256") -> bytes:
        """Returns the signature of data, hashed here: many cards and SoftHSM only sign digests."""
        return self.sign_digest(hashlib.new(algorithm, data).digest(), algorithm)

    @property
    def _name(self) -> str:
        return repr(self._place.token if self._found is None else self._found.name)

    def _open(self) -> None:
        module = load_module(self._place.module, self._place.config)
        self._found = find_token(module, self._place.token)
        self._session = open_session(self._found, self._pin, final_try=self._final_try)
        wanted: dict[str, Any] = {"object_class": pkcs11().ObjectClass.PRIVATE_KEY}
        if self._place.label:
            wanted["label"] = self._place.label
        if self._place.key_id:
            wanted["id"] = self._place.key_id
        with explained(Step.READING, f"{self._name}, {self._key_name}"):
            self._key = self._session.get_key(**wanted)

    @property
    def _key_name(self) -> str:
        return repr(self._place.label or self._place.key_id.hex())

    def _sign(self, digest: bytes, algorithm: str) -> bytes:
        if self._key is None or self._found is None:
            raise CardError("the card is not open")
        mechanisms, kinds = pkcs11().Mechanism, pkcs11().KeyType
        with explained(Step.SIGNING, self._name, self._found.pin_state):
            pin = {"pin": self._pin} if self._pin is not None and self._always_authenticates() else {}
            if self._key.key_type == kinds.EC:
                raw = self._key.sign(digest, mechanism=mechanisms.ECDSA, **pin)
                encode = importlib.import_module("pkcs11.util.ec").encode_ecdsa_signature
                return bytes(encode(raw))
            if self._key.key_type == kinds.RSA:
                info = DigestInfo(
                    {"digest_algorithm": DigestAlgorithm({"algorithm": algorithm}), "digest": digest}
                )
                return bytes(self._key.sign(info.dump(), mechanism=mechanisms.RSA_PKCS, **pin))
        raise card_error("FUNCTION_UNSUPPORTED", f"the key {self._key_name} is neither an EC nor an RSA key")

    def _always_authenticates(self) -> bool:
        try:
            return bool(self._key[pkcs11().Attribute.ALWAYS_AUTHENTICATE])
        except pkcs11().exceptions.PKCS11Error:
            return False  # modules need not know the attribute

    def _close(self) -> None:
        session, self._session, self._key = self._session, None, None
        if session is not None:
            close_session(session)


def place_of(settings: Signing) -> KeyPlace:
    """Returns where the configured signing key is."""
    return KeyPlace(settings.module, settings.token, settings.label, config=settings.config)


def open_session(found: FoundToken, pin: str | None, *, public: bool = False, final_try: bool = False) -> Any:
    """Opens a session and logs in once. On the card's thread. Raises WrongPin and the other kinds of PINs'
    errors.

    ``pin`` None: the reader asks for it, if it can. ``public``: nobody logs in, and only what everybody may
    see is seen; it costs no try. ``final_try``: the PIN is given even where one more wrong one locks the
    card; that is for a person who was told so, and without it such a card is given none (SIGN-3).

    Raises PinNotGiven, PIN_FINAL_TRY: one try is left; PinLocked: none.
    """
    package = pkcs11()
    if pin is not None and not public:
        # Asked again now: another program may have tried since the token was found.
        _check_tries(found, final_try=final_try)
    with explained(Step.OPENING, repr(found.name), found.pin_state):
        if public or (pin is None and not found.has_pin_pad):
            return found.token.open()
        try:
            return found.token.open(user_pin=package.PROTECTED_AUTH if pin is None else pin)
        except package.exceptions.UserAlreadyLoggedIn:
            return found.token.open()  # a log-in counts for the whole token


def _check_tries(found: FoundToken, *, final_try: bool) -> None:
    state = found.pin_state()
    if state is PinState.LOCKED:
        raise card_error("PIN_LOCKED", repr(found.name))
    if state is PinState.FINAL_TRY and not final_try:
        raise card_error("PIN_FINAL_TRY", repr(found.name))


def close_session(session: Any) -> None:
    """Ends a session. On the card's thread."""
    with suppress(pkcs11().exceptions.PKCS11Error):  # the card may be gone
        session.close()


def read_pin(settings: Signing) -> str | None:
    """Returns the PIN from the file that the settings name; None when they name none, and it must be asked
    for. A card whose last try it would be does not get it from :class:`Card` (SIGN-3).
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
