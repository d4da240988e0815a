"""Letters on paper come into mailboxes: a clerk's scans, by the same way in as all messages (BOX-11)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from namak.evidence.copy_statement import STATEMENTS
from namak.evidence.custody import CustodyFault, custody_problems
from server.domain.caller import Clerk
from server.domain.deliveries import Part, Submission
from server.domain.paper_desk import PaperDesk, PaperOrigin
from server.domain.profile import Profile
from server.domain.refusals import FieldProblem, InvalidFields
from server.domain.scans import SCAN_FAULTS, ScanFault
from server.usecases.ports import Clock
from server.usecases.submission import Outcome, SubmissionDesk, SubmitMany
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery, Withdrawn

_FIELDS = {
    CustodyFault.NOT_RECEIVED: "act",
    CustodyFault.OUT_OF_PLACE: "act",
    CustodyFault.TIMES_REVERSED: "time",
    CustodyFault.TIME_IN_FUTURE: "time",
    CustodyFault.DIGEST_MISMATCH: "digest",
}
_WORDS = {
    CustodyFault.NOT_RECEIVED: "must begin with the paper's receipt",
    CustodyFault.NOT_SCANNED: "must have the scanning among the steps",
    CustodyFault.OUT_OF_PLACE: "can't come here, or not again",
    CustodyFault.TIMES_REVERSED: "must not be earlier than the step before it",
    CustodyFault.TIME_IN_FUTURE: "must not be in the future",
    CustodyFault.DIGEST_MISMATCH: "is not the digest of the steps so far and the scans",
}


class ScanReader(Protocol):
    """Reads files that are said to be scans, whatever they do to whoever reads them."""

    async def fault(self, content: bytes, media_type: str) -> ScanFault | None:
        """Returns why the file is not what it says; None where it is.

        Raises:
            Overloaded: too many others wait.
        """
        ...


@dataclass(frozen=True, slots=True)
class SubmitScannedLetter:
    """A letter with its fields checked, each by itself. `receipt_wait_seconds` and `reply_by` are those of
    `SubmitMany`.
    """

    clerk: Clerk
    request_id: str
    recipient: str
    subject: str
    scans: Sequence[Part]
    paper: PaperOrigin
    receipt_wait_seconds: float
    reply_by: float = math.inf


@dataclass(frozen=True, slots=True)
class WithdrawScannedLetter:
    """`receipt_wait_seconds` and `reply_by` are those of `WithdrawDelivery`."""

    clerk: Clerk
    request_id: str
    delivery_id: UUID
    receipt_wait_seconds: float
    reply_by: float = math.inf


class PaperIntake:
    """Takes in letters on paper from clerks, and withdraws them."""

    def __init__(
        self,
        *,
        submissions: SubmissionDesk,
        withdrawal: Withdrawal,
        scans: ScanReader,
        clock: Clock,
        profile: Profile,
    ) -> None:
        self._submissions = submissions
        self._withdrawal = withdrawal
        self._scans = scans
        self._clock = clock
        self._profile = profile

    def statement(self) -> tuple[str, Sequence[tuple[str, str]]]:
        """Returns the version of the statement in force, and its sentence in each of the jurisdiction's
        languages, the governing one first.
        """
        version = self._profile.copy_statement
        return version, [(language, STATEMENTS[version][language]) for language in self._profile.languages]

    async def submit(self, command: SubmitScannedLetter) -> Outcome:
        """Submits a letter. When it returns Accepted, that is durable; its receipts may be missing.

        Raises:
            InvalidFields: a scan is not what it says, or the chain of custody does not hold.
            Overloaded: too much waits already; nothing was recorded.
            ServiceUnavailable: the outcome is unknown; repeat with the same request id.
        """
        # Reading files costs; what is wrong besides is told first.
        if problems := self._custody_problems(command) or await self._scan_problems(command.scans):
            raise InvalidFields(problems)
        desk = PaperDesk.of(command.clerk.connection, self._profile)
        submission = Submission(
            request_id=command.request_id,
            sender=desk.address,
            recipient=command.recipient,
            subject=command.subject,
            parts=tuple(command.scans),
            paper=command.paper,
        )
        (outcome,) = await self._submissions.submit_many(
            SubmitMany(desk, [submission], command.receipt_wait_seconds, command.reply_by)
        )
        return outcome

    async def withdraw(self, command: WithdrawScannedLetter) -> Withdrawn:
        """Withdraws a scanned letter that nobody has opened.

        Raises:
            What `Withdrawal.withdraw` raises.
        """
        return await self._withdrawal.withdraw(
            WithdrawDelivery(
                PaperDesk.of(command.clerk.connection, self._profile),
                command.request_id,
                command.delivery_id,
                command.receipt_wait_seconds,
                command.reply_by,
            )
        )

    def _custody_problems(self, command: SubmitScannedLetter) -> list[FieldProblem]:
        digests = [scan.info.digest for scan in command.scans]
        return [
            FieldProblem(
                "custody" if problem.step is None else f"custody[{problem.step}].{_FIELDS[problem.fault]}",
                problem.fault.value,
                _WORDS[problem.fault],
            )
            for problem in custody_problems(command.paper.custody, digests, self._clock.now())
        ]

    async def _scan_problems(self, scans: Sequence[Part]) -> list[FieldProblem]:
        problems = []
        for index, scan in enumerate(scans):
            fault = await self._scans.fault(scan.content, scan.info.media_type)
            if fault is not None:
                problems.append(FieldProblem(f"scans[{index}].content", fault.value, SCAN_FAULTS[fault]))
        return problems
