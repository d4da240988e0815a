"""Fixtures that every layer of tests may use."""
