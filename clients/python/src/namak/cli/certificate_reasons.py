"""What the reasons about delivery certificates mean, and what to do: a part of `namak.cli.reasons`."""

from collections.abc import Mapping
from types import MappingProxyType

from namak.cli.texts import N_

CERTIFYING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "CERTIFICATES_NOT_OFFERED": (
            N_("This post makes no delivery certificates."),
            N_("Save the receipts instead: namak receipt --delivery ID."),
        ),
        "CERTIFICATE_TOO_LARGE": (
            N_("The delivery has more evidence than fits into a certificate."),
            N_("Save the receipts instead: namak receipt --delivery ID."),
        ),
    }
)
"""By reason: what it means, and what to do."""
