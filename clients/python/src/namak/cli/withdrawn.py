"""What is shown of a message that was withdrawn, whoever sent it."""

from collections.abc import Sequence

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.screen import error_document
from namak.client.receipts import SavedReceipt
from namak.errors import NamakError
from namak.v1 import delivery_pb2, evidence_pb2


def show_document(
    run: Run,
    delivery: delivery_pb2.Delivery,
    evidence: evidence_pb2.Evidence,
    saved: Sequence[SavedReceipt],
    late: NamakError | None,
) -> None:
    """Gives programs the message, the evidence, the receipts that were saved, and why others were not."""
    run.screen.result(
        {
            "delivery": shapes.delivery(delivery),
            "evidence": shapes.evidence(evidence),
            "receipts": [shapes.saved(item) for item in saved],
            "receipt_problem": None if late is None else error_document(late),
        }
    )


def show_saved(run: Run, saved: Sequence[SavedReceipt], late: NamakError | None) -> ExitCode:
    """Shows people where the receipts are; returns how the command ends."""
    run.screen.lines(str(item.path) for item in saved)
    return ExitCode.OK if late is None else run.screen.trouble(late)
