"""What is raised about holders' letters; imported from `refusals`."""

from uuid import UUID

from server.domain.reasons import Reason
from server.domain.refused import Refused


class LettersNotOffered(Refused):
    """Where holders only receive."""

    reason = Reason.LETTERS_NOT_OFFERED

    def __init__(self) -> None:
        super().__init__("this jurisdiction has no two-way letters: holders receive and do not write")


class OwnMailboxNotOpen(Refused):
    """`state` is what the mailbox is instead."""

    reason = Reason.OWN_MAILBOX_NOT_OPEN

    def __init__(self, sender: str, state: str) -> None:
        super().__init__(
            f"the own mailbox {sender} is {state}; letters are written from an open one only",
            sender=sender,
            state=state,
        )


class ProfileNotConfirmed(Refused):
    """BOX-9: official letters are sent only once the holder's profile is confirmed."""

    reason = Reason.PROFILE_NOT_CONFIRMED

    def __init__(self, sender: str) -> None:
        super().__init__(
            f"the profile of the mailbox {sender} has not been confirmed by a signature yet; official "
            "letters are written only after that",
            sender=sender,
        )


class RecipientNotOfficial(Refused):
    reason = Reason.RECIPIENT_NOT_OFFICIAL

    def __init__(self, recipient: str) -> None:
        super().__init__(
            f"{recipient} is a person's mailbox; holders write to state bodies and legal entities only",
            recipient=recipient,
        )


class TooManyLetters(Refused):
    """`retry_after_seconds` is when the next day begins."""

    reason = Reason.TOO_MANY_LETTERS

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"more than {limit} letters of one holder on one day; this one was not recorded",
            limit_per_day=str(limit),
        )
        self.retry_after_seconds = retry_after_seconds


class PrintingNotOffered(Refused):
    """BOX-11: answers to letters on paper are printed where the post has a print house."""

    reason = Reason.PRINTING_NOT_OFFERED

    def __init__(self) -> None:
        super().__init__("this post prints no letters, and who wrote on paper can be answered on paper only")


class PaperAddressUnknown(Refused):
    reason = Reason.PAPER_ADDRESS_UNKNOWN

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(
            "the letter on paper names no sender, or no postal address, to which an answer could be posted",
            delivery_id=str(delivery_id),
        )
