"""Who signed a confirmation, as the certificate of their signature names them."""

from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from namak.certificate_names import plain
from namak.evidence.certificate import load_certificate
from namak.evidence.cms_signature import check_signature
from namak.evidence.details import ConfirmationDetails
from namak.evidence.errors import EvidenceError
from namak.evidence.namings import naming_under

_MOST_CHARACTERS: Final = 200


def signer_of(details: ConfirmationDetails, policy_id: str) -> str | None:
    """Returns name and personal number of who signed, under the profile; nothing unless the signature is over
    the statement, and its certificate names a person as the profile has it. Whether the certificate is one to
    trust the verification of the proof tells.
    """
    try:
        signature = check_signature(details.cms, details.statement.encode())
        subject = load_certificate(signature.certificate).subject
        number = naming_under(policy_id).number_of(subject)
    except (EvidenceError, UnicodeEncodeError):
        return None
    name = _name(subject)
    return f"{name}, {number}" if name else number


def _name(subject: x509.Name) -> str:
    """Returns the common name, else the given name and the surname."""
    for attributes in ((NameOID.COMMON_NAME,), (NameOID.GIVEN_NAME, NameOID.SURNAME)):
        found = [str(each.value) for kind in attributes for each in subject.get_attributes_for_oid(kind)]
        if found:
            return plain(" ".join(found))[:_MOST_CHARACTERS]
    return ""
