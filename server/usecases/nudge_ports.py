"""What nudges ask of the storage, and of what sends. `server.usecases.ports` says what holds of all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.deliveries import Delivery
from server.domain.forwarding import ForwardingTarget
from server.domain.nudges import Nudge, NudgeCount, NudgeState


class Nudges(Protocol):
    """Nudges by step and target. Who adds some has locked the delivery."""

    async def add(self, nudges: Sequence[Nudge]) -> None:
        """Adds nudges. A second one of an attempt of a step to one target is a defect and fails."""
        ...

    async def get(self, nudge_id: UUID) -> Nudge | None: ...

    async def of_step(self, mailbox_id: UUID, delivery_id: UUID, step: str) -> Sequence[Nudge]:
        """Returns those of all attempts of a step of a delivery, in the order of their identifiers."""
        ...

    async def move(
        self, nudge: Nudge, to: NudgeState, *, at: datetime, segments: int = 0, why: str = ""
    ) -> bool:
        """Moves a nudge on, and adds the segments that it took; False, and nothing, when it is in another
        state than the given one's (compare-and-set).
        """
        ...

    async def counted(self, since: datetime, until: datetime) -> Sequence[NudgeCount]:
        """Counts those that were asked for from ``since`` on and before ``until``, by kind and state, in the
        order of their names.
        """
        ...


class NudgeTransaction(Protocol):
    """The part of a transaction that deals with nudges."""

    @property
    def nudges(self) -> Nudges: ...


class NudgeRoute(Protocol):
    """Sends nudges to targets of one kind."""

    async def send(self, target: ForwardingTarget, nudge: Nudge, delivery: Delivery) -> int:
        """Sends a nudge; tried again it is the same. When it returns, somebody else answers for it, and it
        took so many segments of short messages. Raises NotSent.
        """
        ...


class NudgeComposer(Protocol):
    """Writes nudges as mails."""

    def nudge(self, target: ForwardingTarget, nudge: Nudge, delivery: Delivery) -> bytes:
        """Returns the mail: the same one, by its Message-ID, whenever it is written."""
        ...

    def bounces_to(self, token: UUID | None) -> str:
        """Returns the envelope's sender, as `MailComposer` has it."""
        ...
