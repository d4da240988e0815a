"""What each command means: translates in, calls one use case, translates out."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiosmtpd.smtp import Envelope, Session

from server.domain.caller import NO_CERTIFICATE, IpAddress
from server.domain.inbound_mail import read_mail
from server.domain.malformed import Malformed
from server.domain.networks import client_address
from server.domain.profile import Profile
from server.domain.refusals import Refused
from server.smtp.replies import of_accepted, of_malformed, of_refusal, of_undecided
from server.smtp.reports import NULL_SENDER, ReportDesk
from server.usecases.mail_checks import MailLooks
from server.usecases.mail_intake import MailIntake, MailSender, Undecided
from server.usecases.spf_check import SpfIdentity

_log = structlog.get_logger(__name__)

_LARGE = 64 * 1024
"""Mails from so many bytes on are read beside the event loop."""


class MailDesk:
    """aiosmtpd's handler: it finds the methods by their names."""

    def __init__(
        self,
        intake: MailIntake,
        looks: MailLooks,
        profile: Profile,
        recipients: int,
        reports: ReportDesk | None = None,
        *,
        answered: Callable[[str], None] | None = None,
    ) -> None:
        """Without `reports` nothing is taken from the null sender. `answered` is told the answer to each mail
        that came whole, for counting.
        """
        self._answered = answered
        self._reports = reports
        self._intake = intake
        self._looks = looks
        self._profile = profile
        self._recipients = recipients

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Says what is offered besides."""
        session.host_name = hostname
        offered = [each for each in responses if not each[4:].startswith("AUTH")]
        return [*offered[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", offered[-1]]

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Settles who sends."""
        if address == NULL_SENDER and self._reports is not None:
            envelope.mail_from = NULL_SENDER
            envelope.mail_options.extend(options)
            return "250 2.1.0 OK"
        client = _client(session)
        try:
            sender = await self._intake.sender(server.certificate, client, address)
        except Malformed as problem:
            return of_malformed(problem)
        except Refused as refused:
            _log.info("mail sender refused", reason=refused.reason.value)
            return of_refusal(refused)
        envelope.mail_from = sender.address
        envelope.mail_options.extend(options)
        envelope.sender = sender  # type: ignore[attr-defined]
        envelope.identity = SpfIdentity.of(sender.address, session.host_name or "")  # type: ignore[attr-defined]
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Settles who gets it."""
        if envelope.mail_from == NULL_SENDER:
            return await self._report_to(session, envelope, address)
        if self._reports is not None and self._reports.is_here(address):
            return "550 5.7.1 only reports come here, from the null sender"
        if len(envelope.rcpt_tos) >= self._recipients:
            return f"452 4.5.3 at most {self._recipients} recipients; send it to the others afterwards"
        sender: MailSender = envelope.sender  # type: ignore[attr-defined]
        try:
            recipient = await self._intake.recipient(sender, address)
        except Malformed as problem:
            return of_malformed(problem)
        except Refused as refused:
            return of_refusal(refused)
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 OK"

    async def _report_to(self, session: Session, envelope: Envelope, address: str) -> str:
        """Settles which copy a report is about: each is about one mail to one address."""
        assert self._reports is not None
        if not self._reports.is_here(address):
            return "550 5.7.1 official addresses take nothing from the null sender"
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient of a report; bring it to the others afterwards"
        found = await self._reports.recipient(str(_client(session)), address)
        if isinstance(found, str):
            return found
        envelope.rcpt_tos.append(address)
        envelope.token = found  # type: ignore[attr-defined]
        return "250 2.1.5 OK"

    async def take(self, envelope: Envelope, content: bytes) -> str:
        """Takes a report, or submits a mail to all its recipients, and returns the one answer."""
        answer = await self._taken(envelope, content)
        if self._answered is not None:
            self._answered(answer)
        return answer

    async def _taken(self, envelope: Envelope, content: bytes) -> str:
        if envelope.mail_from == NULL_SENDER and self._reports is not None:
            return await self._reports.take(envelope.token, content)  # type: ignore[attr-defined]
        sender: MailSender = envelope.sender  # type: ignore[attr-defined]
        organisation = str(sender.caller.organisation_id)
        bound = sender.caller.connection.certificate_sha256 != NO_CERTIFICATE
        try:
            if len(content) < _LARGE:
                mail = read_mail(content, sender.address, self._profile)
            else:
                mail = await asyncio.to_thread(read_mail, content, sender.address, self._profile)
            # Not cancelled with the connection: what was begun is decided, and repeating tells how.
            accepted = await asyncio.shield(self._intake.submit(sender, mail, envelope.rcpt_tos))
        except Malformed as problem:
            _log.info("mail refused", reason=problem.reason, organisation_id=organisation)
            return of_malformed(problem)
        except Refused as refused:
            _log.info("mail refused", reason=refused.reason.value, organisation_id=organisation)
            return of_refusal(refused)
        except Undecided as undecided:
            _log.info("mail undecided", accepted=undecided.accepted, organisation_id=organisation)
            return of_undecided(undecided)
        _log.info(
            "mail accepted",
            organisation_id=organisation,
            delivery_ids=[str(each.delivery.id) for each in accepted],
            with_certificate=bound,
            automatic=mail.automatic,
        )
        self._looks.begin(content, sender.caller.connection.address, envelope.identity, accepted)  # type: ignore[attr-defined]
        return of_accepted(accepted)


def _client(session: Session) -> IpAddress:
    return client_address(str((session.peer or "")[0]).partition("%")[0])
