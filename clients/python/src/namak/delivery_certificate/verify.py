"""Verifies delivery certificates: the proofs in the file, the page by the proofs, and the post's seal.

The proofs are verified as receipts always are, by what the verifier trusts, and hold whatever the file around
them is. Then the statement is derived from them again, and from both what must stand on the pages; that is
compared with what stands there. The seal tells who made the file; a missing or unknown one is said and spoils
nothing, a broken one does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from namak.delivery_certificate.account import Account, NoAccount, account_of
from namak.delivery_certificate.page import page_of
from namak.delivery_certificate.reading import CertificateFile, NotReadable, read_certificate
from namak.delivery_certificate.stated_time import by_proof
from namak.delivery_certificate.statement import WORDING, Statement
from namak.delivery_certificate.verify_seal import ALTERED, judged_seal
from namak.delivery_certificate.verify_statement import problems_of
from namak.delivery_certificate.words import WORDS
from namak.evidence.errors import EvidenceError
from namak.evidence.report import FileReport, Outcome, Receipt, Report, Verdict
from namak.evidence.times import format_time
from namak.evidence.verify import Trust, verify_receipts
from namak.signatures import verify as signatures

PDF_MARK: Final = signatures.PDF_MARK
"""How a file begins that may be a certificate."""

_BETWEEN: Final = re.compile(r"[\s\u200b]+")
# Spaces, the ends of lines, and joints within long words.
_OTHER_PAGE: Final = "the page says something else than the proofs"


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """What was found of one certificate: of the file itself, and of each proof in it.

    ``statement`` and ``account`` are there where they can be read; they count only as far as the checks say.
    """

    file: FileReport
    proofs: Report
    statement: Statement | None
    account: Account | None
    timestamped: bool = False
    """Whether timestamps are attached, or in the seal; they count by ``Trust.tsa_roots``."""

    @property
    def verdict(self) -> Verdict:
        """VALID when the file and every proof in it are."""
        sound = self.file.verdict is Verdict.VALID and self.proofs.verdict is Verdict.VALID
        return Verdict.VALID if sound else Verdict.INVALID

    @property
    def is_altered(self) -> bool:
        """Whether a check says that the file is not as it was made, or not by the software of a post."""
        return any(
            check.name in ("delivery", "statement") or check.words in (_OTHER_PAGE, *ALTERED)
            for check in self.file.checks
            if check.outcome is Outcome.FAILED
        )


def verify_certificate(
    name: str, data: bytes, trust: Trust, seal_roots: Sequence[bytes], now: datetime
) -> VerifiedCertificate:
    """Verifies the certificate in a file of that name.

    ``seal_roots`` (DER) are the authorities that the verifier trusts for the post's seal; the seal's
    timestamp counts by ``Trust.tsa_roots``, or without any by these. ``now`` is the time to judge the seal
    at. Never raises over what is in the file.
    """
    receipt = Receipt(name)
    try:
        read = read_certificate(data)
    except NotReadable as problem:
        receipt.failed("file", f"this is no delivery certificate: {problem}")
        return VerifiedCertificate(_report(receipt, None), Report(()), None, None)
    receipt.passed("file", f"the file is a delivery certificate with {len(read.proofs)} proofs attached")
    stamps = {
        f"{name}#{file}": {each: read.timestamps[each] for each in own.values()}
        for file, own in by_proof(read.timestamps, read.proofs).items()
    }
    proofs = verify_receipts({f"{name}#{file}": proof for file, proof in read.proofs.items()}, trust, stamps)
    invalid = sum(file.verdict is not Verdict.VALID for file in proofs.files)
    receipt.settle(
        "proofs",
        [f"{invalid} of {len(proofs.files)} proofs are not valid"] if invalid else [],
        "all proofs are valid by what you trust",
    )
    account = _account(receipt, read)
    statement = _statement(receipt, read, account)
    seal, stamped = judged_seal(data, seal_roots, trust.tsa_roots, now)
    if account is not None and statement is not None:
        trusted = seal.outcome is Outcome.PASSED
        _check_page(receipt, read, account, statement, sealed=trusted)
    receipt.note("seal", seal.outcome, seal.words)
    return VerifiedCertificate(_report(receipt, account), proofs, statement, account, bool(stamps) or stamped)


def _account(receipt: Receipt, read: CertificateFile) -> Account | None:
    try:
        account = account_of(read.proofs, read.timestamps)
    except NoAccount as problem:
        receipt.failed("delivery", f"the proofs do not tell of one delivery: {problem.detail}")
        return None
    receipt.passed("delivery", f"all proofs are of the delivery {account.delivery_id}")
    return account


def _statement(receipt: Receipt, read: CertificateFile, account: Account | None) -> Statement | None:
    try:
        statement = Statement.parse(read.statement)
    except EvidenceError as problem:
        receipt.failed("statement", f"the attached statement can't be read: {problem.detail}")
        return None
    if account is not None:
        receipt.settle(
            "statement", problems_of(statement, account), "the attached statement says what the proofs say"
        )
    return statement


def _check_page(
    receipt: Receipt, read: CertificateFile, account: Account, statement: Statement, *, sealed: bool
) -> None:
    """Compares the pages' text with what follows from the proofs.

    What can't be compared is a failure unless whom the verifier trusts sealed it: otherwise anybody could
    print anything in a form that nobody compares.
    """
    problem = read.problem
    if not problem and (statement.wording != WORDING or statement.language not in WORDS):
        problem = "the words on it are of a later version"
    if problem or read.pages is None:
        words = f"the page could not be compared with the proofs: {problem}"
        receipt.note("page", Outcome.NOT_GIVEN if sealed else Outcome.FAILED, words)
        return
    page = page_of(account, statement, read.statement)
    expected, pages = _joined("".join(page.strings())), [_joined(text) for text in read.pages]
    feet = [_joined(f"{page.foot}{number}/{len(pages)}") for number in range(1, len(pages) + 1)]
    told = all(text.endswith(foot) for text, foot in zip(pages, feet, strict=True))
    found = "".join(text.removesuffix(foot) for text, foot in zip(pages, feet, strict=True))
    receipt.settle(
        "page",
        [] if told and found == expected else [_OTHER_PAGE],
        "the page says, word for word, what follows from the proofs",
    )


def _joined(text: str) -> str:
    return _BETWEEN.sub("", text)


def _report(receipt: Receipt, account: Account | None) -> FileReport:
    verdict = Verdict.VALID if receipt.is_sound else Verdict.INVALID
    if verdict is Verdict.INVALID or account is None:
        failed = ", ".join(check.name for check in receipt.checks if check.outcome is Outcome.FAILED)
        proves = f"Proves nothing: failed on {failed}."
    else:
        proves = _sentence(account)
    return FileReport(receipt.name, tuple(receipt.checks), verdict, proves, None)


def _sentence(account: Account) -> str:
    document = account.document
    sender, recipient = document.sender.identifier, document.recipient.identifier
    message = f"message {account.delivery_id} from {sender} to {recipient}"
    if account.effect is not None:
        details = account.effect[1]
        since = format_time(details.effective_time)
        return f"The recipient of {message} is properly notified since {since} by rule {details.rule}."
    if account.withdrawn:
        return f"The sender withdrew {message}; nobody is notified by it."
    return f"Among the proofs of {message} is no proper notification."
