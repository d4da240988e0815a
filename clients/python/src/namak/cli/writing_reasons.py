"""What the reasons about people's letters mean and what to do about them: a part of `namak.cli.reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from namak.cli.texts import N_

WRITING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "LETTERS_NOT_OFFERED": (
            N_("This jurisdiction has no two-way letters."),
            N_("Holders only receive here; write to the state body in another way."),
        ),
        "PRINTING_NOT_OFFERED": (
            N_("The letter came on paper, and this post prints no answers."),
            N_("Answer it by post, to the address on the paper."),
        ),
        "PAPER_ADDRESS_UNKNOWN": (
            N_("The letter on paper names no sender, or no postal address."),
            N_("Look into the scans for an address, and answer by post."),
        ),
        "OWN_MAILBOX_NOT_OPEN": (
            N_("The own mailbox is suspended or closed."),
            N_("Ask the post to open it again; letters are written from an open mailbox only."),
        ),
        "PROFILE_NOT_CONFIRMED": (
            N_("The own profile is not confirmed by a signature yet."),
            N_("Confirm it first, then write under a new request id."),
        ),
        "RECIPIENT_NOT_OFFICIAL": (
            N_("The recipient is a person."),
            N_("Write to state bodies and legal entities only."),
        ),
        "TOO_MANY_LETTERS": (
            N_("Today's limit of letters is reached."),
            N_("Write again tomorrow, with the same request id: nothing was recorded."),
        ),
    }
)
"""By reason: what it means, and what to do."""
