"""The register of organisations' own domains (ADMIN-2, ADMIN-4).

The narrowest registered domain decides over a name, as a zone cut does in the DNS: who has src.am has
mail.src.am too, unless that was registered for somebody else. Whoever changes that, or relies on it, locks
the domains concerned first.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import takewhile
from uuid import UUID

from server.domain import addresses, limits
from server.domain.administration import Actor, absent, domain_resource, domain_snapshot, owns
from server.domain.paging import Page, Query
from server.domain.refusals import (
    AlreadyRegistered,
    DomainNotRegistered,
    DomainProofMissing,
    FieldProblem,
    InvalidFields,
    ResourceInUse,
)
from server.domain.senders import Domain, DomainChallenge, DomainProof, SenderAddress
from server.usecases.administration import Act, Administration, Changed
from server.usecases.organisations import organisation_for
from server.usecases.ports import Clock, Entropy, Transaction
from server.usecases.register_ports import TextRecords

CHALLENGE_LIFE = timedelta(days=7)
"""How long an organisation has to put the record into the DNS and call again."""

_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class RegisterDomain:
    """`name` is in canonical form (`server.domain.addresses.domain_name`)."""

    by: Actor
    request_id: str
    organisation_id: UUID
    name: str
    document_reference: str


@dataclass(frozen=True, slots=True)
class RequestDomainProof:
    """`name` is in canonical form, and short enough for the record's label before it."""

    by: Actor
    organisation_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ProveDomain:
    """`name` is as in RequestDomainProof."""

    by: Actor
    request_id: str
    organisation_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ListDomains:
    """`page_size` is checked."""

    by: Actor
    organisation_id: UUID
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class DeleteDomain:
    """`name` is in canonical form."""

    by: Actor
    request_id: str
    organisation_id: UUID
    name: str


class DomainRegister:
    """Registers domains; every change is an administrative act."""

    def __init__(
        self, *, administration: Administration, clock: Clock, entropy: Entropy, texts: TextRecords
    ) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy
        self._texts = texts

    async def register_domain(self, command: RegisterDomain) -> Domain:
        """Registers a domain as an organisation's own, on the operator's word. One that is its own already
        stays as it is.

        Raises:
            RequestIdReused, NotFound.
            AlreadyRegistered: it is another's, or has addresses of another's below.
        """
        domain = Domain(command.organisation_id, command.name, command.document_reference, self._clock.now())
        content = (str(command.organisation_id), command.name, command.document_reference)
        act = Act("RegisterDomain", command.by, command.request_id, content, command.organisation_id)
        return await self._administration.carry_out(
            act, partial(_registered, command.by, domain), partial(_own_again, command.by, domain)
        )

    async def request_proof(self, command: RequestDomainProof) -> DomainChallenge:
        """Returns the record that proves the ownership of a domain, the same until it expires, or
        until the organisation asked for 200 others since.

        Raises:
            NotFound, for an administrator ResourceNotPermitted.
            AlreadyRegistered: it is registered, for this organisation or another.
        """
        now = self._clock.now()
        token = self._entropy.random(_TOKEN_BYTES).hex()
        proposed = DomainChallenge(command.organisation_id, command.name, token, now + CHALLENGE_LIFE)

        async def change(tx: Transaction) -> Changed[DomainChallenge]:
            await organisation_for(tx, command.by, command.organisation_id)
            if await tx.domains.get(command.name) is not None:
                raise AlreadyRegistered("domain", command.name)
            standing = await tx.domains.challenge(
                proposed, now, most=limits.DOMAIN_CHALLENGES_PER_ORGANISATION
            )
            return Changed(standing, domain_resource(command.name), command.organisation_id, None, None)

        async def again(_tx: Transaction, _subject: UUID) -> DomainChallenge:
            raise LookupError("what has no request id was repeated under one")

        # Nothing of the register changes: it is no administrative act.
        act = Act("RequestDomainProof", command.by, None, (), command.organisation_id)
        return await self._administration.carry_out(act, change, again)

    async def prove_domain(self, command: ProveDomain) -> Domain:
        """Registers a domain as an organisation's own when the DNS shows its record. One that is its own
        already stays as it is, and needs no record any more.

        Raises:
            RequestIdReused; NotFound, for an administrator ResourceNotPermitted.
            DomainProofMissing: the record is not there.
            AlreadyRegistered: it is another's, or has addresses of another's below.
            ServiceUnavailable: the DNS does not answer.
        """
        proof = None if await self._is_own(command) else await self._proof(command)
        text = "" if proof is None else proof.record_text
        domain = Domain(command.organisation_id, command.name, text, self._clock.now(), DomainProof.DNS)

        async def change(tx: Transaction) -> Changed[Domain]:
            if proof is None:
                # Given up since, or at this moment: what was not looked up proves nothing.
                await tx.domains.lock(addresses.enclosing_domains(command.name))
                if await tx.domains.get(command.name) is None:
                    raise absent(command.by, "domain", command.name)
            return await _registered(command.by, domain, tx)

        content = (str(command.organisation_id), command.name)
        act = Act("ProveDomain", command.by, command.request_id, content, command.organisation_id)
        return await self._administration.carry_out(act, change, partial(_own_again, command.by, domain))

    async def list_domains(self, command: ListDomains) -> Page[Domain]:
        """Lists the domains of an organisation by name.

        Raises:
            InvalidPageToken; NotFound, for an administrator ResourceNotPermitted.
        """
        query = Query(("ListDomains", str(command.organisation_id)))
        after = query.key(command.page_token)
        async with self._administration.reading(command.by) as tx:
            await organisation_for(tx, command.by, command.organisation_id)
            found = await tx.domains.list_by_name(
                command.organisation_id, after=after, limit=command.page_size + 1
            )
        shown = found[: command.page_size]
        return Page(shown, query.token(shown[-1].name) if len(found) > len(shown) else "")

    async def delete_domain(self, command: DeleteDomain) -> None:
        """Gives a domain up.

        Raises:
            RequestIdReused; NotFound, for an administrator ResourceNotPermitted.
            ResourceInUse: an address of the organisation could not lie where it does without it.
        """

        async def change(tx: Transaction) -> Changed[None]:
            enclosing = addresses.enclosing_domains(command.name)
            await tx.domains.lock(enclosing)
            domain = await tx.domains.get(command.name)
            if (
                domain is None
                or domain.organisation_id != command.organisation_id
                or not owns(command.by, domain.organisation_id)
            ):
                raise absent(command.by, "domain", command.name)
            if not await _has(tx, domain.organisation_id, enclosing[1:]):
                for used in await _depending(tx, command.name):
                    raise ResourceInUse("domain", command.name, "sender address", used.address)
            await tx.domains.delete(command.name)
            return Changed(
                None, domain_resource(domain.name), domain.organisation_id, domain_snapshot(domain), None
            )

        async def again(_tx: Transaction, _subject: UUID) -> None:
            return None

        content = (str(command.organisation_id), command.name)
        act = Act("DeleteDomain", command.by, command.request_id, content, command.organisation_id)
        await self._administration.carry_out(act, change, again)

    async def _is_own(self, command: ProveDomain) -> bool:
        async with self._administration.reading(command.by) as tx:
            await organisation_for(tx, command.by, command.organisation_id)
            domain = await tx.domains.get(command.name)
        if domain is not None and domain.organisation_id != command.organisation_id:
            raise AlreadyRegistered("domain", command.name)
        return domain is not None

    async def _proof(self, command: ProveDomain) -> DomainChallenge:
        asked = RequestDomainProof(command.by, command.organisation_id, command.name)
        challenge = await self.request_proof(asked)
        if challenge.record_text not in await self._texts.texts_of(challenge.record_name):
            raise DomainProofMissing(challenge.record_name, challenge.record_text)
        return challenge


async def check_domain(tx: Transaction, organisation_id: UUID, address: str) -> None:
    """Checks that the narrowest registered domain which an address lies under is the organisation's; it stays
    so until the transaction ends.

    Raises:
        DomainNotRegistered: it is another's, or there is none.
    """
    enclosing = addresses.enclosing_domains(address.rpartition("@")[2])
    await tx.domains.lock(enclosing, shared=True)
    if not await _has(tx, organisation_id, enclosing):
        raise DomainNotRegistered(address)


async def _has(tx: Transaction, organisation_id: UUID, names: Collection[str]) -> bool:
    """Tells whether the first of these names that is registered is the organisation's."""
    registered = await tx.domains.among(names)
    found = next((registered[name] for name in names if name in registered), None)
    return found is not None and found.organisation_id == organisation_id


async def _depending(tx: Transaction, name: str) -> list[SenderAddress]:
    """Returns entries, one of each organisation and domain, for which this very domain decides, or would if
    it were registered.
    """
    found = []
    for entry in await tx.sender_addresses.below(name):
        narrower = list(takewhile(lambda each: each != name, addresses.enclosing_domains(entry.domain)))
        if not await tx.domains.among(narrower):
            found.append(entry)
    return found


async def _registered(by: Actor, domain: Domain, tx: Transaction) -> Changed[Domain]:
    await organisation_for(tx, by, domain.organisation_id)
    # What it has stays counted until the transaction ends.
    await tx.organisations.lock(domain.organisation_id)
    # Whoever registers an address under a wider domain meanwhile waits, and then finds this one.
    await tx.domains.lock(addresses.enclosing_domains(domain.name))
    if await tx.domains.get(domain.name) is None:
        for used in await _depending(tx, domain.name):
            if used.organisation_id != domain.organisation_id:
                raise AlreadyRegistered("domain", domain.name)
        most = limits.DOMAINS_PER_ORGANISATION
        if len(await tx.domains.list_by_name(domain.organisation_id, after=None, limit=most)) >= most:
            raise InvalidFields(
                [FieldProblem("name", "TOO_MANY", f"an organisation has at most {most} domains")]
            )
        if await tx.domains.add(domain):
            return Changed(
                domain, domain_resource(domain.name), domain.organisation_id, None, domain_snapshot(domain)
            )
    # It was there, or another transaction was first.
    existing = await _own(tx, by, domain)
    same = domain_snapshot(existing)
    return Changed(existing, domain_resource(domain.name), domain.organisation_id, same, same)


async def _own_again(by: Actor, domain: Domain, tx: Transaction, _subject: UUID) -> Domain:
    return await _own(tx, by, domain)


async def _own(tx: Transaction, by: Actor, wanted: Domain) -> Domain:
    domain = await tx.domains.get(wanted.name)
    if domain is None:
        # Given up since.
        raise absent(by, "domain", wanted.name)
    if domain.organisation_id != wanted.organisation_id:
        raise AlreadyRegistered("domain", wanted.name)
    return domain
