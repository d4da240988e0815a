"""The one place where everything is wired together."""

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from namak.evidence.note import Verifier
from server.bootstrap_citizens import Citizens
from server.bootstrap_mobile_id import confirmation_by_phone, mobile_id
from server.bootstrap_registers import state_registers
from server.bootstrap_registration import asking_again, registration
from server.bootstrap_sign_ins import recording_outstanding
from server.bootstrap_signatures import SignatureVerification
from server.config import KeySettings, Settings
from server.domain.ids import MonotonicIds
from server.domain.profile import Profile
from server.gateways.argon2_passwords import Argon2Passwords
from server.gateways.citizen_pki import CitizenPki
from server.gateways.dns import Dns
from server.grpc_server import (
    OPEN_CALLS,
    GrpcServer,
    GrpcSettings,
    Servicers,
    TlsFiles,
    build_server,
    interceptor_chain,
)
from server.hsm.file_key import FileLogSigner
from server.hsm.keys import LogSigner
from server.hsm.pkcs11 import Pkcs11LogSigner, TokenKey
from server.interceptors.deadline import STREAM, TimeLimit
from server.interceptors.interceptor import Interceptor
from server.interceptors.streams import StreamLimits
from server.jurisdictions import PROFILES
from server.services.billing import BillingServicer
from server.services.correspondence import CorrespondenceServicer
from server.services.delegation import DelegationServicer
from server.services.delivery import DeliveryServicer
from server.services.evidence import EvidenceServicer
from server.services.identity import IdentityServicer
from server.services.mailbox import MailboxServicer
from server.services.registration import RegistrationServicer
from server.services.sender_admin import SenderAdminServicer
from server.services.signature import SignatureServicer
from server.storage import migrate
from server.storage.database import Database
from server.storage.embedded import embedded_postgres
from server.storage.fact_reader import PostgresFactReader
from server.storage.log import FACT_CONNECTIONS, log_storage
from server.storage.unit_of_work import SqlUnitOfWork
from server.texts.catalogue import Texts
from server.transparency.guard import FileGuard
from server.transparency.service import TransparencyService
from server.transparency.shard import Shard
from server.transparency.steps import OnStep, unobserved
from server.transparency.tail import FOLLOWERS
from server.usecases.acts import ActRegister
from server.usecases.administration import Administration
from server.usecases.administrators import AdministratorRegister
from server.usecases.billing import Billing
from server.usecases.certificate_status import CertificateStatus
from server.usecases.certificates import CertificateRegister
from server.usecases.correspondence import CorrespondenceDesk
from server.usecases.delegations import DelegationDesk
from server.usecases.delivery import DeliveryDesk
from server.usecases.domains import DomainRegister
from server.usecases.evidence import EvidenceDesk
from server.usecases.following import Following
from server.usecases.identity import Identity
from server.usecases.log_ports import PublishedFacts
from server.usecases.log_queries import LogQueries
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.mailboxes import Mailboxes
from server.usecases.mobile_identity import MobileIdentity
from server.usecases.organisations import OrganisationRegister
from server.usecases.passwords import PasswordDesk
from server.usecases.ports import Entropy, Log, UnitOfWork
from server.usecases.reading import Reading
from server.usecases.register_ports import TextRecords
from server.usecases.sender_addresses import SenderAddressRegister
from server.usecases.sender_admin import SenderAdmin
from server.usecases.sender_place import SenderPlace
from server.usecases.session_ports import PasswordHashes
from server.usecases.sessions import SessionDesk
from server.usecases.sign_in import SignInDesk
from server.usecases.sign_in_effects import OutstandingEffects, SignInEffects
from server.usecases.sign_in_proofs import Proofs
from server.usecases.sign_in_signatures import CheckedSignatures
from server.usecases.signature_verification import SignatureDesk
from server.usecases.standing import Standings
from server.usecases.state_registers import StateRegisters
from server.usecases.submission import SubmissionDesk
from server.usecases.tries import Tries
from server.usecases.usage_audit import UsageAudit
from server.usecases.withdrawal import Withdrawal


class SchemaOutdated(Exception):
    """The database does not have the tables of this release."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Returns the present time, UTC."""
        return datetime.now(UTC)


class SystemEntropy:
    """The operating system's randomness."""

    def __init__(self) -> None:
        self._ids = MonotonicIds(lambda: time.time_ns() // 1_000_000, secrets.token_bytes)

    def new_id(self) -> UUID:
        """Returns a new identifier, greater than all that were made here before."""
        return self._ids.new_id()

    def random(self, count: int) -> bytes:
        """Returns unpredictable bytes."""
        return secrets.token_bytes(count)


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


async def open_signer(key: KeySettings) -> LogSigner:
    """Opens the log's key where the settings say it is. Raises `HsmUnavailable`."""
    if key.file is not None:
        return FileLogSigner.open(key.file)
    if key.module is None or key.token is None or key.pin_file is None:
        raise ValueError("the settings name no token")
    environment = {"SOFTHSM2_CONF": str(key.softhsm_config)} if key.softhsm_config else {}
    return await Pkcs11LogSigner.open(TokenKey(key.module, key.token, key.label, key.pin_file, environment))


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
    return _registers(settings, uow).senders


def mailboxes(settings: Settings, uow: UnitOfWork) -> MailboxRegister:
    """Returns the register of mailboxes, for the operator's commands."""
    return _registers(settings, uow).mailboxes


def _registers(settings: Settings, uow: UnitOfWork) -> "Registers":
    def wake_log() -> None:
        """Wakes nobody: the servers' leader looks for itself every now and then."""

    return Registers(
        settings, uow, SystemEntropy(), wake_log, citizen_pki(settings), texts=dns_gateway(settings)
    )


def usage_audit(settings: Settings, uow: UnitOfWork) -> UsageAudit:
    """Returns the recount of what was billed, for the operator's commands."""
    return UsageAudit(uow=uow, clock=SystemClock(), profile=PROFILES[settings.profile])


@dataclass
class Server:
    """A running server."""

    grpc: GrpcServer
    log: TransparencyService
    settings: Settings

    @property
    def address(self) -> str:
        """HOST:PORT where calls are served."""
        return _address(self.settings.server.listen, self.grpc.port)

    @property
    def health_address(self) -> str:
        """HOST:PORT where the health service listens."""
        return _address(self.settings.server.health_listen, self.grpc.health_port)


@contextlib.asynccontextmanager
async def running(settings: Settings, *, on_step: OnStep = unobserved) -> AsyncIterator[Server]:
    """Runs a server: everything is started in order, and stopped in the opposite order on leaving.

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
        signer = await open_signer(settings.log.key)
        stack.push_async_callback(signer.close)

        log = _transparency(settings, url, signer, on_step)
        await log.start()
        stack.push_async_callback(log.stop, settings.server.drain.total_seconds())
        facts = PostgresFactReader(url, connections=FACT_CONNECTIONS)
        stack.push_async_callback(facts.close)
        if (phones := mobile_id(settings, PROFILES[settings.profile], SystemClock())) is not None:
            await stack.enter_async_context(phones)
        people = Citizens(settings, PROFILES[settings.profile].naming)
        stack.push_async_callback(people.close)
        await people.open()
        registers = state_registers(settings)
        stack.push_async_callback(registers.close)
        verification = SignatureVerification(settings, PROFILES[settings.profile], people, SystemClock())
        stack.push_async_callback(verification.close)
        desk = _Desks(
            settings, SqlUnitOfWork(database), log, facts, phones, people, registers, verification.desk
        )
        stack.push_async_callback(desk.submissions.drain)
        await stack.enter_async_context(asking_again(desk.registration.applications))
        await stack.enter_async_context(recording_outstanding(desk.outstanding))

        async def is_logging() -> bool:
            return not log.status.troubles

        async def is_ready() -> bool:
            await database.ping()
            return True

        grpc_server = build_server(
            _grpc_settings(settings),
            desk.servicers().add_to,
            _interceptors(settings, desk.identity, desk.place),
            {"": is_ready, "log": is_logging},
        )
        await grpc_server.start()
        stack.push_async_callback(grpc_server.stop)
        yield Server(grpc_server, log, settings)


class Registers:
    """The registers of who may send and of mailboxes: use cases that are administrative acts."""

    def __init__(
        self,
        settings: Settings,
        uow: UnitOfWork,
        entropy: Entropy,
        wake_log: Callable[[], None],
        citizens: CitizenPki,
        *,
        texts: TextRecords,
    ) -> None:
        profile, clock = PROFILES[settings.profile], SystemClock()
        administration = Administration(
            uow=uow, clock=clock, entropy=entropy, wake_log=wake_log, profile=profile
        )
        self.administration = administration
        self.sessions = SessionDesk(uow=uow, clock=clock, entropy=entropy, administration=administration)
        self.senders = SenderAdmin(
            organisations=OrganisationRegister(
                administration=administration, uow=uow, clock=clock, entropy=entropy, profile=profile
            ),
            administrators=AdministratorRegister(administration=administration, clock=clock, entropy=entropy),
            domains=DomainRegister(administration=administration, clock=clock, entropy=entropy, texts=texts),
            addresses=SenderAddressRegister(administration=administration, clock=clock, entropy=entropy),
            certificates=CertificateRegister(
                administration=administration, clock=clock, entropy=entropy, persons=citizens
            ),
            acts=ActRegister(administration=administration),
        )
        self.delegations = DelegationDesk(administration=administration, clock=clock, entropy=entropy)
        self.mailboxes = MailboxRegister(
            administration=administration, clock=clock, entropy=entropy, profile=profile
        )


class _Desks:
    """The use cases over one database and one log, and the servicers in front of them."""

    def __init__(
        self,
        settings: Settings,
        uow: UnitOfWork,
        running_log: TransparencyService,
        facts: PublishedFacts,
        phones: MobileIdentity | None,
        people: Citizens,
        registers: StateRegisters,
        verification: SignatureDesk,
    ) -> None:
        log: Log = running_log.log
        profile = PROFILES[settings.profile]
        clock, entropy = SystemClock(), SystemEntropy()
        citizens = people.pki
        self._profile = profile
        self._development = settings.development
        self._dns = dns_gateway(settings)
        self.identity = Identity(uow, citizens, clock)
        self.place = SenderPlace(self._dns)
        self.submissions = SubmissionDesk(
            uow=uow,
            clock=clock,
            entropy=entropy,
            log=log,
            profile=profile,
            host_names=self._dns,
            refusals_per_minute=settings.limits.refusals_per_minute,
        )
        self._delivery = DeliveryDesk(uow=uow)
        self._withdrawal = Withdrawal(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile)
        self._correspondence = CorrespondenceDesk(
            uow=uow,
            submissions=self.submissions,
            deliveries=self._delivery,
            withdrawal=self._withdrawal,
            profile=profile,
        )
        self._registers = Registers(settings, uow, entropy, log.wake, citizens, texts=self._dns)
        self.registration = registration(
            profile=profile,
            uow=uow,
            clock=clock,
            entropy=entropy,
            wake_log=log.wake,
            signatures=citizens,
            registers=registers,
        )
        self._mailboxes = Mailboxes(uow=uow, clock=clock)
        self._standings = Standings(uow=uow, clock=clock)
        self._reading = Reading(
            uow=uow, clock=clock, entropy=entropy, log=log, signatures=citizens, profile=profile
        )
        hashes = Argon2Passwords()
        self._sign_in = _sign_in(profile, uow, log, people.status, phones, hashes)
        self.outstanding = OutstandingEffects(
            uow=uow, clock=clock, log=log, effects=SignInEffects(entropy, profile)
        )
        self._passwords = PasswordDesk(
            uow=uow,
            clock=clock,
            entropy=entropy,
            administration=self._registers.administration,
            passwords=hashes,
            profile=profile,
        )
        self._by_phone = confirmation_by_phone(
            profile, uow, clock, entropy, reading=self._reading, phones=phones, trust=people.trust
        )
        self._evidence = EvidenceDesk(uow=uow, log=log, clock=clock)
        self._billing = Billing(uow=uow, profile=profile)
        self._following = Following(
            uow=uow, clock=clock, log=log, facts=facts, subscriptions=running_log.tail
        )
        self._log_queries = LogQueries(running_log.public)
        self._verification = verification

    def servicers(self) -> Servicers:
        """Returns the servicers of the contract, in front of the use cases."""
        profile = self._profile
        return Servicers(
            sender_admin=SenderAdminServicer(self._registers.senders, profile, development=self._development),
            mailbox=MailboxServicer(
                self._registers.mailboxes,
                self._mailboxes,
                self._reading,
                self._following,
                self._standings,
                self._by_phone,
                profile,
            ),
            delivery=DeliveryServicer(
                self.submissions, self._delivery, self._withdrawal, self._following, profile
            ),
            evidence=EvidenceServicer(self._evidence, self._log_queries, profile),
            billing=BillingServicer(self._billing, profile),
            identity=IdentityServicer(
                self._sign_in,
                self._registers.sessions,
                self._passwords,
                self._registers.senders.certificates,
                profile,
            ),
            registration=RegistrationServicer(self.registration, profile),
            signature=SignatureServicer(self._verification, profile),
            correspondence=CorrespondenceServicer(self._correspondence, profile),
            delegation=DelegationServicer(self._registers.delegations, profile),
        )


def _sign_in(
    profile: Profile,
    uow: UnitOfWork,
    log: Log,
    status: CertificateStatus,
    phones: MobileIdentity | None,
    passwords: PasswordHashes,
) -> SignInDesk:
    signatures, tries = CheckedSignatures(status, profile.naming), Tries(uow, profile)
    proofs = Proofs(
        uow=uow,
        signatures=signatures,
        mobile=phones,
        passwords=passwords,
        tries=tries,
        profile=profile,
    )
    return SignInDesk(
        uow=uow,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        log=log,
        signatures=signatures,
        mobile=phones,
        proofs=proofs,
        tries=tries,
        profile=profile,
    )


def _transparency(settings: Settings, url: str, signer: LogSigner, on_step: OnStep) -> TransparencyService:
    origin = settings.log.origin
    guard = FileGuard(settings.log.guard, Verifier(origin, signer.public_key))
    return TransparencyService(
        [Shard(origin, signer, guard)],
        log_storage(url),
        clock=SystemClock(),
        former=settings.log.former_origins,
        on_step=on_step,
    )


def _grpc_settings(settings: Settings) -> GrpcSettings:
    server = settings.server
    return GrpcSettings(
        listen=server.listen,
        health_listen=server.health_listen,
        tls=TlsFiles(server.certificate, server.key, server.client_authorities),
        # Whatever is set, calls that send no message must not be able to take the places of those that do.
        max_open_calls=max(OPEN_CALLS, 2 * (server.max_concurrent_calls + FOLLOWERS)),
        drain=server.drain.total_seconds(),
    )


def _interceptors(settings: Settings, identity: Identity, place: SenderPlace) -> Sequence[Interceptor]:
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
    )


def _address(listen: str, port: int) -> str:
    return f"{listen.rpartition(':')[0]}:{port}"
