"""Whose mailbox a person may act for: their own, or an entity's whose registered signatory they are."""

from server.domain.caller import Holder
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.refusals import ResourceNotPermitted
from server.usecases.ports import Transaction
from server.usecases.standing import own_mailbox


async def held(tx: Transaction, by: Holder, address: str | None) -> Mailbox:
    """Returns the mailbox that a person acts for: their own, or the entity's of this address.

    Raises:
        ResourceNotPermitted: there is none, or it is not theirs.
    """
    if address is None:
        return await own_mailbox(tx, by)
    mailbox = await tx.mailboxes.named(address)
    if mailbox is None:
        raise ResourceNotPermitted("mailbox")
    if mailbox.holder_kind is HolderKind.PERSON:
        if mailbox.holder_number != by.person_number:
            raise ResourceNotPermitted("mailbox")
        return mailbox
    known = await tx.signatories.known(mailbox.id)
    if known is None:
        # No register was asked since the application: who signed it.
        profile = await tx.holders.get(mailbox.id)
        signs = profile is not None and profile.signatory_number == by.person_number
    else:
        signs = known.of(by.person_number) is not None
    if not signs:
        raise ResourceNotPermitted("mailbox")
    return mailbox
