"""The configuration file: found, read strictly, every problem told at once."""

from pathlib import Path

import pytest

from namak.config import ENVIRONMENT, Connection, find_config, load_trust, parse_duration
from namak.errors import ConfigurationError


def write(directory: Path, text: str) -> Path:
    for name in ("ca.crt", "own.crt", "own.private", "module.so", "pin", "policy", "roots.crt"):
        (directory / name).write_text("x")
    path = directory / "namak.toml"
    path.write_text(text, "utf-8")
    return path


CONNECTION = 'address = "post.example.am:443"\nca = "ca.crt"\ncertificate = "own.crt"\nkey = "own.private"\n'
SIGNING = '[signing]\nmodule = "module.so"\ntoken = "card"\nlabel = "sign"\ncertificate = "own.crt"\n'
TRUST = '[trust]\nlog_policy = "policy"\ncitizen_roots = "roots.crt"\n'


def test_reads_a_whole_file_with_paths_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CONNECTION + 'timeout = "1.5m"\n' + SIGNING + 'pin_file = "pin"\n' + TRUST
    monkeypatch.chdir("/")
    connection = Connection.load(write(tmp_path, text))
    assert connection.address == "post.example.am:443"
    assert connection.key == tmp_path / "own.private"
    assert connection.timeout == 90.0
    assert connection.signing is not None
    assert connection.signing.pin_file == tmp_path / "pin"
    assert connection.trust.log_policy == tmp_path / "policy"


def test_only_the_connection_is_required(tmp_path: Path) -> None:
    connection = Connection.load(write(tmp_path, CONNECTION))
    assert connection.signing is None
    assert connection.trust.citizen_roots is None
    assert connection.timeout == 60.0


def test_tells_every_problem_at_once(tmp_path: Path) -> None:
    text = (
        'address = "nowhere"\nca = "missing.crt"\ncertificate = 7\ntimeout = "soon"\nserver = "x"\n'
        '[signing]\nmodule = "module.so"\ntoken = ""\nprompt = true\npin_file = "pin"\ncolour = "red"\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        Connection.load(write(tmp_path, text))
    told = [problem.split()[0] for problem in caught.value.problems]
    assert sorted(told) == sorted(
        [
            "address",
            "ca",
            "certificate",
            "key",
            "timeout",
            "server",
            "signing.token",
            "signing.label",
            "signing.certificate",
            "signing.prompt",
            "signing.colour",
        ]
    )


@pytest.mark.parametrize("text", ["address = ", 'signing = "card"\n' + CONNECTION])
def test_refuses_what_is_not_the_format(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        Connection.load(write(tmp_path, text))


def test_refuses_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "namak.toml"
    path.write_bytes(b'address = "\xff"')
    with pytest.raises(ConfigurationError, match="TOML"):
        Connection.load(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        Connection.load(tmp_path / "absent.toml")


def test_finds_the_file_by_option_then_environment_then_directory_then_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    (home / ".config" / "namak").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    with pytest.raises(ConfigurationError, match=ENVIRONMENT):
        find_config()
    own = home / ".config" / "namak" / "namak.toml"
    own.write_text("")
    assert find_config() == own
    (here / "namak.toml").write_text("")
    assert find_config() == Path("namak.toml")
    monkeypatch.setenv(ENVIRONMENT, "/by/environment.toml")
    assert find_config() == Path("/by/environment.toml")
    assert find_config(Path("/by/option.toml")) == Path("/by/option.toml")


def test_trust_needs_no_connection(tmp_path: Path) -> None:
    trust = load_trust(write(tmp_path, TRUST))
    assert trust.citizen_roots == tmp_path / "roots.crt"


def test_trust_alone_is_strict_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_trust(write(tmp_path, '[trust]\nlog_policy = "absent"\nlogs = "policy"\n'))
    assert len(caught.value.problems) == 2
    with pytest.raises(ConfigurationError):
        load_trust(write(tmp_path, 'trust = "everybody"\n'))


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("30s", 30.0), ("2m", 120.0), ("1h", 3600.0)])
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("value", ["30", "0s", "-1s", "1 s", "s", 30, None])
def test_durations_without_unit_or_sense_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_duration(value)
