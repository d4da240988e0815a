"""Refusals of delivery certificates."""

from server.domain.reasons import Reason
from server.domain.refused import Refused


class CertificatesNotOffered(Refused):
    """A certificate without the post's seal would be worth what anybody can print."""

    reason = Reason.CERTIFICATES_NOT_OFFERED

    def __init__(self) -> None:
        super().__init__("this post makes no delivery certificates; ask for the receipts instead")


class CertificateTooLarge(Refused):
    """What does not fit in whole is not certified in part."""

    reason = Reason.CERTIFICATE_TOO_LARGE

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the delivery has more evidence than the {limit} pieces that fit into a certificate",
            limit=str(limit),
        )
