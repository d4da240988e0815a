"""What is raised where senders may send no short messages; imported from `refusals`."""

from server.domain.reasons import Reason
from server.domain.refused import Refused


class SmsNotPermitted(Refused):
    reason = Reason.SMS_NOT_PERMITTED

    def __init__(self, sender: str) -> None:
        super().__init__(f"the sender address {sender} is not permitted to send SMS", sender=sender)


class SmsNotOffered(Refused):
    reason = Reason.SMS_NOT_OFFERED

    def __init__(self) -> None:
        super().__init__("the post sends no SMS: no SMS gateway is configured")


class TooManySms(Refused):
    """Nothing was recorded; `retry_after_seconds` is when the next local day begins."""

    reason = Reason.TOO_MANY_SMS

    def __init__(self, sender: str, limit: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"the sender address {sender} may send {limit} short messages a day, one for each phone, and "
            "these would be more",
            sender=sender,
            limit_per_day=str(limit),
        )
        self.retry_after_seconds = retry_after_seconds
