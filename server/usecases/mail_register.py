"""What mails are asked about before they come: is the sender registered, can the recipient receive?

The intake decides both again in the transaction that records the outcome. So what was read up to half a
second before may be told here, and many clients at once share one look into the database. Nobody is refused
for what was read before: that is looked at anew.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from server.domain.mailboxes import Mailbox
from server.domain.refusals import Refused
from server.domain.senders import SenderAddress
from server.domain.sending_rights import permission_for, permission_names
from server.usecases.findings import refusal_at
from server.usecases.ports import UnitOfWork
from server.usecases.remembered import Remembered

REMEMBERED_SECONDS: Final = 0.5
"""How old what is told may be; the age of what the door knows of certificates too."""
_MOST: Final = 10_000
_ANEW: Final = -1.0
"""Younger than everything that was read: only a look that has not begun yet is shared."""

Entries = Mapping[str, SenderAddress]
"""The registered entries that an address may be permitted by, by their names, whosever they are."""


class MailRegister:
    """Looks senders and recipients up."""

    def __init__(
        self, uow: UnitOfWork, *, confirmed_only: bool, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`confirmed_only`: only who has confirmed their profile receives (BOX-9)."""
        self._uow = uow
        self._confirmed_only = confirmed_only
        self._entries = Remembered(self._entries_of, monotonic, REMEMBERED_SECONDS, _MOST)
        self._mailboxes = Remembered(self._mailboxes_of, monotonic, REMEMBERED_SECONDS, _MOST)

    async def entries(self, sender: str) -> Entries:
        """Returns the entries for a sender's address, in canonical form; none where it is not registered."""
        found = await self._entries.get(sender)
        if permission_for(sender, found) is None:
            found = await self._entries.get(sender, seconds=_ANEW)
        return found

    async def refusal(self, recipient: str) -> Refused | None:
        """Returns why a recipient can't receive; None where it can, or could a moment ago."""
        if self._refusal(recipient, await self._mailboxes.get(recipient)) is None:
            return None
        return await self.refusal_now([recipient])

    async def refusal_now(self, recipients: Sequence[str]) -> Refused | None:
        """Returns why the first of these recipients that can't receive can't; None where all can."""
        found = await asyncio.gather(*(self._mailboxes.get(each, seconds=_ANEW) for each in recipients))
        refusals = map(self._refusal, recipients, found)
        return next((why for why in refusals if why is not None), None)

    def _refusal(self, recipient: str, mailbox: Mailbox | None) -> Refused | None:
        return refusal_at(mailbox, recipient, self._confirmed_only)

    async def _entries_of(self, senders: Collection[str]) -> Mapping[str, Entries]:
        names = {sender: frozenset(permission_names(sender)) for sender in senders}
        async with self._uow.reading() as tx:
            found = await tx.sender_addresses.registered(frozenset().union(*names.values()))
        return {
            sender: {name: entry for name, entry in found.items() if name in own}
            for sender, own in names.items()
        }

    async def _mailboxes_of(self, addresses: Collection[str]) -> Mapping[str, Mailbox | None]:
        async with self._uow.reading() as tx:
            found = await tx.mailboxes.all_named(addresses)
        return {address: found.get(address) for address in addresses}
