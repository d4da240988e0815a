"""Fixtures that every layer of tests may use."""

import gc
import logging
import shutil
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from server.storage.embedded_place import databases_under
from tests import forking

# How long an example takes says how busy the machine is: no test is to fail for that.
# `--hypothesis-profile thorough` looks further than every run of all tests can afford to.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("namak", _PATIENT, max_examples=40)
settings.register_profile("thorough", _PATIENT, max_examples=1000)
settings.load_profile("namak")

# Their assertions say as much as those in test files.
pytest.register_assert_rewrite("tests.contracts", "tests.faults")

pytest_plugins = ["tests.postgres"]

# Nothing of what is collected goes away: looking for garbage among it took a tenth of the collection.
gc.disable()


def pytest_collection_finish() -> None:
    """Has garbage looked for again, among what comes from now on."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def tokens_are_made_in_forks() -> Iterator[None]:
    """Has what makes tokens and their keys forked: each is a process of its own, and most of it imports."""
    with pytest.MonkeyPatch.context() as patch:
        if tokens := sys.modules.get("server.dev.tokens"):
            patch.setattr(tokens, "_run", forking.token_run(tokens))
        yield


@pytest.fixture(scope="session", autouse=True)
def databases_go_with_their_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Removes what embedded PostgreSQLs of tests leave elsewhere when root runs them: pytest does not."""
    yield
    for directory in databases_under(tmp_path_factory.getbasetemp()):
        if not (directory / "data" / "postmaster.pid").exists():
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def log_lines_as_they_were() -> Iterator[None]:
    """Undoes what a test's program set for log lines, which other tests in the process capture."""
    configured, root = structlog.get_config() if structlog.is_configured() else None, logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    if configured is not None:
        structlog.configure(**configured)
    root.handlers[:] = handlers
    root.setLevel(level)
