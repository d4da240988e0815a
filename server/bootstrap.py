"""The one place where everything is wired together."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from server.bootstrap_administration import Registers
from server.bootstrap_citizens import Citizens
from server.bootstrap_delivery_certificates import certificate_office
from server.bootstrap_desks import Desks, Foundation
from server.bootstrap_forwarding import forwarding_handlers
from server.bootstrap_inbound_mail import receiving
from server.bootstrap_jobs import Handlers, runs_inside, working
from server.bootstrap_ladder import climbing
from server.bootstrap_letters import letter_handlers
from server.bootstrap_log import keyed_shards
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_metrics import Measured, measuring, meters_of
from server.bootstrap_mobile_id import mobile_id
from server.bootstrap_notices import notice_handlers, taking_notices_back
from server.bootstrap_outages import outage_gate, watching_debt
from server.bootstrap_receipts import receipt_handlers
from server.bootstrap_registers import state_registers
from server.bootstrap_registration import asking_about_signatories, asking_again
from server.bootstrap_sign_ins import recording_outstanding, tidying
from server.bootstrap_signatures import SignatureVerification
from server.bootstrap_sms import kept_up, smpp_link
from server.bootstrap_timestamps import timestamp_terms
from server.bootstrap_witnesses import witness_terms
from server.config import Settings
from server.gateways.citizen_pki import CitizenPki
from server.gateways.dns import Dns
from server.grpc_server import (
    OPEN_CALLS,
    GrpcServer,
    GrpcSettings,
    TlsFiles,
    build_server,
    interceptor_chain,
)
from server.interceptors.call_metrics import CallMeter
from server.interceptors.deadline import STREAM, TimeLimit
from server.interceptors.interceptor import Interceptor
from server.interceptors.streams import StreamLimits
from server.jurisdictions import PROFILES
from server.metrics.metered import MeteredSigner, counting, metered
from server.metrics.meters import Meters
from server.smtp.listener import SmtpListener
from server.storage import migrate
from server.storage.database import Database
from server.storage.embedded import embedded_postgres
from server.storage.fact_reader import PostgresFactReader
from server.storage.log import FACT_CONNECTIONS, log_storage
from server.storage.unit_of_work import SqlUnitOfWork
from server.texts.catalogue import Texts
from server.transparency.service import TransparencyService
from server.transparency.shard import Shard
from server.transparency.steps import OnStep, unobserved
from server.transparency.tail import FOLLOWERS
from server.transparency.timestamp_link import TimestampTerms
from server.transparency.witness_link import WitnessTerms
from server.usecases.identity import Identity
from server.usecases.mail_ports import Receipts
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.ports import Log, UnitOfWork
from server.usecases.sender_admin import SenderAdmin
from server.usecases.sender_place import SenderPlace
from server.usecases.sms_ports import SmsRoute
from server.usecases.usage_audit import UsageAudit


class SchemaOutdated(Exception):
    """The database does not have the tables of this release."""


@contextlib.asynccontextmanager
async def database_url(settings: Settings) -> AsyncIterator[str]:
    """Yields the URL of the database; runs the embedded PostgreSQL meanwhile, if that is what is set.

    The embedded one is brought to this release's schema on the way; another one is its operator's to upgrade.
    """
    if settings.database.url != "embedded":
        yield settings.database.url
        return
    async with embedded_postgres(settings.database.directory) as postgres:
        await migrate.upgrade(postgres.url)
        yield postgres.url


def citizen_pki(settings: Settings) -> CitizenPki:
    """Returns the citizens' authorities by their files alone, for the operator's commands.

    Raises OSError, ValueError: the files can't be used.
    """
    return Citizens(settings, PROFILES[settings.profile].naming, fetching=False).pki


def dns_gateway(settings: Settings) -> Dns:
    """Returns the DNS as the settings name it."""
    servers = [server.rpartition(":") for server in settings.dns.servers]
    return Dns(
        [(address.strip("[]"), int(port)) for address, _, port in servers],
        timeout_seconds=settings.dns.timeout.total_seconds(),
        development=settings.development,
    )


def sender_admin(settings: Settings, uow: UnitOfWork) -> SenderAdmin:
    """Returns the register of senders, for the operator's commands."""
    return registers(settings, uow).senders


def mailboxes(settings: Settings, uow: UnitOfWork) -> MailboxRegister:
    """Returns the register of mailboxes, for the operator's commands."""
    return registers(settings, uow).mailboxes


def registers(settings: Settings, uow: UnitOfWork) -> Registers:
    """Returns the registers of senders, mailboxes and rights, for the operator's commands."""

    def wake_log() -> None:
        """Wakes nobody: the servers' leader looks for itself every now and then."""

    return Registers(
        settings, uow, SystemEntropy(), wake_log, citizen_pki(settings), texts=dns_gateway(settings)
    )


def usage_audit(settings: Settings, uow: UnitOfWork) -> UsageAudit:
    """Returns the recount of what was billed, for the operator's commands."""
    return UsageAudit(uow=uow, clock=SystemClock(), profile=PROFILES[settings.profile])


def job_handlers(
    settings: Settings,
    uow: UnitOfWork,
    log: Log | None = None,
    sms: SmsRoute | None = None,
    *,
    receipts: Receipts | None = None,
) -> Handlers:
    """Returns who does the jobs of each kind; `log` is told of new evidence, where one runs here, and
    elsewhere `receipts` has its receipts; `sms` is the way to phones, where there is one.
    """
    profile = PROFILES[settings.profile]
    return {
        **forwarding_handlers(settings, profile, uow, log, sms),
        **notice_handlers(settings, profile, uow, log),
        **receipt_handlers(settings, profile, uow, log or receipts),
    }


@dataclass
class Server:
    """A running server."""

    grpc: GrpcServer
    log: TransparencyService
    settings: Settings
    metrics_address: str | None = None
    """HOST:PORT where its figures are told."""

    @property
    def address(self) -> str:
        """HOST:PORT where calls are served."""
        return _address(self.settings.server.listen, self.grpc.port)

    @property
    def health_address(self) -> str:
        """HOST:PORT where the health service listens."""
        return _address(self.settings.server.health_listen, self.grpc.health_port)


@contextlib.asynccontextmanager
async def running(
    settings: Settings, *, share_port: bool = False, on_step: OnStep = unobserved
) -> AsyncIterator[Server]:
    """Runs a server: everything is started in order, and stopped in the opposite order on leaving.

    `share_port` is for the processes of a supervisor: see `GrpcSettings`.

    Raises:
        SchemaOutdated: the database lacks tables of this release.
        ServiceUnavailable, HsmUnavailable, OSError, ValueError: something it needs can't be had.
    """
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(database_url(settings))
        if await migrate.is_behind(url):
            raise SchemaOutdated("the database lacks tables of this release; run: namak-server migrate")
        database = Database(url, pool_size=settings.database.pool_size)
        stack.push_async_callback(database.dispose)
        meters = meters_of(settings)
        log = await stack.enter_async_context(_logging(settings, url, meters, on_step))
        on = await stack.enter_async_context(_foundation(settings, url, SqlUnitOfWork(database), log))
        desks = Desks(on)
        stack.push_async_callback(desks.submissions.drain)
        await stack.enter_async_context(_background(on, url, desks, meters))
        mail = await stack.enter_async_context(_mail(on, meters, share_port=share_port))

        async def is_logging() -> bool:
            return not log.status.troubles

        async def is_ready() -> bool:
            await database.ping()
            return True

        interceptors = _interceptors(settings, desks.identity, desks.place, meters)
        grpc_server = build_server(
            _grpc_settings(settings, share_port=share_port),
            desks.servicers().add_to,
            interceptors,
            {"": is_ready, "log": is_logging},
        )
        measured = Measured(
            *(meters, database, log, on.gate, desks.submissions, interceptors, mail, on.people.trust)
        )
        metrics = await stack.enter_async_context(measuring(settings, measured, on.uow))
        await grpc_server.start()
        stack.push_async_callback(grpc_server.stop)
        yield Server(grpc_server, log, settings, metrics)


@contextlib.asynccontextmanager
async def _logging(
    settings: Settings, url: str, meters: Meters, on_step: OnStep
) -> AsyncIterator[TransparencyService]:
    """Meanwhile leads the log or stands by."""
    async with (
        keyed_shards(settings.log) as keyed,
        witness_terms(settings.witnesses) as witnesses,
        timestamp_terms(settings.timestamps) as timestamps,
    ):
        shards = [Shard(each.origin, MeteredSigner(each.signer, meters), each.guard) for each in keyed]
        log = _transparency(settings, url, shards, counting(meters, on_step), witnesses, timestamps)
        await log.start()
        try:
            yield log
        finally:
            await log.stop(settings.server.drain.total_seconds())


@contextlib.asynccontextmanager
async def _foundation(
    settings: Settings, url: str, uow: UnitOfWork, log: TransparencyService
) -> AsyncIterator[Foundation]:
    """Meanwhile keeps the ways to others open that use cases need."""
    profile, clock = PROFILES[settings.profile], SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        facts = PostgresFactReader(url, connections=FACT_CONNECTIONS)
        stack.push_async_callback(facts.close)
        if (phones := mobile_id(settings, profile, clock)) is not None:
            await stack.enter_async_context(phones)
        people = Citizens(settings, profile.naming)
        stack.push_async_callback(people.close)
        await people.open()
        registers = state_registers(settings)
        stack.push_async_callback(registers.close)
        verification = SignatureVerification(settings, profile, people, clock)
        stack.push_async_callback(verification.close)
        gate = outage_gate(settings, uow)
        await stack.enter_async_context(watching_debt(settings, uow, log, gate))
        yield Foundation(
            settings=settings,
            uow=uow,
            log=log,
            facts=facts,
            dns=dns_gateway(settings),
            phones=phones,
            people=people,
            registers=registers,
            verification=verification.desk,
            gate=gate,
            office=await stack.enter_async_context(certificate_office(settings)),
        )


@contextlib.asynccontextmanager
async def _background(on: Foundation, url: str, desks: Desks, meters: Meters) -> AsyncIterator[None]:
    """Meanwhile does what nobody calls for: what waits, what is due, what is over, and jobs if they are done
    here.
    """
    signing_in, signatories = desks.signing_in, desks.registration.signatories
    async with contextlib.AsyncExitStack() as stack:
        for each in (
            asking_again(desks.registration.applications),
            asking_about_signatories(on.settings, on.profile, on.uow, SystemClock(), signatories),
            recording_outstanding(signing_in.outstanding),
            tidying(signing_in.forgetting, signing_in.portal_sessions, signing_in.portals),
        ):
            await stack.enter_async_context(each)
        if runs_inside(on.settings):
            await stack.enter_async_context(_jobs(on, url, meters))
        await stack.enter_async_context(climbing(desks.due))
        await stack.enter_async_context(taking_notices_back(on.uow))
        yield


@contextlib.asynccontextmanager
async def _jobs(on: Foundation, url: str, meters: Meters) -> AsyncIterator[None]:
    """Meanwhile does jobs of every kind."""
    sms = smpp_link(on.settings, on.uow)
    async with letter_handlers(on.settings, on.profile, on.uow) as letters:
        handlers = metered(meters, {**job_handlers(on.settings, on.uow, on.log.log, sms), **letters})
        async with kept_up(sms, handlers), working(on.settings, url, handlers, on.uow, SystemClock()):
            yield


@contextlib.asynccontextmanager
async def _mail(on: Foundation, meters: Meters, *, share_port: bool) -> AsyncIterator[SmtpListener | None]:
    """Meanwhile takes mails in, where the server itself does; yields the listener."""
    if not on.settings.inbound_mail.in_server:
        yield None
        return
    # With a resolver of its own: whoever sends mails must not take the look-ups that calls need.
    dns = dns_gateway(on.settings)
    async with receiving(
        on.settings, on.uow, dns, share_port=share_port, answered=meters.mail_answered
    ) as received:
        yield received.listener


def _transparency(
    settings: Settings,
    url: str,
    shards: Sequence[Shard],
    on_step: OnStep,
    witnesses: WitnessTerms | None,
    timestamps: TimestampTerms | None,
) -> TransparencyService:
    return TransparencyService(
        shards,
        log_storage(url),
        clock=SystemClock(),
        former=[shard.verifier for shard in settings.log.former],
        on_step=on_step,
        witnesses=witnesses,
        timestamps=timestamps,
    )


def _grpc_settings(settings: Settings, *, share_port: bool) -> GrpcSettings:
    server = settings.server
    return GrpcSettings(
        listen=server.listen,
        health_listen=server.health_listen,
        tls=TlsFiles(server.certificate, server.key, server.client_authorities),
        # Whatever is set, calls that send no message must not be able to take the places of those that do.
        max_open_calls=max(OPEN_CALLS, 2 * (server.max_concurrent_calls + FOLLOWERS)),
        drain=server.drain.total_seconds(),
        share_port=share_port,
    )


def _interceptors(
    settings: Settings, identity: Identity, place: SenderPlace, meter: CallMeter
) -> Sequence[Interceptor]:
    profile = PROFILES[settings.profile]
    default, most = settings.server.default_deadline, settings.server.max_deadline
    return interceptor_chain(
        identity,
        unary=TimeLimit(default.total_seconds(), most.total_seconds()),
        stream=STREAM,
        stream_limits=StreamLimits(),
        place=place,
        max_concurrent_calls=settings.server.max_concurrent_calls,
        texts=Texts(profile.languages, profile.time_zone),
        meter=meter,
    )


def _address(listen: str, port: int) -> str:
    return f"{listen.rpartition(':')[0]}:{port}"
