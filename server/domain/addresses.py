"""E-mail addresses in their one canonical form: senders' under the national domains, and the post's official
addresses.

Two addresses that a person may take for one must be one here, or be refused. So whatever has several
spellings is brought to one, and a label is admitted only in the one script that its top-level domain is for:
then no letter has a double.
"""

import re
import unicodedata
from functools import lru_cache

import idna

from server.domain import identifiers
from server.domain.mailboxes import HolderKind
from server.domain.malformed import Malformed
from server.domain.profile import Profile
from server.domain.senders import PROOF_LABEL

_ADDRESS_OCTETS = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_LOCAL_OCTETS = 64  # RFC 5321, 4.5.3.1.1
_DOMAIN_OCTETS = 253  # RFC 1035, 2.3.4, as text without the root
_TEXT_CHARACTERS = 1024  # before anything is mapped: bounds the work

# RFC 5321, 4.1.2: Dot-string. Quoted strings are refused: they allow many spellings of one mailbox.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_ASCII_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_A_LABEL_PREFIX = "xn--"
_WHOLE = "*"


# Senders are few, and each sends much.
@lru_cache(4096)
def sender_address(text: str, profile: Profile) -> str:
    """Returns a sender's e-mail address in canonical form: local part in lower case, domain as A-labels
    (ADMIN-3, ADMIN-4). `*` alone before the @ is nobody's address: it stands for a whole domain.

    Raises:
        Malformed: `ADDRESS_MALFORMED`, or what `domain_name` raises.
    """
    local, domain = _split(text)
    if local == _WHOLE:
        raise Malformed("ADDRESS_MALFORMED", "must be one address, not a whole domain")
    if len(local) > _LOCAL_OCTETS or not _LOCAL.fullmatch(local):
        raise Malformed(
            "ADDRESS_MALFORMED", "the part before the @ must be ASCII letters, digits and ordinary marks"
        )
    address = f"{local.lower()}@{domain_name(domain, profile)}"
    if len(address) > _ADDRESS_OCTETS:
        raise Malformed("ADDRESS_MALFORMED", f"must have at most {_ADDRESS_OCTETS} characters")
    return address


def sending_permission(text: str, profile: Profile) -> str:
    """Returns what a sending permission is for, in canonical form: one address, or `*@DOMAIN` for all
    addresses of that very domain (ADMIN-2).

    Raises:
        Malformed: as `sender_address`.
    """
    local, domain = _split(text)
    if local != _WHOLE:
        return sender_address(text, profile)
    return f"{_WHOLE}@{domain_name(domain, profile)}"


def whole_domain_of(address: str) -> str:
    """Returns the name of the permission for the whole domain of an address in canonical form."""
    return f"{_WHOLE}@{address.rpartition('@')[2]}"


def is_whole_domain(permission: str) -> bool:
    """Tells whether a permission in canonical form is for a whole domain."""
    return permission.startswith(f"{_WHOLE}@")


def recipient_address(text: str, profile: Profile) -> str:
    """Returns an official address in canonical form: a number, `@`, the post's own domain (POST-3, POST-4).

    Raises:
        Malformed: `ADDRESS_MALFORMED`, `DOMAIN_NOT_OFFICIAL` or `NUMBER_MALFORMED`.
    """
    number, domain = _split(text)
    if (
        domain.lower() not in (profile.mailbox_domain, *profile.mailbox_domain_aliases)
        or not domain.isascii()
    ):
        raise Malformed("DOMAIN_NOT_OFFICIAL", f"an official address ends in @{profile.mailbox_domain}")
    holder = identifiers.identified(number, profile)
    if holder is None:
        raise Malformed("NUMBER_MALFORMED", f"begins with {profile.identifiers.either}")
    return f"{holder.number}@{profile.mailbox_domain}"


def holder_of(address: str, profile: Profile) -> tuple[HolderKind, str]:
    """Returns whose an official address in canonical form is: the kind and the number (POST-3, POST-4).

    Raises:
        Malformed: `NUMBER_MALFORMED`: nobody's, under this profile.
    """
    holder = identifiers.identified(address.partition("@")[0], profile)
    if holder is None:
        raise Malformed("NUMBER_MALFORMED", f"begins with {profile.identifiers.either}")
    return holder.kind, holder.number


def domain_name(text: str, profile: Profile) -> str:
    """Returns a national domain name as A-labels in lower case (UTS 46, non-transitional, and IDNA 2008).

    Raises:
        Malformed: `DOMAIN_MALFORMED`; `FOREIGN_DOMAIN` when it is not under a national top-level domain
        (ADMIN-4);
            `MIXED_SCRIPT` when a label has letters of several scripts; `SCRIPT_NOT_PERMITTED` when it is in
            another script than its top-level domain is for.
    """
    labels = _to_a_labels(text)
    top = labels[-1]
    if top not in profile.sender_domains.top:
        raise Malformed(
            "FOREIGN_DOMAIN", "must be under a national domain; mail services abroad are not accepted"
        )
    if len(labels) < 2:
        raise Malformed("DOMAIN_MALFORMED", "must be a domain below the top-level domain")
    for label in labels[:-1]:
        _check_script(_to_unicode(label), profile, ascii_only=top in profile.sender_domains.ascii_only)
    return ".".join(labels)


def provable_domain_name(text: str, profile: Profile) -> str:
    """Returns a domain name as `domain_name` does, if the DNS has room for the record that proves it.

    Raises:
        Malformed: as `domain_name`; `DOMAIN_TOO_LONG`.
    """
    name = domain_name(text, profile)
    if len(PROOF_LABEL) + 1 + len(name) > _DOMAIN_OCTETS:
        raise Malformed("DOMAIN_TOO_LONG", f"leaves no room for {PROOF_LABEL}. before it; prove a wider one")
    return name


def host_name(text: str) -> str:
    """Returns the name of a machine as A-labels in lower case; it may lie under any top-level domain.

    Raises:
        Malformed: `DOMAIN_MALFORMED`.
    """
    labels = _to_a_labels(text)
    if len(labels) < 2 or labels[-1].isdigit():
        raise Malformed("DOMAIN_MALFORMED", "must be a full domain name, for example mail.src.am")
    return ".".join(labels)


def enclosing_domains(domain: str) -> list[str]:
    """Returns the domain and those that enclose it, the narrowest first, without the top-level domain."""
    labels = domain.split(".")
    return [".".join(labels[first:]) for first in range(len(labels) - 1)]


def _split(text: str) -> tuple[str, str]:
    if len(text) > _TEXT_CHARACTERS or text.count("@") != 1:
        raise Malformed("ADDRESS_MALFORMED", "must be an e-mail address with one @")
    if text != text.strip():
        raise Malformed("ADDRESS_MALFORMED", "must not begin or end with a space or a line break")
    local, _, domain = text.partition("@")
    if not local or not domain:
        raise Malformed("ADDRESS_MALFORMED", "must have something on both sides of the @")
    return local, domain


# Most senders are few, and the mapping takes longer than all the rest of a request's fields.
@lru_cache(4096)
def _to_a_labels(text: str) -> tuple[str, ...]:
    # Format characters are invisible; UTS 46 would drop some of them without a word.
    if len(text) > _TEXT_CHARACTERS or any(unicodedata.category(mark) in {"Cf", "Cc", "Cs"} for mark in text):
        raise Malformed("DOMAIN_MALFORMED", "must be a domain name without invisible characters")
    try:
        mapped = idna.uts46_remap(text, std3_rules=True, transitional=False)
        labels = tuple(idna.alabel(label).decode("ascii") for label in mapped.split("."))
    except (idna.IDNAError, UnicodeError):
        raise Malformed("DOMAIN_MALFORMED", "must be a domain name as IDNA 2008 permits it") from None
    if any(not _ASCII_LABEL.fullmatch(label) for label in labels) or len(".".join(labels)) > _DOMAIN_OCTETS:
        raise Malformed(
            "DOMAIN_MALFORMED", "must be labels of 1 to 63 letters, digits and hyphens, joined by dots"
        )
    if any(label[2:4] == "--" and not label.startswith(_A_LABEL_PREFIX) for label in labels):
        raise Malformed("DOMAIN_MALFORMED", "has a label of a reserved form (RFC 5890, 2.3.1)")
    return labels


def _to_unicode(label: str) -> str:
    return idna.ulabel(label) if label.startswith(_A_LABEL_PREFIX) else label


def _check_script(label: str, profile: Profile, *, ascii_only: bool) -> None:
    wanted = "LATIN" if ascii_only else profile.sender_domains.idn_script
    scripts = {_script(mark) for mark in label if not (mark.isascii() and not mark.isalpha())}
    if len(scripts) > 1:
        raise Malformed("MIXED_SCRIPT", "has a label with letters of several scripts")
    if scripts - {wanted} or (ascii_only and not label.isascii()):
        raise Malformed(
            "SCRIPT_NOT_PERMITTED", f"has a label that is not in the script of its domain ({wanted.lower()})"
        )


def _script(mark: str) -> str:
    """Returns the script of a small letter by its Unicode name; everything else is of no script that is
    wanted.
    """
    if unicodedata.category(mark) != "Ll":
        return "OTHER"
    return unicodedata.name(mark, "OTHER").partition(" ")[0]
