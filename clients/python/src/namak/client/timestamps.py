"""The timestamps of a receipt, saved as files beside it (:mod:`namak.evidence.timestamp_file`)."""

from collections.abc import Mapping
from pathlib import Path

from namak.client.files import write_new_file
from namak.errors import ContentMismatch, FileExistsAlready, FileProblem
from namak.evidence.errors import EvidenceError
from namak.evidence.timestamp_file import (
    CHECKPOINT_SUFFIX,
    SUFFIX,
    is_authority,
    timestamp_file,
)
from namak.evidence.tlog_proof import SUFFIX as RECEIPT_SUFFIX
from namak.evidence.tlog_proof import TlogProof
from namak.v1 import evidence_pb2


def files_beside(receipt: evidence_pb2.Receipt, name: str) -> Mapping[str, bytes]:
    """Returns what is to lie beside a timestamped receipt of that name: the bytes that were stamped, and each
    token. Nothing for one without timestamps.

    Nothing is verified. Raises :class:`ContentMismatch` if it is not what it is said to be.
    """
    if not receipt.timestamps:
        return {}
    stem = name.removesuffix(RECEIPT_SUFFIX)
    try:
        files = {stem + CHECKPOINT_SUFFIX: TlogProof.parse(receipt.tlog_proof).checkpoint}
        for each in receipt.timestamps:
            if not is_authority(each.authority):
                raise ContentMismatch("the timestamp that came is of an authority without a proper name")
            files[f"{stem}.{each.authority}{SUFFIX}"] = timestamp_file(each.token)
    except EvidenceError as problem:
        raise ContentMismatch(f"the timestamped receipt that came is none: {problem.detail}") from problem
    return files


def save_beside(files: Mapping[str, bytes], directory: Path, *, force: bool) -> tuple[Path, ...]:
    """Saves these files and returns their paths. One that is there already and holds the same is left.

    Raises FileExistsAlready for any other, unless ``force``.
    """
    return tuple(_saved(directory / name, content, force=force) for name, content in files.items())


def _saved(target: Path, content: bytes, *, force: bool) -> Path:
    try:
        return write_new_file(target, content, force=force)
    except FileExistsAlready:
        if not target.is_file() or _bytes(target) != content:
            raise
        return target


def check_same_checkpoint(path: Path, receipt: evidence_pb2.Receipt) -> None:
    """Raises FileExistsAlready unless the receipt in a file stands under the checkpoint of this one, so that
    its timestamps may lie beside that file.
    """
    if TlogProof.parse(_bytes(path)).checkpoint != TlogProof.parse(receipt.tlog_proof).checkpoint:
        raise FileExistsAlready(f"{path} holds a receipt of the same evidence under another checkpoint")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise FileProblem(f"{path} can't be read: {problem.strerror}") from problem
