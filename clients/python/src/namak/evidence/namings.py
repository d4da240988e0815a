"""How personal certificates name their person under each profile, so that a verifier knows it from the
evidence.

Evidence names the profile it was issued under (`EvidenceIssuerPolicyID`). What stands here for a profile
never changes; another way of naming gets another policy.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from namak.evidence.certificate import CertificateNaming

__all__ = ["NAMINGS", "naming_under"]

NAMINGS: Final[Mapping[str, CertificateNaming]] = MappingProxyType(
    {
        "namak:am:1": CertificateNaming(attribute="serial_number", prefix="PNOAM-", number="[0-9]{10}"),
        # The fifth digit of an entity's number is 4 to 6, that of a person's never.
        "namak:kz:1": CertificateNaming(
            attribute="serial_number", prefix="IIN", number="[0-9]{4}[0-3][0-9]{7}"
        ),
        "namak:az:1": CertificateNaming(
            attribute="serial_number", prefix="PNOAZ-", number="[0-9A-HJ-NP-Z]{7}"
        ),
    }
)
"""By the profile's `EvidenceIssuerPolicyID`."""


def naming_under(policy_id: str) -> CertificateNaming:
    """Returns how certificates name people under a profile; for one that is not known, as under ``am``."""
    return NAMINGS.get(policy_id, CertificateNaming())
