"""What stands outside the post: the mail server of everybody's own addresses, and an SMS centre."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

import smpp34
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.integration.gateways.sms_centre import Centre, centre_running

_PUT_OFF = 0.02
"""The share of mails that are put off once: greylisted, as in life."""
_REPORT_PAUSE = 0.2


@dataclass
class MailHome:
    """A mail server for whoever has an address elsewhere; it puts some mails off.

    Attributes:
        taken: how often each mail was taken, by address and Message-ID.
        receipts: the mails to senders' own addresses, the first of each Message-ID.
        put_off: how many were put off.
    """

    moods: random.Random
    senders: Sequence[str]
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    receipts: dict[str, Message] = field(default_factory=dict)
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    put_off: int = 0

    async def handle_DATA(  # noqa: N802 - the library's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
    ) -> str:
        """Takes a mail, or puts it off."""
        if self.moods.random() < _PUT_OFF:
            self.put_off += 1
            return "451 4.7.1 come back later"
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content)
        name = str(mail["Message-ID"])
        for address in envelope.rcpt_tos:
            self.taken[address, name] += 1
            if address in self.senders:
                self.receipts.setdefault(name, mail)
        return "250 2.0.0 taken"

    @property
    def twice(self) -> int:
        """How many mails were taken more often than once, each time counted."""
        return sum(count - 1 for count in self.taken.values())


@contextlib.asynccontextmanager
async def mail_home(moods: random.Random, senders: Sequence[str]) -> AsyncIterator[tuple[MailHome, int]]:
    """Runs it; yields its port too."""
    home, loop = MailHome(moods, senders), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(home, loop=loop), "127.0.0.1", 0)
    try:
        yield home, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@dataclass
class Phones:
    """An SMS centre, and phones that have got what it took: it reports each segment until it is thanked."""

    centre: Centre
    reported: int = 0

    @property
    def done(self) -> bool:
        """Whether all was reported."""
        return self.reported == len(self.centre.taken)

    async def report(self) -> None:
        """Does so until cancelled, in order."""
        while True:
            if self.done:
                await asyncio.sleep(_REPORT_PAUSE)
                continue
            event: smpp34.SubmitSmEvent = self.centre.taken[self.reported]
            text = f"id:{self.reported + 1} sub:001 dlvrd:001 stat:DELIVRD err:000 text:"
            try:
                thanked = await asyncio.wait_for(self.centre.report(event.destination_addr, text), 5)
            except Exception:  # noqa: BLE001 - no link, or one that broke: whatever it says, it is asked again
                thanked = False
            if thanked:
                self.reported += 1
            else:
                # Of a worker that was killed the centre may not know yet.
                self.centre.another_link()
                await asyncio.sleep(_REPORT_PAUSE)


@contextlib.asynccontextmanager
async def sms_centre() -> AsyncIterator[tuple[Phones, int]]:
    """Runs it; yields its port too."""
    async with centre_running() as (centre, wire):
        # Identifiers are places among what was taken, whatever was asked before.
        centre.rule = lambda _: str(len(centre.taken) + 1)
        phones = Phones(centre)
        reporting = asyncio.create_task(phones.report())
        try:
            yield phones, wire.port
        finally:
            reporting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reporting
