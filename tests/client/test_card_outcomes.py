"""Every outcome of a PKCS#11 module by its name: by what the library raises, and by what SoftHSM does."""

import inspect
import shutil
from collections.abc import Callable
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import exceptions

from namak.cards import module as card_module
from namak.cards.card import Card
from namak.cards.contents import read_token
from namak.cards.errors import (
    CardFault,
    CardModuleUnusable,
    CardRefused,
    PinCancelled,
    PinNotGiven,
    PinUnfit,
    SigningKeyAmbiguous,
    TokenAmbiguous,
    TokenRemoved,
    TokenUnreadable,
    WrongPinFinalTry,
)
from namak.cards.module import KeyPlace
from namak.cards.outcomes import OUTCOMES, PinState, Step, card_error, outcome_of, pin_state
from namak.cli.codes import exit_code_of
from namak.config import Signing
from namak.errors import CardError, PinLocked, SigningKeyMissing, TokenMissing, WrongPin
from server.dev.tokens import TokenStore
from tests.client.cards import (
    COUNT_LOW,
    ERROR_STATE,
    FINAL_TRY,
    LOCKED,
    NORMAL,
    NOT_SET,
    PIN_PAD,
    ToldToken,
    told_library,
)

FAILURES = [
    kind
    for _, kind in inspect.getmembers(exceptions, inspect.isclass)
    if issubclass(kind, exceptions.PKCS11Error)
]
Told = Callable[..., KeyPlace]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Told:
    """Has python-pkcs11 load a module with these tokens instead of a real one; returns where its key is."""

    def lay(*tokens: ToldToken | Exception | None, token: str = "") -> KeyPlace:
        monkeypatch.setattr(pkcs11, "lib", told_library(*tokens))
        path = tmp_path / "module.so"
        path.touch()
        return KeyPlace(path, token, "sign")

    return lay


def failed(place: KeyPlace | Signing, pin: str | None = "4321") -> CardError:
    with pytest.raises(CardError) as caught, Card(place, pin) as card:
        card.sign(b"data")
    return caught.value


@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("step", list(Step))
def test_whatever_the_library_raises_has_an_outcome(step: Step, kind: type[Exception]) -> None:
    assert outcome_of(step, kind()) in OUTCOMES


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_its_typed_error_with_its_name_and_exit_code(outcome: str) -> None:
    error = card_error(outcome, "details")
    assert type(error) is OUTCOMES[outcome].kind
    assert error.reason == outcome
    assert error.message.endswith(": details")
    assert exit_code_of(error) == OUTCOMES[outcome].exit_code
    assert exit_code_of(error) == (1 if outcome == "PIN_CANCELLED" else 5)


@pytest.mark.parametrize(
    ("failure", "kind", "outcome"),
    [
        (exceptions.PinIncorrect(), WrongPin, "PIN_WRONG"),
        (exceptions.PinLocked(), PinLocked, "PIN_LOCKED"),
        (exceptions.PinExpired(), PinLocked, "PIN_EXPIRED"),
        (exceptions.UserPinNotInitialized(), PinLocked, "PIN_NOT_SET"),
        (exceptions.PinLenRange(), PinUnfit, "PIN_LENGTH"),
        (exceptions.PinInvalid(), PinUnfit, "PIN_CHARACTERS"),
        (exceptions.FunctionCancelled(), PinCancelled, "PIN_CANCELLED"),
        (exceptions.FunctionRejected(), PinCancelled, "PIN_CANCELLED"),
        (exceptions.PKCS11Error("Unmapped error code 0x1"), PinCancelled, "PIN_CANCELLED"),
        (exceptions.DeviceRemoved(), TokenRemoved, "TOKEN_REMOVED"),
        (exceptions.TokenNotPresent(), TokenRemoved, "TOKEN_REMOVED"),
        (exceptions.TokenNotRecognised(), TokenUnreadable, "TOKEN_UNREADABLE"),
        (exceptions.AnotherUserAlreadyLoggedIn(), CardFault, "TOKEN_IN_USE"),
        (exceptions.DeviceError(), CardFault, "DEVICE_ERROR"),
        (exceptions.GeneralError(), CardFault, "DEVICE_ERROR"),
        (exceptions.FunctionNotSupported(), CardFault, "FUNCTION_UNSUPPORTED"),
        (exceptions.PKCS11Error("Unmapped error code 0x80000042"), CardError, "CARD"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_opening_a_token_fails_under_the_outcomes_name(
    told: Told, failure: Exception, kind: type[CardError], outcome: str
) -> None:
    token = ToldToken(opening=failure)
    error = failed(told(token))
    assert (type(error), error.reason) == (kind, outcome)
    assert token.pins == ["4321"]


@pytest.mark.parametrize(
    ("failure", "kind", "outcome"),
    [
        (exceptions.NoSuchKey(), SigningKeyMissing, "KEY_MISSING"),
        (exceptions.MultipleObjectsReturned(), SigningKeyAmbiguous, "KEY_AMBIGUOUS"),
        (exceptions.UserNotLoggedIn(), SigningKeyMissing, "KEY_MISSING"),
        (exceptions.SessionHandleInvalid(), TokenRemoved, "TOKEN_REMOVED"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_looking_for_the_key_fails_under_the_outcomes_name(
    told: Told, failure: Exception, kind: type[CardError], outcome: str
) -> None:
    error = failed(told(ToldToken(finding=failure)))
    assert (type(error), error.reason) == (kind, outcome)


@pytest.mark.parametrize(
    ("failure", "kind", "outcome"),
    [
        (exceptions.UserNotLoggedIn(), CardRefused, "PIN_PER_SIGNATURE"),
        (exceptions.PKCS11Error("Unmapped error code 0x68"), CardRefused, "SIGNING_REFUSED"),
        (exceptions.FunctionRejected(), PinCancelled, "PIN_CANCELLED"),
        (exceptions.DeviceRemoved(), TokenRemoved, "TOKEN_REMOVED"),
        (exceptions.SessionClosed(), TokenRemoved, "TOKEN_REMOVED"),
        (exceptions.MechanismInvalid(), CardFault, "FUNCTION_UNSUPPORTED"),
        (exceptions.DeviceError(), CardFault, "DEVICE_ERROR"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_signing_fails_under_the_outcomes_name(
    told: Told, failure: Exception, kind: type[CardError], outcome: str
) -> None:
    error = failed(told(ToldToken(signing=failure)))
    assert (type(error), error.reason) == (kind, outcome)


@pytest.mark.parametrize(
    ("flags", "kind", "outcome"),
    [
        (NORMAL, WrongPin, "PIN_WRONG"),
        (NORMAL | COUNT_LOW, WrongPin, "PIN_WRONG_COUNTED"),
        (NORMAL | COUNT_LOW | FINAL_TRY, WrongPinFinalTry, "PIN_WRONG_FINAL_TRY"),
        (NORMAL | COUNT_LOW | LOCKED, PinLocked, "PIN_LOCKED"),
    ],
)
def test_a_wrong_pin_is_told_with_what_the_token_says_of_the_tries_afterwards(
    told: Told, flags: int, kind: type[CardError], outcome: str
) -> None:
    token = ToldToken(opening=exceptions.PinIncorrect(), flags_after=flags)
    error = failed(told(token), "0000")
    assert (type(error), error.reason) == (kind, outcome)
    assert token.pins == ["0000"]


@pytest.mark.parametrize(
    ("flags", "kind", "outcome"),
    [
        (NORMAL | COUNT_LOW | FINAL_TRY, PinNotGiven, "PIN_FINAL_TRY"),
        (NORMAL | FINAL_TRY | LOCKED, PinLocked, "PIN_LOCKED"),
    ],
)
def test_a_program_does_not_spend_the_last_try(
    told: Told, flags: int, kind: type[CardError], outcome: str
) -> None:
    token = ToldToken(flags=flags)
    place = told(token)
    error = failed(place)
    assert (type(error), error.reason) == (kind, outcome)
    with pytest.raises(kind):
        read_token(place, "4321")
    assert token.pins == []


def test_the_last_try_is_spent_by_who_says_so(told: Told) -> None:
    token = ToldToken(flags=NORMAL | FINAL_TRY)
    place = told(token)
    with Card(place, "4321", final_try=True):
        pass
    read_token(place, "4321", final_try=True)
    assert token.pins == ["4321", "4321"]


def test_the_last_try_of_now_counts_and_not_that_of_when_the_card_was_found(told: Told) -> None:
    token = ToldToken()
    place = told(token)
    assert not read_token(place).at_final_try
    token.flags = NORMAL | FINAL_TRY
    assert read_token(place).at_final_try
    assert failed(place).reason == "PIN_FINAL_TRY"
    assert token.pins == []


def test_no_error_holds_the_pin(told: Told) -> None:
    error = failed(told(ToldToken(opening=exceptions.PinIncorrect())), "739182")
    assert "739182" not in repr(error) + str(error.metadata) + repr(error.__cause__)


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        (NORMAL, PinState.UNTRIED),
        (NORMAL | COUNT_LOW, PinState.COUNTED),
        (NORMAL | COUNT_LOW | FINAL_TRY, PinState.FINAL_TRY),
        (NORMAL | FINAL_TRY | LOCKED, PinState.LOCKED),
        (NORMAL & ~NOT_SET, PinState.NOT_SET),
        (NORMAL | 0x0008_0000, PinState.TO_BE_CHANGED),
    ],
)
def test_the_flags_say_the_worst_of_the_pin(flags: int, state: PinState) -> None:
    assert pin_state(flags) is state


@pytest.mark.parametrize(
    ("tokens", "wanted", "kind", "outcome"),
    [
        ((), "", TokenMissing, "READER_MISSING"),
        ((None, None), "", TokenMissing, "TOKEN_MISSING"),
        ((ToldToken(flags=0),), "", TokenMissing, "TOKEN_MISSING"),
        ((ToldToken("mine"),), "yours", TokenMissing, "TOKEN_UNKNOWN"),
        ((ToldToken("a"), ToldToken("b", b"0002")), "", TokenAmbiguous, "TOKEN_AMBIGUOUS"),
        ((ToldToken("a"), ToldToken("a", b"0002")), "a", TokenAmbiguous, "TOKEN_AMBIGUOUS"),
        ((exceptions.TokenNotRecognised(),), "", TokenUnreadable, "TOKEN_UNREADABLE"),
        ((ToldToken(flags=NORMAL | ERROR_STATE),), "", TokenUnreadable, "TOKEN_UNREADABLE"),
        ((exceptions.DeviceError(),), "", CardFault, "DEVICE_ERROR"),
    ],
)
def test_why_there_is_no_one_token_is_told(
    told: Told,
    tokens: tuple[ToldToken | Exception | None, ...],
    wanted: str,
    kind: type[CardError],
    outcome: str,
) -> None:
    error = failed(told(*tokens, token=wanted))
    assert (type(error), error.reason) == (kind, outcome)


def test_the_tokens_to_choose_from_are_named_with_their_serial_numbers(told: Told) -> None:
    error = failed(told(ToldToken("a"), ToldToken("a", b"0002"), token="a"))
    assert "(0001)" in error.message
    assert "(0002)" in error.message


def test_a_token_is_found_by_its_serial_number_beside_one_that_cannot_be_read(told: Told) -> None:
    token = ToldToken("a", b"0002", opening=exceptions.PinLocked())
    error = failed(told(exceptions.TokenNotRecognised(), ToldToken("a"), token, token="0002"))
    assert error.reason == "PIN_LOCKED"


def test_where_the_reader_asks_for_the_pin_nobody_else_does(told: Told) -> None:
    token = ToldToken(flags=NORMAL | PIN_PAD, opening=exceptions.FunctionCancelled())
    assert failed(told(token), None).reason == "PIN_CANCELLED"
    assert token.pins == [pkcs11.types.PROTECTED_AUTH]


# The rest is played on a real module: SoftHSM, and files beside it that are none.


def test_a_module_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    error = failed(KeyPlace(tmp_path / "absent.so"))
    assert error.reason == "CARD_MODULE_MISSING"
    assert str(tmp_path / "absent.so") in error.message


def damaged(source: Path, place: Path, old: bytes, new: bytes) -> Path:
    """Returns a copy of a library in which these bytes are others."""
    content = source.read_bytes()
    assert old in content
    assert len(old) == len(new)
    path = place / "module.so"
    path.write_bytes(content.replace(old, new, 1))
    return path


@pytest.mark.hsm
def test_a_module_for_another_processor_is_told(signing: Signing, tmp_path: Path) -> None:
    content = bytearray(signing.module.read_bytes())
    content[18:20] = b"\xf3\x00" if content[18:20] != b"\xf3\x00" else b"\x3e\x00"
    path = tmp_path / "module.so"
    path.write_bytes(content)
    error = failed(KeyPlace(path))
    assert (type(error), error.reason) == (CardModuleUnusable, "CARD_MODULE_ARCHITECTURE")


@pytest.mark.hsm
def test_a_module_that_needs_a_library_that_is_missing_is_told_with_its_name(
    signing: Signing, tmp_path: Path
) -> None:
    path = damaged(signing.module, tmp_path, b"libcrypto.so", b"libcrypzo.so")
    error = failed(KeyPlace(path))
    assert (type(error), error.reason) == (CardModuleUnusable, "CARD_MODULE_INCOMPLETE")
    assert "libcrypzo.so" in error.message


def test_a_library_that_is_no_pkcs11_module_is_told(tmp_path: Path) -> None:
    library = Path(pkcs11.__file__).parent
    (binary,) = library.glob("_pkcs11*.so")
    path = tmp_path / "module.so"
    shutil.copy(binary, path)
    error = failed(KeyPlace(path))
    assert (type(error), error.reason) == (CardModuleUnusable, "CARD_MODULE_FOREIGN")


@pytest.mark.parametrize("content", [b"", b"text\n", b"#!/bin/sh\nexit 0\n" * 99])
def test_a_file_that_is_no_library_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "module.so"
    path.write_bytes(content)
    assert failed(KeyPlace(path)).reason == "CARD_MODULE_FOREIGN"


@pytest.mark.hsm
def test_a_module_that_cannot_start_is_told(signing: Signing, tmp_path: Path) -> None:
    path = tmp_path / "module.so"
    shutil.copy(signing.module, path)
    broken = tmp_path / "softhsm2.conf"
    broken.write_text("directories.tokendir = /absent\n", "utf-8")
    error = failed(KeyPlace(path, config=broken))
    assert error.reason == "CARD_MODULE_UNLOADABLE"


@pytest.mark.hsm
def test_softhsm_counts_a_wrong_pin_and_forgets_it_after_a_right_one(tmp_path: Path) -> None:
    token = TokenStore.create(tmp_path).new_token("counting", "4321")
    token.generate_card_key("sign")
    place = KeyPlace(token.module, "counting", "sign", config=token.configuration)
    for pin in ("0000", "1", "9" * 255, ""):
        error = failed(place, pin)
        assert error.reason == "PIN_WRONG_COUNTED", pin
    with Card(place, "4321") as card:
        assert card.sign(b"data")
    found = card_module.on_card(
        lambda: card_module.find_token(card_module.load_module(place.module, place.config), "counting")
    )
    assert card_module.on_card(found.pin_state) is PinState.UNTRIED


@pytest.mark.hsm
def test_a_key_that_wants_the_pin_every_time_gets_it(tmp_path: Path) -> None:
    token = TokenStore.create(tmp_path).new_token("wary", "4321")
    token.generate_wary_key("sign")
    place = KeyPlace(token.module, "wary", "sign", config=token.configuration)
    with Card(place, "4321") as card:
        assert card.sign(b"one") != card.sign(b"two")


@pytest.mark.hsm
def test_a_key_that_wants_the_pin_every_time_does_not_sign_without(tmp_path: Path) -> None:
    token = TokenStore.create(tmp_path).new_token("wary", "4321")
    token.generate_wary_key("sign")
    place = KeyPlace(token.module, "wary", "sign", config=token.configuration)
    with Card(place, "4321") as card:
        card._pin = None  # as with a reader that asks for the PIN only once
        with pytest.raises(CardRefused) as caught:
            card.sign(b"data")
    assert caught.value.reason == "PIN_PER_SIGNATURE"


@pytest.mark.hsm
def test_a_store_without_tokens_has_none_present(tmp_path: Path, signing: Signing) -> None:
    store = TokenStore.create(tmp_path)
    assert failed(KeyPlace(store.module, config=store.configuration)).reason == "TOKEN_MISSING"


@pytest.mark.hsm
def test_of_two_real_tokens_one_must_be_named(tmp_path: Path) -> None:
    store = TokenStore.create(tmp_path)
    for label in ("first", "second"):
        store.new_token(label, "4321").generate_card_key("sign")
    place = KeyPlace(store.module, config=store.configuration)
    error = failed(place)
    assert error.reason == "TOKEN_AMBIGUOUS"
    assert "'first'" in error.message
    assert "'second'" in error.message
    with Card(KeyPlace(store.module, "second", config=store.configuration), "4321") as card:
        assert card.sign(b"data")
