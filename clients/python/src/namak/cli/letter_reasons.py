"""What the reasons about letters on paper mean and what to do about them: a part of `namak.cli.reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from namak.cli.texts import N_

LETTERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "LETTER_LEASE_ENDED": (
            N_("The time for printing the letter is over; another print house may have it."),
            N_("Destroy what was printed of it."),
        ),
        "LETTER_OUT_OF_ORDER": (
            N_("The letter is not as far as the report says, or further already."),
            N_("Look at what was reported of it: namak printing list. Report the steps in their order."),
        ),
        "LETTER_FILE_DIFFERS": (
            N_("What was printed is not the file that was to be printed."),
            N_("Destroy it, download the letter again, and print that."),
        ),
        "LETTER_TRACKING_DIFFERS": (
            N_("The post's number is not the one that is printed on the letter."),
            N_("Compare the number on the letter; perhaps the report is about another one."),
        ),
        "LETTER_CANCELLED": (
            N_("The letter is not needed any more: its recipient was notified, or the message withdrawn."),
            N_("Destroy what was printed of it."),
        ),
        "PRINT_HOUSE_SUSPENDED": (
            N_("The operator has suspended the print house."),
            N_("Ask the operator. Report what becomes of the letters that you have as before."),
        ),
    }
)
