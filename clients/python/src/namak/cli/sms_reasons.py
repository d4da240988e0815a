"""What the reasons about short messages mean and what to do about them: a part of `namak.cli.reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from namak.cli.texts import N_

SMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "SMS_NOT_PERMITTED": (
            N_("The sender address is not permitted to send SMS."),
            N_("Ask the operator to permit it, or send from another address."),
        ),
        "SMS_NOT_OFFERED": (
            N_("This post does not send SMS."),
            N_("Send the message without an SMS."),
        ),
        "TOO_MANY_SMS": (
            N_("The sender address has sent as many SMS today as one may; nothing was recorded."),
            N_("Send the message without an SMS, or wait until tomorrow."),
        ),
    }
)
