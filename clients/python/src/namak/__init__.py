"""Namak, the official electronic post: its public contract, its evidence format and its client library."""
