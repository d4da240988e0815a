"""Confirming by phone, in memory, just rich enough to see what the edge hands in and gives back."""

from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

from server.usecases.phone_confirmation import (
    CompleteConfirmationByPhone,
    PhoneConfirmationDesk,
    StartConfirmationByPhone,
    StartedConfirmation,
)
from server.usecases.reading import ConfirmedReading, ConfirmReading, IssueStatement
from server.usecases.sign_in_proofs import Pending
from tests.rpc.desk_samples import KNOWN_DELIVERY
from tests.rpc.desks import Desks

CODE = "1234"
COMPARED = UUID("0192f0c3-0000-7000-8000-00000000000c")
"""A delivery whose digits are compared; those of all others are entered."""


class PhoneDesk:
    """Serves as `Desks` does, and leaves what came in its `commands`. Who enters no digits waits."""

    def __init__(self, desks: Desks) -> None:
        self._desks = desks

    async def start(self, command: StartConfirmationByPhone) -> StartedConfirmation:
        """Starts one that can be answered for two minutes."""
        statement = await self._desks.issue_statement(IssueStatement(command.holder, command.delivery_id))
        self._desks.commands.append(command)
        compared = command.delivery_id == COMPARED
        return StartedConfirmation(
            uuid4(),
            statement,
            statement.issued_at + timedelta(minutes=2),
            CODE if compared else None,
            code_required=not compared,
        )

    async def complete(self, command: CompleteConfirmationByPhone) -> ConfirmedReading | Pending:
        """Confirms, or waits."""
        confirming = ConfirmReading(command.holder, KNOWN_DELIVERY, uuid4(), b"cms")
        confirmed = await self._desks.confirm_reading(confirming)
        self._desks.commands.append(command)
        if command.code is None:
            return Pending(confirmed.message.delivery.submitted_at)
        return confirmed


def phone_desk(desks: Desks) -> PhoneConfirmationDesk:
    """Returns the desk, as the servicer wants it."""
    return cast(PhoneConfirmationDesk, PhoneDesk(desks))
