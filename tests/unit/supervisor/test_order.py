"""What the processes of a supervisor are told to be."""

from pathlib import Path

import pytest

from server import config
from server.bootstrap_jobs import runs_inside
from server.cli.supervising import connections_of_each, order_for
from tests.unit.test_config import GOOD, place

__all__ = ["place"]  # a fixture


@pytest.mark.parametrize(
    ("said", "inside"),
    [
        ("", True),  # the embedded database, which nobody else reaches: nobody else could do the jobs
        ('[jobs]\nin_server = "no"\n', False),
        ('[database]\nurl = "postgresql://db/namak"\n', False),
        ('[database]\nurl = "postgresql://db/namak"\n[jobs]\nin_server = "yes"\n', True),
    ],
)
def test_processes_do_jobs_where_one_server_alone_would(place: Path, said: str, inside: bool) -> None:
    path = place / "namak-server.toml"
    path.write_text(GOOD + said, encoding="utf-8")
    written = config.read(path, {})
    settings = written.checked()
    assert runs_inside(settings) is inside

    told = order_for(
        written, settings, address="127.0.0.1:8443", url="postgresql://127.0.0.1/namak"
    ).checked()

    assert runs_inside(told) is inside
    assert (told.server.listen, told.server.processes) == ("127.0.0.1:8443", 1)
    assert told.database.url == "postgresql://127.0.0.1/namak"
    assert told.metrics.listen is None


def test_processes_tell_their_figures_to_the_supervisor_alone(place: Path) -> None:
    path = place / "namak-server.toml"
    path.write_text(GOOD + '[metrics]\nlisten = "10.0.0.1:9464"\nwork_listen = "10.0.0.1:1"\n', "utf-8")
    written = config.read(path, {})

    told = order_for(written, written.checked(), address="127.0.0.1:8443", url="postgresql://db/n").checked()

    assert (told.metrics.listen, told.metrics.work_listen) == ("127.0.0.1:0", "10.0.0.1:1")


@pytest.mark.parametrize(("in_server", "besides"), [("no", 15), ("yes", 19)])
def test_a_process_that_does_jobs_needs_connections_for_them(
    place: Path, in_server: str, besides: int
) -> None:
    path = place / "namak-server.toml"
    said = f'[database]\nurl = "postgresql://db/namak"\npool_size = 7\n[jobs]\nin_server = "{in_server}"\n'
    path.write_text(GOOD + said, encoding="utf-8")

    assert connections_of_each(config.read(path, {}).checked()) == 7 + besides
