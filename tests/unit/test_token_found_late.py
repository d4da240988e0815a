"""A token that is not seen at the first look."""

from dataclasses import dataclass, field

import pkcs11
import pytest

from server.hsm import token_process


@dataclass
class Library:
    """A module that sees its token only after it was initialised so often."""

    sees_after: int
    initialised: int = 0
    asked: list[str] = field(default_factory=list)

    def get_token(self, *, token_label: str) -> str:
        self.asked.append(token_label)
        if self.initialised < self.sees_after:
            raise pkcs11.NoSuchToken(f"No token matching {token_label}")
        return "the token"

    def reinitialize(self) -> None:
        self.initialised += 1


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_process, "_LOOKS_AGAIN_AFTER_SECONDS", (0, 0, 0))


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_token_that_is_being_written_is_looked_for_again(after: int) -> None:
    library = Library(after)
    assert token_process._found(library, "namak-log") == "the token"
    assert library.asked == ["namak-log"] * (after + 1)


def test_a_token_that_is_not_there_is_told_so_in_the_end() -> None:
    library = Library(4)
    with pytest.raises(pkcs11.NoSuchToken):
        token_process._found(library, "namak-log")
    assert len(library.asked) == 4
