"""Verifies confirmations of reading: that the recipient signed exactly this, about exactly this delivery, in
time.

That the operator logged it proves none of that (POST-2, ADMIN-7).
"""

import hashlib
from collections.abc import Mapping, Sequence

from namak.evidence import events
from namak.evidence.certificate import CertificateNaming
from namak.evidence.details import AccessDetails, ConfirmationDetails, NamedList, RevocationList
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.errors import EvidenceError
from namak.evidence.events import Event
from namak.evidence.failures import (
    CertificateError,
    CertificateRevoked,
    RevocationStatusUnknown,
    SignatureInvalid,
)
from namak.evidence.report import Outcome, Receipt
from namak.evidence.signature import Signer, check_confirmation_signature
from namak.evidence.statement import Statement, language_under, stated_parts
from namak.evidence.times import format_time
from namak.evidence.verify_right import Acts, check_signers_right


def check_confirmation(
    receipt: Receipt,
    given: Mapping[str, Receipt],
    citizen_roots: Sequence[bytes],
    naming: CertificateNaming,
    crls: Mapping[str, bytes],
    acts: Acts,
) -> None:
    """Notes on ``receipt``, which holds a ReadingConfirmed, everything that makes it a confirmation."""
    fact = receipt.fact
    if fact is None or not isinstance(fact.document.details, ConfirmationDetails):
        raise ValueError("the receipt does not hold a confirmation")
    document, details = fact.document, fact.document.details
    _check_statement(receipt, document, details)
    if (lists := _lists(receipt, details.revocation, crls)) is not None:
        signer = _check_signature(receipt, document, details, lists, citizen_roots, naming)
        if signer is not None and details.right is None:
            _check_signer(receipt, document, signer, naming)
        elif signer is not None and details.right is not None:
            check_signers_right(receipt, acts, details.right, signer.person.number)
    check_named(receipt, fact, given, "consignment", details.consignment, events.CONTENT_CONSIGNMENT)
    check_named(receipt, fact, given, "access", details.access, events.CONTENT_ACCESS_TRACKING)


def _check_statement(receipt: Receipt, document: EvidenceDocument, details: ConfirmationDetails) -> None:
    try:
        statement = Statement.parse(details.statement.encode())
    except EvidenceError as wrong:
        receipt.failed("statement", f"what was signed is not a statement: {wrong.detail}")
        return
    problems = []
    if statement.language != language_under(document.policy_id):
        problems.append("the statement's sentence is not the one of the evidence's policy")
    if statement.delivery_id != document.delivery_id:
        problems.append("the statement is about another delivery")
    if statement.sender != document.sender.identifier:
        problems.append("the statement names another sender")
    if statement.recipient != document.recipient.identifier:
        problems.append("the statement names another recipient")
    if statement.right != details.right:
        problems.append("the statement names another right to sign than the evidence, or none")
    if statement.parts != stated_parts(document.parts):
        problems.append("the statement names other parts, or in another order")
    receipt.settle(
        "statement", problems, "the statement is about this delivery, its parties and all its parts"
    )
    in_time = statement.issued <= document.event_time <= statement.expires
    limits = f"{format_time(statement.issued)} to {format_time(statement.expires)}"
    late = [] if in_time else [f"the confirmation was not recorded while the statement was good, {limits}"]
    receipt.settle("statement time", late, f"the statement was good from {limits}")


def _lists(
    receipt: Receipt, revocation: Sequence[RevocationList], crls: Mapping[str, bytes]
) -> list[bytes] | None:
    """Returns the revocation lists that the evidence holds or names, or None after noting that one is
    missing.
    """
    lists = []
    for item in revocation:
        if not isinstance(item, NamedList):
            lists.append(item.crl)
            continue
        crl = crls.get(item.digest)
        if crl is None or hashlib.sha256(crl).hexdigest() != item.digest:
            receipt.failed(
                "revocation",
                f"the revocation list with SHA-256 {item.digest} is missing; the operator publishes it",
            )
            return None
        lists.append(crl)
    return lists


def _check_signature(
    receipt: Receipt,
    document: EvidenceDocument,
    details: ConfirmationDetails,
    lists: Sequence[bytes],
    citizen_roots: Sequence[bytes],
    naming: CertificateNaming,
) -> Signer | None:
    try:
        signer = check_confirmation_signature(
            details.cms,
            details.statement.encode(),
            roots=citizen_roots,
            crls=lists,
            at=document.event_time,
            naming=naming,
        )
    except SignatureInvalid as wrong:
        receipt.failed("signature", f"the statement is not signed: {wrong.detail}")
        return None
    except (CertificateRevoked, RevocationStatusUnknown) as wrong:
        receipt.passed("signature", "the signature verifies over exactly the statement")
        receipt.failed("revocation", wrong.detail)
        return None
    except CertificateError as wrong:
        receipt.passed("signature", "the signature verifies over exactly the statement")
        receipt.failed("certificate", wrong.detail)
        return None
    receipt.passed("signature", "the signature verifies over exactly the statement")
    receipt.passed("certificate", "the certificate is for signing and leads to a citizen root you trust")
    surplus = [checked.crl for checked in signer.person.lists] != list(lists)
    receipt.settle(
        "revocation",
        ["the revocation lists are not those of the signer's path, in its order"] if surplus else [],
        f"not revoked according to the list of {format_time(signer.person.status_time)}",
    )
    return signer


def _check_signer(
    receipt: Receipt, document: EvidenceDocument, signer: Signer, naming: CertificateNaming
) -> None:
    holder = document.recipient.identifier.partition("@")[0]
    problems = []
    if not naming.is_number(holder):
        problems.append("the mailbox is not a person's")
    elif signer.person.number != holder:
        problems.append("the signer is not the recipient")
    receipt.settle("signer", problems, f"the signer is the recipient: {holder}")


def check_named(
    receipt: Receipt,
    fact: RecordedFact,
    given: Mapping[str, Receipt],
    name: str,
    digest: str,
    event: Event,
) -> None:
    """Notes under ``name`` how the receipt's ``fact`` agrees with the evidence of ``event`` that it names by
    ``digest``, if that is among the files.
    """
    named = given.get(digest)
    if named is None or named.fact is None:
        words = f"the receipt of the {event.name} with SHA-256 {digest} is not among the files"
        receipt.note(name, Outcome.NOT_GIVEN, words)
        return
    problems = []
    if named.fact.document.event != event:
        problems.append(f"what it names as {event.name} is evidence of something else")
    if not is_same_delivery(named.fact.document, fact.document):
        problems.append(f"the {event.name} is of another delivery")
    if not is_before(named, receipt):
        problems.append(f"the {event.name} was recorded afterwards")
    opened = named.fact.document.details
    confirmed = fact.document.details
    if (
        isinstance(opened, AccessDetails)
        and isinstance(confirmed, ConfirmationDetails)
        and opened.consignment != confirmed.consignment
    ):
        problems.append("the opening and the confirmation name different consignments")
    receipt.settle(name, problems, f"the {event.name} of this delivery was recorded before")


def is_same_delivery(one: EvidenceDocument, other: EvidenceDocument) -> bool:
    """Tells whether both are about the same delivery of the same content between the same addresses."""
    return (
        one.delivery_id is not None
        and one.delivery_id == other.delivery_id
        and one.sender.identifier == other.sender.identifier
        and one.recipient == other.recipient
        and one.submission_time == other.submission_time
        and one.notification_policy == other.notification_policy
        and one.parts == other.parts
    )


def is_before(earlier: Receipt, later: Receipt) -> bool:
    """Tells whether the earlier receipt's fact was recorded before the later's: by time, and by place in one
    log.
    """
    if earlier.fact is None or later.fact is None:
        return False
    if earlier.fact.document.event_time > later.fact.document.event_time:
        return False
    if earlier.checked is None or later.checked is None or earlier.index is None or later.index is None:
        return False
    return earlier.checked.log_name != later.checked.log_name or earlier.index < later.index
