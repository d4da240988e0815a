"""`namak-server jobs`: what an operator decides of jobs that could not be done, over a real database."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.app import app
from tests.integration.test_notices_command import FEED, SETTINGS


@pytest.fixture
def settings(module_database_url: str, tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    path = tmp_path / "namak-server.toml"
    path.write_text(SETTINGS.format(database=module_database_url, feed=FEED))
    return path


@pytest.mark.parametrize("decision", ["retry", "discard"])
def test_of_jobs_that_are_no_dead_letters_it_says_so_and_nothing_else(settings: Path, decision: str) -> None:
    done = CliRunner().invoke(app, ["jobs", decision, "4711", "4712", "--config", str(settings)])

    assert (done.exit_code, done.stdout) == (1, "")
    assert "no dead letters: 4711, 4712" in done.stderr
