"""The process that reads strangers' files: verifies what comes in on standard input, one after the other.

It is apart from the server because a file can be made to take memory and time without end; a process has a
limit of memory and can be ended. It opens no connection and gets no secret.

Standard input and output carry messages: their length in eight bytes, big-endian, then JSON. A job is
`{"document", "signature", "trust", "at"}`, its answer `{"report"}`, or `{"failure"}` with the name of an
exception where the file took too much.
"""

import json
import os
import resource
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, BinaryIO

LENGTH_BYTES = 8
_NICENESS = 5


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answers jobs until there are no more."""
    while (header := jobs.read(LENGTH_BYTES)) and len(header) == LENGTH_BYTES:
        content = json.dumps(_answer(json.loads(jobs.read(int.from_bytes(header, "big"))))).encode()
        answers.write(len(content).to_bytes(LENGTH_BYTES, "big") + content)
        answers.flush()


def _answer(job: Mapping[str, Any]) -> Mapping[str, Any]:
    from namak.signatures.transport import packed, unpacked
    from namak.signatures.trust import Trust
    from namak.signatures.verify import BytesDocument, verify

    signature = None if job["signature"] is None else unpacked(bytes, job["signature"])
    document = BytesDocument(unpacked(bytes, job["document"]))
    trust, at = unpacked(Trust, job["trust"]), unpacked(datetime, job["at"])
    try:
        return {"report": packed(verify(document, signature, trust, at))}
    except (MemoryError, RecursionError) as failure:
        return {"failure": type(failure).__name__}


def limit(memory_bytes: int) -> None:
    """Sets what this process may take at most; it can't be taken back."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(kind, (most, most))
    # Whoever waits for a verification waits; whoever waits for post must not wait for them.
    os.nice(_NICENESS)


def main() -> int:
    limit(int(sys.argv[1]))
    # What anything prints goes elsewhere than the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
