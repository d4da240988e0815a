"""The register of addresses from which organisations may send (ADMIN-2, ADMIN-3)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from server.domain import addresses, limits
from server.domain.administration import (
    ActingAdministrator,
    Actor,
    Snapshot,
    absent,
    check_etag,
    owns,
    sender_address_resource,
    sender_address_snapshot,
)
from server.domain.caller import IpNetwork
from server.domain.paging import Page, Query
from server.domain.refusals import AlreadyRegistered, FieldProblem, InvalidFields, RoleNotPermitted
from server.domain.senders import SenderAddress
from server.usecases.administration import Act, Administration, Changed
from server.usecases.domains import check_domain
from server.usecases.organisations import organisation_for
from server.usecases.ports import Clock, Entropy, Transaction
from server.usecases.records import SenderAddressFilter

_KIND = "sender address"
_MOST_NAMED = 1000
"""So many revoked certificates an act's evidence names at most."""


@dataclass(frozen=True, slots=True)
class RegisterSenderAddress:
    """`address` is in canonical form (`server.domain.addresses.sending_permission`); `networks` and
    `host_names` are checked, and not both empty.
    """

    by: Actor
    request_id: str
    organisation_id: UUID
    address: str
    networks: tuple[IpNetwork, ...]
    sms_permitted: bool
    host_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetSuspended:
    """Suspends a sender address, or resumes it."""

    by: Actor
    request_id: str
    sender_address_id: UUID
    suspended: bool


@dataclass(frozen=True, slots=True)
class GetSenderAddress:
    """Asks for one sender address."""

    by: Actor
    sender_address_id: UUID


@dataclass(frozen=True, slots=True)
class ListSenderAddresses:
    """`page_size` is checked. An administrator who names no organisation means the one they act for."""

    by: Actor
    wanted: SenderAddressFilter
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class UpdateSenderAddress:
    """What is None stays as it is; `etag` is that of the address as it was read, empty for no check."""

    by: Actor
    request_id: str
    sender_address_id: UUID
    etag: str
    networks: tuple[IpNetwork, ...] | None
    host_names: tuple[str, ...] | None
    sms_permitted: bool | None


@dataclass(frozen=True, slots=True)
class DeleteSenderAddress:
    """`etag` is that of the address as it was read, empty for no check."""

    by: Actor
    request_id: str
    sender_address_id: UUID
    etag: str


class SenderAddressRegister:
    """Registers sender addresses; every change is an administrative act and counts from the next submission
    on.
    """

    def __init__(self, *, administration: Administration, clock: Clock, entropy: Entropy) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy

    async def register_sender_address(self, command: RegisterSenderAddress) -> SenderAddress:
        """Registers an address from which an organisation may send, or all of a domain.

        Raises:
            InvalidFields: there is neither a network nor a host name.
            RequestIdReused, AlreadyRegistered; NotFound, for an administrator ResourceNotPermitted.
            DomainNotRegistered: the narrowest registered domain that the address lies under is not the
                organisation's, or there is none.
            RoleNotPermitted: an administrator registers an address that the operator suspended with its whole
                domain.
        """
        address = SenderAddress(
            id=self._entropy.new_id(),
            organisation_id=command.organisation_id,
            address=command.address,
            networks=tuple(dict.fromkeys(command.networks)),
            sms_permitted=command.sms_permitted,
            suspended=False,
            registered_at=self._clock.now(),
            host_names=tuple(dict.fromkeys(command.host_names)),
        )
        _check_somewhere(address, "networks")

        async def change(tx: Transaction) -> Changed[SenderAddress]:
            await organisation_for(tx, command.by, command.organisation_id)
            await _check_room(tx, address)
            await _check_host_names(tx, address, "host_names")
            await check_domain(tx, command.organisation_id, command.address)
            await _check_not_suspended_with_its_domain(tx, command)
            if not await tx.sender_addresses.add(address):
                raise AlreadyRegistered(_KIND, command.address)
            return _changed(None, address)

        # Host names came later: without them, a request means what it always meant.
        content = (
            str(command.organisation_id),
            command.address,
            " ".join(map(str, command.networks)),
            str(command.sms_permitted),
            *((" ".join(command.host_names),) if command.host_names else ()),
        )
        act = Act("RegisterSenderAddress", command.by, command.request_id, content, address.id)
        return await self._administration.carry_out(act, change, partial(_as_it_is, command.by))

    async def get_sender_address(self, command: GetSenderAddress) -> SenderAddress:
        """Returns one sender address.

        Raises:
            NotFound, for an administrator ResourceNotPermitted.
        """
        async with self._administration.reading(command.by) as tx:
            return await _as_it_is(command.by, tx, command.sender_address_id)

    async def list_sender_addresses(self, command: ListSenderAddresses) -> Page[SenderAddress]:
        """Lists sender addresses by address: for the operator all, for an administrator their organisation's.

        Raises:
            InvalidPageToken; ResourceNotPermitted for an administrator who asks for another organisation's.
        """
        wanted, by = command.wanted, command.by
        if isinstance(by, ActingAdministrator):
            wanted = replace(wanted, organisation_id=wanted.organisation_id or by.organisation_id)
            if not owns(by, wanted.organisation_id):
                raise absent(by, "organisation", str(wanted.organisation_id))
        query = Query(
            (
                "ListSenderAddresses",
                *(
                    "" if each is None else str(each)
                    for each in (
                        wanted.organisation_id,
                        wanted.domain,
                        wanted.suspended,
                        wanted.sms_permitted,
                    )
                ),
            )
        )
        after = query.key(command.page_token)
        async with self._administration.reading(by) as tx:
            found = await tx.sender_addresses.list_by_address(
                wanted, after=after, limit=command.page_size + 1
            )
        shown = found[: command.page_size]
        return Page(shown, query.token(shown[-1].address) if len(found) > len(shown) else "")

    async def update_sender_address(self, command: UpdateSenderAddress) -> SenderAddress:
        """Changes where an address may send from, or whether it may send SMS messages.

        Raises:
            RequestIdReused, EtagMismatch; NotFound, for an administrator ResourceNotPermitted.
            InvalidFields: nothing would be left that it may send from.
        """

        async def change(tx: Transaction) -> Changed[SenderAddress]:
            if command.host_names:
                # Before the address, in the order of all who count what an organisation has.
                owner = await _as_it_is(command.by, tx, command.sender_address_id)
                await tx.organisations.lock(owner.organisation_id)
            before = await _locked(tx, command.by, command.sender_address_id)
            check_etag(_KIND, command.etag, sender_address_snapshot(before))
            after = before
            if command.networks is not None:
                after = replace(after, networks=tuple(dict.fromkeys(command.networks)))
            if command.host_names is not None:
                after = replace(after, host_names=tuple(dict.fromkeys(command.host_names)))
            if command.sms_permitted is not None:
                after = replace(after, sms_permitted=command.sms_permitted)
            _check_somewhere(after, "sender_address.networks")
            if not set(after.host_names) <= set(before.host_names):
                await _check_host_names(tx, after, "sender_address.host_names")
            await tx.sender_addresses.change(after)
            return _changed(before, after)

        content = (
            str(command.sender_address_id),
            command.etag,
            "-" if command.networks is None else "=" + " ".join(map(str, command.networks)),
            "-" if command.host_names is None else "=" + " ".join(command.host_names),
            str(command.sms_permitted),
        )
        act = Act("UpdateSenderAddress", command.by, command.request_id, content, command.sender_address_id)
        return await self._administration.carry_out(act, change, partial(_as_it_is, command.by))

    async def delete_sender_address(self, command: DeleteSenderAddress) -> None:
        """Deletes an address and revokes the bindings to it alone, for ever. What it sent stays.

        Raises:
            RequestIdReused, EtagMismatch; NotFound, for an administrator ResourceNotPermitted.
            RoleNotPermitted: an administrator deletes what the operator suspended, to register it anew.
        """

        async def change(tx: Transaction) -> Changed[None]:
            address = await _locked(tx, command.by, command.sender_address_id)
            if address.suspended_by_operator:
                _refuse_administrator(command.by, "DeleteSenderAddress")
            before = sender_address_snapshot(address)
            check_etag(_KIND, command.etag, before)
            revoked = await tx.bindings.revoke_of_address(address.id, self._clock.now())
            await tx.sender_addresses.delete(address.id)
            return Changed(
                result=None,
                resource=sender_address_resource(address.id),
                organisation_id=address.organisation_id,
                before={**before, **_named(revoked)},
                after=None,
            )

        async def again(_tx: Transaction, _subject: UUID) -> None:
            return None

        content = (str(command.sender_address_id), command.etag)
        act = Act("DeleteSenderAddress", command.by, command.request_id, content, command.sender_address_id)
        await self._administration.carry_out(act, change, again)

    async def set_suspended(self, command: SetSuspended) -> SenderAddress:
        """Suspends or resumes a sender address (ADMIN-3). What the operator suspended, only the operator
        resumes.

        Raises:
            RequestIdReused; NotFound, for an administrator ResourceNotPermitted.
            RoleNotPermitted: an administrator resumes what the operator suspended.
        """
        name = "SuspendSenderAddress" if command.suspended else "ResumeSenderAddress"
        administrator = isinstance(command.by, ActingAdministrator)

        async def change(tx: Transaction) -> Changed[SenderAddress]:
            before = await _locked(tx, command.by, command.sender_address_id)
            if administrator and before.suspended_by_operator:
                if not command.suspended:
                    _refuse_administrator(command.by, name)
                return _changed(before, before)
            by_operator = command.suspended and not administrator
            after = replace(before, suspended=command.suspended, suspended_by_operator=by_operator)
            await tx.sender_addresses.change(after)
            return _changed(before, after)

        content = (str(command.sender_address_id),)
        act = Act(name, command.by, command.request_id, content, command.sender_address_id)
        return await self._administration.carry_out(act, change, partial(_as_it_is, command.by))


def _check_somewhere(address: SenderAddress, field: str) -> None:
    if not address.networks and not address.host_names:
        # POST-8: nowhere permits nothing, and helps nobody.
        problem = "must have at least one network, or host_names at least one name"
        raise InvalidFields([FieldProblem(field, "EMPTY", problem)])


async def _check_room(tx: Transaction, address: SenderAddress) -> None:
    """Locks the organisation, so that what it has stays counted until the transaction ends."""
    await tx.organisations.lock(address.organisation_id)
    if await tx.sender_addresses.named(address.organisation_id, [address.address]):
        # It is there: that is what is to be told.
        return
    most = limits.ADDRESSES_PER_ORGANISATION
    own = SenderAddressFilter(organisation_id=address.organisation_id)
    if len(await tx.sender_addresses.list_by_address(own, after=None, limit=most)) >= most:
        raise InvalidFields(
            [FieldProblem("address", "TOO_MANY", f"an organisation has at most {most} addresses")]
        )


async def _check_host_names(tx: Transaction, address: SenderAddress, field: str) -> None:
    if not address.host_names:
        return
    most = limits.HOST_NAMES_PER_ORGANISATION
    _, names = (await tx.sender_addresses.places_of([address.organisation_id]))[address.organisation_id]
    if len({*names, *address.host_names}) > max(most, len(names)):
        text = f"an organisation has at most {most} different host names at all its addresses"
        raise InvalidFields([FieldProblem(field, "TOO_MANY", text)])


async def _check_not_suspended_with_its_domain(tx: Transaction, command: RegisterSenderAddress) -> None:
    # An entry of its own would count instead of the suspended one.
    whole = addresses.whole_domain_of(command.address)
    entry = (await tx.sender_addresses.named(command.organisation_id, [whole])).get(whole)
    if entry is None:
        return
    locked = await tx.sender_addresses.lock(entry.id)
    if locked is not None and locked.suspended_by_operator and command.address != whole:
        _refuse_administrator(command.by, "RegisterSenderAddress")


def _refuse_administrator(by: Actor, method: str) -> None:
    if isinstance(by, ActingAdministrator):
        raise RoleNotPermitted("ADMINISTRATOR", f"{method} for what the operator suspended")


def _changed(before: SenderAddress | None, after: SenderAddress) -> Changed[SenderAddress]:
    return Changed(
        result=after,
        resource=sender_address_resource(after.id),
        organisation_id=after.organisation_id,
        before=None if before is None else sender_address_snapshot(before),
        after=sender_address_snapshot(after),
    )


def _named(revoked: Sequence[bytes]) -> Snapshot:
    if not revoked:
        return {}
    return {"certificate_bindings": tuple(digest.hex() for digest in revoked[:_MOST_NAMED])}


async def _locked(tx: Transaction, by: Actor, sender_address_id: UUID) -> SenderAddress:
    return _own(by, sender_address_id, await tx.sender_addresses.lock(sender_address_id))


async def _as_it_is(by: Actor, tx: Transaction, sender_address_id: UUID) -> SenderAddress:
    return _own(by, sender_address_id, await tx.sender_addresses.get(sender_address_id))


def _own(by: Actor, sender_address_id: UUID, address: SenderAddress | None) -> SenderAddress:
    if address is None or not owns(by, address.organisation_id):
        raise absent(by, _KIND, str(sender_address_id))
    return address
