"""SPF policies: what a domain says of who may send mail in its name (RFC 7208).

Pure: the record's form, and what its addresses cover. `server.usecases.spf_check` asks the DNS what the rest
says.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server.domain.caller import IpAddress
from server.domain.spf_macros import MacroText, SpfMalformed, domain_spec, macro_text


class SpfResult(StrEnum):
    """What became of a check (RFC 7208, 2.6); the values are RFC 8601's, 2.7.2."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Mechanism(StrEnum):
    """What a directive matches by (RFC 7208, 5)."""

    ALL = "all"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    IP4 = "ip4"
    IP6 = "ip6"
    EXISTS = "exists"


QUALIFIERS: Final = {
    "+": SpfResult.PASS,
    "-": SpfResult.FAIL,
    "~": SpfResult.SOFTFAIL,
    "?": SpfResult.NEUTRAL,
}

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_VERSION: Final = b"v=spf1"
_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)")
_DIRECTIVE: Final = re.compile(r"([-+?~]?)([A-Za-z0-9]+)(.*)")
_PREFIXES: Final = re.compile(r"(?:/([0-9]+))?(?://([0-9]+))?\Z")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_IP4: Final = re.compile(r"([0-9.]+)(?:/([0-9]+))?")
_IP6: Final = re.compile(r"([0-9A-Fa-f:.]+)(?:/([0-9]+))?")
_BITS4: Final = 32
_BITS6: Final = 128


@dataclass(frozen=True, slots=True)
class Directive:
    """A mechanism, and what follows when it matches.

    Attributes:
        target: the domain that it names; None for the one that the policy is of.
        network: of `ip4` and `ip6` alone.
        bits4, bits6: so many bits of an address count, of `a` and `mx` alone.
    """

    mechanism: Mechanism
    result: SpfResult
    target: MacroText | None = None
    network: _Network | None = None
    bits4: int = _BITS4
    bits6: int = _BITS6

    def covers(self, client: IpAddress, shown: IpAddress) -> bool:
        """Tells whether a client is at an address that a host shows, as far as its bits count."""
        if client.version != shown.version:
            return False
        bits = self.bits4 if client.version == 4 else self.bits6
        return client in ipaddress.ip_network((shown, bits), strict=False)


@dataclass(frozen=True, slots=True)
class SpfPolicy:
    """A record: directives in their order, and the domain whose policy holds where none matches.

    `exp` is read for its form and let be: its text is for a refusal, and nothing is refused for SPF.
    """

    directives: tuple[Directive, ...]
    redirect: MacroText | None


def policy_among(texts: Sequence[bytes]) -> SpfPolicy | None:
    """Returns the policy among a domain's TXT records, each joined from its strings (RFC 7208, 3.3 and 4.5);
    None without one.

    Raises:
        SpfMalformed: there are several, or the one can't be read to its end (4.6).
    """
    records = [text for text in texts if text[:6].lower() == _VERSION and text[6:7] in (b"", b" ")]
    if not records:
        return None
    if len(records) > 1:
        raise SpfMalformed("several policies")
    try:
        text = records[0][len(_VERSION) :].decode("ascii")
    except UnicodeDecodeError:
        raise SpfMalformed("a policy that is not ASCII") from None
    return _policy([term for term in text.split(" ") if term])


def _policy(terms: Sequence[str]) -> SpfPolicy:
    directives: list[Directive] = []
    modifiers: dict[str, MacroText] = {}
    for term in terms:
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            directives.append(_directive(term))
            continue
        name, text = modifier[1].lower(), modifier[2]
        if name not in ("redirect", "exp"):
            macro_text(text)
        elif name in modifiers:
            raise SpfMalformed(f"two of {name}")
        else:
            modifiers[name] = domain_spec(text)
    return SpfPolicy(tuple(directives), modifiers.get("redirect"))


def _directive(term: str) -> Directive:
    found = _DIRECTIVE.fullmatch(term)
    if found is None:
        raise SpfMalformed("a term that is none")
    result, rest = QUALIFIERS[found[1] or "+"], found[3]
    try:
        mechanism = Mechanism(found[2].lower())
    except ValueError:
        raise SpfMalformed("a mechanism that there is not") from None
    named = rest.startswith(":")
    match mechanism:
        case Mechanism.ALL:
            if rest:
                raise SpfMalformed("all takes nothing")
            return Directive(mechanism, result)
        case Mechanism.IP4 | Mechanism.IP6:
            return Directive(mechanism, result, network=_network(mechanism, rest))
        case Mechanism.INCLUDE | Mechanism.EXISTS | Mechanism.PTR:
            if not named and (rest or mechanism is not Mechanism.PTR):
                raise SpfMalformed(f"{mechanism} without its domain")
            return Directive(mechanism, result, domain_spec(rest[1:]) if named else None)
        case Mechanism.A | Mechanism.MX:
            return _addresses_of(mechanism, result, rest)


def _addresses_of(mechanism: Mechanism, result: SpfResult, rest: str) -> Directive:
    prefixes = _PREFIXES.search(rest)
    assert prefixes is not None
    bits4, bits6 = _bits(prefixes[1], _BITS4), _bits(prefixes[2], _BITS6)
    named = rest[: prefixes.start()]
    if not named:
        return Directive(mechanism, result, bits4=bits4, bits6=bits6)
    if not named.startswith(":"):
        raise SpfMalformed(f"{mechanism} with something else than a domain")
    return Directive(mechanism, result, domain_spec(named[1:]), bits4=bits4, bits6=bits6)


def _network(mechanism: Mechanism, rest: str) -> _Network:
    form, bits = (_IP4, _BITS4) if mechanism is Mechanism.IP4 else (_IP6, _BITS6)
    found = form.fullmatch(rest.removeprefix(":"))
    if not rest.startswith(":") or found is None:
        raise SpfMalformed(f"{mechanism} without its network")
    written = (found[1], _bits(found[2], bits))
    try:
        if mechanism is Mechanism.IP4:
            return ipaddress.IPv4Network(written, strict=False)
        return ipaddress.IPv6Network(written, strict=False)
    except ValueError:
        raise SpfMalformed(f"{mechanism} with no network") from None


def _bits(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise SpfMalformed("a number of bits that there are not")
    return int(text)
