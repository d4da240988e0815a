"""Wires forwarding: who keeps targets, and who sends mail."""

import ssl

from server.bootstrap_jobs import Handlers
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_nudges import nudge_handlers
from server.bootstrap_sms import sms_handlers, texted_copies, texted_nudges
from server.config import Settings
from server.config_mail import MailSettings
from server.domain.forwarding import TargetKind, own_domain
from server.domain.jobs import SEND_CODE, SEND_COPY, SPREAD
from server.domain.profile import Profile
from server.domain.sms import TextKind
from server.gateways.dkim_key import DkimKey
from server.gateways.forwarded_mails import ForwardedMails, MailNames
from server.gateways.smtp import SmtpRoute, SmtpSettings
from server.usecases.forwarded_mail import ForwardingWork
from server.usecases.forwarding_ports import CopyRoute
from server.usecases.mailed_copies import MailedCopies
from server.usecases.nudge_ports import NudgeRoute
from server.usecases.nudge_routes import MailedNudges
from server.usecases.nudges import NudgeWork
from server.usecases.ports import Log, UnitOfWork
from server.usecases.sms_ports import SmsRoute


def sends(settings: Settings) -> frozenset[TargetKind]:
    """Returns what this post has a gateway for."""
    hosts = {TargetKind.EMAIL: settings.mail.host, TargetKind.PHONE: settings.sms.host}
    return frozenset(kind for kind, host in hosts.items() if host)


def own_domains(settings: Settings, profile: Profile) -> frozenset[str]:
    """Returns the domains of the post itself, below which nothing is forwarded."""
    mail = settings.mail
    named = {profile.mailbox_domain, *profile.mailbox_domain_aliases, *mail.own_domains}
    named |= {address.rpartition("@")[2] for address in (mail.sender, mail.bounces) if address}
    return frozenset(own_domain(domain) for domain in named)


def forwarding_handlers(
    settings: Settings, profile: Profile, uow: UnitOfWork, log: Log | None, sms: SmsRoute | None
) -> Handlers:
    """Returns who does the jobs of forwarding; nobody where there is nothing to send by: their jobs wait.

    Raises OSError, ValueError: a file of the settings can't be used.
    """
    routes: dict[TargetKind, CopyRoute] = {}
    nudge_routes: dict[TargetKind, NudgeRoute] = {}
    clock, entropy = SystemClock(), SystemEntropy()
    if settings.mail.host:
        mails = ForwardedMails(mail_names(settings.mail, profile), clock)
        route = mail_route(settings.mail)
        routes[TargetKind.EMAIL] = MailedCopies(mails, route)
        nudge_routes[TargetKind.EMAIL] = MailedNudges(mails, route)
    if sms is not None:
        routes[TargetKind.PHONE] = texted_copies(settings, profile, uow, sms)
        nudge_routes[TargetKind.PHONE] = texted_nudges(settings, profile, uow, sms)
    if not routes:
        return {}
    work = ForwardingWork(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile, routes=routes)
    nudges = NudgeWork(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile, routes=nudge_routes)
    handlers = {
        SEND_CODE: work.send_code,
        SPREAD: work.spread,
        SEND_COPY: work.send_copy,
        **nudge_handlers(nudges),
    }
    if sms is None:
        return handlers
    told = {TextKind.COPY: work.reported, TextKind.NUDGE: nudges.reported}
    return {**handlers, **sms_handlers(profile, uow, log, sms, told)}


def mail_names(mail: MailSettings, profile: Profile) -> MailNames:
    """Returns what the post calls itself in mails."""
    return MailNames(
        sender=mail.sender,
        sender_name=mail.sender_name,
        domain=mail.sender.rpartition("@")[2],
        bounces=mail.bounces,
        link=mail.link,
        time_zone=profile.time_zone,
    )


def mail_route(mail: MailSettings) -> SmtpRoute:
    """Returns the way to the server that takes the post's mail.

    Raises OSError, ValueError: a file of the settings can't be used.
    """
    return SmtpRoute(_smtp(mail), _dkim(mail))


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
