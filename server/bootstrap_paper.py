"""Wires what takes in letters on paper."""

from server.bootstrap_machine import SystemClock
from server.config import Settings
from server.domain.profile import Profile
from server.gateways.scans.reader import ProcessScanReader
from server.services.paper import PaperServicer
from server.usecases.administration import Administration
from server.usecases.paper import PaperIntake
from server.usecases.paper_answers import PaperAnswers
from server.usecases.ports import UnitOfWork
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


def paper_answers(
    settings: Settings, profile: Profile, uow: UnitOfWork, administration: Administration
) -> PaperAnswers:
    """Returns who says whether an answer can go out on paper."""
    return PaperAnswers(
        uow=uow,
        administration=administration,
        clock=SystemClock(),
        profile=profile,
        prints=bool(settings.printing.numbers),
    )
