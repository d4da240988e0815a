"""Names in certificates as people see them: attributes by their usual short names, not by numbers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

_SHORT: Final[Mapping[x509.ObjectIdentifier, str]] = MappingProxyType(
    {
        NameOID.SERIAL_NUMBER: "serialNumber",
        NameOID.GIVEN_NAME: "GN",
        NameOID.SURNAME: "SN",
        NameOID.TITLE: "title",
        NameOID.PSEUDONYM: "pseudonym",
        NameOID.INITIALS: "initials",
        NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
        NameOID.BUSINESS_CATEGORY: "businessCategory",
        NameOID.POSTAL_CODE: "postalCode",
        NameOID.EMAIL_ADDRESS: "E",
    }
)
# As OpenSSL and the European norms (EN 319 412-1) call them; RFC 4514 itself names only the oldest, as CN.


def plain(text: str) -> str:
    """Returns a stranger's text on one line, with a mark in place of what does not stand for itself."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def full_name(name: x509.Name) -> str:
    """Returns a name with all its attributes (RFC 4514); one that has no usual name by its number."""
    return plain(name.rfc4514_string(_SHORT))
