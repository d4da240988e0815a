"""Entering who signed an entity's application as the one who may sign for it."""

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
    person, register_time = application.signer_number, application.checked_at or now
    entry = SignatoryEntry(mailbox.address, person, register_time)

    async def keep(tx: Transaction, fact: Fact) -> None:
        await tx.delegations.enter(Signatory(mailbox.id, person, register_time, fact.id, fact.entry))

    resource = signatory_resource(mailbox.address)
    return Changed(None, resource, None, None, entry.fields(), keep=keep, shown=True)
