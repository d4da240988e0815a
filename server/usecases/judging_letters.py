"""Judges holders' letters inside the transaction that will record them (BOX-9)."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.letters import Correspondent, day_began, judge_recipient, judge_writer
from server.domain.profile import Correspondence
from server.domain.refusals import Refused, TooManyLetters
from server.usecases.asked import Asked
from server.usecases.findings import Findings, mailbox_refusal
from server.usecases.ports import Transaction

_DAY = timedelta(days=1)


class LetterJudge:
    """Says of holders' letters who is refused why.

    The holder's own mailbox is locked as well as the recipient's: so it can't be closed meanwhile, and no two
    letters of one holder are counted at the same moment.
    """

    def __init__(self, rules: Correspondence, zone: ZoneInfo) -> None:
        """Letters are counted for days of the zone."""
        self._rules = rules
        self._zone = zone

    async def judge(self, tx: Transaction, letters: Sequence[Asked], found: Findings) -> None:
        """Adds its judgement to what was found; the mailboxes are locked."""
        by_writer: dict[UUID, list[Asked]] = {}
        for asked in letters:
            by_writer.setdefault(asked.key[0], []).append(asked)
        for own_id, of_one in by_writer.items():
            writer = of_one[0].caller
            assert isinstance(writer, Correspondent)
            found.parties[own_id] = writer.party()
            for asked in of_one:
                found.permitted[asked.key] = own_id
                if why := self._refusal(writer, asked.submission.recipient, found):
                    found.refused[asked.key] = why
            await self._limit(tx, own_id, of_one, found)

    def _refusal(self, writer: Correspondent, to: str, found: Findings) -> Refused | None:
        own, recipient = found.mailboxes.get(writer.address), found.mailboxes.get(to)
        return (
            judge_writer(own[0] if own else None, writer.address, self._rules)
            or (judge_recipient(recipient[0]) if recipient else None)
            or mailbox_refusal(found.mailboxes, to, self._rules.confirmed_profile)
        )

    async def _limit(self, tx: Transaction, own_id: UUID, of_one: Sequence[Asked], found: Findings) -> None:
        """Leaves out what is over the day's limit. Refused letters count: each leaves evidence too."""
        began = day_began(found.at, self._zone)
        written = await tx.deliveries.count_sent_since(own_id, began)
        written += await tx.refusals.count_since(own_id, began)
        over = of_one[max(self._rules.letters_a_day - written, 0) :]
        if over:
            wait = day_began(began + _DAY + _DAY / 2, self._zone) - found.at
            for asked in over:
                found.excess[asked.key] = TooManyLetters(
                    self._rules.letters_a_day, int(wait.total_seconds()) + 1
                )
