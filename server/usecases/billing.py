"""What senders used, read from what was accepted: nothing is counted while submissions come in (ADMIN-5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.administration import ActingAdministrator
from server.domain.caller import Operator, Sender
from server.domain.fields import Malformed
from server.domain.local_days import Stretch, stretches
from server.domain.profile import Profile
from server.domain.refusals import FieldProblem, InvalidFields, NotFound, ResourceNotPermitted
from server.domain.usage import UsageReport, UsageRow
from server.usecases.administration import check_right
from server.usecases.ports import UnitOfWork

STRETCHES_AT_ONCE: Final = 7
"""One statement counts so many stretches of days, so that no question takes too long for one."""


@dataclass(frozen=True, slots=True)
class AskUsage:
    """Asks for the usage of the days from `first` to `last`, both inclusive.

    `sender` is an address in canonical form, None for all.
    """

    by: Operator | ActingAdministrator | Sender
    organisation_id: UUID | None
    sender: str | None
    first: date
    last: date


class Billing:
    """Tells what an organisation used."""

    def __init__(self, *, uow: UnitOfWork, profile: Profile) -> None:
        self._uow = uow
        self._zone = ZoneInfo(profile.time_zone)

    async def usage(self, asked: AskUsage) -> UsageReport:
        """Returns what an organisation used, all its addresses together or one of them.

        A sender bound to one permission gets what was sent under that alone.

        Raises:
            InvalidFields: the days make no sense, or the operator names no organisation.
            NotFound: the operator named an organisation that does not exist.
            ResourceNotPermitted: another named one that is not theirs, or that does not exist.
        """
        organisation_id = _organisation(asked)
        days = days_asked_for(asked.first, asked.last, self._zone)
        permission = asked.by.sender_address_id if isinstance(asked.by, Sender) else None
        rows: list[UsageRow] = []
        async with self._uow.reading() as tx:
            if not isinstance(asked.by, Sender):
                await check_right(tx, asked.by)
            if await tx.organisations.get(organisation_id) is None:
                raise NotFound("organisation", str(organisation_id))
            for some in in_portions(days):
                rows += await tx.usage.accepted(
                    organisation_id, some, sender=asked.sender, sender_address_id=permission
                )
                rows += await tx.usage.texts(
                    organisation_id, some, sender=asked.sender, sender_address_id=permission
                )
        return UsageReport.of(self._zone.key, rows)


def days_asked_for(first: date, last: date, zone: ZoneInfo) -> tuple[Stretch, ...]:
    """Returns the stretches of the days. Raises `InvalidFields`, naming the field that is wrong."""
    try:
        return stretches(first, last, zone)
    except Malformed as problem:
        raise InvalidFields([FieldProblem("end_date", problem.reason, problem.text)]) from None


def in_portions(days: Sequence[Stretch]) -> Iterator[Sequence[Stretch]]:
    """Yields the stretches in portions of `STRETCHES_AT_ONCE`."""
    for begin in range(0, len(days), STRETCHES_AT_ONCE):
        yield days[begin : begin + STRETCHES_AT_ONCE]


def _organisation(asked: AskUsage) -> UUID:
    """Returns whose usage the caller asks for and may see."""
    match asked.by:
        case Operator():
            if asked.organisation_id is None:
                problem = FieldProblem("organisation_id", "REQUIRED", "must name the organisation")
                raise InvalidFields([problem])
            return asked.organisation_id
        case Sender(organisation_id=own) | ActingAdministrator(organisation_id=own):
            if asked.organisation_id not in (None, own):
                raise ResourceNotPermitted("organisation")
            return own
