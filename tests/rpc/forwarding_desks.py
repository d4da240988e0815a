"""Use cases of forwarding, in memory."""

from uuid import UUID

from server.domain.caller import Holder
from server.domain.forwarding import ForwardedContent, ForwardingTarget, TargetKind
from server.usecases.forwarding import AddTarget, ChangeTarget, OfTarget
from tests.rpc.desk_samples import NOW
from tests.rpc.serving import Serving

TARGET = ForwardingTarget(
    UUID(int=77),
    UUID(int=78),
    TargetKind.EMAIL,
    "ani@example.am",
    "hy",
    ForwardedContent.NOTICE,
    NOW,
)


class ForwardingDesks(Serving):
    """Keeps one target."""

    async def add_target(self, command: AddTarget) -> ForwardingTarget:
        await self.serve(command, command.by)
        return TARGET

    async def send_code(self, command: OfTarget) -> None:
        await self.serve(command, command.by)

    async def verify_target(self, command: OfTarget) -> ForwardingTarget:
        await self.serve(command, command.by)
        return TARGET

    async def change_target(self, command: ChangeTarget) -> ForwardingTarget:
        await self.serve(command, command.by)
        return TARGET

    async def remove_target(self, command: OfTarget) -> None:
        await self.serve(command, command.by)

    async def list_targets(self, by: Holder, mailbox: str | None) -> list[ForwardingTarget]:
        await self.serve(mailbox, by)
        return [TARGET]
