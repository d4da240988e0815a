"""The mailbox that a request names to act in."""

from functools import partial

from server.domain import addresses
from server.domain.profile import Profile
from server.services.problems import Problems


def mailbox_named(problems: Problems, mailbox: str, profile: Profile) -> str | None:
    """Reads a request's `mailbox`, in canonical form; None for the caller's own."""
    rule = partial(addresses.recipient_address, profile=profile)
    return problems.optional_text("mailbox", mailbox, rule)
