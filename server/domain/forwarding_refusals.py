"""What is raised about a holder's forwarding targets; imported from `refusals`."""

from server.domain.reasons import Reason
from server.domain.refused import Refused


class ForwardingNotOffered(Refused):
    """`gateway` is what is missing."""

    reason = Reason.FORWARDING_NOT_OFFERED

    def __init__(self, gateway: str) -> None:
        super().__init__(
            f"this post forwards nothing to such addresses: no {gateway} gateway is configured",
            gateway=gateway,
        )


class TooManyForwardingTargets(Refused):
    reason = Reason.TOO_MANY_FORWARDING_TARGETS

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the mailbox has {limit} forwarding targets, and may have no more: remove one first",
            limit=str(limit),
        )


class TooManyForwardingCodes(Refused):
    """`retry_after_seconds` is when another one may be sent at the latest."""

    reason = Reason.TOO_MANY_FORWARDING_CODES

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"{limit} codes were sent within a day for this mailbox or to this address; nothing was sent",
            limit_per_day=str(limit),
        )
        self.retry_after_seconds = retry_after_seconds


class ForwardingCodeWrong(Refused):
    reason = Reason.FORWARDING_CODE_WRONG

    def __init__(self, tries_left: int) -> None:
        super().__init__(
            f"this is not the code that was sent; tries left: {tries_left}", tries_left=str(tries_left)
        )


class ForwardingCodeEnded(Refused):
    reason = Reason.FORWARDING_CODE_ENDED

    def __init__(self) -> None:
        super().__init__("no code that was sent to the target counts any more: ask for another one")
