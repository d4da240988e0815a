"""Entering who may sign for an entity, and ending entries, as administrative acts."""

from datetime import datetime

from namak.evidence.delegation import SignatoryEntry
from server.domain.administration import signatory_resource
from server.domain.applications import Application
from server.domain.delegations import Signatory
from server.domain.facts import Fact
from server.domain.mailboxes import Mailbox
from server.usecases.administration import Changed
from server.usecases.ports import Transaction


def signatory_entered(mailbox: Mailbox, application: Application, now: datetime) -> Changed[None]:
    """Enters who signed the application as the one who may sign for the entity, as the register said."""
    return entered(mailbox, application.signer_number, application.checked_at or now)


def entered(mailbox: Mailbox, person: str, register_time: datetime) -> Changed[None]:
    """Enters a person whom the register named at that time."""
    entry = SignatoryEntry(mailbox.address, person, register_time)

    async def keep(tx: Transaction, fact: Fact) -> None:
        await tx.signatories.said(mailbox.id, register_time)
        await tx.signatories.enter(Signatory(mailbox.id, person, register_time, fact.id, fact.entry))

    resource = signatory_resource(mailbox.address)
    return Changed(None, resource, None, None, entry.fields(), keep=keep, shown=True)


def ended(mailbox: Mailbox, signatory: Signatory) -> Changed[None]:
    """Ends the entry of a person whom the register names no longer. Verifiers know by the entry's fields
    which one it is.
    """
    entry = SignatoryEntry(mailbox.address, signatory.person_number, signatory.register_time)

    async def keep(tx: Transaction, fact: Fact) -> None:
        await tx.signatories.end(signatory, fact.recorded_at, fact.id)

    resource = signatory_resource(mailbox.address)
    return Changed(None, resource, None, entry.fields(), None, keep=keep, shown=True)
