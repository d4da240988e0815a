"""Wires the use cases over one database and one log, and the servicers in front of them."""

from collections.abc import Callable

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
from server.gateways.citizen_pki import CitizenPki
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
from server.usecases.acts import ActRegister
from server.usecases.administration import Administration
from server.usecases.administrators import AdministratorRegister
from server.usecases.billing import Billing
from server.usecases.certificate_status import CertificateStatus
from server.usecases.certificates import CertificateRegister
from server.usecases.correspondence import CorrespondenceDesk
from server.usecases.delegations import DelegationDesk
from server.usecases.delivery import DeliveryDesk
from server.usecases.delivery_certificates import DeliveryCertificates, Office
from server.usecases.domains import DomainRegister
from server.usecases.evidence import EvidenceDesk
from server.usecases.evidence_debt import OutageGate
from server.usecases.following import Following
from server.usecases.forgetting import Forgetting
from server.usecases.forwarding import ForwardingDesk
from server.usecases.identity import Identity
from server.usecases.ladder import DueSteps
from server.usecases.log_ports import PublishedFacts
from server.usecases.log_queries import LogQueries
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.mailboxes import Mailboxes
from server.usecases.mobile_identity import MobileIdentity
from server.usecases.organisations import OrganisationRegister
from server.usecases.passwords import PasswordDesk
from server.usecases.portal_sessions import PortalSessions
from server.usecases.portals import PortalRegister
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
from server.usecases.withdrawal import Withdrawal


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


class Desks:
    """The use cases over one database and one log, and the servicers in front of them."""

    def __init__(
        self,
        settings: Settings,
        uow: UnitOfWork,
        running_log: TransparencyService,
        facts: PublishedFacts,
        dns: Dns,
        phones: MobileIdentity | None,
        people: Citizens,
        registers: StateRegisters,
        verification: SignatureDesk,
        gate: OutageGate,
        office: Office | None,
    ) -> None:
        log: Log = running_log.log
        profile = PROFILES[settings.profile]
        clock, entropy = SystemClock(), SystemEntropy()
        citizens = people.pki
        self._profile = profile
        self._development = settings.development
        self.identity = Identity(uow, citizens, clock)
        self.place = SenderPlace(dns)
        self.submissions = SubmissionDesk(
            uow=uow,
            clock=clock,
            entropy=entropy,
            log=log,
            profile=profile,
            host_names=dns,
            refusals_per_minute=settings.limits.refusals_per_minute,
            offers_sms=bool(settings.sms.host),
            sms_a_day=settings.sms.a_day,
            gate=gate,
        )
        self._delivery = DeliveryDesk(uow=uow)
        self._withdrawal = Withdrawal(uow=uow, clock=clock, entropy=entropy, log=log, profile=profile)
        self._registers = Registers(settings, uow, entropy, log.wake, citizens, texts=dns)
        self._correspondence = CorrespondenceDesk(
            uow=uow,
            submissions=self.submissions,
            deliveries=self._delivery,
            withdrawal=self._withdrawal,
            profile=profile,
            answers=paper_answers(settings, profile, uow, self._registers.administration),
        )
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
        self.forgetting = Forgetting(uow=uow, clock=clock, retention=profile.retention)
        self.portal_sessions = PortalSessions(uow=uow, clock=clock)
        self.due = DueSteps(
            uow=uow,
            clock=clock,
            entropy=entropy,
            log=log,
            profile=profile,
            actions=ladder_actions(settings),
        )
        self.portals = PortalRegister(uow=uow, clock=clock, entropy=entropy)
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
        self._evidence = EvidenceDesk(
            uow=uow,
            log=log,
            witnessed=running_log.witnessed,
            timestamped=running_log.timestamped,
            clock=clock,
        )
        self._certificates = DeliveryCertificates(
            uow=uow,
            log=log,
            witnessed=running_log.witnessed,
            timestamped=running_log.timestamped,
            clock=clock,
            office=office,
        )
        self._billing = Billing(uow=uow, profile=profile)
        self._following = Following(
            uow=uow, clock=clock, log=log, facts=facts, subscriptions=running_log.tail
        )
        self._log_queries = LogQueries(running_log.public, gate, running_log.stamping)
        self._verification = verification
        self._own_domains = own_domains(settings, profile)
        self._sms = sms_servicer(settings, profile, uow, log, dns)
        self._forwarding = ForwardingDesk(
            administration=self._registers.administration,
            uow=uow,
            clock=clock,
            entropy=entropy,
            profile=profile,
            sends=sends(settings),
        )
        registers_ = self._registers
        self._letter = letter_servicer(
            settings, profile, uow, log, registers_.administration, registers_.senders.certificates
        )

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
            evidence=EvidenceServicer(self._evidence, self._log_queries, self._certificates, profile),
            billing=BillingServicer(self._billing, profile),
            identity=IdentityServicer(
                self._sign_in,
                self._registers.sessions,
                self._passwords,
                self._registers.senders.certificates,
                self.portals,
                profile,
            ),
            registration=RegistrationServicer(self.registration, profile),
            signature=SignatureServicer(self._verification, profile),
            correspondence=CorrespondenceServicer(self._correspondence, profile),
            delegation=DelegationServicer(self._registers.delegations, profile),
            forwarding=ForwardingServicer(self._forwarding, profile, self._own_domains),
            paper=paper(profile, self.submissions, self._withdrawal),
            sms=self._sms,
            letter=self._letter,
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
