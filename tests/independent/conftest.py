"""The independent verifier, for every test of this directory."""

from tests.independent.go_verifier import go_verifier

__all__ = ["go_verifier"]
