"""What a PKCS#11 module can answer, and what each answer means to a person: the whole mapping, as data.

``OUTCOMES`` has every outcome by its stable name, which is the ``reason`` of the error that is raised and the
key of the texts that tell of it. ``outcome_of`` finds the outcome of a failure by the step that it happened
in. The failures are named as python-pkcs11 names them, so nothing here needs that package.

Source: PKCS #11 v2.40 base specification, 5.1 (return values) and 5.5 (CK_TOKEN_INFO's flags); SIGN-3.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from types import MappingProxyType
from typing import Final

from namak import errors
from namak.cards import errors as card_errors
from namak.errors import CardError

CARD_EXIT_CODE: Final = 5
"""The exit code of a program that a card kept from its work."""

REFUSED_EXIT_CODE: Final = 1
"""The exit code where the person who was asked said no."""


class Step(StrEnum):
    """What was being done when the module answered."""

    LOADING = "loading"
    """Loading the module and starting it."""
    FINDING = "finding"
    """Looking for the token among the slots."""
    OPENING = "opening"
    """Opening a session and giving the PIN."""
    READING = "reading"
    """Looking for certificates and keys."""
    SIGNING = "signing"
    """Signing."""


class PinState(StrEnum):
    """What a token says of its PIN. PKCS#11 knows no number of tries."""

    UNTRIED = "untried"
    """Nothing was tried and failed since the last success."""
    COUNTED = "counted"
    """A wrong PIN was given since the last success (CKF_USER_PIN_COUNT_LOW)."""
    FINAL_TRY = "final_try"
    """One more wrong PIN locks it (CKF_USER_PIN_FINAL_TRY)."""
    LOCKED = "locked"
    """It is locked (CKF_USER_PIN_LOCKED)."""
    NOT_SET = "not_set"
    """It has none (no CKF_USER_PIN_INITIALIZED)."""
    TO_BE_CHANGED = "to_be_changed"
    """It is the issuer's, to be changed before use (CKF_USER_PIN_TO_BE_CHANGED)."""


class _Flag(IntFlag):
    """CK_TOKEN_INFO.flags as far as they concern the PIN; the first is of the token itself."""

    USER_PIN_INITIALIZED = 0x0000_0008
    USER_PIN_COUNT_LOW = 0x0001_0000
    USER_PIN_FINAL_TRY = 0x0002_0000
    USER_PIN_LOCKED = 0x0004_0000
    USER_PIN_TO_BE_CHANGED = 0x0008_0000


def pin_state(flags: int) -> PinState:
    """Returns what the flags of a token say of its PIN; the worst, when they say several things."""
    if flags & _Flag.USER_PIN_LOCKED:
        return PinState.LOCKED
    if flags & _Flag.USER_PIN_FINAL_TRY:
        return PinState.FINAL_TRY
    if not flags & _Flag.USER_PIN_INITIALIZED:
        return PinState.NOT_SET
    if flags & _Flag.USER_PIN_TO_BE_CHANGED:
        return PinState.TO_BE_CHANGED
    return PinState.COUNTED if flags & _Flag.USER_PIN_COUNT_LOW else PinState.UNTRIED


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that can come of using a card."""

    kind: type[CardError]
    words: str
    """What happened, in English, to stand before the details; other languages have it by the outcome's
    name.
    """
    exit_code: int = CARD_EXIT_CODE


OUTCOMES: Mapping[str, Outcome] = MappingProxyType(
    {
        # The module.
        "CARD_SUPPORT_MISSING": Outcome(errors.CardSupportMissing, "python-pkcs11 is not installed"),
        "CARD_MODULE_MISSING": Outcome(errors.CardModuleMissing, "there is no PKCS#11 module"),
        "CARD_MODULE_ARCHITECTURE": Outcome(
            card_errors.CardModuleUnusable, "the PKCS#11 module is for another processor"
        ),
        "CARD_MODULE_INCOMPLETE": Outcome(
            card_errors.CardModuleUnusable, "a library that the PKCS#11 module needs is missing"
        ),
        "CARD_MODULE_FOREIGN": Outcome(card_errors.CardModuleUnusable, "the file is no PKCS#11 module"),
        "CARD_MODULE_UNLOADABLE": Outcome(
            card_errors.CardModuleUnusable, "the PKCS#11 module can't be started"
        ),
        # The token.
        "READER_MISSING": Outcome(errors.TokenMissing, "no reader and no token is connected"),
        "TOKEN_MISSING": Outcome(errors.TokenMissing, "no card or token is present"),
        "TOKEN_UNKNOWN": Outcome(errors.TokenMissing, "no card or token of that name is present"),
        "TOKEN_AMBIGUOUS": Outcome(card_errors.TokenAmbiguous, "several cards or tokens are present"),
        "TOKEN_UNREADABLE": Outcome(card_errors.TokenUnreadable, "the card can't be read"),
        "TOKEN_REMOVED": Outcome(card_errors.TokenRemoved, "the card was taken out"),
        "TOKEN_IN_USE": Outcome(card_errors.CardFault, "another program uses the card"),
        # The PIN.
        "PIN_WRONG": Outcome(errors.WrongPin, "the PIN is wrong"),
        "PIN_WRONG_COUNTED": Outcome(errors.WrongPin, "the PIN is wrong, and the card counts the wrong ones"),
        "PIN_WRONG_FINAL_TRY": Outcome(
            card_errors.WrongPinFinalTry, "the PIN is wrong; one more wrong one locks the card"
        ),
        "PIN_LOCKED": Outcome(errors.PinLocked, "the PIN is locked"),
        "PIN_NOT_SET": Outcome(errors.PinLocked, "the card has no PIN yet"),
        "PIN_EXPIRED": Outcome(errors.PinLocked, "the PIN must be changed first"),
        "PIN_LENGTH": Outcome(card_errors.PinUnfit, "the PIN is too short or too long"),
        "PIN_CHARACTERS": Outcome(
            card_errors.PinUnfit, "the PIN holds characters that the card does not take"
        ),
        "PIN_CANCELLED": Outcome(card_errors.PinCancelled, "the PIN was not given", REFUSED_EXIT_CODE),
        "PIN_NOT_GIVEN": Outcome(card_errors.PinNotGiven, "nobody can be asked for the PIN"),
        "PIN_FINAL_TRY": Outcome(
            card_errors.PinNotGiven, "one try is left, and it is for a person to use it"
        ),
        # Keys and certificates.
        "KEY_MISSING": Outcome(errors.SigningKeyMissing, "the card holds no such private key"),
        "KEY_AMBIGUOUS": Outcome(card_errors.SigningKeyAmbiguous, "the card holds several such keys"),
        "KEY_WITHOUT_CERTIFICATE": Outcome(
            card_errors.CardCertificateUnfit, "the card holds no certificate for its key"
        ),
        "CARD_CERTIFICATE_MISSING": Outcome(
            card_errors.CardCertificateUnfit, "the card holds no such certificate"
        ),
        "CARD_CERTIFICATE_EXPIRED": Outcome(
            card_errors.CardCertificateUnfit, "the card's certificate has expired"
        ),
        "CARD_CERTIFICATE_NOT_YET_VALID": Outcome(
            card_errors.CardCertificateUnfit, "the card's certificate is not valid yet"
        ),
        "CARD_CERTIFICATE_PURPOSE": Outcome(
            card_errors.CardCertificateUnfit, "the card's certificate is for another purpose"
        ),
        "CERTIFICATE_MISFIT": Outcome(
            errors.SigningCertificateMisfit, "the certificate is not that of the key"
        ),
        # Signing.
        "SIGNING_REFUSED": Outcome(card_errors.CardRefused, "the card does not sign with this key"),
        "PIN_PER_SIGNATURE": Outcome(
            card_errors.CardRefused, "the card wants the PIN anew for every signature, and did not get it"
        ),
        "FUNCTION_UNSUPPORTED": Outcome(
            card_errors.CardFault, "the card or its module can't do what was asked"
        ),
        "DEVICE_ERROR": Outcome(card_errors.CardFault, "the card or its reader failed"),
        "CARD": Outcome(CardError, "the card failed in a way that is not known"),
    }
)
"""Every outcome but success, by its name."""

_BY_FAILURE: Mapping[str, str] = MappingProxyType(
    {
        "NoSuchToken": "TOKEN_MISSING",
        "MultipleTokensReturned": "TOKEN_AMBIGUOUS",
        "TokenNotPresent": "TOKEN_REMOVED",
        "TokenNotRecognised": "TOKEN_UNREADABLE",
        "DeviceRemoved": "TOKEN_REMOVED",
        "SlotIDInvalid": "TOKEN_REMOVED",
        # Taking a token out ends its sessions, and later calls only hear that those are no more.
        "SessionHandleInvalid": "TOKEN_REMOVED",
        "SessionClosed": "TOKEN_REMOVED",
        "SessionCount": "TOKEN_IN_USE",
        "SessionExists": "TOKEN_IN_USE",
        "SessionReadWriteSOExists": "TOKEN_IN_USE",
        "AnotherUserAlreadyLoggedIn": "TOKEN_IN_USE",
        "UserTooManyTypes": "TOKEN_IN_USE",
        "OperationActive": "TOKEN_IN_USE",
        "PinIncorrect": "PIN_WRONG",
        "PinLocked": "PIN_LOCKED",
        "PinExpired": "PIN_EXPIRED",
        "UserPinNotInitialized": "PIN_NOT_SET",
        "PinLenRange": "PIN_LENGTH",
        "PinInvalid": "PIN_CHARACTERS",
        "FunctionCancelled": "PIN_CANCELLED",
        "CKR_CANCEL": "PIN_CANCELLED",
        "FunctionRejected": "PIN_CANCELLED",
        "NoSuchKey": "KEY_MISSING",
        "MultipleObjectsReturned": "KEY_AMBIGUOUS",
        "CKR_KEY_FUNCTION_NOT_PERMITTED": "SIGNING_REFUSED",
        "UserNotLoggedIn": "PIN_PER_SIGNATURE",
        "FunctionNotSupported": "FUNCTION_UNSUPPORTED",
        "MechanismInvalid": "FUNCTION_UNSUPPORTED",
        "MechanismParamInvalid": "FUNCTION_UNSUPPORTED",
        "KeyTypeInconsistent": "FUNCTION_UNSUPPORTED",
        "KeySizeRange": "FUNCTION_UNSUPPORTED",
        "DataLenRange": "FUNCTION_UNSUPPORTED",
        "DeviceError": "DEVICE_ERROR",
        "DeviceMemory": "DEVICE_ERROR",
        "HostMemory": "DEVICE_ERROR",
        "GeneralError": "DEVICE_ERROR",
        "FunctionFailed": "DEVICE_ERROR",
    }
)

_BY_STEP: Mapping[tuple[Step, str], str] = MappingProxyType(
    {
        (Step.FINDING, "TokenNotPresent"): "TOKEN_MISSING",
        (Step.READING, "UserNotLoggedIn"): "KEY_MISSING",
    }
)
# Where the same answer means something else.

_BY_PIN_STATE: Mapping[PinState, str] = MappingProxyType(
    {
        PinState.COUNTED: "PIN_WRONG_COUNTED",
        PinState.FINAL_TRY: "PIN_WRONG_FINAL_TRY",
        PinState.LOCKED: "PIN_LOCKED",
    }
)

_UNMAPPED = re.compile(r"Unmapped error code (0x[0-9a-f]+)")
_CODES: Mapping[str, str] = MappingProxyType({"0x1": "CKR_CANCEL", "0x68": "CKR_KEY_FUNCTION_NOT_PERMITTED"})
# Return values that python-pkcs11 has no class for.

_LOADING: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"wrong ELF class|incompatible architecture|not a valid Win32", re.IGNORECASE),
        "CARD_MODULE_ARCHITECTURE",
    ),
    (
        re.compile(r"C_GetFunctionList|invalid ELF header|file too short|not a mach-o", re.IGNORECASE),
        "CARD_MODULE_FOREIGN",
    ),
    (
        re.compile(
            r"cannot open shared object file|Library not loaded|module could not be found", re.IGNORECASE
        ),
        "CARD_MODULE_INCOMPLETE",
    ),
)
# What the system's loader says of a file that is there: a courtesy, the rest is "can't be started".


def outcome_of(step: Step, problem: Exception, pin: PinState = PinState.UNTRIED) -> str:
    """Returns the name of the outcome that a failure of python-pkcs11 is.

    ``pin`` is what the token says of its PIN after the failure.
    """
    if step is Step.LOADING:
        said = (name for sign, name in _LOADING if sign.search(str(problem)))
        return next(said, "CARD_MODULE_UNLOADABLE")
    name = type(problem).__name__
    if unmapped := _UNMAPPED.search(str(problem)):
        name = _CODES.get(unmapped[1], name)
    found = _BY_STEP.get((step, name)) or _BY_FAILURE.get(name, "CARD")
    if found == "PIN_WRONG":
        return _BY_PIN_STATE.get(pin, found)
    return found


def card_error(outcome: str, details: str = "") -> CardError:
    """Returns the error of an outcome, with what else there is to say of it."""
    known = OUTCOMES[outcome]
    return known.kind(f"{known.words}: {details}" if details else known.words, reason=outcome)
