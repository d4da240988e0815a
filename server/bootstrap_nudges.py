"""Wires nudges: by what they go, and who sends them."""

from collections.abc import Mapping

from namak.evidence.notification_steps import Action
from server.bootstrap_jobs import Handlers
from server.config import Settings
from server.domain.jobs import NUDGE, SEND_NUDGE, JobKind
from server.usecases.nudges import NudgeWork


def nudge_actions(settings: Settings) -> Mapping[Action, JobKind]:
    """Returns the kind of job that carries out the ladder's step, where the post sends mails or short
    messages to holders.
    """
    return {Action.NUDGE: NUDGE} if settings.mail.host or settings.sms.host else {}


def nudge_handlers(work: NudgeWork) -> Handlers:
    """Returns who does the jobs of nudges."""
    return {NUDGE: work.ask, SEND_NUDGE: work.send}
