"""What the reasons about delivery certificates and receipts mean, and what to do: a part of
`namak.cli.reasons`.
"""

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
        "SUCCESSOR_UNPROVEN": (
            N_("This receipt does not lead to the key of a log that comes next and that you can trust."),
            N_(
                "Take the file successor.tlog-proof beside the public files of the log that ended; that "
                "log's key must be in your policy."
            ),
        ),
        "TRUST_MISSING": (
            N_("Nothing says what you trust."),
            N_(
                "Name it by --log-policy FILE and --citizen-roots FILE, for a certificate's seal and "
                "timestamps by --seal-roots FILE and --tsa-roots FILE too, or in [trust] of a configuration "
                "file."
            ),
        ),
        "TIMESTAMPS_UNREADABLE": (
            N_("What reads timestamps is not installed."),
            N_("Install what reads them: pip install 'namak-client[timestamps]'"),
        ),
    }
)
"""By reason: what it means, and what to do."""
