"""What print houses report of letters, what evidence holds of it, and what is told of it later."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from namak.evidence.details import Details
from namak.evidence.details_outside import (
    LetterHandedOverDetails,
    LetterPostedDetails,
    LetterPrintedDetails,
    LetterRefusedDetails,
    LetterReturnedDetails,
)
from namak.evidence.document import EvidenceDocument
from namak.evidence.times import format_time
from server.domain.caller import PrintHouse
from server.domain.facts import Fact
from server.domain.letter_orders import LetterOrder, LetterReport, LetterState, Report
from server.domain.refusals import RequestIdReused
from server.usecases.ports import Transaction
from server.usecases.records import Claim


@dataclass(frozen=True, slots=True)
class ReportLetter:
    """What a print house says has happened, in form.

    Attributes:
        at: when, as the house says.
        file: the SHA-256 of what was printed; with PRINTED.
        tracking: the post's number; with POSTED, and with what comes after it where the house knows it.
        receiver: who took it; with HANDED_OVER.
        scan: the SHA-256 of the scan of the post's receipt or note, where there is one.
        cause: why, in the post's word, where there is one.
    """

    house: PrintHouse
    request_id: str
    letter_id: UUID
    report: Report
    at: datetime
    file: bytes | None = None
    tracking: str | None = None
    receiver: str | None = None
    scan: bytes | None = None
    cause: str | None = None

    def digest(self) -> bytes:
        """Returns the SHA-256 of what the request id stands for; each field is preceded by its length."""
        fields = [
            self.letter_id.bytes,
            self.report.value.encode(),
            format_time(self.at).encode(),
            self.file or b"",
            (self.tracking or "").encode(),
            (self.receiver or "").encode(),
            self.scan or b"",
            (self.cause or "").encode(),
        ]
        digest = hashlib.sha256(b"namak-letter-report/1\x00")
        for field in fields:
            digest.update(len(field).to_bytes(8, "big"))
            digest.update(field)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was taken, with what its evidence holds of what the print house said."""

    report: LetterReport
    details: Details

    @property
    def state(self) -> LetterState:
        """How far the letter came by it."""
        # A report's name is the state that it leads to.
        return LetterState(self.report.report.value)


def reported(report: LetterReport, fact: Fact) -> Reported:
    """Returns a report with what its evidence holds."""
    return Reported(report, EvidenceDocument.parse(fact.data).details)


async def all_reported(tx: Transaction, letters: Collection[UUID]) -> Mapping[UUID, tuple[Reported, ...]]:
    """Returns what was reported of these letters, each in its order; nothing of letters without any."""
    reports = await tx.letter_orders.reports(letters)
    facts = await tx.evidence.get([each.evidence_id for those in reports.values() for each in those])
    return {
        letter: tuple(reported(each, facts[each.evidence_id]) for each in those)
        for letter, those in reports.items()
    }


async def claimed(tx: Transaction, command: ReportLetter) -> Reported | None:
    """Claims the request id; returns what came of it the first time, if it was claimed before. Raises
    RequestIdReused.
    """
    claim = Claim(command.request_id, command.digest(), command.letter_id)
    earlier = (await tx.claims.claim(command.house.print_house_id, [claim])).get(command.request_id)
    if earlier is None:
        return None
    if earlier.digest != claim.digest:
        raise RequestIdReused(command.request_id)
    taken = (await all_reported(tx, [command.letter_id]))[command.letter_id]
    (found,) = [each for each in taken if each.report.report is command.report]
    return found


def details_of(command: ReportLetter, order: LetterOrder) -> Callable[[str], Details]:
    """Returns what makes that which evidence holds of a report, of the hex digest of the message's
    ContentConsignment.
    """
    step = order.step if order.by_ladder else None
    scan = None if command.scan is None else command.scan.hex()

    def made(consignment: str) -> Details:
        match command.report:
            case Report.PRINTED:
                return LetterPrintedDetails(consignment, step, command.at, file=order.file.hex())
            case Report.POSTED:
                return LetterPostedDetails(consignment, step, command.at, tracking=order.tracking)
            case Report.HANDED_OVER:
                return LetterHandedOverDetails(
                    consignment, step, command.at, order.tracking, command.receiver, scan
                )
            case Report.REFUSED:
                return LetterRefusedDetails(
                    consignment, step, command.at, order.tracking, command.cause, scan
                )
            case Report.RETURNED:
                return LetterReturnedDetails(consignment, step, command.at, order.tracking, command.cause)

    return made
