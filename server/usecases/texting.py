"""Sends texts as short messages: cuts them into segments, and keeps which of them a centre has taken."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from server.domain.sms import Segment, SentSegment, TextKind, identifier, phone_ending, segments
from server.usecases.ports import Clock, UnitOfWork
from server.usecases.sms_ports import SmsNotSent, SmsRoute


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text to a phone.

    Attributes:
        id: the text's identifier; tried again it is the same, and so are its segments.
        kind: whose it is.
        phone: the number, as E.164 writes it.
        body: what it says, the same whenever it is tried.
    """

    id: UUID
    kind: TextKind
    phone: str = field(repr=False)
    body: str = field(repr=False)


class Texting:
    """Sends texts."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, route: SmsRoute) -> None:
        self._uow = uow
        self._clock = clock
        self._route = route

    async def send(self, text: OutgoingText) -> None:
        """Hands over whatever segments of a text no centre has taken yet.

        When it returns, a centre answers for all of them. What was taken is kept, so that another try sends
        the others only. Where a link breaks before the centre's answer, or a worker is killed before it kept
        that, a segment may come twice.

        Raises:
            SmsNotSent: some were not taken; for good where one never will be.
        """
        cut = segments(text.body, text.id.bytes[-1])
        async with self._uow.reading() as tx:
            taken = {each.number for each in await tx.sms_segments.of_text(text.id)}
        missing = [each for each in cut if each.number not in taken]
        answers = await asyncio.gather(
            *(self._route.submit(text.phone, each, reports=True) for each in missing), return_exceptions=True
        )
        sent = [
            self._kept(text, segment, answer)
            for segment, answer in zip(missing, answers, strict=True)
            if isinstance(answer, str)
        ]
        if sent:
            async with self._uow.writing() as tx:
                await tx.sms_segments.add(sent)
                await tx.commit()
        _raise_worst([each for each in answers if isinstance(each, BaseException)])

    async def send_unkept(self, phone: str, body: str, reference: int) -> None:
        """Sends a text of which nobody asks what becomes of it. Raises SmsNotSent."""
        answers = await asyncio.gather(
            *(self._route.submit(phone, each, reports=False) for each in segments(body, reference)),
            return_exceptions=True,
        )
        _raise_worst([each for each in answers if isinstance(each, BaseException)])

    def _kept(self, text: OutgoingText, segment: Segment, centre_id: str) -> SentSegment:
        return SentSegment(
            text_id=text.id,
            number=segment.number,
            total=segment.total,
            kind=text.kind,
            centre_id=identifier(centre_id) if centre_id else "",
            ending=phone_ending(text.phone),
            sent_at=self._clock.now(),
        )


def _raise_worst(failures: list[BaseException]) -> None:
    """Raises what matters most: a defect, a refusal for good, anything else."""
    for failure in failures:
        if not isinstance(failure, SmsNotSent):
            raise failure
    for failure in sorted(failures, key=lambda each: not (isinstance(each, SmsNotSent) and each.for_good)):
        raise failure
