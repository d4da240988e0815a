"""The card that confirmations are signed with: :mod:`namak.cards`, by the name that callers know it by."""

from namak.cards.card import Card, read_pin

__all__ = ["Card", "read_pin"]
