"""A holder who confirms with the phone, in memory; the signatures, and their check, are real ones."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from namak.evidence.signature import check_confirmation_signature
from server.domain.caller import Holder
from server.domain.deliveries import Delivery
from server.domain.profile import MobileCode, Profile
from server.domain.refusals import SigningCertificateUntrusted
from server.jurisdictions.am import AM
from server.usecases.mobile_signing import MobileSigning
from server.usecases.phone_confirmation import (
    CompleteConfirmationByPhone,
    PhoneConfirmationDesk,
    StartConfirmationByPhone,
    StartedConfirmation,
)
from server.usecases.reading import ConfirmedReading, Reading
from server.usecases.records import VerifiedSigner
from server.usecases.sign_in_proofs import Pending
from server.usecases.tries import Tries
from tests.fakes.mobile_identity import FakeMobileIdentity
from tests.fakes.sim import Sim, new_sim
from tests.unit.evidence_documents.pki import Authority
from tests.unit.usecases.sign_in_world import everything
from tests.unit.usecases.world import ANI, GatedUnitOfWork, World

WAIT = timedelta(seconds=20)
ROOT = Authority.root("Citizen root")
ISSUER = ROOT.authority("Citizen authority")
LISTS = (ROOT.crl(), ISSUER.crl())


class Chains:
    """The authorities that an operator keeps: those above `ISSUER`'s certificates, one way or another."""

    def __init__(self) -> None:
        self.more: tuple[bytes, ...] = ()

    async def above(self, certificate: bytes, at: datetime) -> Sequence[bytes]:
        """Returns the issuer's, and whatever the operator has besides now."""
        return (ISSUER.der, *self.more)


class NoChains(Chains):
    """Knows no issuer."""

    async def above(self, certificate: bytes, at: datetime) -> Sequence[bytes]:
        """Refuses every certificate."""
        raise SigningCertificateUntrusted


class PhoneSignatures:
    """Judges a CMS as verifiers of evidence do; `fault`, if set, is raised instead."""

    def __init__(self, uow: GatedUnitOfWork) -> None:
        self._uow = uow
        self.fault: Exception | None = None

    async def verify(self, cms: bytes, statement: bytes, at: datetime) -> VerifiedSigner:
        """Checks it against `ROOT`."""
        assert self._uow.open_here == 0
        if self.fault is not None:
            raise self.fault
        signer = check_confirmation_signature(cms, statement, roots=[ROOT.der], crls=LISTS, at=at)
        return VerifiedSigner(signer.person.number, LISTS)


class PhoneWorld:
    """A post with an opened letter to Ani, and Ani's phone."""

    def __init__(
        self,
        code: MobileCode = MobileCode.COMPARE,
        *,
        profile: Profile | None = None,
        world: World | None = None,
    ) -> None:
        full = everything()
        self.profile = profile or replace(full, sign_in=replace(full.sign_in, mobile_code=code))
        self.world = world or World()
        self.uow, self.clock = self.world.uow, self.world.clock
        self.mobile = FakeMobileIdentity(self.clock)
        self.sim: Sim = self.mobile.know(new_sim(ISSUER, person_number=ANI))
        self.chains: Chains = Chains()
        self.signatures = PhoneSignatures(self.uow)
        self.desk = self.new_desk()

    def new_desk(self, *, served: bool = True) -> PhoneConfirmationDesk:
        """Returns the desk of one more replica, with a mobile-id service or without."""
        world = self.world
        reading = Reading(
            uow=self.uow,
            clock=self.clock,
            entropy=world.entropy,
            log=world.log,
            signatures=self.signatures,
            profile=AM,
        )
        signing = MobileSigning(
            mobile=self.mobile, chains=self.chains, clock=self.clock, entropy=world.entropy
        )
        return PhoneConfirmationDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=world.entropy,
            reading=reading,
            signing=signing if served else None,
            tries=Tries(self.uow, self.profile),
            profile=self.profile,
        )

    async def start(
        self, delivery: Delivery, *, by: Holder | None = None, phone: str | None = None
    ) -> StartedConfirmation:
        """Has the phone ring."""
        holder = by or self.world.ani
        return await self.desk.start(
            StartConfirmationByPhone(holder, delivery.id, phone or self.sim.phone, "hy")
        )

    async def complete(
        self,
        started: StartedConfirmation | UUID,
        *,
        code: str | None = None,
        by: Holder | None = None,
        wait: timedelta = WAIT,
        desk: PhoneConfirmationDesk | None = None,
    ) -> ConfirmedReading | Pending:
        """Asks for the outcome, at the first replica unless another one is named."""
        confirmation_id = started if isinstance(started, UUID) else started.id
        command = CompleteConfirmationByPhone(by or self.world.ani, confirmation_id, code, wait)
        return await (desk or self.desk).complete(command)

    async def signed(self, started: StartedConfirmation) -> ConfirmedReading:
        """Enters the right PIN, and takes the outcome."""
        await self.sim.enter_right()
        confirmed = await self.complete(started)
        assert isinstance(confirmed, ConfirmedReading)
        return confirmed
