"""Wires `namak-server smtp`: the intake of the API behind another edge, in a process of its own."""

import contextlib
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog

from server.bootstrap_citizens import Citizens
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_outages import following_outages, outage_gate
from server.config import Settings
from server.gateways.dns import Dns
from server.gateways.mail_signatures import DkimSignatures
from server.gateways.policy_records import DnsPolicyRecords
from server.jurisdictions import PROFILES
from server.smtp.desk import MailDesk
from server.smtp.listener import SmtpListener
from server.smtp.reports import ReportDesk
from server.smtp.settings import SmtpSettings
from server.usecases.evidence_debt import OutageGate
from server.usecases.identity import Identity
from server.usecases.mail_checks import KeptMailChecks, MailLooks
from server.usecases.mail_intake import MailIntake
from server.usecases.mail_register import MailRegister
from server.usecases.nudge_records import NudgeRecords
from server.usecases.ports import UnitOfWork
from server.usecases.recent_spf import RecentSpf
from server.usecases.records import LoggedReceipt, PublishedCheckpoint
from server.usecases.returned_copies import ReturnedCopies
from server.usecases.returned_mails import ReturnedMails
from server.usecases.returned_nudges import ReturnedNudges
from server.usecases.spf_check import SpfCheck
from server.usecases.submission import SubmissionDesk

_log = structlog.get_logger(__name__)


class LogElsewhere:
    """The log as a process sees it that neither leads nor follows it: it waits for no receipt, and the
    leader, in a server, looks for new facts by itself.
    """

    def vkey_of(self, origin: str) -> str:  # noqa: ARG002
        """Knows no shard."""
        return ""

    def wake(self) -> None:
        """Wakes nobody."""

    def mark(self) -> int:
        """Knows nothing of what was published."""
        return 0

    async def receipts(
        self,
        evidence: Mapping[UUID, bytes],  # noqa: ARG002
        *,
        wait_seconds: float,  # noqa: ARG002
        reply_by: float = math.inf,  # noqa: ARG002
        since: int | None = None,  # noqa: ARG002
    ) -> Mapping[UUID, LoggedReceipt]:
        """Has none."""
        return {}

    async def checkpoint(self, origin: str | None = None) -> PublishedCheckpoint | None:  # noqa: ARG002
        """Knows none."""
        return None


def listening(settings: Settings, *, share_port: bool = False) -> SmtpSettings:
    """Returns how to listen, by the settings; `share_port` is for the processes of a supervisor."""
    mail, server = settings.inbound_mail, settings.server
    return SmtpSettings(
        listen=mail.listen,
        implicit=mail.implicit_tls_listen,
        host_name=mail.host_name,
        certificate=mail.certificate or server.certificate,
        key=mail.key or server.key,
        client_authorities=server.client_authorities,
        connections=mail.connections,
        connections_per_client=mail.connections_per_client,
        recipients=mail.recipients,
        idle_seconds=mail.idle.total_seconds(),
        data_seconds=mail.transfer.total_seconds(),
        share_port=share_port,
    )


@dataclass(frozen=True, slots=True)
class Receiving:
    """Who takes mails, and what submits them."""

    listener: SmtpListener
    submissions: SubmissionDesk
    gate: OutageGate


@contextlib.asynccontextmanager
async def receiving(
    settings: Settings,
    uow: UnitOfWork,
    dns: Dns,
    *,
    share_port: bool = False,
    answered: Callable[[str], None] | None = None,
) -> AsyncIterator[Receiving]:
    """Meanwhile takes mails in; on leaving, what is being submitted is decided first. `answered`: see
    `MailDesk`.
    """
    profile, clock = PROFILES[settings.profile], SystemClock()
    gate = outage_gate(settings, uow)
    submissions = SubmissionDesk(
        uow=uow,
        clock=clock,
        entropy=SystemEntropy(),
        log=LogElsewhere(),
        profile=profile,
        host_names=dns,
        refusals_per_minute=settings.limits.refusals_per_minute,
        gate=gate,
    )
    people = Citizens(settings, profile.naming)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(people.close)
        await people.open()
        intake = MailIntake(
            register=MailRegister(uow, confirmed_only=profile.correspondence.confirmed_profile),
            submissions=submissions,
            identity=Identity(uow, people.pki, clock),
            host_names=dns,
            profile=profile,
            receipts=settings.inbound_mail.receipts and bool(settings.mail.host),
        )
        how = listening(settings, share_port=share_port)
        policies = RecentSpf(SpfCheck(DnsPolicyRecords(dns))) if settings.inbound_mail.spf else None
        looks = MailLooks(DkimSignatures(dns), policies, KeptMailChecks(uow))
        desk = MailDesk(intake, looks, profile, how.recipients, _reports(settings, uow), answered=answered)
        listener = SmtpListener(desk, how)
        if policies is not None:
            stack.push_async_callback(policies.close)
        stack.push_async_callback(looks.close)
        stack.push_async_callback(submissions.drain)
        stack.push_async_callback(listener.close)
        await stack.enter_async_context(following_outages(gate))
        await listener.open()
        _log.info("taking mails", ports=listener.ports)
        yield Receiving(listener, submissions, gate)


def _reports(settings: Settings, uow: UnitOfWork) -> ReportDesk | None:
    """Returns who takes what comes back of copies; nobody where nothing is told to come back."""
    if not settings.mail.bounces:
        return None
    clock, entropy, profile = SystemClock(), SystemEntropy(), PROFILES[settings.profile]
    nudges = NudgeRecords(uow=uow, clock=clock, entropy=entropy, log=None, profile=profile)
    copies = ReturnedCopies(uow=uow, clock=clock, entropy=entropy, log=None, profile=profile)
    returned = ReturnedMails([copies, ReturnedNudges(uow=uow, clock=clock, records=nudges)])
    return ReportDesk(returned, settings.mail.bounces, per_minute=settings.inbound_mail.reports_per_minute)
