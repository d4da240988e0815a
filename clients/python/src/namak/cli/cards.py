"""Which card a command means, by its options, the environment and the configuration; and its certificate."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.cards.card import Card
from namak.cards.chain import SeenChain, seen_chain
from namak.cards.choice import choose_certificate
from namak.cards.contents import CardCertificate, KeyPresence, Purpose, TokenSeen, read_token
from namak.cards.module import KeyPlace
from namak.cards.outcomes import card_error
from namak.cli.app import Run
from namak.cli.pins import pin_for
from namak.cli.texts import _
from namak.cli.verifying import read_file
from namak.config import CardFiles, TrustFiles, find_config, load_card, load_trust
from namak.errors import CardError, ConfigurationError

MODULE_ENVIRONMENT = "NAMAK_PKCS11_MODULE"
"""The environment variable that names the PKCS#11 module, when no option does."""


@dataclass(frozen=True, slots=True)
class CardOptions:
    """What was said of the card on the command line; None and empty are not said."""

    module: Path | None
    token: str
    key: str
    pin_file: Path | None
    certificates: Path | None


@dataclass(frozen=True, slots=True)
class CardInUse:
    """The card that a command works with: where it is, what for, whose PIN, and what certificates are
    known.
    """

    place: KeyPlace
    purpose: Purpose
    pin_file: Path | None
    known: Sequence[x509.Certificate]
    """Of the file of certificates: a signing certificate first, if any, and issuers."""
    roots: Sequence[x509.Certificate]


@dataclass(frozen=True, slots=True)
class ChosenKey:
    """A certificate with its key, ready to be signed with."""

    place: KeyPlace
    token: TokenSeen
    certificate: x509.Certificate
    chain: SeenChain
    pin: str | None

    @property
    def certificate_der(self) -> bytes:
        """The certificate, DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def issuers_der(self) -> tuple[bytes, ...]:
        """What was found above it, without the root, DER."""
        return tuple(each.public_bytes(Encoding.DER) for each in self.chain.issuers)

    def opened(self) -> Card:
        """Returns the card, to be entered."""
        # Who was asked for the PIN at its last try was told that it is (`pin_for`).
        return Card(self.place, self.pin, final_try=self.token.at_final_try)


def card_in_use(run: Run, options: CardOptions, purpose: Purpose = Purpose.OTHER) -> CardInUse:
    """Returns the card that is meant. Raises ConfigurationError where nothing names its module.

    The configured label is that of the key to sign with, so it counts for that purpose alone.
    """
    configured, trust = _configured(run.options.config)
    named = os.environ.get(MODULE_ENVIRONMENT)
    module = options.module or (Path(named) if named else None) or configured.module
    if module is None:
        problem = _("nothing names it: --module, {name} or [signing] module").format(name=MODULE_ENVIRONMENT)
        raise ConfigurationError(_("the card's PKCS#11 module"), [problem])
    file = options.certificates or configured.certificate
    key = options.key or (configured.label if purpose is Purpose.SIGNING else "")
    return CardInUse(
        KeyPlace(module, options.token or configured.token, key, config=configured.config),
        purpose,
        options.pin_file or configured.pin_file,
        [] if file is None else _certificates(file),
        [] if trust.citizen_roots is None else _certificates(trust.citizen_roots),
    )


def chosen_key(run: Run, card: CardInUse) -> ChosenKey:
    """Returns the certificate for the card's purpose and the PIN for its key.

    Whatever can be found out without the PIN is, before anybody is asked for it.
    """
    token = read_token(_token_of(card.place))
    try:
        chosen, certificate = choose_certificate(token, card.purpose, card.place.label)
    except CardError as problem:
        if problem.reason != "CARD_CERTIFICATE_MISSING":
            raise
    else:
        pin = pin_for(run.screen, token, card.pin_file)
        return _key(card, token, chosen, certificate, pin)
    pin = pin_for(run.screen, token, card.pin_file)
    seen = read_token(_token_of(card.place), pin, final_try=token.at_final_try)
    beside = _with_certificate_of_the_file(seen, card)
    chosen, certificate = choose_certificate(beside, card.purpose, card.place.label)
    return _key(card, seen, chosen, certificate, pin)


def _key(
    card: CardInUse,
    token: TokenSeen,
    chosen: CardCertificate,
    certificate: x509.Certificate,
    pin: str | None,
) -> ChosenKey:
    place = KeyPlace(card.place.module, card.place.token, "", key_id=chosen.key_id, config=card.place.config)
    return ChosenKey(place, token, certificate, chain_of(certificate, token, card), pin)


def _with_certificate_of_the_file(token: TokenSeen, card: CardInUse) -> TokenSeen:
    """Returns the token as if the first certificate of the file lay on it, for a token that holds keys only.

    Whether it is that of the key shows when the signature is made.
    """
    if token.certificates or not card.known:
        return token
    keys = [key for key in token.keys if not card.place.label or key.label == card.place.label]
    if len(keys) != 1:
        raise card_error("KEY_AMBIGUOUS" if keys else "KEY_MISSING", repr(card.place.label))
    own = CardCertificate(keys[0].label, keys[0].key_id, card.known[0], KeyPresence.PRESENT)
    return replace(token, certificates=(own,))


def chain_of(certificate: x509.Certificate, token: TokenSeen, card: CardInUse) -> SeenChain:
    """Returns the chain above a certificate, of what lies on the token and what the files hold."""
    beside = [each.certificate for each in token.certificates if each.certificate is not None]
    return seen_chain(certificate, [*beside, *card.known], card.roots)


def _token_of(place: KeyPlace) -> KeyPlace:
    return KeyPlace(place.module, place.token, config=place.config)


def _configured(config: Path | None) -> tuple[CardFiles, TrustFiles]:
    try:
        path = find_config(config)
    except ConfigurationError:
        return CardFiles(), TrustFiles()  # there is none, and options may name all that is needed
    return load_card(path), load_trust(path)


def _certificates(path: Path) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(read_file(path))
    except ValueError as problem:
        raise ConfigurationError(str(path), [_("holds no readable PEM certificate")]) from problem
