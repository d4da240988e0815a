"""Composes what is sent: parts from files, messages with request ids, and batches that fit into a request."""

import hashlib
import mimetypes
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from namak.errors import FileProblem, InvalidFields, Violation
from namak.v1 import delivery_pb2, evidence_pb2, sms_pb2

MAX_BATCH_ITEMS = 500
"""The most messages that one request may carry."""

MAX_BATCH_BYTES = 39 * 1024 * 1024 // 10
"""What we put into one request at most: the server takes 4 MiB, and the frame needs a little."""

MAX_PARTS = 20
"""The most parts that one message may have."""

MAX_CONTENT_BYTES = 3 * 1024 * 1024
"""The most that the parts of one message may hold together."""

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
    """Returns a file as a part under its own name.

    Raises :class:`FileProblem`, and :class:`InvalidFields` for a file larger than a message may be, of which
    no more is read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONTENT_BYTES + 1)
    except OSError as problem:
        raise FileProblem(f"{path} can't be read: {problem.strerror}") from problem
    if len(content) > MAX_CONTENT_BYTES:
        raise _refused([_too_large()])
    return compose_part(path.name, content)


def check_parts(parts: Sequence[delivery_pb2.Part]) -> None:
    """Raises :class:`InvalidFields`, as the post would, unless the parts are 1 to 20, none empty, together at
    most 3 MiB.
    """
    violations = [
        Violation(f"parts[{place}].content", "EMPTY", f"must not be empty ({part.name})")
        for place, part in enumerate(parts)
        if not part.content
    ]
    if not 0 < len(parts) <= MAX_PARTS:
        violations.append(Violation("parts", "NUMBER_OF_ITEMS", f"must have 1 to {MAX_PARTS} items"))
    if sum(len(part.content) for part in parts) > MAX_CONTENT_BYTES:
        violations.append(_too_large())
    if violations:
        raise _refused(violations)


def check_size(submission: delivery_pb2.Submission) -> None:
    """Raises :class:`InvalidFields` for a submission too large for any request: sending it would only fail
    without an answer of the post.
    """
    if size_in_batch(submission) > MAX_BATCH_BYTES:
        raise _refused([_too_large()])


def _too_large() -> Violation:
    return Violation("parts", "TOO_LARGE", f"must have at most {MAX_CONTENT_BYTES} bytes (3 MiB) together")


def _refused(violations: Sequence[Violation]) -> InvalidFields:
    return InvalidFields("the message can't be sent as it is; nothing was sent", violations=violations)


def compose(
    *,
    sender: str,
    recipient: str,
    subject: str,
    parts: Sequence[delivery_pb2.Part],
    request_id: str | None = None,
    notification_policy: str = "",
    sms: sms_pb2.SmsText | None = None,
) -> delivery_pb2.Submission:
    """Returns one message to one recipient; without a request id it gets a fresh one, to be kept for every
    repetition. ``notification_policy`` is one that the contract permits; empty for its usual one. ``sms`` is
    a short text that goes with it to phones (:func:`namak.client.sms_text`), where the sender's address is
    permitted to.
    """
    return delivery_pb2.Submission(
        request_id=request_id or new_request_id(),
        sender=sender,
        recipient=recipient,
        subject=subject,
        parts=parts,
        notification_policy=notification_policy,
        sms=sms,
    )


def with_request_id(submission: delivery_pb2.Submission) -> delivery_pb2.Submission:
    """Returns the submission itself, or, if it has no request id, a copy that has a fresh one."""
    if submission.request_id:
        return submission
    named = delivery_pb2.Submission()
    named.CopyFrom(submission)
    named.request_id = new_request_id()
    return named


def split(
    submissions: Iterable[delivery_pb2.Submission], most: int = MAX_BATCH_ITEMS
) -> Iterator[list[delivery_pb2.Submission]]:
    """Yields the submissions in order, in lists of at most so many that each fit into one request; takes no
    more of them at a time than one list holds.

    A submission too large for any request comes alone in its list: whoever sends must look at it first.
    """
    batch: list[delivery_pb2.Submission] = []
    size = 0
    for submission in submissions:
        added = size_in_batch(submission)
        if batch and (len(batch) >= most or size + added > MAX_BATCH_BYTES):
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
