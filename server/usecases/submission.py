"""How messages come in: the one way to submit, and what the reply waits for (POST-2, POST-8)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from server.domain import limits
from server.domain.deliveries import Submission
from server.domain.letters import Submitter
from server.domain.profile import Profile
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
)
from server.domain.sender_sms import TEXTS_A_DAY
from server.usecases.coalescing import Coalescer
from server.usecases.failures import frames_of
from server.usecases.intake import Accepted, Intake, Outcome
from server.usecases.outage_ports import SubmissionGate
from server.usecases.ports import Clock, Entropy, HostNames, Log, UnitOfWork
from server.usecases.receipts import receipts_in_time

__all__ = ["Accepted", "Outcome", "SubmissionDesk", "SubmitMany"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SubmitMany:
    """Submissions with their fields checked and in canonical form, each under another request id.

    `receipt_wait_seconds` is how long to wait for receipts at most, once all is committed; 0 asks for none.
    `reply_by` is when the reply must go out with or without them, on the event loop's clock.
    """

    caller: Submitter
    submissions: Sequence[Submission]
    receipt_wait_seconds: float
    reply_by: float = math.inf


class SubmissionDesk:
    """Takes submissions in.

    Calls at the same time share transactions (`coalescing`). A commit belongs to nobody who waits for it:
    cancelling a call leaves the transaction running, and `drain` waits for all such before the process ends.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log,
        profile: Profile,
        host_names: HostNames,
        refusals_per_minute: int = limits.REFUSALS_PER_MINUTE,
        offers_sms: bool = False,
        sms_a_day: int = TEXTS_A_DAY,
        gate: SubmissionGate | None = None,
    ) -> None:
        """`refusals_per_minute`, `offers_sms`, `sms_a_day`, `gate`: see `Intake`."""
        self._log = log
        intake = Intake(
            uow=uow,
            clock=clock,
            entropy=entropy,
            profile=profile,
            host_names=host_names,
            refusals_per_minute=refusals_per_minute,
            offers_sms=offers_sms,
            sms_a_day=sms_a_day,
            gate=gate,
        )
        self._coalescer = Coalescer(intake, log.wake)

    @property
    def held(self) -> int:
        """How many submissions wait or are being written."""
        return self._coalescer.held

    @property
    def room(self) -> int:
        """How many may at most."""
        return self._coalescer.room

    async def submit_many(self, command: SubmitMany) -> Sequence[Outcome]:
        """Gives each submission its outcome, in their order. The only way in: a single one is a list of one.

        When it returns, every Accepted is durable. Its receipts may be missing; that is no failure.

        Raises:
            InvalidFields: the batch as a whole is wrong; nothing was accepted.
            Overloaded: too much waits already; nothing was recorded.
            ServiceUnavailable: the outcome is unknown; repeat with the same request ids.
        """
        _check_batch(command.submissions)
        published = self._log.mark()
        outcomes = await self._coalescer.submit(command.caller, command.submissions)
        return await self._with_receipts(outcomes, command, published)

    async def drain(self) -> None:
        """Waits until no commit is under way. For the end of the process, when no calls come in any more."""
        await self._coalescer.drain()

    async def _with_receipts(
        self, outcomes: list[Outcome], command: SubmitMany, published: int
    ) -> list[Outcome]:
        documents = {
            fact.id: fact.data
            for outcome in outcomes
            if isinstance(outcome, Accepted)
            for fact in outcome.evidence
        }
        if not documents or command.receipt_wait_seconds <= 0:
            return outcomes
        try:
            receipts = await receipts_in_time(
                self._log,
                documents,
                wait_seconds=command.receipt_wait_seconds,
                reply_by=command.reply_by,
                since=None if any(_is_repeated(outcome) for outcome in outcomes) else published,
            )
        except Exception as failure:  # noqa: BLE001 - what is committed is accepted, whatever fails afterwards
            _log.warning(
                "no receipts after a commit", error=type(failure).__name__, frames=frames_of(failure)
            )
            return outcomes

        def complete(outcome: Outcome) -> Outcome:
            if not isinstance(outcome, Accepted):
                return outcome
            found = [receipts[fact.id] for fact in outcome.evidence if fact.id in receipts]
            if len(found) < len(outcome.evidence):
                return outcome
            request_id, delivery, evidence = outcome.request_id, outcome.delivery, outcome.evidence
            return Accepted(request_id, delivery, evidence, tuple(found), outcome.repeated)

        return [complete(outcome) for outcome in outcomes]


def _is_repeated(outcome: Outcome) -> bool:
    return isinstance(outcome, Accepted) and outcome.repeated


def _check_batch(submissions: Sequence[Submission]) -> None:
    if not 1 <= len(submissions) <= limits.BATCH_ITEMS:
        raise InvalidFields(
            [FieldProblem("submissions", "NUMBER_OF_ITEMS", f"must be 1 to {limits.BATCH_ITEMS} submissions")]
        )
    seen: set[str] = set()
    problems = []
    for index, submission in enumerate(submissions):
        if submission.request_id in seen:
            field = f"submissions[{index}].request_id"
            problems.append(FieldProblem(field, "REQUEST_ID_REPEATED", "stands in the batch before"))
        seen.add(submission.request_id)
    if problems:
        raise InvalidFields(problems)
