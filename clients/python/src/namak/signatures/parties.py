"""Who a certificate belongs to, and how a report shows certificates."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from namak.certificate_names import full_name, plain
from namak.evidence.failures import CertificateError
from namak.signatures.algorithms import describe_key
from namak.signatures.report import CertificateSeen, Party, Revocation
from namak.signatures.trust import PartyNaming

# ETSI EN 319 412-1, 5.1.3 and 5.1.4, and the two prefixes of Kazakhstan's national authority.
_SEMANTIC: Final = re.compile(r"((?:PNO|IDC|PAS|TIN|TAX|NTR|VAT)[A-Z]{2})-(\S+)|(IIN|BIN)([0-9]{12})")
_NUMBERED: Final = (
    NameOID.SERIAL_NUMBER,
    NameOID.ORGANIZATION_IDENTIFIER,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.USER_ID,
)
_ENTITIES: Final = ("NTR", "VAT", "BIN")


def party_of(certificate: x509.Certificate, namings: Sequence[PartyNaming]) -> tuple[Party, bool]:
    """Returns whom a certificate names, and whether one of the rules says so.

    Without a rule that fits, the number is what stands in the subject in the form of the European norm; it is
    for information.
    """
    subject = certificate.subject
    for rule in namings:
        try:
            number = rule.naming.number_of(subject)
        except CertificateError:
            continue
        return _party(subject, number, rule.naming.prefix.rstrip("-"), rule.is_entity), True
    for attribute in _NUMBERED:
        for value in _texts(subject, attribute):
            if found := _SEMANTIC.fullmatch(value):
                kind, number = found[1] or found[3], found[2] or found[4]
                return _party(subject, number, kind, kind.startswith(_ENTITIES)), False
    return _party(subject, "", "", False), False


def _party(subject: x509.Name, number: str, kind: str, is_entity: bool) -> Party:
    given = " ".join((*_texts(subject, NameOID.GIVEN_NAME), *_texts(subject, NameOID.SURNAME)))
    name = next(iter(_texts(subject, NameOID.COMMON_NAME)), "") or given
    organisation = next(iter(_texts(subject, NameOID.ORGANIZATION_NAME)), "")
    return Party(
        name=name or organisation or full_name(subject),
        number=number,
        number_kind=kind,
        organisation=organisation,
        country=next(iter(_texts(subject, NameOID.COUNTRY_NAME)), ""),
        is_entity=is_entity,
    )


def _texts(subject: x509.Name, attribute: x509.ObjectIdentifier) -> list[str]:
    values = [found.value for found in subject.get_attributes_for_oid(attribute)]
    return [plain(value) for value in values if isinstance(value, str)]


def short_name(name: x509.Name) -> str:
    """Returns what a sentence calls the bearer of a name: its common name, else all of it."""
    return next(iter(_texts(name, NameOID.COMMON_NAME)), "") or full_name(name)


def seen(certificate: x509.Certificate, revocation: Revocation, *, trusted: bool) -> CertificateSeen:
    """Returns a certificate as a report shows it."""
    der = certificate.public_bytes(Encoding.DER)
    return CertificateSeen(
        name=short_name(certificate.subject),
        subject=full_name(certificate.subject),
        issuer=full_name(certificate.issuer),
        serial_number=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=describe_key(certificate),
        der=der,
        sha256=hashlib.sha256(der).hexdigest(),
        trusted=trusted,
        revocation=revocation,
    )
