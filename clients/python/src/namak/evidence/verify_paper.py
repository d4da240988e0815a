"""Verifies the evidence of letters that came on paper: that the chain of custody leads to exactly the scans
that were delivered, and that the operator's statement is one of its own sentences.

What the paper was, and who wrote it, no receipt can prove.
"""

from collections.abc import Mapping

from namak.evidence import events
from namak.evidence.copy_statement import is_genuine
from namak.evidence.custody import CustodyFault, CustodyProblem, custody_problems
from namak.evidence.details_paper import PaperDetails
from namak.evidence.report import Receipt
from namak.evidence.times import format_time
from namak.evidence.verify_confirmation import check_named


def check_paper(receipt: Receipt, given: Mapping[str, Receipt]) -> None:
    """Notes on ``receipt``, which holds a ReceivedFromNonERDS, whether what it says of the paper holds."""
    fact = receipt.fact
    if fact is None or not isinstance(fact.document.details, PaperDetails):
        raise ValueError("the receipt does not hold evidence of a letter on paper")
    document, details = fact.document, fact.document.details
    scans = [part.digest for part in document.parts[1:]]
    problems = custody_problems(details.custody, scans, document.event_time)
    since, steps = format_time(details.custody[0].time), len(details.custody)
    receipt.settle(
        "custody",
        [_words(problem) for problem in problems],
        f"the {steps} steps of custody lead from the paper's receipt at {since} to exactly these scans",
    )
    statement = details.copy_statement
    receipt.settle(
        "copy",
        []
        if is_genuine(statement)
        else [f"the operator's statement is not the sentence of {statement.version}"],
        f"the operator states of the scans what {statement.version} says, word for word",
    )
    check_named(receipt, fact, given, "consignment", details.consignment, events.CONTENT_CONSIGNMENT)


def _words(problem: CustodyProblem) -> str:
    number = 0 if problem.step is None else problem.step + 1
    match problem.fault:
        case CustodyFault.NOT_RECEIVED:
            return "the chain of custody does not begin with the paper's receipt"
        case CustodyFault.NOT_SCANNED:
            return "the chain of custody has no scanning"
        case CustodyFault.OUT_OF_PLACE:
            return f"step {number} of the chain of custody is out of place"
        case CustodyFault.TIMES_REVERSED:
            return f"step {number} of the chain of custody is earlier than the one before it"
        case CustodyFault.TIME_IN_FUTURE:
            return f"step {number} of the chain of custody is later than its recording"
        case CustodyFault.DIGEST_MISMATCH:
            return f"step {number} of the chain of custody has another digest than what it says"
