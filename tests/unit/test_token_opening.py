"""What a ceremony does about tokens in states that SoftHSM does not know: locked, or one try before it."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11 import TokenFlag

from server.ceremony.making import KeyRefused, refuse_renamed
from server.hsm import ceremony_process
from server.hsm.ceremony import problem_of
from server.hsm.token_contents import TokenObject
from server.hsm.token_link import TokenKey

READY = TokenFlag.TOKEN_INITIALIZED | TokenFlag.USER_PIN_INITIALIZED


@dataclass
class Token:
    """A token in any state, which must not be logged in to."""

    flags: TokenFlag
    label: str = "namak"
    serial: bytes = b"7"
    manufacturer_id: str = "M"
    model: str = "T"
    hardware_version: tuple[int, int] = (1, 0)
    firmware_version: tuple[int, int] = (1, 0)
    logins: list[str] = field(default_factory=list)

    def open(self, **_: Any) -> None:
        self.logins.append("tried")
        raise pkcs11.exceptions.PinIncorrect


@dataclass
class Library:
    """A module with tokens."""

    tokens: list[Token]
    library_description: str = "L"
    library_version: tuple[int, int] = (1, 0)
    manufacturer_id: str = "M"
    cryptoki_version: tuple[int, int] = (2, 40)

    def get_tokens(self, *, token_label: str) -> list[Token]:
        return [token for token in self.tokens if token.label == token_label]


@pytest.mark.parametrize(
    ("flags", "name", "words"),
    [
        (READY | TokenFlag.USER_PIN_LOCKED, "PinLocked", "the token's security officer unlocks it"),
        (READY | TokenFlag.USER_PIN_FINAL_TRY, "PinFinalTry", "so none is tried"),
        (TokenFlag.USER_PIN_INITIALIZED, "TokenNotInitialized", "is not initialised"),
        (TokenFlag.TOKEN_INITIALIZED, "UserPinNotInitialized", "no user PIN yet"),
    ],
)
def test_no_pin_is_tried_where_it_can_only_do_harm(
    monkeypatch: pytest.MonkeyPatch, flags: TokenFlag, name: str, words: str
) -> None:
    token = Token(flags)
    monkeypatch.setattr(pkcs11, "lib", lambda _: Library([token]))
    with pytest.raises(Exception, match=f"^{name}$"):
        ceremony_process.serve(lambda _: None, module="m.so", token="namak", pin_file="pin")
    assert token.logins == []
    where = TokenKey(Path("m.so"), "namak", "key", Path("pin"))
    assert words in str(problem_of(name, where))


def test_a_module_that_gives_keys_labels_of_its_own_is_told() -> None:
    made = TokenObject("PRIVATE_KEY", "F", b"F", "Ed25519", {}, b"", b"")
    where = TokenKey(Path("m.so"), "namak", "namak-log", Path("pin"))
    with pytest.raises(KeyRefused, match="not under the label 'namak-log'"):
        refuse_renamed((made,), where)
    refuse_renamed((made, replace(made, label="namak-log")), where)


def test_two_tokens_of_one_label_are_told_apart_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkcs11, "lib", lambda _: Library([Token(READY), Token(READY)]))
    with pytest.raises(Exception, match=r"^MultipleTokensReturned$"):
        ceremony_process.serve(lambda _: None, module="m.so", token="namak", pin_file="pin")
