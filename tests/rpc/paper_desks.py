"""The use case of letters on paper, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from namak.evidence.events import (
    CONTENT_CONSIGNMENT,
    RECEIVED_FROM_NON_ERDS,
    SUBMISSION_ACCEPTANCE,
    WITHDRAWN,
)
from server.domain.deliveries import DeliveryState, Submission
from server.domain.paper_desk import PAPER_DESK_ID
from server.usecases.paper import PaperIntake, SubmitScannedLetter, WithdrawScannedLetter
from server.usecases.submission import Accepted
from server.usecases.withdrawal import Withdrawn
from tests.rpc.desk_samples import NOW, delivery_of, fact_of
from tests.rpc.serving import Serving


class PaperDesks(Serving):
    """Takes every letter; knows one delivery."""

    intake = property(lambda self: cast(PaperIntake, self))

    def statement(self) -> tuple[str, Sequence[tuple[str, str]]]:
        return "true-copy@1", [("hy", "Ճիշտ է"), ("en", "It is true")]

    async def submit(self, command: SubmitScannedLetter) -> Accepted:
        await self.serve(command, command.clerk)
        letter = Submission(
            command.request_id,
            "paper@e-citizen.am",
            command.recipient,
            command.subject,
            tuple(command.scans),
            paper=command.paper,
        )
        delivery = delivery_of(letter, PAPER_DESK_ID)
        told = (SUBMISSION_ACCEPTANCE, CONTENT_CONSIGNMENT, RECEIVED_FROM_NON_ERDS)
        return Accepted(command.request_id, delivery, tuple(fact_of(event, delivery.id) for event in told))

    async def withdraw(self, command: WithdrawScannedLetter) -> Withdrawn:
        await self.serve(command, command.clerk)
        self.check_known(command.delivery_id)
        delivery = replace(self.message().delivery, state=DeliveryState.WITHDRAWN, withdrawn_at=NOW)
        return Withdrawn(delivery, fact_of(WITHDRAWN, delivery.id), None)
