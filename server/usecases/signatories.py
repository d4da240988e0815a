"""Who may sign for entities, asked of the register of entities anew (BOX-10)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from server.domain.administration import TheServer, mailbox_resource
from server.domain.caller import Clerk, Operator
from server.domain.delegations import KnownSignatories
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.refusals import FieldProblem, InvalidFields, MailboxUnknown, ServiceUnavailable
from server.domain.state_records import Found, Unavailable
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Clock, Entropy, Transaction
from server.usecases.signatory_entry import ended, entered
from server.usecases.state_registers import StateRegisters

_NOW: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class RefreshSignatories:
    """`address` is that of an entity's mailbox."""

    by: Operator | Clerk | TheServer
    request_id: str
    address: str


class SignatoryRegister:
    """Asks the register of entities who may sign for one, and keeps what it says: for each person who is new
    an act that enters them, for each who is gone one that ends their entry. Who stays keeps the entry that
    there is, so that what was granted and signed under it goes on as it was.
    """

    def __init__(
        self, *, administration: Administration, clock: Clock, entropy: Entropy, registers: StateRegisters
    ) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy
        self._registers = registers

    async def refresh(self, command: RefreshSignatories) -> KnownSignatories:
        """Asks the register now, with no transaction open. Repeated under its request id it asks nobody, and
        returns who they are by then. What the register said earlier never replaces what it said later.

        An entity that the register does not have has no signatories.

        Raises:
            RequestIdReused, MailboxUnknown.
            InvalidFields: the mailbox is a person's.
            ServiceUnavailable: the register gives no usable answer; then nothing has changed.
        """

        async def again(tx: Transaction, _subject: UUID) -> KnownSignatories:
            mailbox = await _entity(tx, command.address)
            return await _known(tx, mailbox)

        act = Act(
            "RefreshSignatories", command.by, command.request_id, (command.address,), self._entropy.new_id()
        )
        before = await self._administration.repeated(act, again)
        if before is not None:
            return before
        async with self._administration.reading(command.by) as tx:
            code = (await _entity(tx, command.address)).holder_number
        answer = await self._registers.entity(code, no_older_than=_NOW)
        if isinstance(answer, Unavailable):
            raise ServiceUnavailable("register of entities")
        # It counts from when the register said so.
        said_at = self._clock.now() - (answer.age if isinstance(answer, Found) else _NOW)
        record = answer.record if isinstance(answer, Found) else None
        persons = [] if record is None else [each.number for each in record.signatories]

        async def change(tx: Transaction) -> Changed[None]:
            # So that of two answers at the same moment the later one stands.
            await tx.mailboxes.lock([command.address])
            return await _replaced(tx, await _entity(tx, command.address), persons, said_at)

        async def nothing(_tx: Transaction, _subject: UUID) -> None:
            return None

        await self._administration.carry_out(act, change, nothing)
        async with self._administration.reading(command.by) as tx:
            return await again(tx, act.subject_id)


async def _replaced(
    tx: Transaction, mailbox: Mailbox, persons: Collection[str], said_at: datetime
) -> Changed[None]:
    known = await tx.signatories.known(mailbox.id)
    changes: list[Changed[None]] = []
    if known is None or known.register_time < said_at:
        await tx.signatories.said(mailbox.id, said_at)
        entries = () if known is None else known.entries
        changes += [ended(mailbox, each) for each in entries if each.person_number not in persons]
        there = {each.person_number for each in entries}
        changes += [entered(mailbox, each, said_at) for each in persons if each not in there]
    # The mailbox itself stays as it is.
    return Changed(None, mailbox_resource(mailbox.address), None, None, None, with_it=tuple(changes))


async def _entity(tx: Transaction, address: str) -> Mailbox:
    mailbox = await tx.mailboxes.named(address)
    if mailbox is None:
        raise MailboxUnknown(address)
    if mailbox.holder_kind is not HolderKind.ENTITY:
        raise InvalidFields([FieldProblem("address", "NOT_AN_ENTITY", "must be an entity's mailbox")])
    return mailbox


async def _known(tx: Transaction, mailbox: Mailbox) -> KnownSignatories:
    known = await tx.signatories.known(mailbox.id)
    if known is None:
        raise LookupError("signatories that were kept are not there")
    return known
