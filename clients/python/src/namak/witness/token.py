"""The witness's key in a PKCS#11 token (the extra ``card``: python-pkcs11).

For one thread at a time: python-pkcs11 lets threads into a module that was told there is only one.
"""

import contextlib
import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from namak.witness.keys import KeyUnusable, TokenPlace

_POINT_WRAPPINGS: Final = (b"", b"\x04\x20", b"\x03\x21\x00")
"""How tokens write a public key: bare (PKCS #11 3.1), in an OCTET STRING (3.0), in a BIT STRING."""

_LOOKS_AGAIN_AFTER_SECONDS = (0.05, 0.1, 0.2)
_PUBLIC_KEY_BYTES: Final = 32
_ED25519: Final = "1.3.101.112"


class TokenKey:
    """A :class:`~namak.witness.keys.WitnessKey` in a token, opened again where it was lost."""

    def __init__(self, place: TokenPlace, public_key: bytes) -> None:
        """For :meth:`open`."""
        self._place = place
        self._public_key = public_key
        self._session: Any = None
        self._private: Any = None

    @classmethod
    def open(cls, place: TokenPlace) -> Self:
        """Opens the token and reads the public key. Raises :class:`KeyUnusable`."""
        key = cls(place, b"")
        key._public_key = key._log_in()
        return key

    @classmethod
    def make(cls, place: TokenPlace) -> Self:
        """Makes a key in the token, which never leaves it, and opens it.

        Raises :class:`KeyUnusable` where the label is taken: keys are never replaced.
        """
        package = _pkcs11()
        with _told(place), _session(place, rw=True) as session:
            if list(session.get_objects({package.Attribute.LABEL: place.label})):
                raise KeyUnusable(f"the token {place.token!r} holds a key {place.label!r} already")
            curve = importlib.import_module("pkcs11.util.ec").encode_named_curve_parameters(_ED25519)
            parameters = session.create_domain_parameters(
                package.KeyType.EC_EDWARDS, {package.Attribute.EC_PARAMS: curve}, local=True
            )
            # One identifier for both halves is how other software finds them as a pair.
            parameters.generate_keypair(
                mechanism=package.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                store=True,
                label=place.label,
                id=place.label.encode(),
            )
        return cls.open(place)

    @property
    def public_key(self) -> bytes:
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        if self._private is None and self._log_in() != self._public_key:
            self._forget()
            raise KeyUnusable(f"the token {self._place.token!r} now holds another key")
        try:
            with _told(self._place):
                signature: bytes = self._private.sign(message, mechanism=_pkcs11().Mechanism.EDDSA)
                return signature
        except KeyUnusable:
            # The next call logs in again.
            self._forget()
            raise

    def _log_in(self) -> bytes:
        package, place = _pkcs11(), self._place
        with _told(place):
            self._session = _opened(place, rw=False)
            kinds = {"label": place.label, "key_type": package.KeyType.EC_EDWARDS}
            public = self._session.get_key(object_class=package.ObjectClass.PUBLIC_KEY, **kinds)
            self._private = self._session.get_key(object_class=package.ObjectClass.PRIVATE_KEY, **kinds)
            return _public_key(public[package.Attribute.EC_POINT])

    def _forget(self) -> None:
        session, self._session, self._private = self._session, None, None
        if session is not None:
            try:
                session.close()
            except _pkcs11().exceptions.PKCS11Error:
                return  # the token may be gone


def _pkcs11() -> Any:
    try:
        return importlib.import_module("pkcs11")
    except ImportError:
        raise KeyUnusable(
            "keys in tokens need python-pkcs11: pip install 'namak-client[witness,card]'"
        ) from None


def _opened(place: TokenPlace, *, rw: bool) -> Any:
    pin = Path(place.pin_file).read_text(encoding="utf-8").rstrip("\r\n")
    return _found(_pkcs11().lib(place.module), place.token).open(user_pin=pin, rw=rw)


def _found(module: Any, label: str) -> Any:
    """Returns a module's token of this label, after looking for it anew for a moment where it is not there:
    SoftHSM writes a token's file anew whenever somebody opens it, and who looks just then sees no token, or
    half of one. Nobody has logged in yet, so looking again does no harm.
    """
    wrong = _pkcs11().exceptions
    for pause in _LOOKS_AGAIN_AFTER_SECONDS:
        with contextlib.suppress(wrong.NoSuchToken, wrong.GeneralError):
            return module.get_token(token_label=label)
        time.sleep(pause)
        # A module looks for tokens when it is initialised.
        module.reinitialize()
    return module.get_token(token_label=label)


@contextlib.contextmanager
def _session(place: TokenPlace, *, rw: bool) -> Iterator[Any]:
    session = _opened(place, rw=rw)
    try:
        yield session
    finally:
        session.close()


@contextlib.contextmanager
def _told(place: TokenPlace) -> Iterator[None]:
    try:
        yield
    except (_pkcs11().exceptions.PKCS11Error, RuntimeError, OSError, ValueError) as error:
        # RuntimeError is what python-pkcs11 raises for a module that can't be loaded.
        raise KeyUnusable(f"the token {place.token!r} can't be used: {type(error).__name__}") from error


def _public_key(point: bytes) -> bytes:
    for wrapping in _POINT_WRAPPINGS:
        if point.startswith(wrapping) and len(point) == len(wrapping) + _PUBLIC_KEY_BYTES:
            return point[len(wrapping) :]
    raise ValueError("not an Ed25519 public key")
