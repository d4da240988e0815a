"""Whatever has landed in the contract stays: nothing is removed, renamed, renumbered, retyped or moved."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.contract import BUF
from tests.contract.imports import ROOT

LANDED = ROOT / "proto/landed.binpb"


def breaches(tree: Path) -> str:
    """Returns what the tree's contract breaks of the landed one."""
    done = subprocess.run(
        [BUF, "breaking", "proto", "--against", LANDED, "--exclude-imports"],
        cwd=tree,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode in {0, 100}, done.stderr  # buf's code for a breach
    assert (done.returncode == 0) == (done.stdout == "")
    return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the contract, to be changed."""
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    shutil.copytree(ROOT / ".venv/googleapis", tmp_path / ".venv/googleapis")
    return tmp_path


def change(tree: Path, file: str, pattern: str, replacement: str) -> None:
    path = tree / "proto/namak/v1" / file
    changed, times = re.subn(
        pattern, replacement, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE
    )
    assert times == 1
    path.write_text(changed, encoding="utf-8")


def test_the_contract_keeps_all_that_has_landed() -> None:
    assert breaches(ROOT) == ""


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "told"),
    [
        ("delivery.proto", r"^  rpc GetDelivery\(.*?\{\n(    .*\n)*  \}$", "", "GetDelivery"),
        ("delivery.proto", r"^  string request_id = 1\b.*\n", "", '"request_id"'),
        ("delivery.proto", r"^  (string request_id) = 1\b", r"  \1 = 99", '"1"'),
        ("delivery.proto", r"^  (string) request_id (= 1\b)", r"  \1 demand_id \2", '"demand_id"'),
        ("delivery.proto", r"^  string (request_id = 1\b)", r"  bytes \1", '"bytes"'),
        ("errors.proto", r"^  REASON_REQUEST_ID_REUSED = (\d+);", "", '"11"'),
    ],
    ids=["an rpc", "a field", "its number", "its name", "its type", "a value"],
)
def test_a_change_of_what_has_landed_is_found(
    tree: Path, file: str, pattern: str, replacement: str, told: str
) -> None:
    change(tree, file, pattern, replacement)

    assert told in breaches(tree)


def test_a_message_that_moves_to_another_file_is_found(tree: Path) -> None:
    moved = "message SubmitRequest {"
    old, new = (tree / "proto/namak/v1" / name for name in ("delivery.proto", "elsewhere.proto"))
    text = old.read_text(encoding="utf-8")
    old.write_text(text.replace(moved, "message SubmitDemand {", 1), encoding="utf-8")
    new.write_text(f'syntax = "proto3";\npackage namak.v1;\n{moved}}}\n', encoding="utf-8")

    assert "SubmitRequest" in breaches(tree)


def test_an_addition_is_none(tree: Path) -> None:
    change(tree, "errors.proto", r"\Z", "\nmessage Addition {\n  string text = 1;\n}\n")

    assert breaches(tree) == ""
