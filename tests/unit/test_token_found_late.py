"""A token that is not seen at the first look."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pkcs11
import pytest

from server.hsm import token_process
from server.hsm.token_process import opened, tokens_named


@dataclass
class Library:
    """A module that sees its token only after it was initialised so often."""

    sees_after: int
    half: bool = False
    initialised: int = 0
    asked: list[str] = field(default_factory=list)

    def get_tokens(self, *, token_label: str) -> Sequence[str]:
        self.asked.append(token_label)
        if self.half and self.initialised < self.sees_after:
            raise pkcs11.GeneralError
        return [] if self.initialised < self.sees_after else ["the token"]

    def reinitialize(self) -> None:
        self.initialised += 1


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_process, "_LOOKS_AGAIN_AFTER_SECONDS", (0, 0, 0))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_token_that_is_being_written_is_looked_for_again(after: int, half: bool) -> None:
    library = Library(after, half)
    assert tokens_named(library, "namak-log") == ["the token"]
    assert library.asked == ["namak-log"] * (after + 1)


def test_a_token_that_is_not_there_is_looked_for_so_often_and_no_more() -> None:
    library = Library(4)
    assert tokens_named(library, "namak-log") == []
    assert len(library.asked) == 4


def test_a_module_that_keeps_failing_is_told_so_in_the_end() -> None:
    with pytest.raises(pkcs11.GeneralError):
        tokens_named(Library(4, half=True), "namak-log")


def test_a_session_of_a_token_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pin").write_text("1234")
    monkeypatch.setattr(pkcs11, "lib", lambda _: Library(4))
    with pytest.raises(pkcs11.NoSuchToken, match="namak-log"), opened("m.so", "namak-log", f"{tmp_path}/pin"):
        pass
