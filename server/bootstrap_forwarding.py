"""Wires forwarding: who keeps targets, and who sends mail."""

import ssl

from server.bootstrap_jobs import Handlers
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.config import Settings
from server.config_mail import MailSettings
from server.domain.forwarding import TargetKind
from server.domain.jobs import SEND_CODE, SEND_COPY, SPREAD
from server.domain.profile import Profile
from server.gateways.forwarded_mails import ForwardedMails, MailNames
from server.gateways.smtp import DkimKey, SmtpRoute, SmtpSettings
from server.usecases.forwarded_mail import ForwardingWork
from server.usecases.mailed_copies import MailedCopies
from server.usecases.ports import Log, UnitOfWork


def sends(settings: Settings) -> frozenset[TargetKind]:
    """Returns what this post has a gateway for."""
    return frozenset({TargetKind.EMAIL}) if settings.mail.host else frozenset()


def own_domains(settings: Settings, profile: Profile) -> frozenset[str]:
    """Returns the domains of the post itself, below which nothing is forwarded."""
    mail = settings.mail
    named = {profile.mailbox_domain, *profile.mailbox_domain_aliases, *mail.own_domains}
    named |= {address.rpartition("@")[2] for address in (mail.sender, mail.bounces) if address}
    return frozenset(domain.lower() for domain in named)


def forwarding_handlers(settings: Settings, profile: Profile, uow: UnitOfWork, log: Log | None) -> Handlers:
    """Returns who does the jobs of forwarding; nobody where no mail server is set: their jobs wait.

    Raises OSError, ValueError: a file of the settings can't be used.
    """
    mail = settings.mail
    if not mail.host:
        return {}
    clock = SystemClock()
    names = MailNames(
        sender=mail.sender,
        sender_name=mail.sender_name,
        domain=mail.sender.rpartition("@")[2],
        bounces=mail.bounces,
        link=mail.link,
        time_zone=profile.time_zone,
    )
    work = ForwardingWork(
        uow=uow,
        clock=clock,
        entropy=SystemEntropy(),
        log=log,
        profile=profile,
        routes={
            TargetKind.EMAIL: MailedCopies(ForwardedMails(names, clock), SmtpRoute(_smtp(mail), _dkim(mail)))
        },
    )
    return {SEND_CODE: work.send_code, SPREAD: work.spread, SEND_COPY: work.send_copy}


def _smtp(mail: MailSettings) -> SmtpSettings:
    context = None
    if mail.tls != "none":
        context = ssl.create_default_context(
            cafile=None if mail.authorities is None else str(mail.authorities)
        )
    password = None
    if mail.password_file is not None:
        password = mail.password_file.read_text(encoding="utf-8").strip()
    return SmtpSettings(
        host=mail.host,
        port=mail.port,
        tls=mail.tls,
        context=context,
        name=mail.sender.rpartition("@")[2],
        username=mail.username or None,
        password=password,
        timeout=mail.timeout.total_seconds(),
        connections=mail.connections,
        size_limit=mail.size_mib * 1024 * 1024,
    )


def _dkim(mail: MailSettings) -> DkimKey | None:
    if mail.dkim_key is None:
        return None
    return DkimKey(mail.dkim_domain, mail.dkim_selector, mail.dkim_key.read_bytes())
