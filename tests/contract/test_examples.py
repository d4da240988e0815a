"""The example configurations load, name every key and state true defaults; so does the page for clients."""

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from namak.cli.codes import ExitCode
from namak.config import Connection, Signing, TrustFiles
from server.config import Settings, load

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "clients/python/namak.example.toml"
PAGE = ROOT / "docs/client.md"
SERVER = ROOT / "docs/examples/namak-server.toml"

NO_FILES = {"address", "server_name", "timeout", "token", "label", "listen", "health_listen", "url", "origin"}
NO_FILES |= {"acting_as", "lang", "relying_party_name", "session", "poll"}
NO_FILES |= {"work_listen", "smtp_listen", "log_listen"}
DIRECTORIES = {"revocation_lists"}
# The first excludes the keys beside it; without the second, the citizen roots count.
IN_PROSE = {
    *("inbound_mail.implicit_tls_listen", "inbound_mail.certificate", "inbound_mail.key"),
    "development_clock",
    *("log.key.file", "log.next"),
    "signatures.timestamp_roots",
    "mail.authorities",
    *("notices.authorities", "notices.certificate", "notices.key", "notices.token_file"),
    "mail.password_file",
    *("sms.authorities", "sms.password_file"),
    "mail.dkim_key",
    *("witnesses.policy", "witnesses.authorities"),
    *("seal.module", "seal.pin_file", "seal.softhsm_config", "seal.certificate"),
    "seal.long_term",
}


def laid_out(example: Path, place: Path, *, with_optional: bool) -> Path:
    """Copies an example with everything it names to `place`, and returns the copy.

    `with_optional` takes the # from the keys that stand behind one.
    """
    text = example.read_text("utf-8").replace('"/', f'"{place}/')
    if with_optional:
        text = uncommented(text)
    for key, value in keys(tomllib.loads(text)):
        name = key.rpartition(".")[2]
        if isinstance(value, str) and name not in NO_FILES:
            path = place / value
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(exist_ok=True) if name in DIRECTORIES else path.touch()
    copy = place / example.name
    copy.write_text(text, "utf-8")
    return copy


def uncommented(text: str) -> str:
    return re.sub(r"(?m)^# ([a-z_]+ = )", r"\1", text)


def keys(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def named_in(example: Path) -> set[str]:
    return {key for key, _ in keys(tomllib.loads(uncommented(example.read_text("utf-8"))))}


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("with_optional", [False, True], ids=["as it stands", "with every key"])
def test_the_clients_example_loads(with_optional: bool, tmp_path: Path) -> None:
    loaded = Connection.load(laid_out(CLIENT, tmp_path, with_optional=with_optional))

    assert loaded.address == "post.example.am:443"
    assert loaded.signing is not None
    assert (loaded.signing.pin_file is not None) == with_optional
    assert loaded.trust.log_policy == tmp_path / "log-policy.txt"


def test_the_clients_example_names_every_key() -> None:
    sections = {"signing": Signing, "trust": TrustFiles}
    top = {field.name for field in dataclasses.fields(Connection)} - sections.keys()
    below = {f"{name}.{field.name}" for name, kind in sections.items() for field in dataclasses.fields(kind)}

    assert named_in(CLIENT) == top | below


def test_the_clients_example_states_the_default_time(tmp_path: Path) -> None:
    stated = Connection.load(laid_out(CLIENT, tmp_path, with_optional=True))
    unstated = Connection.load(laid_out(CLIENT, tmp_path, with_optional=False))

    assert stated.timeout == unstated.timeout


def test_the_servers_example_loads_and_states_the_defaults(tmp_path: Path) -> None:
    unstated = load(laid_out(SERVER, tmp_path, with_optional=False), {})
    stated = load(laid_out(SERVER, tmp_path, with_optional=True), {})

    assert unstated.log.origin == "log.e-citizen.am/2026"
    # The one default that is made absolute where it is stated.
    assert stated.database.directory == tmp_path / unstated.database.directory
    assert stated.model_dump(exclude={"database": {"directory"}}) == unstated.model_dump(
        exclude={"database": {"directory"}}
    )


def test_the_servers_example_names_every_key() -> None:
    assert named_in(SERVER) | IN_PROSE == set(settings_of(Settings))
    assert all(key.rpartition(".")[2] in SERVER.read_text("utf-8") for key in IN_PROSE)


def test_the_page_for_clients_names_every_key_and_every_exit_code() -> None:
    page = PAGE.read_text("utf-8")

    assert [key for key in sorted(named_in(CLIENT)) if f"{key.rpartition('.')[2]}`" not in page] == []
    assert {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", page)} == set(ExitCode)
