"""Wires the use cases over one database and one log, and the servicers in front of them."""

from dataclasses import dataclass

from server.bootstrap_administration import Registers
from server.bootstrap_citizens import Citizens
from server.bootstrap_forwarding import own_domains, sends
from server.bootstrap_ladder import ladder_actions
from server.bootstrap_letters import letter_servicer
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_mobile_id import confirmation_by_phone
from server.bootstrap_paper import paper, paper_answers
from server.bootstrap_registration import registration
from server.bootstrap_sms import sms_servicer
from server.config import Settings
from server.domain.profile import Profile
from server.gateways.argon2_passwords import Argon2Passwords
from server.gateways.dns import Dns
from server.grpc_server import Servicers
from server.jurisdictions import PROFILES
from server.services.billing import BillingServicer
from server.services.correspondence import CorrespondenceServicer
from server.services.delegation import DelegationServicer
from server.services.delivery import DeliveryServicer
from server.services.evidence import EvidenceServicer
from server.services.forwarding import ForwardingServicer
from server.services.identity import IdentityServicer
from server.services.mailbox import MailboxServicer
from server.services.registration import RegistrationServicer
from server.services.sender_admin import SenderAdminServicer
from server.services.signature import SignatureServicer
from server.transparency.service import TransparencyService
from server.usecases.administration import Administration
from server.usecases.billing import Billing
from server.usecases.certificate_status import CertificateStatus
from server.usecases.correspondence import CorrespondenceDesk
from server.usecases.delivery import DeliveryDesk
from server.usecases.delivery_certificates import DeliveryCertificates, Office
from server.usecases.evidence import EvidenceDesk
from server.usecases.evidence_debt import OutageGate
from server.usecases.following import Following
from server.usecases.forgetting import Forgetting
from server.usecases.forwarding import ForwardingDesk
from server.usecases.identity import Identity
from server.usecases.ladder import DueSteps
from server.usecases.log_ports import PublishedFacts
from server.usecases.log_queries import LogQueries
from server.usecases.mailboxes import Mailboxes
from server.usecases.mobile_identity import MobileIdentity
from server.usecases.passwords import PasswordDesk
from server.usecases.portal_sessions import PortalSessions
from server.usecases.portals import PortalRegister
from server.usecases.ports import Clock, Entropy, Log, UnitOfWork
from server.usecases.reading import Reading
from server.usecases.sender_place import SenderPlace
from server.usecases.session_ports import PasswordHashes
from server.usecases.sign_in import SignInDesk
from server.usecases.sign_in_effects import OutstandingEffects, SignInEffects
from server.usecases.sign_in_proofs import Proofs
from server.usecases.sign_in_signatures import CheckedSignatures
from server.usecases.signature_verification import SignatureDesk
from server.usecases.standing import Standings
from server.usecases.state_registers import StateRegisters
from server.usecases.submission import SubmissionDesk
from server.usecases.tries import Tries
from server.usecases.withdrawal import Withdrawal


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a server's use cases stand on: its database, its log, and the ways to others.

    Attributes:
        log: the running log of this replica.
        facts: what is published, for those who follow.
        phones: the mobile-id service; None where there is none.
        people: the citizens' authorities.
        registers: those of the state.
        verification: who verifies signatures for anybody.
        gate: what keeps submissions out during an outage.
        office: who seals certificates of delivery; None where nobody does.
    """

    settings: Settings
    uow: UnitOfWork
    log: TransparencyService
    facts: PublishedFacts
    dns: Dns
    phones: MobileIdentity | None
    people: Citizens
    registers: StateRegisters
    verification: SignatureDesk
    gate: OutageGate
    office: Office | None

    @property
    def profile(self) -> Profile:
        """The jurisdiction's."""
        return PROFILES[self.settings.profile]


class _Sending:
    """Who takes notices in, and what senders see of them."""

    def __init__(
        self, on: Foundation, clock: Clock, entropy: Entropy, administration: Administration
    ) -> None:
        profile, uow, log = on.profile, on.uow, on.log.log
        self.submissions = SubmissionDesk(
            uow=uow,
            clock=clock,
            entropy=entropy,
            log=log,
            profile=profile,
            host_names=on.dns,
            refusals_per_minute=on.settings.limits.refusals_per_minute,
            offers_sms=bool(on.settings.sms.host),
            sms_a_day=on.settings.sms.a_day,
            gate=on.gate,
        )
        self.deliveries = DeliveryDesk(uow=uow)
        self.withdrawal = Withdrawal(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile)
        self.billing = Billing(uow=uow, profile=profile)
        self.correspondence = CorrespondenceDesk(
            uow=uow,
            submissions=self.submissions,
            deliveries=self.deliveries,
            withdrawal=self.withdrawal,
            profile=profile,
            answers=paper_answers(on.settings, profile, uow, administration),
        )


class _Holding:
    """What holders of mailboxes do: they read, confirm, and have copies forwarded."""

    def __init__(
        self, on: Foundation, clock: Clock, entropy: Entropy, administration: Administration
    ) -> None:
        profile, uow = on.profile, on.uow
        self.mailboxes = Mailboxes(uow=uow, clock=clock)
        self.standings = Standings(uow=uow, clock=clock)
        self.reading = Reading(
            uow=uow, clock=clock, entropy=entropy, log=on.log.log, signatures=on.people.pki, profile=profile
        )
        self.by_phone = confirmation_by_phone(
            profile, uow, clock, entropy, reading=self.reading, phones=on.phones, trust=on.people.trust
        )
        self.forwarding = ForwardingDesk(
            administration=administration,
            uow=uow,
            clock=clock,
            entropy=entropy,
            profile=profile,
            sends=sends(on.settings),
        )


class _SigningIn:
    """Who signs in, by what, and what is done about it in the background."""

    def __init__(
        self, on: Foundation, clock: Clock, entropy: Entropy, administration: Administration
    ) -> None:
        profile, uow, log = on.profile, on.uow, on.log.log
        hashes = Argon2Passwords()
        self.desk = _sign_in(profile, uow, log, on.people.status, on.phones, hashes)
        self.outstanding = OutstandingEffects(
            uow=uow, clock=clock, log=log, effects=SignInEffects(entropy, profile)
        )
        self.forgetting = Forgetting(uow=uow, clock=clock, retention=profile.retention)
        self.portal_sessions = PortalSessions(uow=uow, clock=clock)
        self.portals = PortalRegister(uow=uow, clock=clock, entropy=entropy)
        self.passwords = PasswordDesk(
            uow=uow,
            clock=clock,
            entropy=entropy,
            administration=administration,
            passwords=hashes,
            profile=profile,
        )


class _Proving:
    """What is told of the log, and of what was recorded in it."""

    def __init__(self, on: Foundation, clock: Clock) -> None:
        uow, log = on.uow, on.log.log
        self.evidence = EvidenceDesk(
            uow=uow, log=log, witnessed=on.log.witnessed, timestamped=on.log.timestamped, clock=clock
        )
        self.certificates = DeliveryCertificates(
            uow=uow,
            log=log,
            witnessed=on.log.witnessed,
            timestamped=on.log.timestamped,
            clock=clock,
            office=on.office,
        )
        self.following = Following(uow=uow, clock=clock, log=log, facts=on.facts, subscriptions=on.log.tail)
        self.log = LogQueries(*(on.log.public, on.gate, on.log.stamping, on.log.cosigning), clock=clock)


class Desks:
    """The use cases over one database and one log, and the servicers in front of them."""

    def __init__(self, on: Foundation) -> None:
        profile, uow, log, citizens = on.profile, on.uow, on.log.log, on.people.pki
        clock, entropy = SystemClock(), SystemEntropy()
        self._on = on
        self._registers = Registers(on.settings, uow, entropy, log.wake, citizens, texts=on.dns)
        administration = self._registers.administration
        self._sending = _Sending(on, clock, entropy, administration)
        self._holding = _Holding(on, clock, entropy, administration)
        self.signing_in = _SigningIn(on, clock, entropy, administration)
        self._proving = _Proving(on, clock)
        self.identity = Identity(uow, citizens, clock)
        self.place = SenderPlace(on.dns)
        self.submissions = self._sending.submissions
        self.registration = registration(
            profile=profile,
            uow=uow,
            clock=clock,
            entropy=entropy,
            wake_log=log.wake,
            signatures=citizens,
            registers=on.registers,
        )
        self.due = DueSteps(
            uow=uow,
            clock=clock,
            entropy=entropy,
            log=log,
            profile=profile,
            actions=ladder_actions(on.settings),
        )

    def servicers(self) -> Servicers:
        """Returns the servicers of the contract, in front of the use cases."""
        on, profile, log = self._on, self._on.profile, self._on.log.log
        registers, sending, holding = self._registers, self._sending, self._holding
        signing_in, proving = self.signing_in, self._proving
        certificates = registers.senders.certificates
        return Servicers(
            sender_admin=SenderAdminServicer(registers.senders, profile, development=on.settings.development),
            mailbox=MailboxServicer(
                registers.mailboxes,
                holding.mailboxes,
                holding.reading,
                proving.following,
                holding.standings,
                holding.by_phone,
                profile,
            ),
            delivery=DeliveryServicer(
                sending.submissions, sending.deliveries, sending.withdrawal, proving.following, profile
            ),
            evidence=EvidenceServicer(proving.evidence, proving.log, proving.certificates, profile),
            billing=BillingServicer(sending.billing, profile),
            identity=IdentityServicer(
                signing_in.desk,
                registers.sessions,
                signing_in.passwords,
                certificates,
                signing_in.portals,
                profile,
            ),
            registration=RegistrationServicer(self.registration, profile),
            signature=SignatureServicer(on.verification, profile),
            correspondence=CorrespondenceServicer(sending.correspondence, profile),
            delegation=DelegationServicer(registers.delegations, profile),
            forwarding=ForwardingServicer(holding.forwarding, profile, own_domains(on.settings, profile)),
            paper=paper(profile, sending.submissions, sending.withdrawal),
            sms=sms_servicer(on.settings, profile, on.uow, log, on.dns),
            letter=letter_servicer(on.settings, profile, on.uow, log, registers.administration, certificates),
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
