"""What is raised on the way from opening a message to its confirmed reading; imported from `refusals`."""

from uuid import UUID

from server.domain.reasons import Reason
from server.domain.refused import Refused


class NotOpened(Refused):
    reason = Reason.NOT_OPENED

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__("the message has not been opened yet", delivery_id=str(delivery_id))


class StatementNotIssued(Refused):
    reason = Reason.STATEMENT_NOT_ISSUED

    def __init__(self, statement_id: UUID) -> None:
        super().__init__(
            "no such statement was issued to you for this message", statement_id=str(statement_id)
        )


class StatementExpired(Refused):
    reason = Reason.STATEMENT_EXPIRED

    def __init__(self, statement_id: UUID) -> None:
        super().__init__(
            "the statement has expired; ask for another one and sign that", statement_id=str(statement_id)
        )


class AlreadyConfirmed(Refused):
    reason = Reason.ALREADY_CONFIRMED

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(
            "the reading of this message has been confirmed already", delivery_id=str(delivery_id)
        )


class SignatureInvalid(Refused):
    reason = Reason.SIGNATURE_INVALID

    def __init__(self, detail: str) -> None:
        super().__init__(f"the signature is not acceptable: {detail}", detail=detail)


class SignerNotRecipient(Refused):
    reason = Reason.SIGNER_NOT_RECIPIENT

    def __init__(self) -> None:
        super().__init__("the signature is not by the recipient of this message")


class SigningCertificateUntrusted(Refused):
    reason = Reason.SIGNING_CERTIFICATE_UNTRUSTED

    def __init__(self) -> None:
        super().__init__("the signing certificate has no path to a root that issues certificates to citizens")


class SigningCertificateExpired(Refused):
    reason = Reason.SIGNING_CERTIFICATE_EXPIRED

    def __init__(self) -> None:
        super().__init__("a certificate in the signer's path is not valid at this time")


class SigningCertificateRevoked(Refused):
    reason = Reason.SIGNING_CERTIFICATE_REVOKED

    def __init__(self) -> None:
        super().__init__("the signing certificate has been revoked")


class SigningCertificatePurpose(Refused):
    reason = Reason.SIGNING_CERTIFICATE_PURPOSE

    def __init__(self) -> None:
        super().__init__(
            "the certificate is not for signatures of intent: its key usage lacks contentCommitment"
        )
