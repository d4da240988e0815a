"""Whether a caller may send under an address, from where it is (POST-8, ADMIN-2, ADMIN-3).

Pure: the register's entries were read, and host names looked up, by whoever asks. Both may be older than the
question; what could not be looked up is never held against the sender.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from server.domain import addresses
from server.domain.caller import IpAddress
from server.domain.refusals import (
    ContractNotInForce,
    NetworkNotPermitted,
    Refused,
    SenderNotPermitted,
    SenderSuspended,
    ServiceUnavailable,
)
from server.domain.senders import ContractState, SenderAddress

Hosts = Mapping[str, frozenset[IpAddress]]
"""The public addresses of host names; a name that is missing could not be looked up."""

NO_HOSTS: Hosts = {}


def permission_names(sender: str) -> tuple[str, str]:
    """Returns the names of the entries that can permit an address, the deciding one first: its own, and its
    whole domain's.
    """
    return sender, addresses.whole_domain_of(sender)


def permission_for(sender: str, entries: Mapping[str, SenderAddress]) -> SenderAddress | None:
    """Returns the one entry that an address is judged by: its own even when that one is suspended, and only
    without one its whole domain's.

    Args:
        sender: the address that a message is from, in canonical form.
        entries: the organisation's entries, by address; more than can permit this one do no harm.
    """
    if addresses.is_whole_domain(sender):
        return None
    return next((entries[name] for name in permission_names(sender) if name in entries), None)


def judge_sender(
    sender: str,
    entries: Mapping[str, SenderAddress],
    *,
    only: UUID | None,
    contract: ContractState,
    client: IpAddress,
    hosts: Hosts = NO_HOSTS,
) -> SenderAddress | Refused:
    """Returns the entry that permits sending, or the first reason that holds against it.

    ServiceUnavailable is among the answers: the client may be one of the host names that could not be looked
    up. It is no outcome: nothing about it may be stored, not even the claim of the request id.

    Args:
        sender: the address that the message is from, in canonical form. It stays the delivery's sender; the
            entry only permits it.
        entries: the organisation's entries, by address.
        only: the one entry that the caller's certificate is bound to, if it is.
        contract: the state of the organisation's contract at this time.
        client: the address that the call came from.
        hosts: what `host_names_to_ask` named, looked up.
    """
    entry = permission_for(sender, entries)
    if entry is None or only not in (None, entry.id):
        return SenderNotPermitted(sender)
    match _place(entry, client, hosts):
        case None:
            return ServiceUnavailable("DNS")
        case False:
            return NetworkNotPermitted(str(client), sender=sender)
    if entry.suspended:
        return SenderSuspended(sender)
    if contract is not ContractState.IN_FORCE:
        return ContractNotInForce(contract.value)
    return entry


def host_names_to_ask(
    senders: Iterable[str], entries: Mapping[str, SenderAddress], *, only: UUID | None, client: IpAddress
) -> frozenset[str]:
    """Returns the host names on which the judgement of these addresses depends: none for an entry whose
    networks have the client.
    """
    found: set[str] = set()
    for sender in senders:
        entry = permission_for(sender, entries)
        if entry is not None and only in (None, entry.id) and not entry.permits(client):
            found.update(entry.host_names)
    return frozenset(found)


def _place(entry: SenderAddress, client: IpAddress, hosts: Hosts) -> bool | None:
    """Tells whether an entry may be used from an address; None when a look-up that failed would tell."""
    if entry.permits(client) or any(client in hosts.get(name, ()) for name in entry.host_names):
        return True
    return None if any(name not in hosts for name in entry.host_names) else False
