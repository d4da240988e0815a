"""Fixtures for other people's tools: the running post, as the system tests have it."""

from tests.system.conftest import agency, citizen, post, world

__all__ = ["agency", "citizen", "post", "world"]
