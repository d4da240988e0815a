"""Wires short messages: the link to the centre, one for each process that does jobs, and who looks at
reports.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator, Collection, Mapping

from server.bootstrap_jobs import Handlers
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.config import Settings
from server.config_sms import SmsSettings
from server.domain.jobs import SEND_CODE, SEND_COPY, SEND_NUDGE, SEND_SMS, SMS_REPORT, JobKind
from server.domain.profile import Profile
from server.domain.sms import TextKind
from server.gateways.sms.link import LinkSettings, SmppLink
from server.gateways.sms.pdu import source_address
from server.services.sms import SmsServicer
from server.usecases.nudge_routes import TextedNudges
from server.usecases.ports import HostNames, Log, UnitOfWork
from server.usecases.sender_sms import SenderSmsDesk
from server.usecases.sender_sms_work import SenderSmsWork
from server.usecases.sms_ports import ReportedText, SmsRoute
from server.usecases.sms_reports import SmsReportDesk
from server.usecases.texted_copies import TextedCopies
from server.usecases.texting import Texting

USED_BY: Collection[JobKind] = (SEND_CODE, SEND_COPY, SEND_NUDGE, SEND_SMS)
"""Whose workers need the link."""


def smpp_link(settings: Settings, uow: UnitOfWork) -> SmppLink | None:
    """Returns the link to the centre, for `kept_up`; None where none is set.

    Raises OSError, ValueError: a file of the settings, or one of them, can't be used.
    """
    if not settings.sms.host:
        return None
    # Reports are only kept here, and looked at as jobs.
    desk = SmsReportDesk(uow=uow, clock=SystemClock(), entropy=SystemEntropy(), told={})
    return SmppLink(link_settings(settings.sms), desk.take)


@contextlib.asynccontextmanager
async def kept_up(link: SmppLink | None, handlers: Handlers) -> AsyncIterator[None]:
    """Meanwhile keeps a link up, where some of these jobs use it. A centre that is away is no reason not to
    start.
    """
    if link is None or not any(kind in handlers for kind in USED_BY):
        yield
        return
    async with link:
        yield


def texted_copies(settings: Settings, profile: Profile, uow: UnitOfWork, route: SmsRoute) -> TextedCopies:
    """Returns the route to phones."""
    texting = Texting(uow=uow, clock=SystemClock(), route=route)
    return TextedCopies(texting, SystemEntropy(), link=settings.sms.link, time_zone=profile.time_zone)


def texted_nudges(settings: Settings, profile: Profile, uow: UnitOfWork, route: SmsRoute) -> TextedNudges:
    """Returns the route of nudges to phones."""
    texting = Texting(uow=uow, clock=SystemClock(), route=route)
    return TextedNudges(texting, link=settings.sms.link, time_zone=profile.time_zone)


def sms_handlers(
    profile: Profile,
    uow: UnitOfWork,
    log: Log | None,
    route: SmsRoute,
    told: Mapping[TextKind, ReportedText],
) -> Handlers:
    """Returns who sends senders' short messages, and who looks at reports, which may come in by another
    process's link; `told` is who records what becomes of texts of other kinds.
    """
    clock, entropy = SystemClock(), SystemEntropy()
    texting = Texting(uow=uow, clock=clock, route=route)
    senders = SenderSmsWork(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile, texting=texting)
    desk = SmsReportDesk(
        uow=uow,
        clock=clock,
        entropy=entropy,
        told={**told, TextKind.SENDER: senders.reported},
    )
    return {SEND_SMS: senders.send, SMS_REPORT: desk.look_at}


def sms_servicer(
    settings: Settings, profile: Profile, uow: UnitOfWork, log: Log, host_names: HostNames
) -> SmsServicer:
    """Returns the servicer of senders' short messages, in front of its use case."""
    desk = SenderSmsDesk(
        uow=uow,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        log=log,
        profile=profile,
        host_names=host_names,
        offered=bool(settings.sms.host),
        refusals_per_minute=settings.limits.refusals_per_minute,
        a_day=settings.sms.a_day,
    )
    return SmsServicer(desk, profile)


def link_settings(sms: SmsSettings) -> LinkSettings:
    """Returns how the centre is used. Raises OSError, ValueError: a file, or a setting, can't be used."""
    assert sms.password_file is not None
    context = None
    if sms.tls == "tls":
        cafile = None if sms.authorities is None else str(sms.authorities)
        context = ssl.create_default_context(cafile=cafile)
    return LinkSettings(
        host=sms.host,
        port=sms.port,
        system_id=sms.system_id,
        password=sms.password_file.read_text(encoding="utf-8").strip(),
        source=source_address(sms.source),
        system_type=sms.system_type,
        context=context,
        window=sms.window,
        rate=sms.per_second,
        timeout=sms.timeout.total_seconds(),
        silence=sms.silence.total_seconds(),
    )
