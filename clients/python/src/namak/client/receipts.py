"""Receipts as files: one ``.tlog-proof`` for each fact, named so that a directory shows the order of
events.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from namak.client.evidence import EvidenceReader
from namak.client.files import make_directory, safe_name, write_new_file
from namak.client.timestamps import check_same_checkpoint, files_beside, save_beside
from namak.errors import ContentMismatch, FileExistsAlready, FileProblem
from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.document import EvidenceDocument
from namak.evidence.errors import EvidenceError
from namak.evidence.outage import OutageDocument
from namak.evidence.recorded import recorded
from namak.evidence.tlog_proof import SUFFIX, TlogProof
from namak.v1 import evidence_pb2


@dataclass(frozen=True, slots=True)
class SavedReceipt:
    """A receipt in a file; ``kept`` says that the file was there already, with a receipt of the same
    evidence. ``beside`` are the files of its timestamps: first the bytes that were stamped, then the tokens.
    """

    evidence_id: str
    path: Path
    kept: bool = False
    beside: tuple[Path, ...] = ()


def document_of(receipt: evidence_pb2.Receipt) -> EvidenceDocument | AdministrativeAct | OutageDocument:
    """Returns the evidence in a receipt. Raises :class:`ContentMismatch` if it is not what the receipt is
    said to be.

    This is no verification: nothing is trusted here, and nothing follows from it.
    """
    try:
        document = _parse(receipt.tlog_proof)
    except EvidenceError as problem:
        raise ContentMismatch(f"the receipt that came is none: {problem.detail}") from problem
    if str(document.evidence_id) != receipt.evidence_id:
        raise ContentMismatch(f"the receipt of {receipt.evidence_id} is that of {document.evidence_id}")
    return document


def save_receipt(
    receipt: evidence_pb2.Receipt, directory: Path, number: int, *, digits: int = 2, force: bool = False
) -> SavedReceipt:
    """Saves a receipt as ``<delivery>-<number>-<event>.tlog-proof`` and returns where.

    ``number``, of so many ``digits``, is the fact's place among the facts that the caller sees, from 1;
    what has no delivery (a refused submission, an administrative act) is named by its evidence.
    A file that holds a receipt of the same evidence is kept unless
    ``force``: each is as good as the other. Its timestamps, if it has some, are saved beside it; then the
    file that is kept must hold a receipt under the same checkpoint. Raises FileExistsAlready for any other
    file of that name.
    """
    document = document_of(receipt)
    if isinstance(document, AdministrativeAct | OutageDocument) or document.delivery_id is None:
        name = f"{document.evidence_id}-{document.event.name}"
    else:
        name = f"{document.delivery_id}-{number:0{digits}d}-{document.event.name}"
    make_directory(directory)
    target = directory / safe_name(name + SUFFIX, receipt.evidence_id + SUFFIX)
    beside = files_beside(receipt, target.name)
    kept = False
    try:
        write_new_file(target, receipt.tlog_proof, force=force)
    except FileExistsAlready:
        if not _holds(target, document):
            raise
        if beside:
            check_same_checkpoint(target, receipt)
        kept = True
    saved = save_beside(beside, directory, force=force)
    return SavedReceipt(receipt.evidence_id, target, kept=kept, beside=saved)


async def save_receipts(
    evidence: EvidenceReader,
    delivery_id: str,
    directory: Path,
    *,
    known: Sequence[evidence_pb2.Receipt] = (),
    force: bool = False,
    witnessed: bool = False,
    timestamped: bool = False,
) -> AsyncIterator[SavedReceipt]:
    """Saves the receipts of all facts of a delivery that the caller may see, and yields each as it is saved.

    Those in ``known`` are not asked for. ``witnessed`` waits for those that witnesses vouch for,
    ``timestamped`` for those with timestamps. Raises what :meth:`EvidenceReader.receipt` and
    :func:`save_receipt` raise.
    """
    at_hand = {receipt.evidence_id: receipt for receipt in known}
    number = 0
    async for fact in evidence.facts(delivery_id):
        number += 1
        receipt = at_hand.get(fact.evidence_id) or await evidence.receipt(
            fact.evidence_id, witnessed=witnessed, timestamped=timestamped
        )
        yield save_receipt(receipt, directory, number, force=force)


def _parse(tlog_proof: bytes) -> EvidenceDocument | AdministrativeAct | OutageDocument:
    extra = TlogProof.parse(tlog_proof).extra
    if extra is None:
        raise ContentMismatch("the receipt holds no evidence")
    return recorded(extra).document


def _holds(path: Path, document: EvidenceDocument | AdministrativeAct | OutageDocument) -> bool:
    try:
        return _parse(path.read_bytes()) == document
    except (EvidenceError, ContentMismatch):
        return False
    except OSError as problem:
        raise FileProblem(f"{path} can't be read: {problem.strerror}") from problem
