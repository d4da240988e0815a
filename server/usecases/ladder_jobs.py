"""Hands the actions of ladders on as jobs."""

from collections.abc import Collection, Mapping, Sequence

from namak.evidence.notification_steps import Action
from server.domain.jobs import Job, JobKind
from server.usecases.ladder_ports import Order
from server.usecases.ports import Transaction


class JobActions:
    """Defers a job for each action, in the transaction that takes the step.

    A job says which delivery it is about, `mailbox` and `delivery`, and which step of its policy, `step`,
    counted from 0.
    """

    def __init__(self, kinds: Mapping[Action, JobKind]) -> None:
        """`kinds` has the kinds of job of the actions that something is configured for."""
        self._kinds = kinds

    def available(self) -> Collection[Action]:
        """Returns the actions that there is a kind of job for."""
        return self._kinds.keys()

    async def enqueue(self, tx: Transaction, orders: Sequence[Order]) -> None:
        """Defers their jobs."""
        await tx.jobs.defer(
            [
                Job(
                    self._kinds[order.action],
                    {"mailbox": order.mailbox_id, "delivery": order.delivery_id, "step": order.number},
                )
                for order in orders
            ]
        )
