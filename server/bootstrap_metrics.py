"""Wires what is measured, and where it is told (docs/metrics.md)."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Protocol

from server.bootstrap_machine import SystemClock
from server.config import Settings
from server.gateways.citizen_trust import CitizenTrust
from server.interceptors.admission import Admission
from server.interceptors.interceptor import Interceptor
from server.metrics import catalogue, readings
from server.metrics.certificates import CertificateEnds
from server.metrics.listener import MetricsListener
from server.metrics.looks import Looks, Question, Shown
from server.metrics.meters import Meters
from server.metrics.page import Gauges, MetricsPage
from server.metrics.processes import ProcessesPage
from server.metrics.readings import Reading
from server.storage.database import Database
from server.transparency.service import TransparencyService
from server.usecases.evidence_debt import OutageGate
from server.usecases.jobs import JobDesk
from server.usecases.log_queries import LogQueries
from server.usecases.ports import UnitOfWork


class Line(Protocol):
    """The line of submissions."""

    @property
    def held(self) -> int:
        """How many wait or are being written."""
        ...

    @property
    def room(self) -> int:
        """How many may."""
        ...


class MailConnections(Protocol):
    """The listener for mails."""

    @property
    def connections(self) -> int:
        """How many are open."""
        ...


def meters_of(settings: Settings) -> Meters:
    """Returns the counters of this process."""
    return Meters(version("namak-server"), settings.profile)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of a server."""

    meters: Meters
    database: Database
    log: TransparencyService
    gate: OutageGate
    line: Line
    interceptors: Sequence[Interceptor]
    mail: MailConnections | None
    trust: CitizenTrust


@contextlib.asynccontextmanager
async def measuring(settings: Settings, it: Measured, uow: UnitOfWork) -> AsyncIterator[str | None]:
    """Meanwhile tells a server's figures, if the settings say where; yields where it is. Raises OSError."""
    questions = {
        # Of files, and so asked before what the database may fail to answer.
        "revocation lists": of_lists(it.trust),
        "log": of_log(it.log, it.gate),
        "jobs": of_jobs(uow),
    }
    gauges = (
        *(of_log_here(it.log), of_outage(it.gate), of_line(it.line), of_calls(it.interceptors)),
        *(of_pool(it.database), of_certificates(settings)),
        *(() if it.mail is None else (of_mail(it.mail),)),
    )
    async with telling(settings.metrics.listen, it.meters, questions, gauges) as address:
        yield address


@contextlib.asynccontextmanager
async def telling(
    listen: str | None,
    meters: Meters,
    questions: Mapping[str, Question],
    gauges: Sequence[Gauges] = (),
) -> AsyncIterator[str | None]:
    """Meanwhile tells the figures of this process at an address, if there is one; yields it with its port.

    Raises OSError: it can't be listened on.
    """
    if listen is None:
        yield None
        return
    looks = Looks(questions)
    listener = MetricsListener(
        MetricsPage(meters.registry, SystemClock(), looks=looks, gauges=gauges).get, listen
    )
    await listener.open()
    try:
        yield listener.address
    finally:
        await listener.close()
        await looks.close()


@contextlib.asynccontextmanager
async def telling_of_processes(settings: Settings, serving: Mapping[int, str]) -> AsyncIterator[str | None]:
    """Meanwhile tells, in their supervisor, the figures of the processes that serve; yields where. Raises
    OSError.
    """
    if settings.metrics.listen is None:
        yield None
        return
    page = ProcessesPage(serving, settings.server.processes)
    listener = MetricsListener(page.get, settings.metrics.listen)
    await listener.open()
    try:
        yield listener.address
    finally:
        await listener.close()


def of_jobs(uow: UnitOfWork) -> Question:
    """Asks what there is to do."""
    desk = JobDesk(uow=uow, clock=SystemClock())

    async def asked() -> Shown:
        return partial(readings.of_jobs, await desk.backlogs())

    return asked


def of_answer(database: Database) -> Question:
    """Asks whether the database answers."""

    async def asked() -> Shown:
        await database.ping()
        return lambda _now: ()

    return asked


def of_log(log: TransparencyService, gate: OutageGate) -> Question:
    """Asks how the log is, as `GetLogStatus` does."""
    queries = LogQueries(log.public, gate, log.stamping, clock=SystemClock())

    async def asked() -> Shown:
        return partial(readings.of_log, await queries.status())

    return asked


def of_lists(trust: CitizenTrust) -> Question:
    """Asks until when the citizens' revocation lists do."""

    async def asked() -> Shown:
        ends = await trust.lists_end()
        read = () if ends is None else (Reading(catalogue.LISTS_END, ends.timestamp()),)
        return lambda _now: read

    return asked


def of_log_here(log: TransparencyService) -> Gauges:
    """Reads off what this process knows of the log."""

    def read() -> Iterator[Reading]:
        yield Reading(catalogue.LEADING, log.status.leading)
        yield Reading(catalogue.FOLLOWERS, log.tail.followers)
        yield from readings.of_parts(log.conditions)

    return read


def of_outage(gate: OutageGate) -> Gauges:
    """Reads off whether submissions are accepted."""
    return lambda: readings.of_outage(gate.outage, SystemClock().now())


def of_line(line: Line) -> Gauges:
    """Reads off how many submissions wait."""
    return lambda: (
        Reading(catalogue.SUBMISSIONS_HELD, line.held),
        Reading(catalogue.SUBMISSIONS_LIMIT, line.room),
    )


def of_mail(mail: MailConnections) -> Gauges:
    """Reads off how many connections there are."""
    return lambda: (Reading(catalogue.MAIL_CONNECTIONS, mail.connections),)


def of_pool(database: Database) -> Gauges:
    """Reads off how many connections are in use."""
    return lambda: (
        Reading(catalogue.CONNECTIONS, database.connections_in_use),
        Reading(catalogue.CONNECTIONS_LIMIT, database.connections_limit),
    )


def of_calls(interceptors: Iterable[Interceptor]) -> Gauges:
    """Reads off how many calls are served."""
    (admission,) = [each for each in interceptors if isinstance(each, Admission)]
    return lambda: (
        Reading(catalogue.CALLS_UNDER_WAY, admission.taken),
        Reading(catalogue.CALLS_LIMIT, admission.most),
    )


def of_certificates(settings: Settings) -> Gauges:
    """Reads off when the server's certificate ends, and the seal's, if it has one."""
    files = {"server": settings.server.certificate}
    if settings.seal.certificate is not None:
        files["seal"] = settings.seal.certificate
    return CertificateEnds(files)
