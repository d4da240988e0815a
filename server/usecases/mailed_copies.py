"""Codes and copies as mails."""

from typing import Final

from server.domain.forwarding import ForwardedCopy, ForwardingTarget
from server.domain.mailboxes import Mailbox
from server.usecases.forwarding_ports import Letter, MailComposer, MailRoute

_BESIDE_PARTS: Final = 65536
"""How many octets a mail has at most besides its parts."""
_GROWTH: Final = 1.4
"""As base64 a part grows by a third, and some."""


class MailedCopies:
    """The route to e-mail addresses."""

    def __init__(self, composer: MailComposer, route: MailRoute) -> None:
        self._composer = composer
        self._route = route

    @property
    def channel(self) -> str:
        """What evidence calls it."""
        return "EMAIL"

    @property
    def parts_limit(self) -> int | None:
        """How many octets the parts may have."""
        return max(0, int((self._route.size_limit - _BESIDE_PARTS) / _GROWTH))

    async def send_code(self, target: ForwardingTarget, mailbox: Mailbox, code: str) -> None:
        """Sends a code; nobody waits for its bounce. Raises MailNotSent."""
        await self._route.send(
            self._composer.code(target, mailbox, code),
            bounces_to=self._composer.bounces_to(None),
            to=target.address,
        )

    async def send_copy(self, target: ForwardingTarget, copy: ForwardedCopy, letter: Letter) -> None:
        """Sends a copy, whose bounce comes back to its token. Raises MailNotSent."""
        await self._route.send(
            self._composer.copy(target, copy, letter),
            bounces_to=self._composer.bounces_to(copy.token),
            to=target.address,
        )
