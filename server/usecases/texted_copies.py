"""Codes and notices as short messages."""

from typing import Final
from zoneinfo import ZoneInfo

from server.domain.forwarding import CODE_LIFE, ForwardedCopy, ForwardingTarget
from server.domain.mailboxes import Mailbox
from server.domain.sms import TextKind
from server.domain.sms_texts import code_text, notice_text
from server.usecases.forwarding_ports import Letter
from server.usecases.ports import Entropy
from server.usecases.texting import OutgoingText, Texting

_MINUTE: Final = 60


class TextedCopies:
    """The route to phones: a notice with a link, never anything of a message."""

    def __init__(self, texting: Texting, entropy: Entropy, *, link: str, time_zone: str) -> None:
        """`link` is where holders read their letters, empty where none is told; `time_zone` is by whose
        clocks times are told.
        """
        self._texting = texting
        self._entropy = entropy
        self._link = link
        self._zone = ZoneInfo(time_zone)

    @property
    def channel(self) -> str:
        """What evidence calls it."""
        return "SMS"

    @property
    def parts_limit(self) -> int | None:
        """None: parts of a message are never sent so."""
        return None

    async def send_code(self, target: ForwardingTarget, mailbox: Mailbox, code: str) -> None:
        """Sends a code; whether the phone got it shows by its being entered. Raises SmsNotSent."""
        minutes = round(CODE_LIFE.total_seconds() / _MINUTE)
        said = code_text(target.language, code=code, minutes=minutes, mailbox=mailbox.address)
        await self._texting.send_unkept(target.address, said, self._entropy.random(1)[0])

    async def send_copy(self, target: ForwardingTarget, copy: ForwardedCopy, letter: Letter) -> None:
        """Sends a notice, whose report names the copy by its token. Raises SmsNotSent."""
        delivery = letter.delivery
        said = notice_text(
            target.language,
            sender=delivery.organisation_name,
            time=delivery.submitted_at.astimezone(self._zone).strftime("%d.%m.%Y"),
            link=self._link,
        )
        await self._texting.send(OutgoingText(copy.token, TextKind.COPY, target.address, said))
