"""Nudges as mails and as short messages."""

from zoneinfo import ZoneInfo

from server.domain.deliveries import Delivery
from server.domain.forwarding import ForwardingTarget
from server.domain.nudge_texts import nudge_text
from server.domain.nudges import Nudge
from server.domain.sms import TextKind, segment_count
from server.usecases.forwarding_ports import MailRoute
from server.usecases.nudge_ports import NudgeComposer
from server.usecases.texting import OutgoingText, Texting


class MailedNudges:
    """The route to e-mail addresses."""

    def __init__(self, composer: NudgeComposer, route: MailRoute) -> None:
        self._composer = composer
        self._route = route

    async def send(self, target: ForwardingTarget, nudge: Nudge, delivery: Delivery) -> int:
        """Sends a nudge, whose bounce comes back to its identifier. Raises MailNotSent."""
        await self._route.send(
            self._composer.nudge(target, nudge, delivery),
            bounces_to=self._composer.bounces_to(nudge.id),
            to=target.address,
        )
        return 0


class TextedNudges:
    """The route to phones."""

    def __init__(self, texting: Texting, *, link: str, time_zone: str) -> None:
        """`link` is where holders read their letters, empty where none is told; `time_zone` is by whose
        clocks times are told.
        """
        self._texting = texting
        self._link = link
        self._zone = ZoneInfo(time_zone)

    async def send(self, target: ForwardingTarget, nudge: Nudge, delivery: Delivery) -> int:
        """Sends a nudge, whose report names it by its identifier. Raises SmsNotSent."""
        since = delivery.submitted_at.astimezone(self._zone).strftime("%d.%m.%Y")
        said = nudge_text(target.language, time=since, link=self._link)
        await self._texting.send(OutgoingText(nudge.id, TextKind.NUDGE, target.address, said))
        return segment_count(said)
