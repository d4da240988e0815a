"""What use cases in memory have in common: they note what they are handed, and can be held up or broken."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from server.domain.administration import ActingAdministrator
from server.domain.caller import Caller
from server.domain.deliveries import MessageView, Submission
from server.domain.refusals import ResourceNotPermitted
from tests.rpc.desk_samples import KNOWN_DELIVERY, delivery_of, part_of


class PresentClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Gate:
    """A place where a use case can be held, to look at a call that is under way."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_through(self) -> None:
        self.entered.set()
        try:
            await self.leave.wait()
        finally:
            self.left.set()


class Serving:
    """`callers` are those that were handed in, in order, and `commands` what they asked."""

    def __init__(self) -> None:
        self.callers: list[Caller | ActingAdministrator] = []
        self.commands: list[object] = []
        self.gate: Gate | None = None
        self.fault: BaseException | None = None
        self.content = b"content"

    async def serve(self, command: object, caller: Caller | ActingAdministrator | None = None) -> None:
        self.commands.append(command)
        if caller is not None:
            self.callers.append(caller)
        if self.gate is not None:
            await self.gate.pass_through()
        if self.fault is not None:
            raise self.fault

    def check_known(self, delivery_id: UUID) -> None:
        if delivery_id != KNOWN_DELIVERY:
            raise ResourceNotPermitted("delivery")

    def message(self) -> MessageView:
        submission = Submission(
            "1", "notices@src.am", "5001950015@e-citizen.am", "Notice", (part_of(self.content),)
        )
        return MessageView(delivery_of(submission, uuid4()), None, None)
