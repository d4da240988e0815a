"""``namak token``: the PIN is asked for once, shown nowhere, and its last try left to a person."""

from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.client.cards import COUNT_LOW, FINAL_TRY, LOCKED, NORMAL, ToldToken, told_library
from tests.client.conftest import Namak
from tests.client.holders import BELOW, PIN, Holder, signed, store_for
from tests.client.terminal import at_terminal

pytestmark = pytest.mark.hsm


@pytest.fixture(scope="module")
def holder(tmp_path_factory: pytest.TempPathFactory) -> Holder:
    return store_for(tmp_path_factory.mktemp("holder"))


@pytest.fixture
def issuer(tmp_path: Path) -> Path:
    path = tmp_path / "issuer.pem"
    path.write_bytes(BELOW.certificate().public_bytes(Encoding.PEM))
    return path


def test_a_wrong_pin_is_tried_once_and_never_shown(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "pin").write_text("000000\n")
    run = namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", tmp_path / "pin"))
    assert run.code == 5
    assert "PIN_WRONG_COUNTED" in run.err
    assert "000000" not in run.out + run.err
    assert not (tmp_path / "a.p7s").exists()
    assert "a wrong PIN was given since the last right one" in namak(None, *holder.asks("list")).out
    run = namak(None, *holder.asks("sign", tmp_path / "a", *signed(holder)))
    assert run.code == 0


def test_where_nobody_can_be_asked_the_pin_is_missing(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    run = namak(None, *holder.asks("sign", tmp_path / "a", "--json"))
    assert (run.code, run.document["error"]["reason"]) == (5, "PIN_NOT_GIVEN")


def test_a_pin_in_the_environment_works_with_a_warning(
    namak: Namak, holder: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    monkeypatch.setenv("NAMAK_PIN", PIN)
    run = namak(None, *holder.asks("sign", tmp_path / "a"))
    assert run.code == 0
    assert "Warning: the PIN is taken from NAMAK_PIN" in run.err
    assert PIN not in run.err


def test_a_pin_file_that_others_can_read_is_warned_of(namak: Namak, holder: Holder, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    pin = tmp_path / "pin"
    pin.write_text(f"{PIN}\n")
    pin.chmod(0o644)
    assert (
        "others on this machine can read"
        in namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", pin)).err
    )
    pin.chmod(0o600)
    assert "others" not in namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", pin, "--force")).err


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "can't be read"), (None, "can't")]
)
def test_a_pin_file_that_holds_none_is_named(
    namak: Namak, holder: Holder, tmp_path: Path, content: bytes | None, said: str
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    if content is not None:
        (tmp_path / "pin").write_bytes(content)
    run = namak(None, *holder.asks("sign", tmp_path / "a", "--pin-file", tmp_path / "pin"))
    assert run.code == 6
    assert said in run.err


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (f"{PIN}\n", 0, "a.p7s"),
        ("\n", 1, "PIN_CANCELLED"),
        ("\x04", 1, "PIN_CANCELLED"),
        ("\x03", 1, "PIN_CANCELLED"),
        ("12\n", 5, "PIN_WRONG_COUNTED"),
    ],
)
def test_the_pin_is_asked_for_once_without_showing_it(
    holder: Holder, tmp_path: Path, answer: str, code: int, said: str
) -> None:
    (tmp_path / "a").write_bytes(b"a")
    ended, shown = at_terminal(
        holder.asks("sign", tmp_path / "a"),
        answers=[("PIN of citizen:", answer)],
        environment={"NAMAK_LANG": "en"},
    )
    assert ended == code, shown
    assert said in shown
    assert shown.count("PIN of citizen:") == 1
    assert PIN not in shown
    assert (tmp_path / "a.p7s").exists() is (code == 0)


def told(monkeypatch: pytest.MonkeyPatch, place: Path, *tokens: ToldToken) -> tuple[object, ...]:
    """Has the command load a module with these tokens; returns the options that name it."""
    monkeypatch.setattr(pkcs11, "lib", told_library(*tokens))
    (place / "module.so").touch()
    (place / "pin").write_text(f"{PIN}\n")
    (place / "pin").chmod(0o600)
    (place / "a").write_bytes(b"a")
    (place / "empty.toml").touch()
    return "--module", place / "module.so", "--pin-file", place / "pin", "--config", place / "empty.toml"


@pytest.mark.parametrize(
    ("flags", "reason", "pins"),
    [
        (NORMAL | COUNT_LOW, "PIN_WRONG_FINAL_TRY", [PIN]),
        (NORMAL | COUNT_LOW | FINAL_TRY, "PIN_FINAL_TRY", []),
        (NORMAL | LOCKED, "PIN_LOCKED", []),
    ],
)
def test_the_last_try_is_no_machines_to_use(
    namak: Namak,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    flags: int,
    reason: str,
    pins: list[str],
) -> None:
    token = ToldToken(flags=flags, opening_with_pin=pkcs11.PinIncorrect(), flags_after=flags | FINAL_TRY)
    options = told(monkeypatch, tmp_path, token)
    run = namak(None, "token", "list", "--pin", *options, "--json")
    assert (run.code, run.document["error"]["reason"]) == (5, reason)
    assert token.pins == pins


@pytest.mark.parametrize(
    ("tokens", "code", "said"),
    [
        ((), 5, "READER_MISSING"),
        ((None,), 5, "no card"),
        ((pkcs11.TokenNotRecognised(),), 5, "TOKEN_UNREADABLE"),
        ((ToldToken("a"), ToldToken("b", b"0002")), 0, "Token: b, serial number 0002"),
    ],
)
def test_list_says_what_is_in_each_slot(
    namak: Namak,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tokens: tuple[ToldToken, ...],
    code: int,
    said: str,
) -> None:
    run = namak(None, "token", "list", *told(monkeypatch, tmp_path, *tokens))
    assert run.code == code
    assert said in run.out + run.err


def test_which_of_several_tokens_must_be_said(
    namak: Namak, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = told(monkeypatch, tmp_path, ToldToken("a"), ToldToken("b", b"0002"))
    run = namak(None, "token", "sign", tmp_path / "a", *options, "--json")
    assert run.document["error"]["reason"] == "TOKEN_AMBIGUOUS"
    run = namak(None, "token", "list", "--token", "0002", *options, "--json")
    assert [slot["token"]["label"] for slot in run.document["slots"]] == ["b"]


def test_the_module_is_that_of_the_option_else_of_the_environment_else_of_the_configuration(
    namak: Namak, holder: Holder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMAK_PKCS11_MODULE", str(tmp_path / "environment.so"))
    run = namak(None, *holder.asks("list", "--module", tmp_path / "option.so"))
    assert "option.so" in run.err
    assert "environment.so" in namak(None, *holder.asks("list")).err
    monkeypatch.delenv("NAMAK_PKCS11_MODULE")
    assert namak(None, *holder.asks("list")).code == 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    run = namak(None, "token", "list")
    assert run.code == 2
    assert "--module" in run.err
