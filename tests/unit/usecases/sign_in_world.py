"""Portals at which people sign in, in memory."""

import hashlib
import ipaddress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from server.domain.caller import Connection, Holder, Portal, ViaPortal
from server.domain.logins import Login, skeleton
from server.domain.profile import MobileCode, Profile, SignInMethod
from server.domain.senders import BindingRole, CertificateBinding
from server.domain.sessions import Session
from server.jurisdictions.am import AM
from server.jurisdictions.az import AZ
from server.jurisdictions.kz import KZ
from server.usecases.administration import Administration
from server.usecases.sessions import SessionDesk
from server.usecases.sign_in import (
    ByCertificate,
    ByPassword,
    SignedIn,
    SignInDesk,
    StartedSignIn,
    StartSignIn,
)
from server.usecases.sign_in_proofs import CompleteSignIn, Proofs
from server.usecases.tries import Starts, Tries
from tests.fakes.mobile_identity import FakeMobileIdentity
from tests.fakes.sign_in import FakePasswordHashes, FakeSignInSignatures
from tests.unit.usecases.world import ANI, START, World

LOGIN, PASSWORD = "aida.k", "a long enough password"


def everything(profile: Profile = AM) -> Profile:
    """Returns a profile that offers every way to sign in, as its own does where there is one."""
    sign_in = replace(
        profile.sign_in,
        methods=tuple(SignInMethod),
        mobile_code=profile.sign_in.mobile_code or MobileCode.COMPARE,
        passwords=KZ.sign_in.passwords,
    )
    return replace(profile, sign_in=sign_in)


def portal(name: str = "e-citizen.am") -> Portal:
    digest = hashlib.sha256(name.encode()).digest()
    return Portal(Connection(digest, ipaddress.ip_address("192.0.2.1")), name)


def at(portal: Portal, session: Session) -> Holder:
    """Returns the holder as the door knows them in a session at a portal."""
    via = ViaPortal(portal.name, session.id, session.assurance)
    return Holder(portal.connection, session.person_number, via=via)


@dataclass
class SignInWorld:
    """A post under a profile, with two portals."""

    profile: Profile = field(default_factory=everything)
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.uow, self.clock, self.entropy = self.world.uow, self.world.clock, self.world.entropy
        self.signatures = FakeSignInSignatures(self.uow)
        self.passwords = FakePasswordHashes(self.uow)
        self.mobile = FakeMobileIdentity(self.clock)
        self.portal, self.elsewhere = portal(), portal("another.am")
        self.card = self.signatures.card(ANI)
        self.desk = self.new_desk()
        self.administration = administration = Administration(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            wake_log=self.world.log.wake,
            profile=self.profile,
        )
        self.sessions = SessionDesk(
            uow=self.uow, clock=self.clock, entropy=self.entropy, administration=administration
        )

    def new_desk(self, *, starts: Starts | None = None) -> SignInDesk:
        """Returns the desk of one more replica."""
        tries = Tries(self.uow, self.profile)
        return SignInDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.world.log,
            signatures=self.signatures,
            mobile=self.mobile,
            proofs=Proofs(
                uow=self.uow,
                signatures=self.signatures,
                mobile=self.mobile,
                passwords=self.passwords,
                tries=tries,
                profile=self.profile,
            ),
            tries=tries,
            profile=self.profile,
            starts=starts,
        )

    async def start(
        self,
        certificate: bytes | None = None,
        *,
        by: Portal | Holder | None = None,
        ends_others: bool = False,
    ) -> StartedSignIn:
        """Starts a sign-in by card."""
        how = ByCertificate(certificate or self.card)
        return await self.desk.start(StartSignIn(by or self.portal, how, "hy", ends_others))

    def proof(
        self, started: StartedSignIn, certificate: bytes | None = None, *, by: Portal | Holder | None = None
    ) -> CompleteSignIn:
        """Returns the request that completes a sign-in by card."""
        cms = self.signatures.sign(certificate or self.card, started.sign_in.text)
        return CompleteSignIn(by or self.portal, started.sign_in.id, cms=cms)

    async def sign_in(
        self,
        certificate: bytes | None = None,
        *,
        by: Portal | None = None,
        ends_others: bool = False,
    ) -> SignedIn:
        """Signs in by card."""
        started = await self.start(certificate, by=by, ends_others=ends_others)
        outcome = await self.desk.complete(self.proof(started, certificate, by=by))
        assert isinstance(outcome, SignedIn)
        return outcome

    def know_portals(self) -> None:
        """Binds the portals' certificates."""
        for each in (self.portal, self.elsewhere):
            digest = each.connection.certificate_sha256
            self.uow.committed.bindings[digest] = CertificateBinding(
                digest,
                BindingRole.PORTAL,
                None,
                None,
                START + timedelta(days=365),
                START,
                None,
                portal_name=each.name,
            )

    def know_login(self, login: str = LOGIN, password: str = PASSWORD, *, person: str = ANI) -> None:
        """Registers a login."""
        digest = hashlib.sha256(password.encode()).hexdigest()
        known = Login(login, person, f"new {digest}", START)
        self.uow.committed.logins[skeleton(login)] = known

    async def by_password(
        self, password: str = PASSWORD, *, login: str = LOGIN, by: Portal | None = None
    ) -> SignedIn:
        """Signs in by password."""
        where = by or self.portal
        started = await self.desk.start(StartSignIn(where, ByPassword(login), "hy", ends_others=False))
        outcome = await self.desk.complete(CompleteSignIn(where, started.sign_in.id, password=password))
        assert isinstance(outcome, SignedIn)
        return outcome


LATER = timedelta(minutes=1)
PROFILES = {"am": AM, "az": AZ, "kz": KZ}
