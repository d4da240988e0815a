"""What is known of mailboxes' holders: read, changed, and confirmed by signature (BOX-4, BOX-9)."""

from dataclasses import dataclass, replace
from uuid import UUID

from namak.evidence.registration import SALT_BYTES
from server.domain.administration import Actor, absent, holder_resource
from server.domain.caller import Clerk, Holder, Operator
from server.domain.holders import AgreementAcceptance, HolderData, HolderProfile
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.profile import Profile
from server.domain.refusals import (
    EtagMismatch,
    FieldProblem,
    InvalidFields,
    MailboxUnknown,
    SignatureInvalid,
    SignerNotApplicant,
)
from server.usecases.administration import Act, Administration, Changed
from server.usecases.assurance import check_signed
from server.usecases.holder_rights import held
from server.usecases.ports import Clock, Entropy, Transaction
from server.usecases.registration_ports import ApplicantSignatures, ProfileConfirmation, SignedBy


@dataclass(frozen=True, slots=True, repr=False)
class ChangeHolderData:
    """`fields` are the names in `HolderData` that get the values of `data`, checked; the number of `data` is
    not looked at. `address` is None for a holder's own mailbox.
    """

    by: Operator | Clerk | Holder
    request_id: str
    address: str | None
    data: HolderData
    fields: frozenset[str]
    etag: str
    document_reference: str


@dataclass(frozen=True, slots=True)
class ConfirmProfile:
    """`cms` is the holder's signature (DER) over the profile's text."""

    by: Holder
    request_id: str
    address: str | None
    cms: bytes


@dataclass(frozen=True, slots=True, repr=False)
class HolderView:
    """A holder's profile, the agreement accepted last, and the text that confirms it once it is signed."""

    profile: HolderProfile
    acceptance: AgreementAcceptance | None
    confirmation_text: bytes


class HolderRegister:
    """Keeps what is known of holders; every change is an act."""

    def __init__(
        self,
        *,
        administration: Administration,
        clock: Clock,
        entropy: Entropy,
        profile: Profile,
        signatures: ApplicantSignatures,
    ) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy
        self._profile = profile
        self._signatures = signatures

    async def get(self, by: Operator | Clerk | Holder, address: str | None) -> HolderView:
        """Returns what is known of a mailbox's holder.

        Raises:
            MailboxUnknown, for a holder ResourceNotPermitted.
            NotFound, for a holder ResourceNotPermitted: nothing is known of the holder.
        """
        async with self._administration.reading(by) as tx:
            return await self._view(tx, by, address)

    async def change(self, command: ChangeHolderData) -> HolderView:
        """Changes what is known of a holder. What was confirmed stays so: nobody escapes letters by it.

        Raises:
            RequestIdReused, EtagMismatch; otherwise as `get`.
            SignatureRequired: one-time codes go to a holder's phones, so a password alone moves none.
            InvalidFields: the data are of the other kind of holder, or the post's people fill in what was
                never known, and leave the name out.
        """

        async def change(tx: Transaction) -> Changed[HolderView]:
            if isinstance(command.by, Holder):
                await check_signed(tx, command.by)
            mailbox, before = await _locked(tx, await _mailbox(tx, command.by, command.address))
            if before is None and isinstance(command.by, Holder):
                raise absent(command.by, "holder of", mailbox.address)
            _check_kind(mailbox, command.data)
            base = before or _unknown(mailbox)
            if before is not None and command.etag not in ("", before.etag):
                raise EtagMismatch("holder profile", before.etag)
            data = base.data.changed(command.data, command.fields)
            if not data.name:
                raise InvalidFields([FieldProblem("update_mask", "REQUIRED", "must name full_name at first")])
            after = base
            if before is None or data != before.data:
                after = replace(base, data=data, salt=self._entropy.random(SALT_BYTES))
                await (tx.holders.add(after) if before is None else tx.holders.change(after))
            seen = {"document_reference": command.document_reference} if command.document_reference else {}
            changed = {} if after == base else seen
            return Changed(
                result=await self._view(tx, command.by, command.address),
                resource=holder_resource(mailbox.address),
                organisation_id=None,
                before=None if before is None else before.snapshot(),
                after={**after.snapshot(), **changed},
            )

        async def again(tx: Transaction, _subject: UUID) -> HolderView:
            return await self._view(tx, command.by, command.address)

        said = "".join(f"{label}: {value}\n" for label, value in command.data.lines())
        content = (
            *(command.address or "", said, command.etag, command.document_reference),
            *sorted(command.fields),
        )
        act = Act("ChangeHolderData", command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)

    async def confirm(self, command: ConfirmProfile) -> HolderView:
        """Confirms a profile by its holder's signature: official letters reach the mailbox from then on.

        Raises:
            RequestIdReused, ResourceNotPermitted, and what `ApplicantSignatures` raises.
            SignatureInvalid: also for a signature over what stood there before.
            SignerNotApplicant: somebody else signed, or by a certificate that does not name the entity.
        """

        async def again(tx: Transaction, _subject: UUID) -> HolderView:
            return await self._view(tx, command.by, command.address)

        # Without the signature: made again for a repetition it may differ.
        content = (command.address or "",)
        act = Act("ConfirmProfile", command.by, command.request_id, content, self._entropy.new_id())
        # A certificate that has ended since does not take back the answer.
        if (known := await self._administration.repeated(act, again)) is not None:
            return known
        judged = await self.get(command.by, command.address)
        signed = await self._signatures.signatory(command.cms, judged.confirmation_text, self._clock.now())
        if not _may_confirm(judged.profile.data, command.by, signed):
            raise SignerNotApplicant

        async def change(tx: Transaction) -> Changed[HolderView]:
            mailbox, before = await _locked(tx, await held(tx, command.by, command.address))
            if before is None or before.etag != judged.profile.etag:
                raise SignatureInvalid("the profile was changed since it was signed")
            after = before
            if not before.confirmed_as_is:
                now = self._clock.now()
                after = replace(before, confirmed_at=now, confirmed_etag=before.etag)
                await tx.holders.change(after)
                await tx.mailboxes.confirm(mailbox.id, now)
                await tx.holders.add_confirmation(
                    ProfileConfirmation(
                        mailbox_id=mailbox.id,
                        id=self._entropy.new_id(),
                        etag=before.etag,
                        person_number=signed.person_number,
                        text=judged.confirmation_text,
                        cms=command.cms,
                        confirmed_at=now,
                    )
                )
            return Changed(
                result=await self._view(tx, command.by, command.address),
                resource=holder_resource(mailbox.address),
                organisation_id=None,
                before=before.snapshot(),
                after=after.snapshot(),
            )

        return await self._administration.carry_out(act, change, again)

    async def _view(self, tx: Transaction, by: Actor, address: str | None) -> HolderView:
        mailbox = await _mailbox(tx, by, address)
        found = await tx.holders.get(mailbox.id)
        if found is None:
            raise absent(by, "holder of", mailbox.address)
        text = found.confirmation_text(self._profile, self._profile.languages[0])
        return HolderView(found, await tx.holders.accepted(mailbox.id), text)


async def _mailbox(tx: Transaction, by: Actor, address: str | None) -> Mailbox:
    if isinstance(by, Holder):
        return await held(tx, by, address)
    mailbox = None if address is None else await tx.mailboxes.named(address)
    if mailbox is None:
        raise MailboxUnknown(address or "")
    return mailbox


async def _locked(tx: Transaction, mailbox: Mailbox) -> tuple[Mailbox, HolderProfile | None]:
    """Locks a mailbox, and then what is known of its holder. Where nothing is, there is no row of that to
    wait for, and two who fill it in at the same moment meet at the mailbox.
    """
    locked, _ = (await tx.mailboxes.lock([mailbox.address]))[mailbox.address]
    return locked, await tx.holders.lock(locked.id)


def _check_kind(mailbox: Mailbox, data: HolderData) -> None:
    if data.kind is not mailbox.holder_kind:
        field = "natural_person" if data.kind is HolderKind.PERSON else "legal_entity"
        raise InvalidFields([FieldProblem(field, "HOLDER_KIND", "must be of the mailbox's kind of holder")])


def _may_confirm(data: HolderData, by: Holder, signed: SignedBy) -> bool:
    if data.kind is HolderKind.ENTITY and signed.entity_number != data.number:
        return False
    return signed.person_number == by.person_number


def _unknown(mailbox: Mailbox) -> HolderProfile:
    """Returns what is known of the holder of a mailbox that was imported, or opened by hand."""
    data = HolderData(mailbox.holder_kind, mailbox.holder_number, "")
    return HolderProfile(mailbox.id, mailbox.address, data, mailbox.holder_number, "", bytes(SALT_BYTES))
