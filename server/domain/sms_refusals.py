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
