"""Whether a sender address may send more short messages on a day: what a stolen key may cost is bounded."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.letters import day_began
from server.domain.refusals import TooManySms
from server.usecases.asked import Asked
from server.usecases.findings import Findings
from server.usecases.ports import Transaction

_HALF_A_DAY_ON: Final = timedelta(days=1, hours=12)


class SmsRoom:
    """Counts texts, one for each phone, by sender address and local day."""

    def __init__(self, zone: ZoneInfo, a_day: int) -> None:
        self._zone = zone
        self._a_day = a_day

    async def take(
        self, tx: Transaction, sender_address_id: UUID, sender: str, texts: int, at: datetime
    ) -> TooManySms | None:
        """Counts texts that are accepted now; returns why they are not, where they would be too many."""
        day = at.astimezone(self._zone).date()
        if await tx.sender_texts.take_room(sender_address_id, day, texts, limit=self._a_day):
            return None
        wait = day_began(day_began(at, self._zone) + _HALF_A_DAY_ON, self._zone) - at
        return TooManySms(sender, self._a_day, int(wait.total_seconds()) + 1)

    async def leave_out(self, tx: Transaction, sent: Sequence[Asked], found: Findings) -> None:
        """Leaves out the submissions whose texts are over the day's limit, of those that are not refused
        otherwise.
        """
        by_address: dict[UUID, list[Asked]] = defaultdict(list)
        for asked in sent:
            accepted = asked.key in found.permitted and asked.key not in found.refused
            if asked.submission.sms is not None and accepted:
                by_address[found.permitted[asked.key]].append(asked)
        for address_id in sorted(by_address):
            for asked in by_address[address_id]:
                sms, sender = asked.submission.sms, asked.submission.sender
                assert sms is not None
                over = await self.take(tx, address_id, sender, len(sms.phones), found.at)
                if over is not None:
                    found.excess[asked.key] = over
