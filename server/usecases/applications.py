"""Applications for a mailbox: from the applicant's signature to the open mailbox (BOX-3 to BOX-5, BOX-10)."""

from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

from namak.evidence.registration import SALT_BYTES, Agreement, application_text
from server.domain.administration import (
    Actor,
    Snapshot,
    TheServer,
    absent,
    application_resource,
    holder_resource,
    mailbox_resource,
    mailbox_snapshot,
)
from server.domain.applications import (
    Application,
    ApplicationState,
    Channel,
    check_way_open,
    findings_on,
    is_person,
)
from server.domain.caller import Clerk, Holder
from server.domain.holders import AgreementAcceptance, HolderData, HolderProfile
from server.domain.logins import Login
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.paging import Page, Query
from server.domain.profile import Profile, RegistrationWay
from server.domain.refusals import (
    AlreadyRegistered,
    NotFound,
    SignerNotApplicant,
)
from server.domain.state_records import Found, Unavailable
from server.usecases.administration import Act, Administration, Changed
from server.usecases.agreements import acceptance_snapshot, check_joined
from server.usecases.application_commands import (
    CheckApplication,
    DecideApplication,
    Form,
    ListApplications,
    Paper,
    Standing,
    SubmitApplication,
)
from server.usecases.mailboxes import checked_times
from server.usecases.ports import Clock, Entropy, Transaction
from server.usecases.registration_ports import ApplicantSignatures
from server.usecases.signatory_entry import signatory_entered
from server.usecases.state_registers import StateRegisters

_T = TypeVar("_T")

_RECENTLY: Final = timedelta(hours=1)
_NOW: Final = timedelta(0)
_AT_ONCE: Final = 500


class ApplicationDesk:
    """Takes applications, has the state's registers asked about them, and decides; every step is an act.

    No register is asked while a transaction is open, and nothing is approved that none has confirmed.
    """

    def __init__(
        self,
        *,
        administration: Administration,
        clock: Clock,
        entropy: Entropy,
        profile: Profile,
        signatures: ApplicantSignatures,
        registers: StateRegisters,
    ) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy
        self._profile = profile
        self._signatures = signatures
        self._registers = registers

    async def prepare(self, by: Holder, request_id: str, form: Form) -> bytes:
        """Returns the exact text that the applicant signs.

        Raises:
            RegistrationWayClosed: it is not by application that such a holder comes by a mailbox.
            NotFound, AgreementNotCurrent: about the user agreement.
        """
        self._check_open(form)
        async with self._administration.reading(by) as tx:
            await check_joined(tx, self._profile, form.agreement_version)
            return await self._text(tx, request_id, form)

    async def submit(self, command: SubmitApplication) -> Standing:
        """Keeps an application, and asks the state's registers about it at once.

        Raises:
            RegistrationWayClosed, RequestIdReused, NotFound, AgreementNotCurrent, and what
            `ApplicantSignatures` raises.
            SignerNotApplicant: the certificate is not the applicant's.
            AlreadyRegistered: the applicant has a mailbox or an application, or the login is in use.
        """
        form = command.form
        async with self._administration.reading(command.by) as tx:
            text = await self._text(tx, command.request_id, form)
        paper = command.confirmation if isinstance(command.confirmation, Paper) else None
        channel = Channel.ELECTRONIC if paper is None else Channel.PAPER
        # With a signature it is the caller's own, or else it is refused.
        signer = paper.signer_number if paper else _number(command.by)
        scan = b"" if paper is None else paper.scan.content
        content = (text.decode(), signer, channel, scan.hex())
        act = Act("SubmitApplication", command.by, command.request_id, content, self._entropy.new_id())
        kept = await self._administration.repeated(act, _same)
        if kept is None:
            kept = await self._submit_anew(command, act, text)
        found = await self._get(command.by, kept)
        if found.state is ApplicationState.RECEIVED:
            await self.check(TheServer(), kept, no_older_than=_RECENTLY)
        return await self.standing(command.by, kept)

    async def _submit_anew(self, command: SubmitApplication, act: Act, text: bytes) -> UUID:
        form = command.form
        self._check_open(form)
        application = await self._vouched(command, act.subject_id, text)

        async def change(tx: Transaction) -> Changed[UUID]:
            await check_joined(tx, self._profile, form.agreement_version)
            address = self._address(form.data)
            if await tx.mailboxes.named(address) is not None:
                raise AlreadyRegistered("mailbox", address)
            if form.login and await tx.logins.is_given(form.login):
                raise AlreadyRegistered("login", form.login)
            if not await tx.applications.add(application):
                raise AlreadyRegistered("application of", form.data.number)
            return _changed(application.id, None, application)

        return await self._administration.carry_out(act, change, _same)

    async def standing(self, by: Actor, application_id: UUID) -> Standing:
        """Returns an application as it is now, without its scan, with its mailbox.

        Raises:
            NotFound, for a holder ResourceNotPermitted: also for what somebody else signed.
        """
        async with self._administration.reading(by) as tx:
            found = await tx.applications.get_without_scan(application_id)
            return await _standing(tx, _visible(by, application_id, found))

    async def whole(self, by: Actor, application_id: UUID) -> Standing:
        """Returns an application as `standing` does, with its scan. Raises as that does."""
        async with self._administration.reading(by) as tx:
            found = await tx.applications.get(application_id)
            return await _standing(tx, _visible(by, application_id, found))

    async def list_applications(self, command: ListApplications) -> Page[Application]:
        """Lists applications, the newest first, without their scans; a holder's own for a holder.

        Raises:
            InvalidPageToken.
            InvalidFields: of the times, the later is not after the earlier.
        """
        wanted = command.wanted
        if isinstance(command.by, Holder):
            wanted = replace(wanted, signer_number=command.by.person_number)
        checked_times(wanted.since, wanted.until)
        parts = (wanted.state, wanted.number, wanted.signer_number, wanted.since, wanted.until)
        query = Query(("ListApplications", *("" if part is None else str(part) for part in parts)))
        before = query.identifier(command.page_token)
        async with self._administration.reading(command.by) as tx:
            found = await tx.applications.list_newest(wanted, before=before, limit=command.page_size + 1)
        shown = found[: command.page_size]
        return Page(shown, query.token(str(shown[-1].id)) if len(found) > len(shown) else "")

    async def check_again(self, command: CheckApplication) -> Standing:
        """Asks the state's registers again at somebody's request; repeated, it asks nobody. Returns the
        application as it is by then.

        Raises:
            RequestIdReused, NotFound.
        """
        act = _check(command.by, command.request_id, command.application_id)
        if await self._administration.repeated(act, _same) is None:
            await self.check(command.by, command.application_id, request_id=command.request_id)
        return await self.standing(command.by, command.application_id)

    async def check(
        self,
        by: Actor,
        application_id: UUID,
        *,
        no_older_than: timedelta = _NOW,
        request_id: str | None = None,
    ) -> bool:
        """Asks the state's registers about an application, and keeps what they say; one that is decided stays
        as it is. Returns False while the register answers nobody.

        Raises:
            RequestIdReused, NotFound.
        """
        application = await self._get(by, application_id)
        if not application.needs_check(self._clock.now()) and isinstance(by, TheServer):
            return True
        ask = self._registers.person if is_person(application) else self._registers.entity
        answer = await ask(application.data.number, no_older_than=no_older_than)
        # It counts from when the register said so.
        said_at = self._clock.now() - (answer.age if isinstance(answer, Found) else timedelta())
        finding = findings_on(application, answer)

        async def change(tx: Transaction) -> Changed[bool]:
            before = _visible(by, application_id, await tx.applications.lock(application_id))
            if before.decided_at is not None:
                return _changed(True, before, before)
            after = before.asked(finding, said_at)
            await tx.applications.change(after)
            answering = not isinstance(finding, Unavailable) or finding.fault.may_be_the_records
            return _changed(answering, before, after)

        async def again(_tx: Transaction, _kept: UUID) -> bool:
            return True

        act = _check(by, request_id, application_id)
        return await self._administration.carry_out(act, change, again)

    async def check_unanswered(self) -> None:
        """Asks again about all applications of which no register has said anything yet. A register that
        answers nobody is left alone until the next round; the other one is asked all the same, and so is
        this one about others where only one record may be amiss.
        """
        for kind in HolderKind:
            await self._check_unanswered(kind)

    async def _check_unanswered(self, kind: HolderKind) -> None:
        after: UUID | None = None
        while True:
            async with self._administration.reading(TheServer()) as tx:
                waiting = await tx.applications.unanswered(kind, after=after, limit=_AT_ONCE)
            for after in waiting:
                if not await self.check(TheServer(), after):
                    return
            if len(waiting) < _AT_ONCE:
                return

    async def decide(self, command: DecideApplication) -> Standing:
        """Approves or refuses an application. Of two at the same moment one decides.

        Raises:
            RequestIdReused, NotFound, ApplicationDecided.
            ApplicationWaiting, ApplicationContradicted: it can't be approved.
            AlreadyRegistered: the address or the login was given away meanwhile.
        """
        name = "RefuseApplication" if command.refusal_reason else "ApproveApplication"
        if not command.refusal_reason:
            found = await self._get(command.by, command.application_id)
            if found.needs_check(self._clock.now()):
                await self.check(TheServer(), found.id)

        async def change(tx: Transaction) -> Changed[UUID]:
            locked = await tx.applications.lock(command.application_id)
            before = _visible(command.by, command.application_id, locked)
            if command.refusal_reason:
                return await self._refused(tx, before, command.refusal_reason)
            return await self._approved(tx, before)

        content = (str(command.application_id), command.refusal_reason)
        act = Act(name, command.by, command.request_id, content, command.application_id)
        kept = await self._administration.carry_out(act, change, _same)
        return await self.standing(command.by, kept)

    async def _refused(self, tx: Transaction, before: Application, reason: str) -> Changed[UUID]:
        after = before.came_to(ApplicationState.REFUSED)
        after = replace(after, decided_at=self._clock.now(), refusal_reason=reason)
        await tx.applications.change(after)
        return _changed(after.id, before, after)

    async def _approved(self, tx: Transaction, before: Application) -> Changed[UUID]:
        now, data = self._clock.now(), before.data
        before.check_approvable(now)
        address = self._address(data)
        # BOX-12: with that it stands in the directory.
        mailbox = Mailbox(self._entropy.new_id(), address, data.kind, data.number, MailboxState.OPEN, now)
        if not await tx.mailboxes.add(mailbox):
            raise AlreadyRegistered("mailbox", address)
        if before.login and not await tx.logins.add(Login(before.login, before.signer_number, "", now)):
            raise AlreadyRegistered("login", before.login)
        salt = self._entropy.random(SALT_BYTES)
        holder = HolderProfile(mailbox.id, address, data, before.signer_number, before.login, salt)
        await tx.holders.add(holder)
        known: Snapshot = holder.snapshot()
        if before.agreement_version:
            joined = AgreementAcceptance(
                mailbox.id, before.agreement_version, before.signer_number, before.received_at
            )
            # BOX-3: signing the application was joining the agreement.
            known = {**known, **acceptance_snapshot(await tx.holders.accept(joined))}
        after = before.came_to(ApplicationState.APPROVED)
        after = replace(after, decided_at=now, mailbox_id=mailbox.id)
        await tx.applications.change(after)
        opened: Changed[None] = Changed(
            None, mailbox_resource(address), None, None, mailbox_snapshot(mailbox)
        )
        entered: Changed[None] = Changed(None, holder_resource(address), None, None, known)
        signatory = (signatory_entered(mailbox, before, now),) if data.kind is HolderKind.ENTITY else ()
        return replace(_changed(after.id, before, after), with_it=(opened, entered, *signatory))

    async def _vouched(self, command: SubmitApplication, application_id: UUID, text: bytes) -> Application:
        """Returns the application as it is kept, once it is known who vouches for it."""
        form, now = command.form, self._clock.now()
        cms, scan = None, None
        if isinstance(command.confirmation, Paper):
            signer, scan = command.confirmation.signer_number, command.confirmation.scan
        else:
            cms = command.confirmation
            signed = await self._signatures.signatory(cms, text, now)
            signer = signed.person_number
            of_form = signer if form.data.kind is HolderKind.PERSON else signed.entity_number
            if of_form != form.data.number or not _is(command.by, signer):
                raise SignerNotApplicant
        return Application(
            id=application_id,
            channel=Channel.PAPER if cms is None else Channel.ELECTRONIC,
            data=form.data,
            login=form.login,
            agreement_version=form.agreement_version,
            signer_number=signer,
            text=text,
            cms=cms,
            scan=scan,
            salt=self._entropy.random(SALT_BYTES),
            received_at=now,
        )

    async def _get(self, by: Actor, application_id: UUID) -> Application:
        async with self._administration.reading(by) as tx:
            return _visible(by, application_id, await tx.applications.get_without_scan(application_id))

    async def _text(self, tx: Transaction, request_id: str, form: Form) -> bytes:
        agreement = None
        if form.agreement_version:
            found = await tx.user_agreements.get(form.agreement_version)
            if found is None:
                raise NotFound("user agreement", form.agreement_version)
            agreement = Agreement(found.version, found.digest)
        return application_text(
            language=form.language,
            post=self._profile.operator_identifier,
            request_id=request_id,
            holder=form.data.lines(),
            login=form.login,
            agreement=agreement,
        )

    def _check_open(self, form: Form) -> None:
        check_way_open(self._profile.registration, form.data.kind, RegistrationWay.APPLICATION)

    def _address(self, data: HolderData) -> str:
        return f"{data.number}@{self._profile.mailbox_domain}"


async def _standing(tx: Transaction, application: Application) -> Standing:
    opened = application.mailbox_id
    return Standing(application, None if opened is None else await tx.mailboxes.get(opened))


def _number(by: Holder | Clerk) -> str:
    return by.person_number if isinstance(by, Holder) else ""


def _is(by: Holder | Clerk, person_number: str) -> bool:
    return isinstance(by, Holder) and by.person_number == person_number


def _visible(by: Actor, application_id: UUID, application: Application | None) -> Application:
    """Returns an application that the actor may see."""
    if application is None or (isinstance(by, Holder) and not _is(by, application.signer_number)):
        raise absent(by, "application", str(application_id))
    return application


def _changed(result: _T, before: Application | None, after: Application) -> Changed[_T]:
    return Changed(
        result=result,
        resource=application_resource(after.id),
        organisation_id=None,
        before=None if before is None else before.snapshot(),
        after=after.snapshot(),
    )


def _check(by: Actor, request_id: str | None, application_id: UUID) -> Act:
    return Act("CheckApplication", by, request_id, (str(application_id),), application_id)


async def _same(_tx: Transaction, application_id: UUID) -> UUID:
    return application_id
