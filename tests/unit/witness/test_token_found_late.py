"""A witness's token that is not seen at the first look, because another process is writing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pkcs11
import pytest

from namak.witness import token
from namak.witness.keys import KeyUnusable, TokenPlace
from namak.witness.token import TokenKey

PUBLIC_KEY = bytes(range(32))


@dataclass
class Module:
    """A module that sees its token, or the whole of it, only after it was initialised so often."""

    sees_after: int
    unseen: type[Exception] = pkcs11.NoSuchToken
    initialised: int = 0
    asked: list[str] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)

    def get_token(self, *, token_label: str) -> "Module":
        self.asked.append(token_label)
        if self.initialised < self.sees_after:
            raise self.unseen
        return self

    def reinitialize(self) -> None:
        self.initialised += 1

    def open(self, *, user_pin: str, rw: bool) -> "Module":
        self.pins.append(user_pin)
        return self

    def get_key(self, **_: object) -> dict[Any, bytes]:
        return {pkcs11.Attribute.EC_POINT: PUBLIC_KEY}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenPlace:
    monkeypatch.setattr(token, "_LOOKS_AGAIN_AFTER_SECONDS", (0, 0, 0))
    (tmp_path / "pin").write_text("1234\n")
    return TokenPlace("module.so", "witness", "key", str(tmp_path / "pin"))


@contextmanager
def loaded(module: Module) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pkcs11, "lib", lambda _: module)
        yield


@pytest.mark.parametrize("unseen", [pkcs11.NoSuchToken, pkcs11.GeneralError])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_token_that_is_being_written_is_looked_for_again(
    place: TokenPlace, unseen: type[Exception], after: int
) -> None:
    module = Module(after, unseen)
    with loaded(module):
        assert TokenKey.open(place).public_key == PUBLIC_KEY
    assert module.asked == ["witness"] * (after + 1)
    # Who logs in again and again with a PIN that is wrong locks the token.
    assert module.pins == ["1234"]


@pytest.mark.parametrize(
    ("module", "asked"),
    [
        (Module(4), 4),
        (Module(4, pkcs11.GeneralError), 4),
        (Module(1, pkcs11.MultipleTokensReturned), 1),
    ],
    ids=["not there", "half", "two"],
)
def test_a_token_that_can_not_be_used_is_told_in_the_end(
    place: TokenPlace, module: Module, asked: int
) -> None:
    with loaded(module), pytest.raises(KeyUnusable, match=f"can't be used: {module.unseen.__name__}"):
        TokenKey.open(place)
    assert (len(module.asked), module.pins) == (asked, [])
