"""Wires public notices: where they are published, who does it, and who looks whether they are over."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Final

from namak.evidence.notification_steps import Action
from server.bootstrap_jobs import Handlers
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_registers import state_registers
from server.bootstrap_rounds import repeating
from server.config import Settings
from server.domain.jobs import PUBLISH_NOTICE, WITHDRAW_NOTICE, JobKind
from server.domain.profile import Profile
from server.domain.state_records import EntityAnswer, PersonAnswer
from server.gateways.notice_site import NoticeSite, Site
from server.gateways.public_feed import PublicFeed
from server.usecases.notice_feed import NoticeFeed
from server.usecases.notice_names import HolderNames
from server.usecases.notice_ports import NoticePlace
from server.usecases.notice_sweep import NoticeSweep
from server.usecases.notices import NoticeWork
from server.usecases.ports import Log, UnitOfWork

ROUND_SECONDS: Final = 60.0
"""How often it is looked whether a notice is over. It is no harm to anybody that it stays for a minute."""


class _RegistersForOnce:
    """The state's registers, with connections for one question: there are few, and workers keep none open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def person(self, number: str, *, no_older_than: timedelta = timedelta.max) -> PersonAnswer:
        """Asks the register of persons."""
        registers = state_registers(self._settings)
        try:
            return await registers.person(number, no_older_than=no_older_than)
        finally:
            await registers.close()

    async def entity(self, code: str, *, no_older_than: timedelta = timedelta.max) -> EntityAnswer:
        """Asks the register of entities."""
        registers = state_registers(self._settings)
        try:
            return await registers.entity(code, no_older_than=no_older_than)
        finally:
            await registers.close()


def notice_actions(settings: Settings) -> Mapping[Action, JobKind]:
    """Returns the kind of job that carries out the ladder's step, where there is a place for notices."""
    notices = settings.notices
    return {Action.NOTICE: PUBLISH_NOTICE} if notices.site_url or notices.feed_url else {}


def notice_handlers(settings: Settings, profile: Profile, uow: UnitOfWork, log: Log | None) -> Handlers:
    """Returns who does the jobs of public notices; nobody where no place is set: their jobs wait.

    Raises OSError, ValueError: a file of the settings can't be used.
    """
    place = _place(settings, uow)
    if place is None:
        return {}
    work = NoticeWork(
        uow=uow,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        log=log,
        profile=profile,
        place=place,
        names=HolderNames(uow, _RegistersForOnce(settings)),
    )
    return {PUBLISH_NOTICE: work.publish, WITHDRAW_NOTICE: work.withdraw}


@contextlib.asynccontextmanager
async def taking_notices_back(uow: UnitOfWork, *, seconds: float = ROUND_SECONDS) -> AsyncIterator[None]:
    """Meanwhile has notices taken back, every so many seconds, whose time is over or that nobody needs."""
    sweep = NoticeSweep(uow=uow, clock=SystemClock())
    async with repeating(sweep.work_off, seconds, "notices that are over were not all taken back"):
        yield


def _place(settings: Settings, uow: UnitOfWork) -> NoticePlace | None:
    notices = settings.notices
    if notices.feed_url:
        return PublicFeed(
            NoticeFeed(uow=uow, clock=SystemClock(), url=notices.feed_url),
            authorities=notices.authorities,
            connect_seconds=notices.connect_timeout.total_seconds(),
            seconds=notices.timeout.total_seconds(),
        )
    if not notices.site_url:
        return None
    site = NoticeSite(
        Site(
            notices.site_url,
            notices.site_public_url or notices.site_url,
            authorities=notices.authorities,
            certificate=notices.certificate,
            key=notices.key,
            token_file=notices.token_file,
            connect_seconds=notices.connect_timeout.total_seconds(),
            seconds=notices.timeout.total_seconds(),
        )
    )
    site.check()
    return site
