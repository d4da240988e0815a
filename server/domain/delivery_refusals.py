"""What is raised from a submission to a delivery's withdrawal; imported from `refusals`."""

from uuid import UUID

from server.domain.reasons import Reason
from server.domain.refused import Refused


class SenderNotPermitted(Refused):
    reason = Reason.SENDER_NOT_PERMITTED

    def __init__(self, sender: str) -> None:
        super().__init__(f"{sender} is not a sender address that this certificate may use", sender=sender)


class SenderSuspended(Refused):
    reason = Reason.SENDER_SUSPENDED

    def __init__(self, sender: str) -> None:
        super().__init__(f"the sender address {sender} is suspended", sender=sender)


class NotificationPolicyNotPermitted(Refused):
    reason = Reason.NOTIFICATION_POLICY_NOT_PERMITTED

    def __init__(self, policy: str, permitted: str) -> None:
        """`permitted` lists the contract's policies, with commas."""
        super().__init__(
            f"the organisation's contract does not permit the notification policy {policy}, but {permitted}",
            notification_policy=policy,
            permitted=permitted,
        )


class ContractNotInForce(Refused):
    reason = Reason.CONTRACT_NOT_IN_FORCE

    def __init__(self, state: str) -> None:
        super().__init__(
            f"the organisation has no contract in force (its contract's state is {state})",
            contract_state=state,
        )


class MailboxUnknown(Refused):
    reason = Reason.MAILBOX_UNKNOWN

    def __init__(self, recipient: str) -> None:
        super().__init__(f"no mailbox has the address {recipient}", recipient=recipient)


class MailboxSuspended(Refused):
    reason = Reason.MAILBOX_SUSPENDED

    def __init__(self, recipient: str) -> None:
        super().__init__(f"the mailbox {recipient} is suspended", recipient=recipient)


class MailboxClosed(Refused):
    reason = Reason.MAILBOX_CLOSED

    def __init__(self, recipient: str) -> None:
        super().__init__(f"the mailbox {recipient} is closed", recipient=recipient)


class TooManyRefusals(Refused):
    reason = Reason.TOO_MANY_REFUSALS

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"more than {limit} submissions of the organisation were refused within a minute; "
            "this one was not recorded",
            limit_per_minute=str(limit),
        )
        self.retry_after_seconds = retry_after_seconds


class MessageOpened(Refused):
    reason = Reason.MESSAGE_OPENED

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(
            "the recipient has opened the message; it can't be withdrawn any more",
            delivery_id=str(delivery_id),
        )


class DeliveryNotified(Refused):
    reason = Reason.DELIVERY_NOTIFIED

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(
            "the recipient has been properly notified; the delivery can't be withdrawn any more",
            delivery_id=str(delivery_id),
        )


class DeliveryWithdrawn(Refused):
    reason = Reason.DELIVERY_WITHDRAWN

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__("the sender has withdrawn this delivery", delivery_id=str(delivery_id))
