"""What senders used, read from what was accepted: nothing is counted while submissions come in (ADMIN-5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.caller import Holder, Operator, Sender
from server.domain.fields import Malformed
from server.domain.local_days import Stretch, stretches
from server.domain.profile import Profile
from server.domain.refusals import FieldProblem, InvalidFields, NotFound, ResourceNotPermitted
from server.domain.usage import UsageReport, UsageRow
from server.usecases.ports import UnitOfWork

STRETCHES_AT_ONCE: Final = 31
"""One statement counts so many stretches of days, so that no question takes too long for one."""


@dataclass(frozen=True, slots=True)
class AskUsage:
    """Asks for the usage of the days from `first` to `last`, both inclusive.

    `acting_as` is the organisation that an administrator acts for, None for others. `sender` is an address in
    canonical form, None for all.
    """

    caller: Operator | Holder | Sender
    acting_as: UUID | None
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
            InvalidFields: the days make no sense; or nobody, or two organisations, are named.
            NotFound: the operator named an organisation that does not exist.
            ResourceNotPermitted: another named one that is not theirs, or that does not exist.
        """
        organisation_id = _organisation(asked)
        days = days_asked_for(asked.first, asked.last, self._zone)
        permission = asked.caller.sender_address_id if isinstance(asked.caller, Sender) else None
        rows: list[UsageRow] = []
        async with self._uow.reading() as tx:
            if await tx.organisations.get(organisation_id) is None:
                raise NotFound("organisation", str(organisation_id))
            for some in in_portions(days):
                rows += await tx.usage.accepted(
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
    match asked.caller:
        case Operator():
            _check_nobody_acts(asked)
            if asked.organisation_id is None:
                raise InvalidFields(
                    [FieldProblem("organisation_id", "MISSING", "must name the organisation")]
                )
            return asked.organisation_id
        case Sender():
            _check_nobody_acts(asked)
            return _same(asked.caller.organisation_id, asked.organisation_id)
        case Holder():
            if asked.acting_as is None:
                raise InvalidFields(
                    [FieldProblem("acting_as", "MISSING", "must name the organisation that you act for")]
                )
            if asked.acting_as not in asked.caller.administers:
                raise ResourceNotPermitted("organisation")
            return _same(asked.acting_as, asked.organisation_id)


def _same(own: UUID, named: UUID | None) -> UUID:
    if named not in (None, own):
        raise ResourceNotPermitted("organisation")
    return own


def _check_nobody_acts(asked: AskUsage) -> None:
    if asked.acting_as is not None:
        raise InvalidFields(
            [FieldProblem("acting_as", "NOT_AN_ADMINISTRATOR", "is for administrators alone")]
        )
