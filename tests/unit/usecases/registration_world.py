"""A Kazakh post in memory: people who apply, the state's registers, and signatures that tests make."""

import ipaddress
from collections.abc import Sequence
from datetime import date, datetime

from namak.evidence.administrative_act import ActDetails, AdministrativeAct
from server.domain.applications import Scan
from server.domain.caller import Clerk, Connection, Holder, Operator
from server.domain.holders import HolderData
from server.domain.mailboxes import HolderKind
from server.domain.refusals import SignatureInvalid
from server.domain.state_records import (
    EntityRecord,
    EntityState,
    PersonRecord,
    PersonState,
    RegistrationCertificate,
)
from server.domain.state_records import (
    Signatory as RegisteredSignatory,
)
from server.jurisdictions.kz import KZ
from server.usecases.administration import Administration
from server.usecases.agreements import AgreementRegister, PublishUserAgreement
from server.usecases.application_commands import DecideApplication, Form, Paper, Standing, SubmitApplication
from server.usecases.applications import ApplicationDesk
from server.usecases.holder_profiles import HolderRegister
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.registration_ports import SignedBy
from tests.fakes.state_registers import FakeStateRegisters
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.world import CountedEntropy, FixedClock

AIGUL = "900101450006"
BOLAT = "850505350008"
COMPANY = "200240012349"
AIGUL_ADDRESS = f"{AIGUL}@{KZ.mailbox_domain}"
COMPANY_ADDRESS = f"{COMPANY}@{KZ.mailbox_domain}"


def connection(number: int) -> Connection:
    return Connection(bytes([number] * 32), ipaddress.ip_address(f"198.51.100.{number}"))


class MadeSignatures:
    """Knows the signatures that tests made: each is good for its own text only."""

    def __init__(self) -> None:
        self._made: dict[bytes, tuple[bytes, SignedBy]] = {}

    def sign(self, text: bytes, person_number: str, entity_number: str | None = None) -> bytes:
        """Returns a signature over a text. No two are equal, as with real keys."""
        cms = f"signature {len(self._made)}".encode()
        self._made[cms] = (text, SignedBy(person_number, entity_number))
        return cms

    async def signatory(self, cms: bytes, text: bytes, at: datetime) -> SignedBy:
        made = self._made.get(cms)
        if made is None or made[0] != text:
            raise SignatureInvalid("the signature is not over these bytes")
        return made[1]


class RegistrationWorld:
    """The use cases of registration. The registers know Aigul, Bolat, and Bolat's company."""

    def __init__(self) -> None:
        self.uow = FakeUnitOfWork()
        self.clock = FixedClock()
        self.entropy = CountedEntropy()
        self.signatures = MadeSignatures()
        self.registers = FakeStateRegisters()
        self.wakes = 0
        self.administration = Administration(
            uow=self.uow, clock=self.clock, entropy=self.entropy, wake_log=self._wake, profile=KZ
        )
        self.desk = ApplicationDesk(
            administration=self.administration,
            clock=self.clock,
            entropy=self.entropy,
            profile=KZ,
            signatures=self.signatures,
            registers=self.registers,
        )
        self.holders = HolderRegister(
            administration=self.administration,
            clock=self.clock,
            entropy=self.entropy,
            profile=KZ,
            signatures=self.signatures,
        )
        self.agreements = AgreementRegister(
            administration=self.administration, uow=self.uow, clock=self.clock, entropy=self.entropy
        )
        self.mailboxes = MailboxRegister(
            administration=self.administration, clock=self.clock, entropy=self.entropy, profile=KZ
        )
        self.operator = Operator(connection(1))
        self.clerk = Clerk(connection(2))
        self.aigul = Holder(connection(3), AIGUL)
        self.bolat = Holder(connection(4), BOLAT)
        for number, name in ((AIGUL, "Айгүл Серікқызы"), (BOLAT, "Болат Ахметұлы")):
            self.registers.show_person(PersonRecord(number, name, PersonState.ALIVE, None, ""))
        self.registers.show_entity(
            EntityRecord(
                COMPANY,
                "«Болат» ЖШС",
                EntityState.REGISTERED,
                RegistrationCertificate("123-1910", date(2020, 2, 3)),
                "",
                (RegisteredSignatory(BOLAT, "Болат Ахметұлы"),),
            )
        )

    def _wake(self) -> None:
        self.wakes += 1

    async def publish(self, version: str = "1") -> None:
        """Publishes a version of the user agreement."""
        texts = (("kk", f"Келісім {version}"), ("ru", f"Соглашение {version}"))
        await self.agreements.publish(
            PublishUserAgreement(self.operator, f"publish-{version}", version, texts)
        )

    async def signed(
        self,
        form: Form,
        by: Holder | None = None,
        request_id: str = "apply",
        *,
        person: str | None = None,
        entity: str | None = None,
    ) -> SubmitApplication:
        """Returns an application as the applicant signs it, or as somebody else does."""
        by = by or self.aigul
        text = await self.desk.prepare(by, request_id, form)
        cms = self.signatures.sign(text, person or by.person_number, entity)
        return SubmitApplication(by, request_id, form, cms)

    async def received(self) -> Standing:
        """Returns Aigul's application, once it came."""
        return await self.desk.submit(await self.signed(aiguls_form()))

    async def approved(self) -> Standing:
        """Returns Aigul's application, once it is approved."""
        came = await self.received()
        return await self.desk.decide(DecideApplication(self.clerk, "approve", came.application.id))

    def acts_so_far(self) -> Sequence[ActDetails]:
        """Returns what is recorded of acts, oldest first."""
        return [AdministrativeAct.parse(fact.data).details for fact in self.uow.committed.queue]


def aiguls_data() -> HolderData:
    return HolderData(
        kind=HolderKind.PERSON,
        number=AIGUL,
        name="Айгүл  серікқызы",
        identity_document="жеке куәлік 012345678, ІІМ, 2020-01-01",
        residence="Алматы, Абай даңғылы 1",
        mobile_phone="+77010000001",
    )


def aiguls_form(login: str = "aigul", version: str = "1") -> Form:
    return Form(aiguls_data(), login, version, "kk")


def companys_form() -> Form:
    data = HolderData(
        kind=HolderKind.ENTITY,
        number=COMPANY,
        name="«Болат» ЖШС",
        registration_number="123-1910",
        registration_date=date(2020, 2, 3),
        legal_address="Астана, Достық 1",
        actual_address="Астана, Достық 1",
        home_phone="+77172000001",
    )
    return Form(data, "bolat.llp", "1", "kk")


def on_paper(form: Form, signer_number: str) -> tuple[Form, Paper]:
    return form, Paper(Scan(b"%PDF-1.7 scan", "application/pdf"), signer_number)


def approval(world: RegistrationWorld, request_id: str = "approve") -> DecideApplication:
    (application,) = world.uow.committed.applications.values()
    return DecideApplication(world.clerk, request_id, application.id)
