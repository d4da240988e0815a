"""What can come between a person and their card, and what to do about it, in five languages.

One entry for each of :data:`namak.cards.outcomes.OUTCOMES`. The texts in the code are English; the others are
those of the catalogues beside it, which ``scripts/texts`` keeps (SIGN-3, POST-11).
"""

import gettext
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

LANGUAGES = ("hy", "ru", "en", "kk", "az")
"""The languages of these texts; the code's own is English."""


def N_(text: str) -> str:  # noqa: N802 - the name that catalogues' tools know
    """Marks a text for the catalogue."""
    return text


_UNLOCK = N_("Unlock the card with its PUK, or have its issuer do it.")
_NEW_CARD = N_("Get a new card or certificate.")
_REINSERT = N_("Insert the card again, leave it in, and begin again. Nothing was kept of what it signed.")

CARD_MEANINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "CARD_SUPPORT_MISSING": (
            N_("The package that talks to cards is not installed."),
            N_("Install it from a clone of Namak: pip install './clients/python[card]'."),
        ),
        "CARD_MODULE_MISSING": (
            N_("The card's PKCS#11 module is not there."),
            N_("Install the card's software, and name its module by --module or in [signing] module."),
        ),
        "CARD_MODULE_ARCHITECTURE": (
            N_("The card's PKCS#11 module is for another processor."),
            N_("Install the card's software for the processor and word size of this Python."),
        ),
        "CARD_MODULE_INCOMPLETE": (
            N_("A library that the card's PKCS#11 module needs is missing."),
            N_("Install the library named above; as a rule the card's software brings it along."),
        ),
        "CARD_MODULE_FOREIGN": (
            N_("The file is no PKCS#11 module."),
            N_("Check --module or [signing] module; the card's software says which file it is."),
        ),
        "CARD_MODULE_UNLOADABLE": (
            N_("The card's PKCS#11 module can't be started."),
            N_("Check the card's software and its configuration, then begin again."),
        ),
        "READER_MISSING": (
            N_("No card reader and no token is connected."),
            N_("Connect the reader or the token; on Linux the service pcscd must run."),
        ),
        "TOKEN_MISSING": (
            N_("No card is in the reader."),
            N_("Insert the card or the token, and begin again."),
        ),
        "TOKEN_UNKNOWN": (
            N_("The card that is named is not there."),
            N_("Check --token or [signing] token; namak token list shows what is there."),
        ),
        "TOKEN_AMBIGUOUS": (
            N_("Several cards are there, and it is not clear which is meant."),
            N_("Name one by --token, by its label or its serial number."),
        ),
        "TOKEN_UNREADABLE": (
            N_("There is a card in the reader, but it can't be read."),
            N_("Insert it the right way round and clean it; another kind of card needs another --module."),
        ),
        "TOKEN_REMOVED": (N_("The card was taken out in the middle."), _REINSERT),
        "TOKEN_IN_USE": (
            N_("Another program is using the card."),
            N_("Close the other program, or wait until it is done; then begin again."),
        ),
        "PIN_WRONG": (
            N_("The PIN is wrong."),
            N_("Try again with the right PIN; the card locks after a few wrong ones."),
        ),
        "PIN_WRONG_COUNTED": (
            N_("The PIN is wrong. The card has counted it; fewer tries are left than before."),
            N_("Be sure of the PIN before you try again: after too many wrong ones only the PUK helps."),
        ),
        "PIN_WRONG_FINAL_TRY": (
            N_("The PIN is wrong. ONE try is left."),
            N_("One more wrong PIN locks the card. If you are not sure of it, ask the card's issuer first."),
        ),
        "PIN_LOCKED": (N_("The PIN is locked."), _UNLOCK),
        "PIN_NOT_SET": (
            N_("The card has no PIN yet."),
            N_("Set the PIN with the card's own software, by the letter that came with it."),
        ),
        "PIN_EXPIRED": (
            N_("The PIN must be changed before the card can be used."),
            N_("Change the PIN with the card's own software."),
        ),
        "PIN_LENGTH": (
            N_("The PIN is too short or too long for this card."),
            N_("Type the PIN of the card itself, all its digits; it is not your telephone's PIN."),
        ),
        "PIN_CHARACTERS": (
            N_("The PIN holds characters that this card does not take."),
            N_("Check the keyboard's language and the digits, then begin again."),
        ),
        "PIN_CANCELLED": (
            N_("The PIN was not given, so nothing was signed."),
            N_("Begin again when you want to sign."),
        ),
        "PIN_NOT_GIVEN": (
            N_("The PIN is needed, and nobody can be asked for it here."),
            N_("Run it at a terminal, or name a file that holds the PIN: --pin-file or [signing] pin_file."),
        ),
        "PIN_FINAL_TRY": (
            N_("ONE try is left for the PIN, so it is not taken from a file or from the environment."),
            N_("Run it at a terminal and type the PIN, without --pin-file; be sure of it."),
        ),
        "KEY_MISSING": (
            N_("The card does not hold that private key."),
            N_("Check --key or [signing] label; namak token list --pin shows the keys that are there."),
        ),
        "KEY_AMBIGUOUS": (
            N_("The card holds several keys that would do."),
            N_("Name one by --key, by the label or the identifier of its certificate."),
        ),
        "KEY_WITHOUT_CERTIFICATE": (
            N_("The card holds a key, but no certificate for it."),
            N_("Have the issuer put the certificate on the card."),
        ),
        "CARD_CERTIFICATE_MISSING": (
            N_("The card holds no such certificate."),
            N_("Check --key; namak token list shows the certificates that are there."),
        ),
        "CARD_CERTIFICATE_EXPIRED": (N_("The card's certificate has expired."), _NEW_CARD),
        "CARD_CERTIFICATE_NOT_YET_VALID": (
            N_("The card's certificate is not valid yet."),
            N_("Check the clock of this machine, or wait until the certificate's first day."),
        ),
        "CARD_CERTIFICATE_PURPOSE": (
            N_("The card's certificate is for another purpose."),
            N_("Signing needs the certificate for signing, signing in the one for authentication."),
        ),
        "CERTIFICATE_MISFIT": (
            N_("The configured certificate is not that of the key on the card."),
            N_("Check [signing] certificate: its first must be that of the key which [signing] label names."),
        ),
        "SIGNING_REFUSED": (
            N_("The card does not sign with this key."),
            N_("Choose the key for signing by --key; the card's own software shows what a key is for."),
        ),
        "PIN_PER_SIGNATURE": (
            N_("The card wants the PIN anew for every signature, and did not get it."),
            N_("Begin again and type the PIN here; this card can't take it from the reader's keys alone."),
        ),
        "FUNCTION_UNSUPPORTED": (
            N_("The card or its software can't do this."),
            N_("Update the card's software; if it stays so, this card is of no use here."),
        ),
        "DEVICE_ERROR": (
            N_("The card or its reader failed."),
            N_("Take the card out and insert it again; if it goes on, try another reader or another card."),
        ),
        "CARD": (N_("The card could not sign."), N_("Check the card and its reader.")),
    }
)
"""By outcome: what it means, and what a person can do about it."""


def words_of(outcome: str, language: str) -> tuple[str, str]:
    """Returns what an outcome means and what a person can do about it; in English where a language is not
    spoken.

    Raises KeyError for what is no outcome.
    """
    meaning, advice = CARD_MEANINGS[outcome]
    catalogue = _catalogue(language)
    return catalogue.gettext(meaning), catalogue.gettext(advice)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("namak-cards", Path(__file__).parent / "locale", [language], fallback=True)
