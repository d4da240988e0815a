"""The user agreement: its versions, and who accepted which (BOX-3)."""

from dataclasses import dataclass
from uuid import UUID

from namak.evidence.registration import agreement_digest
from namak.evidence.times import format_time
from server.domain.administration import Snapshot, agreement_resource, holder_resource
from server.domain.caller import Holder, Operator
from server.domain.holders import AgreementAcceptance, UserAgreement
from server.domain.profile import Profile
from server.domain.refusals import AgreementNotCurrent, AlreadyRegistered, NotFound
from server.usecases.administration import Act, Administration, Changed
from server.usecases.holder_rights import held
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class PublishUserAgreement:
    """`texts` are (language, text), the one that governs first; all is checked."""

    by: Operator
    request_id: str
    version: str
    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AcceptUserAgreement:
    """`address` is an entity's mailbox, in canonical form; None is the holder's own."""

    by: Holder
    request_id: str
    version: str
    address: str | None


@dataclass(frozen=True, slots=True)
class AgreementView:
    """A version, and whether it is the one in force."""

    agreement: UserAgreement
    current: bool


class AgreementRegister:
    """Publishes versions of the user agreement, and keeps who accepted them."""

    def __init__(
        self, *, administration: Administration, uow: UnitOfWork, clock: Clock, entropy: Entropy
    ) -> None:
        self._administration = administration
        self._uow = uow
        self._clock = clock
        self._entropy = entropy

    async def publish(self, command: PublishUserAgreement) -> AgreementView:
        """Publishes a version; it is the one in force from then on.

        Raises:
            RequestIdReused.
            AlreadyRegistered: the version was published before.
        """
        digest = agreement_digest(command.texts)
        agreement = UserAgreement(command.version, self._clock.now(), command.texts, digest)

        async def change(tx: Transaction) -> Changed[AgreementView]:
            if not await tx.user_agreements.add(agreement):
                raise AlreadyRegistered("user agreement", command.version)
            view = AgreementView(agreement, current=True)
            return Changed(view, agreement_resource(command.version), None, None, agreement.snapshot())

        async def again(tx: Transaction, _subject: UUID) -> AgreementView:
            return await _view(tx, command.version)

        content = (command.version, digest.hex())
        act = Act("PublishUserAgreement", command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)

    async def get(self, version: str) -> AgreementView:
        """Returns a version; the one in force for the empty text.

        Raises:
            NotFound.
        """
        async with self._uow.reading() as tx:
            return await _view(tx, version)

    async def accept(self, command: AcceptUserAgreement) -> AgreementAcceptance:
        """Keeps that a holder accepts the version in force; the first time stays.

        Raises:
            RequestIdReused, ResourceNotPermitted, NotFound, AgreementNotCurrent.
        """

        async def change(tx: Transaction) -> Changed[AgreementAcceptance]:
            mailbox = await held(tx, command.by, command.address)
            view = await _view(tx, command.version)
            if not view.current:
                current = await _view(tx, "")
                raise AgreementNotCurrent(command.version, current.agreement.version)
            # Of several at the same moment the first accepts; the others find that it did.
            await tx.mailboxes.lock([mailbox.address])
            before = await tx.holders.accepted(mailbox.id)
            wanted = AgreementAcceptance(
                mailbox.id, command.version, command.by.person_number, self._clock.now()
            )
            kept = await tx.holders.accept(wanted)
            return Changed(
                result=kept,
                resource=holder_resource(mailbox.address),
                organisation_id=None,
                before=None if before is None else acceptance_snapshot(before),
                after=acceptance_snapshot(kept),
            )

        async def again(tx: Transaction, _subject: UUID) -> AgreementAcceptance:
            mailbox = await held(tx, command.by, command.address)
            # Kept already; a later version may have been accepted since.
            wanted = AgreementAcceptance(
                mailbox.id, command.version, command.by.person_number, self._clock.now()
            )
            return await tx.holders.accept(wanted)

        content = (command.version, command.address or "")
        act = Act("AcceptUserAgreement", command.by, command.request_id, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)


async def check_joined(tx: Transaction, profile: Profile, version: str) -> None:
    """Checks that an application joins the agreement in force (BOX-3), or none where there is none to join.

    Raises:
        NotFound: there never was such a version.
        AgreementNotCurrent: another one is in force, or none is yet.
    """
    if not profile.registration.agreement:
        if version:
            raise AgreementNotCurrent(version, "")
        return
    current = await tx.user_agreements.current()
    if current is not None and version == current.version:
        return
    if version and await tx.user_agreements.get(version) is None:
        raise NotFound("user agreement", version)
    raise AgreementNotCurrent(version, "" if current is None else current.version)


def acceptance_snapshot(acceptance: AgreementAcceptance) -> Snapshot:
    """Returns what evidence says of an acceptance."""
    return {
        "agreement_version": acceptance.version,
        "agreement_time": format_time(acceptance.accepted_at),
    }


async def _view(tx: Transaction, version: str) -> AgreementView:
    current = await tx.user_agreements.current()
    found = await tx.user_agreements.get(version) if version else current
    if found is None:
        raise NotFound("user agreement", version or "in force")
    return AgreementView(found, current=current is not None and found.version == current.version)
