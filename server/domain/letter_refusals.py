"""What is raised about letters on paper among print houses; imported from `refusals`."""

from server.domain.reasons import Reason
from server.domain.refused import Refused


class LetterLeaseEnded(Refused):
    reason = Reason.LETTER_LEASE_ENDED

    def __init__(self) -> None:
        super().__init__("the lease of the letter has ended: destroy what was printed of it")


class LetterCancelled(Refused):
    reason = Reason.LETTER_CANCELLED

    def __init__(self) -> None:
        super().__init__("the letter is not needed any more: destroy what was printed of it")


class LetterOutOfOrder(Refused):
    """`state` is how far the letter has come."""

    reason = Reason.LETTER_OUT_OF_ORDER

    def __init__(self, state: str) -> None:
        super().__init__(f"the letter is {state}, and this does not follow on that", state=state)


class LetterFileDiffers(Refused):
    reason = Reason.LETTER_FILE_DIFFERS

    def __init__(self) -> None:
        super().__init__("what was printed is not the file that was to be printed")


class LetterTrackingDiffers(Refused):
    reason = Reason.LETTER_TRACKING_DIFFERS

    def __init__(self) -> None:
        super().__init__("the post's number is not the one on the letter")


class PrintHouseSuspended(Refused):
    reason = Reason.PRINT_HOUSE_SUSPENDED

    def __init__(self) -> None:
        super().__init__("the operator has suspended the print house: it gets no letters")
