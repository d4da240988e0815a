"""What the reasons about forwarding mean and what to do about them: a part of `namak.cli.reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from namak.cli.texts import N_

FORWARDING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "FORWARDING_NOT_OFFERED": (
            N_("This post forwards nothing to such addresses."),
            N_("Add an address of another kind, or ask the operator."),
        ),
        "TOO_MANY_FORWARDING_TARGETS": (
            N_("The mailbox has as many forwarding addresses as it may have."),
            N_("Remove one of them, then add the other."),
        ),
        "TOO_MANY_FORWARDING_CODES": (
            N_("As many codes were sent as a day permits; this one was not."),
            N_("Ask for another code tomorrow."),
        ),
        "FORWARDING_CODE_WRONG": (
            N_("This is not the code that was sent to the address."),
            N_("Look at the newest message with a code, and enter that one."),
        ),
        "FORWARDING_CODE_ENDED": (
            N_("The code does not count any more."),
            N_("Ask for another code, and enter it within half an hour."),
        ),
    }
)
