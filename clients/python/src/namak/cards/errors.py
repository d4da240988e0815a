"""What can go wrong between a program and a card: one class for each thing to do about it.

Finer than the classes are the reasons; :mod:`namak.cards.outcomes` lists them all.
"""

from namak.errors import CardError, CardModuleMissing, TokenMissing, WrongPin

__all__ = [
    "CardCertificateUnfit",
    "CardFault",
    "CardModuleUnusable",
    "CardRefused",
    "PinCancelled",
    "PinNotGiven",
    "PinUnfit",
    "SigningKeyAmbiguous",
    "TokenAmbiguous",
    "TokenRemoved",
    "TokenUnreadable",
    "WrongPinFinalTry",
]


class CardModuleUnusable(CardModuleMissing):
    """The PKCS#11 module is there and can't be used: of another architecture, incomplete, or no such
    module.
    """

    default_reason = "CARD_MODULE_UNLOADABLE"
    advice = "Install the card's software anew, for the processor that this program runs on."


class TokenUnreadable(CardError):
    """Something is in the reader, and it can't be read."""

    default_reason = "TOKEN_UNREADABLE"
    advice = (
        "Take the card out, clean it, and insert it the right way round; another card needs another module."
    )


class TokenAmbiguous(CardError):
    """Several tokens are present, and nothing says which is meant."""

    default_reason = "TOKEN_AMBIGUOUS"
    advice = "Name one by --token, by its label or its serial number."


class TokenRemoved(TokenMissing):
    """The token was taken out while it was in use. Nothing that it signed was kept."""

    default_reason = "TOKEN_REMOVED"
    advice = "Insert the card again, leave it in, and begin again."


class WrongPinFinalTry(WrongPin):
    """The PIN is wrong, and one more wrong one locks the card."""

    default_reason = "PIN_WRONG_FINAL_TRY"
    advice = "One more wrong PIN locks the card: be sure of it before you try again."


class PinUnfit(CardError):
    """The PIN can't be the card's: too short, too long or of other characters. As a rule it counts as no
    try.
    """

    default_reason = "PIN_LENGTH"
    advice = "Type the PIN as its issuer gave it."


class PinCancelled(CardError):
    """Whoever was asked for the PIN did not give it. Nothing was signed."""

    default_reason = "PIN_CANCELLED"
    advice = "Begin again when you want to sign."


class PinNotGiven(CardError):
    """There is no PIN and nobody to ask, or only the last try is left and nobody to decide on it."""

    default_reason = "PIN_NOT_GIVEN"
    advice = "Run it at a terminal, or name a file that holds the PIN."


class SigningKeyAmbiguous(CardError):
    """Several keys or certificates would do, and nothing says which is meant."""

    default_reason = "KEY_AMBIGUOUS"
    advice = "Name one by --key, by its label or identifier."


class CardCertificateUnfit(CardError):
    """The card's certificate is none to sign or to sign in with: expired, not yet valid, for another purpose,
    or missing.
    """

    default_reason = "CARD_CERTIFICATE_MISSING"
    advice = "Get a new card or certificate."


class CardRefused(CardError):
    """The card would not sign with this key."""

    default_reason = "SIGNING_REFUSED"
    advice = "Use the card's own software to see what the key may be used for."


class CardFault(CardError):
    """The card, its reader or its module failed, or can't do what was asked."""

    default_reason = "DEVICE_ERROR"
    advice = "Take the card out and insert it again; if it goes on, try another reader or another card."
