"""Fixtures that every layer of tests may use."""

import logging
from collections.abc import Iterator

import pytest
import structlog

# Their assertions say as much as those in test files.
pytest.register_assert_rewrite("tests.contracts", "tests.faults")

pytest_plugins = ["tests.postgres"]


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
