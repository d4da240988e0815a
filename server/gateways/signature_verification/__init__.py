"""Verifies signatures in processes of their own: files come from anybody, and some are made to do harm."""
