"""What a holder's program checks before it signs: that the statement is about the message that was opened.

A signature is an act with consequences in law. The server says what to sign, so nothing is signed that does
not follow from what the holder was shown (ADMIN-7).
"""

from datetime import UTC, datetime
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.config import Signing
from namak.errors import ConfigurationError, ContentMismatch, SigningCertificateMisfit
from namak.evidence.details import AccessDetails
from namak.evidence.document import EvidenceDocument, subject_part
from namak.evidence.errors import EvidenceError
from namak.evidence.signature import build_confirmation_signature
from namak.evidence.statement import Statement, language_under, stated_parts
from namak.v1 import mailbox_pb2


def check_statement(
    issued: mailbox_pb2.IssueStatementResponse | mailbox_pb2.StartConfirmationByPhoneResponse,
    opened: mailbox_pb2.OpenMessageResponse,
    *,
    at: datetime | None = None,
) -> Statement:
    """Returns the statement if it is well-formed, in force, and about exactly this opened message.

    Where somebody else than the recipient opened it, it must say that it is signed on their behalf, and
    otherwise it must not. Its sentence must be the one of the evidence's policy. It must name the delivery,
    sender, recipient and
    all parts as the evidence of the opening does, and that evidence must agree with the subject and the parts
    that were shown. Raises :class:`ContentMismatch`.
    """
    try:
        statement = Statement.parse(issued.statement)
        document = EvidenceDocument.parse(opened.evidence.document)
    except EvidenceError as problem:
        raise ContentMismatch(f"nothing was signed: {problem.detail}") from problem
    shown = [subject_part(opened.message.subject).digest, *(part.digest.value for part in opened.parts)]
    claims = {
        "its identifier": str(statement.statement_id) == issued.statement_id,
        "its sentence": statement.language == language_under(document.policy_id),
        "the delivery": str(statement.delivery_id) == opened.message.delivery_id == str(document.delivery_id),
        "the sender": statement.sender == opened.message.sender == document.sender.identifier,
        "the recipient": statement.recipient == document.recipient.identifier,
        "on whose behalf it is": statement.right == _right_of(document),
        "the parts": statement.parts == stated_parts(document.parts),
        "what was shown": shown == [part.digest for part in document.parts],
        "its time": statement.issued < statement.expires and (at or datetime.now(UTC)) <= statement.expires,
    }
    wrong = [claim for claim, holds in claims.items() if not holds]
    if wrong:
        raise ContentMismatch("nothing was signed: the statement is not right about " + ", ".join(wrong))
    return statement


def _right_of(opening: EvidenceDocument) -> str | None:
    """Returns by which act, if not as the recipient, the message was opened."""
    return opening.details.right if isinstance(opening.details, AccessDetails) else None


class StatementSigner(Protocol):
    """Whatever holds the signing key: :class:`namak.client.card.Card`."""

    def sign(self, data: bytes) -> bytes:
        """Returns the signature over the SHA-256 of data: ECDSA in DER, or RSA by PKCS #1 v1.5."""


def sign_statement(statement: bytes, settings: Signing, signer: StatementSigner) -> bytes:
    """Returns the CMS over the statement's exact bytes, by the key on the card and the certificate in its
    file.

    Call :func:`check_statement` first, and show the holder the statement. Waits for the card, so it belongs
    on a thread of its own. Raises CardError, and ConfigurationError for the certificate's file.
    """
    certificate, *chain = _certificates(settings)
    try:
        return build_confirmation_signature(statement, certificate, chain, signer.sign)
    except EvidenceError as problem:
        raise SigningCertificateMisfit(
            f"the key {settings.label!r} and {settings.certificate} do not fit together: {problem.detail}"
        ) from problem


def _certificates(settings: Signing) -> list[bytes]:
    try:
        found = x509.load_pem_x509_certificates(settings.certificate.read_bytes())
    except OSError as problem:
        raise ConfigurationError(
            str(settings.certificate), [f"can't be read: {problem.strerror}"]
        ) from problem
    except ValueError as problem:
        raise ConfigurationError(
            str(settings.certificate), ["holds no readable PEM certificate"]
        ) from problem
    return [certificate.public_bytes(Encoding.DER) for certificate in found]
