"""Fixtures that every layer of tests may use."""

import pytest

# Their assertions say as much as those in test files.
pytest.register_assert_rewrite("tests.contracts", "tests.faults")

pytest_plugins = ["tests.postgres"]
