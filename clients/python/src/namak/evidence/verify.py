"""Verifies receipts: what a stranger can be convinced of, by what that stranger trusts.

Nothing that is trusted comes from the receipts: the log's and the witnesses' keys, the citizen roots and how
certificates name people under each profile are the verifier's. Bad input is reported, never raised. An entry
of the log proves only that the operator recorded something; a confirmation is proven by its own signature,
and a legal effect by deriving it again.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from namak.evidence import events
from namak.evidence.administrative_act import RecordedAct
from namak.evidence.certificate import CertificateNaming
from namak.evidence.checked_notes import CheckedNotes
from namak.evidence.errors import EvidenceError
from namak.evidence.namings import naming_under
from namak.evidence.outage import RecordedOutage
from namak.evidence.recorded import Recorded, recorded
from namak.evidence.report import Check, FileReport, Outcome, Receipt, Report, Verdict
from namak.evidence.tlog_policy import CheckedCheckpoint, TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash, verify_inclusion
from namak.evidence.verify_confirmation import check_confirmation
from namak.evidence.verify_effect import check_effect
from namak.evidence.verify_paper import check_paper
from namak.evidence.verify_right import Acts, check_readers_right
from namak.evidence.verify_sentences import act_sentence, outage_sentence, right_of, sentence_of
from namak.evidence.verify_time import CLOCK_TOLERANCE, Timestamps, check_time
from namak.evidence.verify_withdrawal import check_withdrawal

__all__ = [
    "Check",
    "FileReport",
    "Outcome",
    "Report",
    "Trust",
    "Verdict",
    "notes_under",
    "verify_receipts",
]


@dataclass(frozen=True, slots=True)
class Trust:
    """What the verifier trusts.

    ``log_policy`` names the logs and the quorum of witnesses, ``citizen_roots`` (DER) the only authorities
    for citizens, ``naming`` how their certificates name people, by default as under the profile that the
    evidence names. ``crls`` are revocation lists that evidence only names, by the SHA-256 of their DER in
    lower-case hexadecimal; they need no trust. ``debt_limit`` is how long a log may go without a witness
    before its times count as unbounded. ``tsa_roots`` (DER) are the only authorities for timestamps; without
    any, timestamps are not looked at. Where ``now`` is given, cosignatures and timestamps that state a
    later time do not count.
    """

    log_policy: TlogPolicy
    citizen_roots: Sequence[bytes]
    naming: CertificateNaming | None = None
    crls: Mapping[str, bytes] = field(default_factory=dict)
    debt_limit: timedelta = timedelta(hours=4)
    tsa_roots: Sequence[bytes] = ()
    now: datetime | None = None


def notes_under(trust: Trust) -> CheckedNotes:
    """Returns what checks notes under what the verifier trusts, and keeps what it found of them."""
    return CheckedNotes(trust.log_policy, _latest(trust))


def _latest(trust: Trust) -> int | None:
    """Returns the latest time that anybody independent may state."""
    return None if trust.now is None else int((trust.now + CLOCK_TOLERANCE).timestamp())


def verify_receipts(
    files: Mapping[str, bytes],
    trust: Trust,
    timestamps: Mapping[str, Mapping[str, bytes]] | None = None,
    notes: CheckedNotes | None = None,
) -> Report:
    """Verifies the receipts in ``files`` (name and content of each) together, as one story.

    ``timestamps`` are the files with timestamps that lie beside each receipt, by its name and by theirs
    (:mod:`namak.evidence.timestamp_file`). ``notes`` has what was found of notes before, by
    :func:`notes_under` of the same ``trust``.

    A confirmation by the recipient stands for itself; one on the recipient's behalf needs the receipts of the
    acts that gave the right. An effect needs the receipts of the fact that it follows from and of the
    facts that its rule requires among the files; without them it is not accepted.
    """
    stamps = Timestamps(timestamps or {}, trust.tsa_roots, _latest(trust))
    notes = notes or notes_under(trust)
    receipts = [_read(name, data, trust, stamps, notes) for name, data in files.items()]
    ordered = sorted(receipts, key=_place)
    given, acts = _by_digest(ordered), Acts.among(ordered)
    for receipt in given.values():
        if receipt.fact is None:
            continue
        if receipt.fact.document.event == events.READING_CONFIRMED:
            naming = trust.naming or naming_under(receipt.fact.document.policy_id)
            check_confirmation(receipt, given, trust.citizen_roots, naming, trust.crls, acts)
        elif receipt.fact.document.event == events.RECEIVED_FROM_NON_ERDS:
            check_paper(receipt, given)
        elif (right := right_of(receipt.fact)) is not None:
            check_readers_right(receipt, acts, right)
    effects = [
        receipt
        for receipt in given.values()
        if receipt.fact and receipt.fact.document.event == events.NOTIFICATION_EFFECTED
    ]
    # Counted and gathered once for all: an archive has many deliveries.
    of_delivery = Counter(receipt.fact.document.delivery_id for receipt in effects if receipt.fact)
    withdrawals = _withdrawals(given.values())
    stories = _stories({*of_delivery, *withdrawals}, given.values())
    for receipt in effects:
        check_effect(receipt, given, of_delivery, stories)
    for delivery_id, found in withdrawals.items():
        for receipt in found:
            check_withdrawal(receipt, given, stories[delivery_id])
    for receipt in receipts:
        _repeat(receipt, given)
    return Report(tuple(_report(receipt) for receipt in receipts))


def _withdrawals(given: Iterable[Receipt]) -> Mapping[UUID | None, Sequence[Receipt]]:
    found: dict[UUID | None, list[Receipt]] = {}
    for receipt in given:
        if receipt.fact and receipt.fact.document.event == events.WITHDRAWN:
            found.setdefault(receipt.fact.document.delivery_id, []).append(receipt)
    return found


def _stories(
    deliveries: Collection[UUID | None], given: Iterable[Receipt]
) -> Mapping[UUID | None, Sequence[Receipt]]:
    """Returns the receipts of each of these deliveries."""
    stories: dict[UUID | None, list[Receipt]] = {delivery_id: [] for delivery_id in deliveries}
    for receipt in given:
        if receipt.fact and receipt.fact.document.delivery_id in stories:
            stories[receipt.fact.document.delivery_id].append(receipt)
    return stories


def _by_digest(ordered: Sequence[Receipt]) -> dict[str, Receipt]:
    """Returns the sound receipts of facts by the digest of their evidence.

    Of evidence that was logged twice the first entry counts, whatever the files' names and order.
    """
    given: dict[str, Receipt] = {}
    for receipt in ordered:
        if receipt.fact is not None and receipt.is_sound:
            given.setdefault(receipt.fact.digest, receipt)
    return given


def _place(receipt: Receipt) -> tuple[str, int]:
    return (receipt.checked.log_name if receipt.checked else "", receipt.index or 0)


def _repeat(receipt: Receipt, given: Mapping[str, Receipt]) -> None:
    """Gives a further receipt of the same evidence the checks that were made on the evidence itself."""
    if receipt.fact is None or not receipt.is_sound:
        return
    first = given[receipt.fact.digest]
    if first is not receipt:
        receipt.repeat(first.checks[first.own :])


def _read(name: str, data: bytes, trust: Trust, stamps: Timestamps, notes: CheckedNotes) -> Receipt:
    """Reads one file and makes the checks that every receipt must pass."""
    receipt = Receipt(name)
    _check_file(receipt, data, trust, stamps, notes)
    receipt.own = len(receipt.checks)
    return receipt


def _check_file(receipt: Receipt, data: bytes, trust: Trust, stamps: Timestamps, notes: CheckedNotes) -> None:
    try:
        proof = TlogProof.parse(data)
    except EvidenceError as wrong:
        receipt.failed("file", f"this is not a receipt: {wrong.detail}")
        return
    receipt.passed("file", "the file is a receipt in its one canonical form")
    receipt.index = proof.index
    _check_log(receipt, proof, trust.log_policy, notes)
    if proof.extra is None:
        receipt.failed("evidence", "the receipt does not hold the evidence that it is about")
        return
    try:
        evidence = recorded(proof.extra)
    except EvidenceError as wrong:
        receipt.failed("evidence", f"what is logged is not an evidence document: {wrong.detail}")
        return
    if isinstance(evidence, RecordedAct):
        receipt.act = evidence
    elif isinstance(evidence, RecordedOutage):
        receipt.outage = evidence
    else:
        receipt.fact = evidence
    if receipt.checked is not None:
        _check_inclusion(receipt, proof, receipt.checked, evidence)
    receipt.passed("evidence", f"the evidence is a well-formed document of {evidence.document.event.name}")
    if receipt.checked is not None:
        stamped = stamps.check(receipt, proof.checkpoint)
        check_time(receipt, receipt.checked, evidence.document.event_time, stamped, trust.debt_limit)


def _check_log(receipt: Receipt, proof: TlogProof, policy: TlogPolicy, notes: CheckedNotes) -> None:
    try:
        checked = notes.check_log_signature(proof.checkpoint)
    except EvidenceError as wrong:
        receipt.failed("log", f"no log that you trust signed the checkpoint: {wrong.detail}")
        return
    receipt.checked = checked
    receipt.passed(
        "log", f"the log {checked.log_name} signed the checkpoint of {checked.checkpoint.size} entries"
    )
    witnesses = len(checked.witnesses)
    if checked.ahead:
        receipt.note(
            "witnesses",
            Outcome.NOT_COUNTED,
            f"{len(checked.ahead)} of your witnesses cosigned at a time yet to come, and do not count",
        )
    if not checked.quorum_met:
        receipt.failed(
            "witnesses", f"{witnesses} of your witnesses cosigned, which is not the quorum you ask for"
        )
    elif policy.quorum is None:
        receipt.passed("witnesses", f"you ask for no witnesses; {witnesses} of those you know cosigned")
    else:
        receipt.passed("witnesses", f"{witnesses} of your witnesses cosigned, as many as you ask for")


def _check_inclusion(
    receipt: Receipt, proof: TlogProof, checked: CheckedCheckpoint, evidence: Recorded
) -> None:
    tree = checked.checkpoint
    try:
        verify_inclusion(proof.index, tree.size, leaf_hash(evidence.entry), proof.hashes, tree.root)
    except EvidenceError as wrong:
        receipt.failed(
            "inclusion", f"the evidence does not stand in the log at index {proof.index}: {wrong.detail}"
        )
        return
    receipt.passed(
        "inclusion", f"the evidence stands in the log at index {proof.index}, in exactly these bytes"
    )


def _report(receipt: Receipt) -> FileReport:
    verdict = Verdict.VALID if receipt.is_sound else Verdict.INVALID
    if receipt.fact is not None and verdict is Verdict.VALID:
        proves = sentence_of(receipt.fact)
    elif receipt.act is not None and verdict is Verdict.VALID:
        proves = act_sentence(receipt.act)
    elif receipt.outage is not None and verdict is Verdict.VALID:
        proves = outage_sentence(receipt.outage)
    else:
        failed = ", ".join(check.name for check in receipt.checks if check.outcome is Outcome.FAILED)
        proves = f"Proves nothing: failed on {failed}."
    return FileReport(
        receipt.name, tuple(receipt.checks), verdict, proves, receipt.fact, receipt.act, receipt.outage
    )
