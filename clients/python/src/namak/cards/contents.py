"""What a module shows without signing anything: slots, tokens, certificates, and whether their keys are
there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from namak.cards.card import close_session, open_session
from namak.cards.module import (
    FoundToken,
    KeyPlace,
    explained,
    find_token,
    load_module,
    on_card,
    pkcs11,
    slots,
    token_in,
)
from namak.cards.outcomes import PinState, Step, pin_state
from namak.errors import CardError

_LOGIN_REQUIRED: Final = 0x0000_0004
# A flag of CK_TOKEN_INFO (PKCS #11 v2.40, 5.5).


class Purpose(StrEnum):
    """What a certificate's key usage permits (RFC 5280, 4.2.1.3)."""

    AUTHENTICATION = "authentication"
    """digitalSignature: signing in."""
    SIGNING = "signing"
    """contentCommitment: statements of intent."""
    AUTHORITY = "authority"
    """An authority's own certificate."""
    OTHER = "other"
    """None of these, or the certificate does not say."""


class KeyPresence(StrEnum):
    """Whether a certificate's private key lies beside it."""

    PRESENT = "present"
    MISSING = "missing"
    HIDDEN = "hidden"
    """Nobody can tell without the PIN."""


@dataclass(frozen=True, slots=True)
class CardCertificate:
    """A certificate on a token; ``certificate`` is None where the object can't be read as one."""

    label: str
    key_id: bytes
    certificate: x509.Certificate | None
    key: KeyPresence

    @property
    def purposes(self) -> frozenset[Purpose]:
        """What it is good for; never empty."""
        return frozenset() if self.certificate is None else purposes_of(self.certificate)


@dataclass(frozen=True, slots=True)
class CardKey:
    """A private key on a token."""

    label: str
    key_id: bytes


@dataclass(frozen=True, slots=True)
class TokenSeen:
    """A token and what lies on it, as far as it shows."""

    slot: str
    label: str
    serial: str
    manufacturer: str
    model: str
    pin: PinState
    has_pin_pad: bool
    certificates: tuple[CardCertificate, ...] = ()
    keys: tuple[CardKey, ...] = ()
    """The private keys that show themselves."""

    @property
    def at_final_try(self) -> bool:
        """Whether one more wrong PIN locks it."""
        return self.pin is PinState.FINAL_TRY

    @property
    def lone_keys(self) -> Sequence[CardKey]:
        """The keys for which no certificate lies on the token."""
        named = {each.key_id for each in self.certificates}
        return [key for key in self.keys if key.key_id not in named]


@dataclass(frozen=True, slots=True)
class SlotSeen:
    """A slot: a reader, or the place of a USB token. ``problem`` says why its token can't be read."""

    description: str
    token: TokenSeen | None
    problem: CardError | None = None


def read_slots(module: Path, config: Path | None = None) -> Sequence[SlotSeen]:
    """Returns every slot of a module with what its token shows to everybody, without a PIN.

    Raises CardModuleMissing and its kinds, and CardFault. One token that can't be read hides no other.
    """
    return on_card(lambda: [_seen(slot) for slot in slots(load_module(module, config))])


def read_token(place: KeyPlace, pin: str | None = None, *, final_try: bool = False) -> TokenSeen:
    """Returns one token; with a PIN also what only its holder sees. ``final_try`` as :class:`Card` has it.

    Raises TokenMissing, TokenAmbiguous, WrongPin and the other kinds of CardError.
    """

    def read() -> TokenSeen:
        found = find_token(load_module(place.module, place.config), place.token)
        return _read(found, pin, final_try=final_try)

    return on_card(read)


def look_up_token(place: KeyPlace) -> TokenSeen:
    """Returns the token without what lies on it, so that its PIN can be asked for by its name."""

    def look() -> TokenSeen:
        return _described(find_token(load_module(place.module, place.config), place.token))

    return on_card(look)


def purposes_of(certificate: x509.Certificate) -> frozenset[Purpose]:
    """Returns what a certificate is good for by its key usage; never empty."""
    try:
        if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return frozenset({Purpose.AUTHORITY})
    except (x509.ExtensionNotFound, ValueError):
        pass
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return frozenset({Purpose.OTHER})
    found = {
        purpose
        for purpose, permitted in (
            (Purpose.AUTHENTICATION, usage.digital_signature),
            (Purpose.SIGNING, usage.content_commitment),
        )
        if permitted
    }
    return frozenset(found or {Purpose.OTHER})


def _seen(slot: Any) -> SlotSeen:
    try:
        found = token_in(slot)
        return SlotSeen(slot.slot_description, None if found is None else _read(found, None))
    except CardError as problem:
        return SlotSeen(slot.slot_description, None, problem)


def _described(found: FoundToken) -> TokenSeen:
    token = found.token
    return TokenSeen(
        found.slot.slot_description,
        token.label,
        found.serial,
        token.manufacturer_id,
        token.model,
        pin_state(int(token.flags)),
        found.has_pin_pad,
    )


def _read(found: FoundToken, pin: str | None, *, final_try: bool = False) -> TokenSeen:
    session = open_session(found, pin, public=pin is None, final_try=final_try)
    try:
        with explained(Step.READING, repr(found.name)):
            keys = _keys(session)
            shows_all = pin is not None or not int(found.token.flags) & _LOGIN_REQUIRED
            certificates = _certificates(session, {key.key_id for key in keys}, shows_all=shows_all)
    finally:
        close_session(session)
    return replace(_described(found), certificates=certificates, keys=tuple(keys))


def _keys(session: Any) -> Sequence[CardKey]:
    return [CardKey(_text(each, "LABEL"), _bytes(each, "ID")) for each in _of_class(session, "PRIVATE_KEY")]


def _certificates(session: Any, keys: set[bytes], *, shows_all: bool) -> tuple[CardCertificate, ...]:
    found = []
    for each in _of_class(session, "CERTIFICATE"):
        key_id = _bytes(each, "ID")
        certificate = _parsed(_bytes(each, "VALUE"))
        if key_id in keys:
            key = KeyPresence.PRESENT
        else:
            key = KeyPresence.MISSING if shows_all else KeyPresence.HIDDEN
        found.append(CardCertificate(_text(each, "LABEL"), key_id, certificate, key))
    return tuple(found)


def _of_class(session: Any, name: str) -> Sequence[Any]:
    package = pkcs11()
    wanted = {package.Attribute.CLASS: getattr(package.ObjectClass, name)}
    return list(session.get_objects(wanted))


def _parsed(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def _attribute(found: Any, name: str) -> Any:
    package = pkcs11()
    try:
        return found[getattr(package.Attribute, name)]
    except (package.exceptions.AttributeTypeInvalid, package.exceptions.AttributeSensitive):
        return None


def _text(found: Any, name: str) -> str:
    return str(_attribute(found, name) or "")


def _bytes(found: Any, name: str) -> bytes:
    return bytes(_attribute(found, name) or b"")
