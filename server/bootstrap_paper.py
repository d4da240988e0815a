"""Wires what takes in letters on paper."""

from server.bootstrap_machine import SystemClock
from server.domain.profile import Profile
from server.gateways.scans.reader import ProcessScanReader
from server.services.paper import PaperServicer
from server.usecases.paper import PaperIntake
from server.usecases.submission import SubmissionDesk
from server.usecases.withdrawal import Withdrawal


def paper(profile: Profile, submissions: SubmissionDesk, withdrawal: Withdrawal) -> PaperServicer:
    """Returns the servicer of letters on paper, in front of its use case."""
    intake = PaperIntake(
        submissions=submissions,
        withdrawal=withdrawal,
        scans=ProcessScanReader(),
        clock=SystemClock(),
        profile=profile,
    )
    return PaperServicer(intake, profile)
