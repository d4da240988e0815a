"""The use cases of registration in memory, just rich enough to see what the edge hands in and gives back."""

from dataclasses import replace
from typing import cast
from uuid import UUID, uuid4

from namak.evidence.registration import agreement_digest
from server.domain.administration import Actor
from server.domain.applications import Application, ApplicationState, Finding
from server.domain.caller import Clerk, Holder, Operator
from server.domain.delegations import KnownSignatories, Signatory
from server.domain.holders import AgreementAcceptance, UserAgreement
from server.domain.mailboxes import HolderKind
from server.domain.paging import Page
from server.domain.refusals import ApplicationDecided, NotFound
from server.services.registration import Registration
from server.usecases.agreements import (
    AcceptUserAgreement,
    AgreementRegister,
    AgreementView,
    PublishUserAgreement,
)
from server.usecases.application_commands import (
    CheckApplication,
    DecideApplication,
    Form,
    ListApplications,
    Standing,
    SubmitApplication,
)
from server.usecases.applications import ApplicationDesk
from server.usecases.holder_profiles import ChangeHolderData, ConfirmProfile, HolderRegister, HolderView
from server.usecases.mailbox_import import BlockOutcome, ImportBlock, ImportedLine, MailboxImport, Outcome
from server.usecases.signatories import RefreshSignatories, SignatoryRegister
from tests.contracts import registration_contract as made
from tests.contracts.examples import NOON, mailbox

DECIDED = UUID("0192f0c3-0000-7000-8000-00000000dec1")


class RegistrationDesks:
    """All of them in one; `commands` are what was handed in, in order."""

    def __init__(self) -> None:
        self.commands: list[object] = []

    def registration(self) -> Registration:
        return Registration(
            applications=cast(ApplicationDesk, self),
            agreements=cast(AgreementRegister, _Agreements(self.commands)),
            holders=cast(HolderRegister, _Holders(self.commands)),
            imports=cast(MailboxImport, self),
            signatories=cast(SignatoryRegister, self),
        )

    async def refresh(self, command: RefreshSignatories) -> KnownSignatories:
        self.commands.append(command)
        entry = Signatory(UUID(int=1), "5001950015", NOON, UUID(int=2), bytes(32))
        return KnownSignatories(UUID(int=1), NOON, (entry,))

    async def prepare(self, by: Holder, request_id: str, form: Form) -> bytes:
        self.commands.append((by, request_id, form))
        return b"text"

    async def submit(self, command: SubmitApplication) -> Standing:
        self.commands.append(command)
        application = replace(made.application(command.form.data), login=command.form.login)
        contradicted = ApplicationState.CONTRADICTED
        return Standing(replace(application, state=contradicted, findings=(Finding.ENDED,)), None)

    async def whole(self, by: Actor, application_id: UUID) -> Standing:
        self.commands.append((by, application_id))
        return self._approved(application_id)

    async def check_again(self, command: CheckApplication) -> Standing:
        self.commands.append(command)
        return self._approved(command.application_id)

    async def list_applications(self, command: ListApplications) -> Page[Application]:
        self.commands.append(command)
        return Page([made.application()], "second")

    async def decide(self, command: DecideApplication) -> Standing:
        self.commands.append(command)
        if command.application_id == DECIDED:
            raise ApplicationDecided(DECIDED, "REFUSED")
        if command.refusal_reason:
            refused = replace(made.application(), state=ApplicationState.REFUSED)
            return Standing(replace(refused, refusal_reason=command.refusal_reason), None)
        return self._approved(command.application_id)

    async def open_block(self, command: ImportBlock) -> BlockOutcome:
        self.commands.append(command)
        through = command.first_line + len(command.lines) - 1
        other = ImportedLine(command.first_line, Outcome.MALFORMED, "NUMBER_MALFORMED")
        return BlockOutcome(through, len(command.lines) - 1, 0, (other,))

    def _approved(self, application_id: UUID) -> Standing:
        opened = mailbox()
        application = replace(made.application(), id=application_id, mailbox_id=opened.id, decided_at=NOON)
        return Standing(replace(application, state=ApplicationState.APPROVED), opened)


class _Agreements:
    def __init__(self, commands: list[object]) -> None:
        self._commands = commands

    async def publish(self, command: PublishUserAgreement) -> AgreementView:
        self._commands.append(command)
        digest = agreement_digest(command.texts)
        return AgreementView(UserAgreement(command.version, NOON, command.texts, digest), current=True)

    async def get(self, version: str) -> AgreementView:
        self._commands.append(version)
        if version == "never":
            raise NotFound("user agreement", version)
        return AgreementView(made.agreement(), current=not version)

    async def accept(self, command: AcceptUserAgreement) -> AgreementAcceptance:
        self._commands.append(command)
        return AgreementAcceptance(uuid4(), command.version, command.by.person_number, NOON)


class _Holders:
    def __init__(self, commands: list[object]) -> None:
        self._commands = commands

    async def get(self, by: Operator | Clerk | Holder, address: str | None) -> HolderView:
        self._commands.append((by, address))
        return self._view()

    async def change(self, command: ChangeHolderData) -> HolderView:
        self._commands.append(command)
        return self._view()

    async def confirm(self, command: ConfirmProfile) -> HolderView:
        self._commands.append(command)
        return self._view()

    def _view(self) -> HolderView:
        profile = made.holder_of(mailbox(HolderKind.ENTITY), made.entity())
        return HolderView(profile, AgreementAcceptance(profile.mailbox_id, "1", "1", NOON), b"text")
