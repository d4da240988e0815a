"""An office behind its counter, and connections of those who call there."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from namak.cli import main
from namak.client import Connection
from namak.config import Signing
from server.dev.tokens import SoftHsmMissing, TokenStore
from tests.client.authority import Authority, connection_for
from tests.client.counter import open_counter
from tests.client.office import Office


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the command speak English, whatever the machine speaks."""
    monkeypatch.setenv("NAMAK_LANG", "en")


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def address(office: Office, authority: Authority) -> Iterator[str]:
    with open_counter(office, authority) as address:
        yield address


@pytest.fixture
def agency(authority: Authority, address: str, tmp_path: Path) -> Connection:
    return connection_for(authority.issue("agency"), authority, address, tmp_path / "agency")


@pytest.fixture
def citizen(authority: Authority, address: str, tmp_path: Path) -> Connection:
    return connection_for(authority.issue("citizen"), authority, address, tmp_path / "citizen")


@pytest.fixture
def operator(authority: Authority, address: str, tmp_path: Path) -> Connection:
    return connection_for(authority.issue("operator"), authority, address, tmp_path / "operator")


@pytest.fixture(scope="session")
def signing(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Signing:
    """A citizen's card: a SoftHSM token with one key, its certificate, and its PIN, 4321, in a file."""
    directory = tmp_path_factory.mktemp("card")
    try:
        token = TokenStore.create(directory / "store").new_token("card", "4321")
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))
    certificate = directory / "signing.crt"
    certificate.write_bytes(authority.certify("SARGSYAN,ANI", token.generate_card_key("sign")))
    return Signing(
        module=token.module,
        token=token.label,
        label="sign",
        certificate=certificate,
        config=token.configuration,
        pin_file=token.pin_file,
    )


@dataclass(frozen=True)
class Printed:
    """What a run of the command left: its exit code and both outputs."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed


Namak = Callable[..., Printed]


@pytest.fixture
def namak(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Namak:
    """Runs the command ``namak`` as a certain caller, or, without one, without any configuration."""

    def run(caller: Connection | None, *arguments: object, signing: Signing | None = None) -> Printed:
        shared: list[str] = []
        if caller is not None:
            path = caller.key.parent / "namak.toml"
            path.write_text(toml_of(caller, signing), "utf-8")
            shared = ["--config", str(path)]
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*shared, *map(str, arguments)])
        out, err = capsys.readouterr()
        return Printed(int(ended.value.code or 0), out, err)

    return run


def toml_of(connection: Connection, signing: Signing | None) -> str:
    lines = [f'{name} = "{getattr(connection, name)}"' for name in ("address", "ca", "certificate", "key")]
    lines.append('timeout = "20s"')
    if signing is not None:
        lines.append("[signing]")
        lines += [
            f'{name} = "{getattr(signing, name)}"'
            for name in ("module", "token", "label", "certificate", "config", "pin_file")
            if getattr(signing, name) is not None
        ]
    return "\n".join(lines) + "\n"
