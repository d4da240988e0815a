"""Which certificate on a token is to be used, and why none can be: decided from what the token shows."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from cryptography import x509

from namak.cards.contents import CardCertificate, KeyPresence, Purpose, TokenSeen
from namak.cards.outcomes import card_error
from namak.errors import CardError


def choose_certificate(
    token: TokenSeen, purpose: Purpose, wanted: str = "", *, at: datetime | None = None
) -> tuple[CardCertificate, x509.Certificate]:
    """Returns the certificate for a purpose with its private key on the token, valid at ``at`` (now).

    ``wanted`` names it by its label, its key's label or its identifier in hexadecimal. Raises
    CardCertificateUnfit, SigningKeyMissing, SigningKeyAmbiguous; of several reasons the one that comes
    nearest to a certificate that would do.
    """
    moment = at or datetime.now(UTC)
    labels = {key.key_id: key.label for key in token.keys}
    readable = [
        (each, each.certificate)
        for each in token.certificates
        if each.certificate is not None
        and (_is_named(each.label, each.key_id, wanted) or labels.get(each.key_id) == wanted)
    ]
    if not readable:
        raise _none(token, wanted)
    fit = readable
    for holds, outcome in _conditions(purpose, moment):
        left = [pair for pair in fit if holds(*pair)]
        if not left:
            raise card_error(outcome, _names(fit))
        fit = left
    if len({each.key_id for each, _ in fit}) > 1:
        raise card_error("KEY_AMBIGUOUS", _names(fit))
    # Of several certificates of one key, the one that lasts longest: cards keep the renewed beside the old.
    return max(fit, key=lambda pair: pair[1].not_valid_after_utc)


def validity_problem(certificate: x509.Certificate, at: datetime) -> str | None:
    """Returns the outcome that stands against using a certificate at a time; None when nothing does."""
    if at > certificate.not_valid_after_utc:
        return "CARD_CERTIFICATE_EXPIRED"
    return "CARD_CERTIFICATE_NOT_YET_VALID" if at < certificate.not_valid_before_utc else None


_Condition = tuple[Callable[[CardCertificate, x509.Certificate], bool], str]


def _conditions(purpose: Purpose, at: datetime) -> Sequence[_Condition]:
    return (
        (lambda each, _: purpose in each.purposes, "CARD_CERTIFICATE_PURPOSE"),
        (lambda each, _: each.key is not KeyPresence.MISSING, "KEY_MISSING"),
        (lambda _, certificate: at >= certificate.not_valid_before_utc, "CARD_CERTIFICATE_NOT_YET_VALID"),
        (lambda _, certificate: at <= certificate.not_valid_after_utc, "CARD_CERTIFICATE_EXPIRED"),
    )


def _none(token: TokenSeen, wanted: str) -> CardError:
    name = repr(token.label or token.serial)
    if any(_is_named(key.label, key.key_id, wanted) for key in token.lone_keys):
        return card_error("KEY_WITHOUT_CERTIFICATE", name)
    return card_error("CARD_CERTIFICATE_MISSING", f"{name}, {wanted!r}" if wanted else name)


def _is_named(label: str, key_id: bytes, wanted: str) -> bool:
    return not wanted or wanted == label or wanted.lower().replace(":", "") == key_id.hex()


def _names(found: Iterable[tuple[CardCertificate, x509.Certificate]]) -> str:
    return ", ".join(f"{each.label!r} ({each.key_id.hex()})" for each, _ in found)
