"""Fixtures that every layer of tests may use."""

pytest_plugins = ["tests.postgres"]
