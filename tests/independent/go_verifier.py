"""Builds and runs ``verify.go``: a verifier whose notes and tree nobody of this project wrote.

It needs Go and golang.org/x/mod as Debian and Ubuntu package them (golang-go, golang-golang-x-mod-dev);
nothing is fetched. Other tests take it as the fixture ``go_verifier``, by importing it from here.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("verify.go")
GOPATH = Path("/usr/share/gocode")
_MODULE = GOPATH / "src" / "golang.org" / "x" / "mod" / "sumdb"
_BUILD_SECONDS = 240
_RUN_SECONDS = 240


@dataclass(frozen=True)
class Verdict:
    """What the independent verifier said of all files together, and line by line."""

    accepted: bool
    text: str


@dataclass(frozen=True)
class GoVerifier:
    """The built program."""

    program: Path

    def verify(self, vkey: str, files: Sequence[Path]) -> Verdict:
        """Returns the verdict over ``.tlog-proof`` files against one log key."""
        command = [str(self.program), "--vkey", vkey, *(str(file) for file in files)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_RUN_SECONDS, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"the independent verifier did not run: {done.stderr}")
        return Verdict(done.returncode == 0, done.stdout)


def independent_verifier_missing() -> str | None:
    """Returns why the independent verifier cannot be built on this machine, in plain words, or None."""
    if shutil.which("go") is None:
        return "independent verifier not run: no Go (apt install golang-go golang-golang-x-mod-dev)"
    if not _MODULE.is_dir():
        return "independent verifier not run: no golang.org/x/mod (apt install golang-golang-x-mod-dev)"
    return None


def build_go_verifier(directory: Path) -> GoVerifier:
    """Builds the verifier into ``directory``."""
    return GoVerifier(build(SOURCE.name, directory))


def build(source: str, directory: Path) -> Path:
    """Builds a program that stands beside this file into ``directory``, cache included, so that nothing
    outside it is written.
    """
    program = directory / source.removesuffix(".go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(directory / "cache"),
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    subprocess.run(
        ["go", "build", "-o", str(program), source],
        cwd=SOURCE.parent,
        env=environment,
        timeout=_BUILD_SECONDS,
        check=True,
    )
    return program


@pytest.fixture(scope="session")
def go_verifier(tmp_path_factory: pytest.TempPathFactory) -> GoVerifier:
    """The independent verifier, built once; skips, saying why, where it cannot be built."""
    if missing := independent_verifier_missing():
        pytest.skip(missing)
    return build_go_verifier(tmp_path_factory.mktemp("go_verifier"))
