"""What the ladder asks of the world: the tables of due deliveries and of steps taken, and who acts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery
from server.domain.ladder import ALL_FAILED, FailedSteps, TakenStep, Wake

if TYPE_CHECKING:
    from server.usecases.ports import Transaction


class Ladders(Protocol):
    """The deliveries of which something comes by itself, and the steps that were taken of them."""

    async def plan(self, wakes: Sequence[Wake]) -> None:
        """Adds deliveries that were just accepted."""
        ...

    async def take_due(self, now: datetime, *, limit: int) -> Sequence[Delivery]:
        """Returns deliveries whose time has come, those longest due first, each locked until the transaction
        ends; those that another transaction holds are left out, and those in mailboxes with a sign-in that is
        not recorded of all open deliveries yet: it came before.
        """
        ...

    async def taken(self, deliveries: Collection[Delivery]) -> Mapping[UUID, frozenset[str]]:
        """Returns the names of the steps that were taken, by delivery."""
        ...

    async def take(self, steps: Sequence[TakenStep]) -> None:
        """Records steps as taken. One that was taken before is a defect and fails."""
        ...

    async def wake(self, wakes: Sequence[Wake]) -> None:
        """Sets when locked deliveries are looked at again."""
        ...

    async def forget(self, deliveries: Collection[tuple[UUID, UUID]]) -> None:
        """Has locked deliveries not looked at again, by mailbox and identifier."""
        ...

    async def steps_of(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[TakenStep]:
        """Returns the steps taken of one delivery, in the order in which they were due."""
        ...

    async def fail(self, mailbox_id: UUID, delivery_id: UUID, step: str, reason: str) -> bool:
        """Moves a step from ORDERED to FAILED, for a reason in a word; returns False where it is not ordered.
        Who carries actions out calls this where one can't be.
        """
        ...

    async def order_again(self, mailbox_id: UUID, delivery_id: UUID, step: str, at: datetime) -> bool:
        """Moves a step from FAILED to ORDERED; returns False where it has not failed."""
        ...

    async def failed(
        self, wanted: FailedSteps = ALL_FAILED, *, after: TakenStep | None, limit: int
    ) -> Sequence[TakenStep]:
        """Returns steps that failed, of deliveries that are neither notified nor withdrawn: those first that
        were taken first, from behind the one given.
        """
        ...

    async def looked_at(self, mailbox_id: UUID, delivery_id: UUID) -> datetime | None:
        """Returns when a delivery is looked at again; None where nothing comes by itself."""
        ...

    async def waits_for_a_sign_in(self, mailbox_id: UUID) -> bool:
        """Tells whether a sign-in is not recorded of all open deliveries of a mailbox yet."""
        ...

    async def find(self, delivery_id: UUID) -> Delivery | None:
        """Returns a delivery by its identifier alone, not locked."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a step has done: the action, for which delivery, and by which step, by its name and by its
    `number` in the policy, from 0.
    """

    mailbox_id: UUID
    delivery_id: UUID
    action: Action
    step: str
    number: int


class Actions(Protocol):
    """Hands on what a step has done, to gateways that work outside any transaction."""

    def available(self) -> Collection[Action]:
        """Returns the actions that a gateway is configured for."""
        ...

    async def enqueue(self, tx: "Transaction", orders: Sequence[Order]) -> None:
        """Hands on actions in the transaction that takes their steps: done if and only if it commits. Only
        available ones are asked for.
        """
        ...


class LadderTransaction(Protocol):
    """What the ladder has in a transaction (`server.usecases.ports.Transaction`)."""

    @property
    def ladders(self) -> Ladders: ...
