"""A server's settings with real tokens, for ceremonies."""

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from server.ceremony.purposes import ConfiguredKey, Purpose
from server.dev.pki import DevelopmentPki
from server.dev.tokens import SoftToken, TokenStore
from server.hsm.token_link import TokenKey
from tests import forking

ORIGIN = "log.example/2026"
NEXT = "log.example/2027"


@dataclass(frozen=True)
class Place:
    """Where ceremonies are held: settings are written anew for each case."""

    directory: Path
    pki: DevelopmentPki
    token: SoftToken

    @classmethod
    def create(cls, directory: Path) -> "Place":
        pki = DevelopmentPki.open(directory / "pki")
        pki.server_identity()
        return cls(directory, pki, TokenStore.create(directory / "hsm").new_token("namak", "2468-never-told"))

    def settings(
        self,
        directory: Path,
        *,
        label: str = "log-2026",
        origin: str = ORIGIN,
        next_label: str = "",
        seal: str = "",
        certificate: Path | None = None,
        more: str = "",
        **log_key: str | Path,
    ) -> Path:
        """Writes settings into a directory, with a guard beside them; `log_key` changes keys of [log.key]."""
        token = {
            "module": self.token.module,
            "token": self.token.label,
            "pin_file": self.token.pin_file,
            "softhsm_config": self.token.configuration,
        }
        server = self.pki.server_identity()
        lines = [
            *("development = true", "[server]"),
            f'certificate = "{server.cert_path}"',
            f'key = "{server.key_path}"',
            f'client_authorities = "{self.pki.seal_authority().path}"',
            *("[citizens]", f'roots = "{self.pki.seal_authority().path}"', 'revocation_lists = "."'),
            *("[log]", f'origin = "{origin}"', 'guard = "guard.note"', "[log.key]"),
            *(f'{name} = "{value}"' for name, value in {"label": label, **token, **log_key}.items()),
        ]
        if next_label:
            lines += ["[log.next]", f'origin = "{NEXT}"', 'guard = "next.note"', "[log.next.key]"]
            lines += [f'{name} = "{value}"' for name, value in {"label": next_label, **token}.items()]
        if seal:
            lines += [
                "[seal]",
                f'label = "{seal}"',
                *(f'{name} = "{value}"' for name, value in token.items()),
            ]
            lines += [f'certificate = "{certificate}"'] if certificate else []
        path = directory / "namak-server.toml"
        path.write_text("\n".join([*lines, more, ""]), encoding="utf-8")
        return path

    def key(self, label: str, **changed: str | Path) -> ConfiguredKey:
        """Returns a key that settings could name; `changed` changes where it is."""
        token = self.token
        where = TokenKey(token.module, token.label, label, token.pin_file, token.environment)
        return ConfiguredKey(Purpose.LOG, "[log.key]", replace(where, **changed), origin=ORIGIN)  # type: ignore[arg-type]


def hsm(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs `namak-server hsm …` to its end."""
    return forking.run("server", "hsm", *arguments)


def refused(*arguments: str | Path) -> str:
    """Runs a command that must end with one line, and returns it without the program's name."""
    done = hsm(*arguments)
    assert (done.returncode, done.stdout) == (1, ""), (done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert line.startswith("namak-server: ")
    return line.removeprefix("namak-server: ")
