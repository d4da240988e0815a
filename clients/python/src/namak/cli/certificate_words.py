"""What a verification says of a delivery certificate: a part of `namak.cli.verify_words`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from namak.cli.texts import N_
from namak.evidence.report import Outcome, Verdict

if TYPE_CHECKING:
    from namak.delivery_certificate.verify import VerifiedCertificate

CHECKS: Sequence[str] = (N_("proofs"), N_("delivery"), N_("page"), N_("seal"))
"""The names of the checks; programs get them as they are."""

WORDS: Sequence[str] = (
    N_("this is no delivery certificate: {problem}"),
    N_("the file is a delivery certificate with {count} proofs attached"),
    N_("{invalid} of {count} proofs are not valid"),
    N_("all proofs are valid by what you trust"),
    N_("the proofs do not tell of one delivery: {problem}"),
    N_("all proofs are of the delivery {delivery}"),
    N_("the attached statement can't be read: {problem}"),
    N_("the statement is about another delivery than the proofs"),
    N_("the statement names other proofs than those attached, or in another order"),
    N_("the subject in the statement is not that of the evidence"),
    N_("the statement tells of another legal effect than the proofs"),
    N_("the attached statement says what the proofs say"),
    N_("the page could not be compared with the proofs: {problem}"),
    N_("the page says something else than the proofs"),
    N_("the page says, word for word, what follows from the proofs"),
    N_("the file has no seal; the proofs hold without one"),
    N_("the seal does not hold: the file was altered after it was sealed"),
    N_("the seal does not hold: it is damaged, or the file was altered after it was sealed"),
    N_("the seal does not hold: the file was altered so that its seal is hidden"),
    N_("the seal does not hold: it was not made with the key of its certificate"),
    N_("the seal does not hold: its certificate was revoked"),
    N_("the seal does not hold: its certificate had expired when it was put on"),
    N_("the seal does not hold: its certificate was not in force yet when it was put on"),
    N_("sealed by {name}, whom you did not name as trusted; the file was not altered since"),
    N_(
        "sealed by {name}, whom you trust, before {time} according to {authority}; the file was not altered "
        "since, and holds what verifies the seal once its certificate has expired"
    ),
    N_(
        "sealed by {name}, whom you trust, before {time} according to {authority}; the file was not altered "
        "since, and holds what verifies the seal once its certificate has expired; stamped anew {later} "
        "according to {keeper}"
    ),
    N_("sealed by {name}, whom you trust; the file was not altered since"),
    N_(
        "sealed by {name}, whom you trust; the file was not altered since; who stamped the seal's time you "
        "did not name as trusted"
    ),
    N_("sealed by {name}, whom you trust; the file does not tell whether the certificate was revoked"),
    N_("sealed by {name}, but the seal does not count: its certificate is not one for seals"),
    N_("sealed by {name}, but the seal does not count: its algorithms or keys are too weak"),
    N_(
        "sealed by {name}, but the seal does not count: its certificate was revoked, and no timestamp that "
        "you trust shows that it was put on before"
    ),
    N_(
        "sealed by {name}, but the seal does not count: its certificate is out of date, and no timestamp "
        "that you trust shows that it was put on before"
    ),
    N_("sealed by {name}, but whether the seal counts can't be told from what the file holds"),
    N_(
        "The recipient of message {delivery} from {sender} to {recipient} is properly notified since {time}"
        " by rule {rule}."
    ),
    N_("The sender withdrew message {delivery} from {sender} to {recipient}; nobody is notified by it."),
    N_("Among the proofs of message {delivery} from {sender} to {recipient} is no proper notification."),
)
"""Every sentence, as there."""


def is_only_itself_broken(certificate: "VerifiedCertificate") -> bool:
    """Whether a certificate fails though every proof that could be found in it is valid."""
    proofs = certificate.proofs
    return certificate.file.verdict is not Verdict.VALID and all(
        file.verdict is Verdict.VALID for file in proofs.files
    )


def verdict_over(certificate: "VerifiedCertificate") -> str:
    """Returns the last word on such a certificate, for the catalogue."""
    if any(check.name == "file" and check.outcome is Outcome.FAILED for check in certificate.file.checks):
        return N_("{verdict}: {file} is no delivery certificate that can be read.")
    if certificate.is_altered:
        return N_("{verdict}: the certificate {file} was altered; the proofs inside hold.")
    return N_("{verdict}: the certificate {file} does not hold by what you trust; the proofs inside do.")
