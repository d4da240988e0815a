"""Composes what is sent: parts from files, messages with request ids, and batches that fit into a request."""

import hashlib
import mimetypes
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from namak.errors import FileProblem
from namak.v1 import delivery_pb2, evidence_pb2

MAX_BATCH_ITEMS = 500
"""The most messages that one request may carry."""

MAX_BATCH_BYTES = 39 * 1024 * 1024 // 10
"""What we put into one request at most: the server takes 4 MiB, and the frame needs a little."""

_DEFAULT_MEDIA_TYPE = "application/octet-stream"


def new_request_id() -> str:
    """Returns a fresh request id: a random UUID."""
    return str(uuid.uuid4())


def compose_part(name: str, content: bytes, media_type: str | None = None) -> delivery_pb2.Part:
    """Returns a part with its digest; without a media type, the one that the name's ending suggests."""
    digest = evidence_pb2.Digest(
        algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=hashlib.sha256(content).digest()
    )
    guessed, encoding = mimetypes.guess_type(name, strict=False)
    if encoding is not None:
        guessed = None  # such as a .tar.gz: the outer layer counts, and it has no one name
    return delivery_pb2.Part(
        name=name, media_type=media_type or guessed or _DEFAULT_MEDIA_TYPE, content=content, digest=digest
    )


def read_part(path: Path) -> delivery_pb2.Part:
    """Returns a file as a part under its own name. Raises :class:`FileProblem`."""
    try:
        return compose_part(path.name, path.read_bytes())
    except OSError as problem:
        raise FileProblem(f"{path} can't be read: {problem.strerror}") from problem


def compose(
    *,
    sender: str,
    recipient: str,
    subject: str,
    parts: Sequence[delivery_pb2.Part],
    request_id: str | None = None,
) -> delivery_pb2.Submission:
    """Returns one message to one recipient; without a request id it gets a fresh one, to be kept for every
    repetition.
    """
    return delivery_pb2.Submission(
        request_id=request_id or new_request_id(),
        sender=sender,
        recipient=recipient,
        subject=subject,
        parts=parts,
    )


def with_request_id(submission: delivery_pb2.Submission) -> delivery_pb2.Submission:
    """Returns the submission itself, or, if it has no request id, a copy that has a fresh one."""
    if submission.request_id:
        return submission
    named = delivery_pb2.Submission()
    named.CopyFrom(submission)
    named.request_id = new_request_id()
    return named


def split(submissions: Sequence[delivery_pb2.Submission]) -> Iterator[list[delivery_pb2.Submission]]:
    """Yields the submissions in order, in lists that each fit into one request.

    A submission too large for any request comes alone in its list: whoever sends must look at it first.
    """
    batch: list[delivery_pb2.Submission] = []
    size = 0
    for submission in submissions:
        added = size_in_batch(submission)
        if batch and (len(batch) == MAX_BATCH_ITEMS or size + added > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(submission)
        size += added
    if batch:
        yield batch


def size_in_batch(submission: delivery_pb2.Submission) -> int:
    """Returns the bytes that the submission takes up in a request: its own, a tag and at most four of
    length.
    """
    return submission.ByteSize() + 5
