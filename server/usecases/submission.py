"""How messages come in: the one way to submit, and what the reply waits for (POST-2, POST-8)."""

import asyncio
import math
import traceback
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from server.domain import limits
from server.domain.caller import Sender
from server.domain.deliveries import Submission
from server.domain.profile import Profile
from server.domain.refusals import (
    FieldProblem,
    InternalFault,
    InvalidFields,
    Refused,
    ServiceUnavailable,
)
from server.usecases.intake import Accepted, Intake, Outcome
from server.usecases.ports import Clock, Entropy, Log, UnitOfWork
from server.usecases.receipts import receipts_in_time

__all__ = ["Accepted", "Outcome", "SubmissionDesk", "SubmitMany"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SubmitMany:
    """Submissions with their fields checked and in canonical form, each under another request id.

    `receipt_wait_seconds` is how long to wait for receipts at most, once all is committed; 0 asks for none.
    `reply_by` is when the reply must go out with or without them, on the event loop's clock.
    """

    caller: Sender
    submissions: Sequence[Submission]
    receipt_wait_seconds: float
    reply_by: float = math.inf


class SubmissionDesk:
    """Takes submissions in.

    A commit belongs to nobody who waits for it: cancelling a call leaves the transaction running, and `drain`
    waits for all such before the process ends.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log,
        profile: Profile,
        refusals_per_minute: int = limits.REFUSALS_PER_MINUTE,
    ) -> None:
        """`refusals_per_minute`: see `Intake`."""
        self._log = log
        self._intake = Intake(
            uow=uow,
            clock=clock,
            entropy=entropy,
            profile=profile,
            refusals_per_minute=refusals_per_minute,
        )
        self._commits: set[asyncio.Task[list[Outcome]]] = set()

    async def submit_many(self, command: SubmitMany) -> Sequence[Outcome]:
        """Gives each submission its outcome, in their order. The only way in: a single one is a list of one.

        When it returns, every Accepted is durable. Its receipts may be missing; that is no failure.

        Raises:
            InvalidFields: the batch as a whole is wrong; nothing was accepted.
            ServiceUnavailable: the outcome is unknown; repeat with the same request ids.
        """
        _check_batch(command.submissions)
        outcomes = await self._apart(self._submit(command.caller, command.submissions))
        return await self._with_receipts(outcomes, command)

    async def drain(self) -> None:
        """Waits until no commit is under way. For the end of the process, when no calls come in any more."""
        while self._commits:
            await asyncio.wait(self._commits)

    async def _apart(self, work: Coroutine[Any, Any, list[Outcome]]) -> list[Outcome]:
        """Runs work that the caller's cancellation does not reach."""
        task = asyncio.create_task(work)
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        try:
            # Unlike awaiting the task itself, this leaves it alone when the caller is cancelled.
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.add_done_callback(_note_failure)
            raise
        return task.result()

    async def _submit(self, caller: Sender, submissions: Sequence[Submission]) -> list[Outcome]:
        try:
            return await self._write(caller, submissions)
        except ServiceUnavailable:
            # Nobody's fault in the batch: the outcome of all is unknown, and repeating tells it.
            raise
        except Exception as failure:
            if len(submissions) == 1:
                raise
            _warn("a shared write failed; each submission is tried alone", caller, failure)
        return [await self._submit_alone(caller, submission) for submission in submissions]

    async def _submit_alone(self, caller: Sender, submission: Submission) -> Outcome:
        try:
            (outcome,) = await self._write(caller, [submission])
        except Refused as refused:
            return refused
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is this item's alone
            # Not the request id: it is the sender's text, and may tell who the recipient is.
            _warn("a submission failed", caller, failure)
            return InternalFault()
        return outcome

    async def _write(self, caller: Sender, submissions: Sequence[Submission]) -> list[Outcome]:
        outcomes = await self._intake.take_in(caller, submissions)
        self._log.wake()
        return outcomes

    async def _with_receipts(self, outcomes: list[Outcome], command: SubmitMany) -> list[Outcome]:
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
            )
        except Exception as failure:  # noqa: BLE001 - what is committed is accepted, whatever fails afterwards
            _log.warning("no receipts after a commit", error=type(failure).__name__, frames=_frames(failure))
            return outcomes

        def complete(outcome: Outcome) -> Outcome:
            if not isinstance(outcome, Accepted):
                return outcome
            found = [receipts[fact.id] for fact in outcome.evidence if fact.id in receipts]
            return replace(outcome, receipts=tuple(found) if len(found) == len(outcome.evidence) else ())

        return [complete(outcome) for outcome in outcomes]


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


def _warn(event: str, caller: Sender, failure: Exception) -> None:
    _log.error(
        event,
        organisation_id=str(caller.organisation_id),
        error=type(failure).__name__,
        frames=_frames(failure),
    )


def _frames(failure: BaseException) -> list[str]:
    # Where it happened, without the exception's own text: a database puts the row's values in there.
    return traceback.format_tb(failure.__traceback__)


def _note_failure(task: "asyncio.Task[list[Outcome]]") -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.error(
            "a commit failed after its caller had left", error=type(failure).__name__, frames=_frames(failure)
        )
