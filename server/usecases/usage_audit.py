"""Recounts usage from the evidence: a bill that differs from the evidence is wrong (ADMIN-5)."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from namak.evidence import events
from namak.evidence.as_written import document_as_written
from namak.evidence.details_sms import SmsAcceptedDetails
from namak.evidence.document import EvidenceDocument, entry_of
from namak.evidence.errors import EvidenceError
from namak.evidence.events import Event
from server.domain.ids import ID_MARGIN, first_id
from server.domain.local_days import Stretch
from server.domain.profile import Profile
from server.domain.refusals import NotFound
from server.domain.usage import SETTLING, CountedAcceptances, Usage, UsageDifference, UsageFindings
from server.usecases.billing import days_asked_for, in_portions
from server.usecases.ports import Clock, UnitOfWork
from server.usecases.records import UsageFact

FACTS_AT_ONCE: Final = 1000

_Key = tuple[UUID, date, str]
"""Organisation, local day, sender address."""

_Counts = Mapping[_Key, Usage]

_ACCEPTED = Usage(accepted=1)
_WITHDRAWN = Usage(withdrawn=1)
_TEXT = Usage(sms=1)
"""With the segments that its evidence names."""


Recognise = Callable[[bytes], tuple[str, datetime] | None]
"""Returns a submission's sender address and time from evidence of its acceptance; None where that has to be
read, which is what it must give back too.
"""


def unrecognised(_data: bytes) -> None:
    """Recognises nothing."""


def unobserved(_facts: int) -> None:
    """Watches no progress."""


@dataclass
class _Recount:
    """What the evidence says so far."""

    counts: defaultdict[_Key, Usage]
    facts: int = 0
    unlogged: int = 0
    corrupt: tuple[UUID, ...] = ()


class UsageAudit:
    """Recounts usage from the documents of the evidence, whose digests stand in the log."""

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, profile: Profile, recognise: Recognise = unrecognised
    ) -> None:
        """`recognise` says what usage is counted by, of evidence that need not be read for it."""
        self._recognise = recognise
        self._uow = uow
        self._clock = clock
        self._zone = ZoneInfo(profile.time_zone)

    async def run(
        self,
        first: date,
        last: date,
        organisation_id: UUID | None = None,
        *,
        accepted: CountedAcceptances | None = None,
        on_progress: Callable[[int], None] = unobserved,
    ) -> UsageFindings:
        """Compares the usage of these local days, both inclusive, of one organisation or of all.

        `on_progress` is told how many pieces of evidence were read so far. What is accepted meanwhile, or was
        within the last minute, is left out on both sides. What is withdrawn meanwhile may look like a
        difference; so whatever was found is looked at once more, and told only if it stays. Acceptances that
        were counted before are not read, unless something differs.

        Raises:
            InvalidFields: the days make no sense.
            NotFound: there is no such organisation.
        """
        asked = days_asked_for(first, last, self._zone)
        days = until(asked, self._clock.now() - SETTLING if accepted is None else accepted.until)
        recount, differences = await self._compare(days, organisation_id, on_progress, accepted)
        if differences and accepted is not None:
            recount, differences = await self._compare(days, organisation_id, on_progress)
        if differences:
            recount, again = await self._compare(days, organisation_id, on_progress)
            differences = [each for each in differences if each in again]
        return UsageFindings(recount.facts, tuple(differences), recount.unlogged, recount.corrupt)

    async def _compare(
        self,
        days: Sequence[Stretch],
        organisation_id: UUID | None,
        on_progress: Callable[[int], None],
        accepted: CountedAcceptances | None = None,
    ) -> tuple[_Recount, list[UsageDifference]]:
        recount = await self._recount(days, organisation_id, on_progress, accepted)
        billed = await self._billed(days, organisation_id)
        return recount, _differences(billed, recount.counts)

    async def _billed(self, days: Sequence[Stretch], organisation_id: UUID | None) -> _Counts:
        counts: defaultdict[_Key, Usage] = defaultdict(Usage)
        async with self._uow.reading() as tx:
            organisations = await tx.usage.organisations()
        if organisation_id is not None:
            if organisation_id not in organisations:
                raise NotFound("organisation", str(organisation_id))
            organisations = [organisation_id]
        for each in organisations:
            for some in in_portions(days):
                async with self._uow.reading() as tx:
                    rows = [
                        *await tx.usage.accepted(each, some, sender=None, sender_address_id=None),
                        *await tx.usage.texts(each, some, sender=None, sender_address_id=None),
                    ]
                for row in rows:
                    counts[each, row.day, row.sender] += row.usage
        return counts

    async def _recount(
        self,
        days: Sequence[Stretch],
        organisation_id: UUID | None,
        on_progress: Callable[[int], None],
        accepted: CountedAcceptances | None,
    ) -> _Recount:
        recount = _Recount(defaultdict(Usage))
        if not days:
            return recount
        if accepted is not None:
            known = {each.day for each in days}
            for key, count in accepted.counts.items():
                if key[1] in known and organisation_id in (None, key[0]):
                    recount.counts[key] += Usage(accepted=count)
                    recount.facts += count
        after, before = days[0].start - ID_MARGIN, days[-1].end + ID_MARGIN
        for event, usage, until_time in (
            (events.SUBMISSION_ACCEPTANCE, _ACCEPTED, before),
            (events.SMS_ACCEPTED, _TEXT, before),
            # Of these days' deliveries, but on whatever day since.
            (events.WITHDRAWN, _WITHDRAWN, self._clock.now() + ID_MARGIN),
        ):
            if accepted is not None and event == events.SUBMISSION_ACCEPTANCE:
                continue
            async for found in self._facts(event, organisation_id, after, until_time):
                self._count(recount, found, days, usage)
                if recount.facts % FACTS_AT_ONCE == 0:
                    on_progress(recount.facts)
        return recount

    def _count(self, recount: _Recount, fact: UsageFact, days: Sequence[Stretch], usage: Usage) -> None:
        recount.facts += 1
        entry = entry_of(fact.data)
        if fact.logged_entry is None:
            recount.unlogged += 1
        elif fact.logged_entry != entry or fact.entry != entry:
            recount.corrupt = (*recount.corrupt, fact.id)
        found = self._recognise(fact.data)
        if found is not None:
            sender, submitted = found
        else:
            try:
                document = document_as_written(fact.data) or EvidenceDocument.parse(fact.data)
            except EvidenceError:
                # It counts for nobody, and so it is told as a difference too, if it was billed.
                recount.corrupt = tuple(dict.fromkeys((*recount.corrupt, fact.id)))
                return
            sender, submitted = document.sender.identifier, document.submission_time
            if isinstance(document.details, SmsAcceptedDetails):
                usage += Usage(sms_segments=document.details.segments)
        day = _day_of(submitted, days)
        if day is not None:
            recount.counts[fact.organisation_id, day, sender] += usage

    async def _facts(
        self, event: Event, organisation_id: UUID | None, after: datetime, before: datetime
    ) -> AsyncIterator[UsageFact]:
        position, end = first_id(after), first_id(before)
        while True:
            async with self._uow.reading() as tx:
                found = await tx.usage.facts(
                    event, organisation_id, after=position, before=end, limit=FACTS_AT_ONCE
                )
            for each in found:
                yield each
            if len(found) < FACTS_AT_ONCE:
                return
            position = found[-1].id


def until(days: Sequence[Stretch], end: datetime) -> tuple[Stretch, ...]:
    """Returns the stretches as far as they lie before a time."""
    return tuple(Stretch(each.day, each.start, min(each.end, end)) for each in days if each.start < end)


def _day_of(at: datetime, days: Sequence[Stretch]) -> date | None:
    place = bisect_right(days, at, key=lambda each: each.start) - 1
    return days[place].day if place >= 0 and at < days[place].end else None


def _differences(billed: _Counts, evidenced: _Counts) -> list[UsageDifference]:
    nothing = Usage()
    return [
        UsageDifference(*key, billed.get(key, nothing), evidenced.get(key, nothing))
        for key in sorted({*billed, *evidenced})
        if billed.get(key, nothing) != evidenced.get(key, nothing)
    ]
