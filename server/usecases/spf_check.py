"""Whether a client may send mail in a domain's name, as its policy says (RFC 7208, 4: `check_host`).

Nothing hangs on it (ADMIN-6): the result is recorded beside the deliveries, and an outage of the DNS makes it
`temperror`. No look-up is made inside a transaction.
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from server.domain.caller import IpAddress
from server.domain.refusals import ServiceUnavailable
from server.domain.spf import Directive, Mechanism, SpfPolicy, SpfResult, policy_among
from server.domain.spf_macros import MacroText, SpfMalformed, is_name, target_name

SECONDS: Final = 20.0
"""How long one check takes at most; no less is to be allowed (RFC 7208, 4.6.4)."""
_TERMS: Final = 10
"""Terms that ask the DNS, in a policy and all that it includes or redirects to."""
_VOID: Final = 2
"""Look-ups that find nothing."""
_HOSTS: Final = 10
"""Hosts of one `mx`, and names of one `ptr`."""
_ASKING: Final = frozenset(Mechanism) - {Mechanism.ALL, Mechanism.IP4, Mechanism.IP6}


class PolicyRecords(Protocol):
    """The DNS, as far as policies lead there. Names have no dot at their end; one that does not exist has no
    records. All raise `ServiceUnavailable` where there is no usable answer.
    """

    async def texts(self, name: str) -> Sequence[bytes]:
        """Returns the TXT records of a name, each joined from its strings."""
        ...

    async def addresses(self, name: str, *, like: IpAddress) -> Sequence[IpAddress]:
        """Returns the addresses of a name, of the same version as `like`."""
        ...

    async def exchangers(self, name: str) -> Sequence[str]:
        """Returns the hosts that take mail for a name (MX)."""
        ...

    async def names(self, address: IpAddress) -> Sequence[str]:
        """Returns the names that an address shows (PTR)."""
        ...


@dataclass(frozen=True, slots=True)
class SpfIdentity:
    """For whom it is checked whether the client may send.

    Attributes:
        local, domain: of MAIL FROM; of its null sender `postmaster` and the name of HELO or EHLO (2.4).
        helo: that name, as the client says it.
    """

    local: str
    domain: str
    helo: str

    @classmethod
    def of(cls, mail_from: str, helo: str) -> "SpfIdentity":
        """Returns it for an address of MAIL FROM, its domain as A-labels; empty for the null sender."""
        local, at, domain = mail_from.rpartition("@")
        return cls(local or "postmaster", domain if at else helo, helo)


class SpfCheck:
    """Checks clients against the policies that the DNS shows."""

    def __init__(self, records: PolicyRecords, *, seconds: float = SECONDS) -> None:
        self._records = records
        self._seconds = seconds

    async def of(self, client: IpAddress, identity: SpfIdentity) -> SpfResult:
        """Returns what the domain's policy says of a client. Never raises but when cancelled."""
        mapped = client.ipv4_mapped if isinstance(client, ipaddress.IPv6Address) else None
        try:
            async with asyncio.timeout(self._seconds):
                return await _Check(self._records, mapped or client, identity).host(identity.domain)
        except (ServiceUnavailable, TimeoutError):
            return SpfResult.TEMPERROR
        except SpfMalformed:
            return SpfResult.PERMERROR


class _Check:
    """One check, with what it has asked so far."""

    def __init__(self, records: PolicyRecords, client: IpAddress, identity: SpfIdentity) -> None:
        self._records, self._client, self._identity = records, client, identity
        self._terms = self._void = 0
        self._named: Sequence[str] | None = None

    async def host(self, domain: str) -> SpfResult:
        domain = domain.removesuffix(".")
        if not is_name(domain) or "." not in domain:
            return SpfResult.NONE
        policy = policy_among(await self._records.texts(domain))
        return SpfResult.NONE if policy is None else await self._judged(policy, domain)

    async def _judged(self, policy: SpfPolicy, domain: str) -> SpfResult:
        for directive in policy.directives:
            if directive.mechanism in _ASKING:
                self._count_term()
            if await self._matches(directive, domain):
                return directive.result
        if policy.redirect is None:
            return SpfResult.NEUTRAL
        self._count_term()
        target = await self._target(policy.redirect, domain)
        found = SpfResult.NONE if target is None else await self.host(target)
        if found is SpfResult.NONE:
            raise SpfMalformed("redirected to where there is no policy")
        return found

    async def _matches(self, directive: Directive, domain: str) -> bool:
        mechanism = directive.mechanism
        if mechanism is Mechanism.ALL:
            return True
        if directive.network is not None:
            return self._client in directive.network
        target = await self._target(directive.target, domain)
        if mechanism is Mechanism.INCLUDE:
            return await self._includes(target)
        if target is None:
            return False
        match mechanism:
            case Mechanism.A:
                return await self._is_at(directive, target)
            case Mechanism.MX:
                return await self._is_exchanger(directive, target)
            case Mechanism.PTR:
                return any(_is_below(name, target) for name in await self._names())
            case _:
                return bool(await self._addresses(target, ipaddress.IPv4Address(0)))

    async def _includes(self, target: str | None) -> bool:
        match SpfResult.NONE if target is None else await self.host(target):
            case SpfResult.PASS:
                return True
            case SpfResult.NONE:
                raise SpfMalformed("what is included has no policy")
            case _:
                return False

    async def _is_at(self, directive: Directive, target: str) -> bool:
        shown = await self._addresses(target, self._client)
        return any(directive.covers(self._client, each) for each in shown)

    async def _is_exchanger(self, directive: Directive, target: str) -> bool:
        hosts = await self._records.exchangers(target)
        if not hosts:
            self._count_void()
        if len(hosts) > _HOSTS:
            raise SpfMalformed("too many hosts that take mail")
        for host in hosts:
            if is_name(host) and await self._is_at(directive, host):
                return True
        return False

    async def _names(self) -> Sequence[str]:
        """Returns the client's names that lead back to it (RFC 7208, 5.5); failures find nothing here."""
        if self._named is None:
            self._named = [name for name in await self._shown_names() if await self._leads_back(name)]
        return self._named

    async def _shown_names(self) -> Sequence[str]:
        try:
            shown = await self._records.names(self._client)
        except ServiceUnavailable:
            return ()
        if not shown:
            self._count_void()
        return [name for name in shown[:_HOSTS] if is_name(name)]

    async def _leads_back(self, name: str) -> bool:
        try:
            return self._client in await self._addresses(name, self._client)
        except ServiceUnavailable:
            return False

    async def _addresses(self, name: str, like: IpAddress) -> Sequence[IpAddress]:
        found = await self._records.addresses(name, like=like)
        if not found:
            self._count_void()
        return found

    async def _target(self, text: MacroText | None, domain: str) -> str | None:
        """Returns the name that a term asks for; None where there is none, and it matches nothing."""
        if text is None:
            return domain
        values = {
            "s": f"{self._identity.local}@{self._identity.domain}",
            "l": self._identity.local,
            "o": self._identity.domain,
            "d": domain,
            "h": self._identity.helo,
            "v": "in-addr" if self._client.version == 4 else "ip6",
            "i": str(self._client) if self._client.version == 4 else ".".join(self._client.packed.hex()),
        }
        if "p" in text.letters:
            values["p"] = await self._name(domain)
        # A local part that is not ASCII makes no label, so what names it matches nothing (RFC 8616, 4).
        if not all(values[letter].isascii() for letter in text.letters):
            return None
        return target_name(text.expanded(values.__getitem__))

    async def _name(self, domain: str) -> str:
        """Returns what `%{p}` stands for: the domain itself if the client has it for a name, or one below, or
        any (RFC 7208, 7.3).
        """
        if self._named is None:
            self._count_term()
        names = await self._names()
        lower = domain.lower()
        nearest = sorted(names, key=lambda name: (name.lower() != lower, not _is_below(name, domain)))
        return nearest[0] if nearest else "unknown"

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > _TERMS:
            raise SpfMalformed("too many terms that ask the DNS")

    def _count_void(self) -> None:
        self._void += 1
        if self._void > _VOID:
            raise SpfMalformed("too many look-ups that find nothing")


def _is_below(name: str, domain: str) -> bool:
    name, domain = name.lower(), domain.lower()
    return name == domain or name.endswith(f".{domain}")
