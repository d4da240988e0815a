"""What a command imports before it does anything: everybody waits for that, on every call."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from namak.cli.verifying_many import AT_ONCE

PROGRAM = """
import json, sys
from namak.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(json.dumps({"code": end.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""
HEAVY = {"grpc", "google.protobuf", "rich", "namak.client"}


def imported_by(*arguments: str, place: Path, code: int) -> set[str]:
    """Returns the modules that a run of the command imported; it must end with this exit code."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, cwd=place, timeout=240
    )
    told = json.loads(run.stderr.splitlines()[-1])
    assert told["code"] == code, run.stderr
    return set(told["modules"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("send", "--help"),
        ("verify", "--help"),
        ("--lang", "hy", "admin", "org", "list", "--help"),
    ],
    ids=" ".join,
)
def test_help_imports_nothing_that_talks_to_the_post(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert imported_by(*arguments, place=tmp_path, code=0) & HEAVY == set()


def test_calling_the_post_imports_nothing_that_builds_documents(tmp_path: Path) -> None:
    imported = imported_by("log", "status", place=tmp_path, code=2)
    assert "namak.client" in imported
    assert {each for each in imported if each.partition(".")[0] in {"pyhanko", "aiohttp"}} == set()


def test_showing_imports_nothing_that_talks_to_the_post(tmp_path: Path) -> None:
    (tmp_path / "a.tlog-proof").write_bytes(b"no receipt\n")
    imported = imported_by("show", "a.tlog-proof", "--json", place=tmp_path, code=6)
    assert "namak.cli.showing" in imported
    assert imported & HEAVY == set()


def test_verifying_imports_nothing_that_talks_to_the_post(tmp_path: Path) -> None:
    (tmp_path / "a.tlog-proof").write_bytes(b"no receipt\n")
    (tmp_path / "policy.txt").write_text("quorum none\n", encoding="utf-8")

    imported = imported_by(
        "verify", "a.tlog-proof", "--log-policy", "policy.txt", "--json", place=tmp_path, code=4
    )

    assert "namak.evidence.verify" in imported
    assert imported & (HEAVY | {"pyhanko_certvalidator"}) == set()


def test_verifying_many_imports_nothing_to_show_how_far_it_is_where_nobody_looks(tmp_path: Path) -> None:
    (tmp_path / "policy.txt").write_text("quorum none\n", encoding="utf-8")
    for number in range(AT_ONCE + 1):
        (tmp_path / f"{number}.tlog-proof").touch()

    imported = imported_by("verify", ".", "--log-policy", "policy.txt", place=tmp_path, code=4)

    assert imported & (HEAVY | {"pyhanko_certvalidator"}) == set()


def test_completing_imports_nothing_that_talks_to_the_post_and_no_group_that_was_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_NAMAK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "namak deliveries li")
    monkeypatch.setenv("COMP_CWORD", "2")
    program = """
import json, sys
sys.argv = ["namak"]
from namak.cli import main
try:
    main()
except SystemExit:
    print(json.dumps(sorted(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=240
    )
    completed, modules = run.stdout.splitlines()
    assert completed == "list"
    assert set(json.loads(modules)) & (HEAVY | {"namak.cli.commands_admin"}) == set()
