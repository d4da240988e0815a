"""The process that reads one file: gets it on standard input, says on standard output why it is no scan.

It is apart from the server because a file can be made to take memory and time without end, or to crash who
reads it. It opens no connection and gets no secret. The answer is the fault's name, or `OK`.
"""

import os
import sys

from server.domain.scans import ScanFault
from server.gateways.scans.pictures import NotAPicture, check_jpeg, check_png, check_tiff
from server.gateways.signature_verification.worker import limit

_PICTURES = {"image/png": check_png, "image/jpeg": check_jpeg, "image/tiff": check_tiff}


def fault_of(content: bytes, media_type: str) -> ScanFault | None:
    """Returns why the file is not what it says; None where it is."""
    if media_type == "application/pdf":
        # PDFium is loaded where it is needed.
        from server.gateways.scans.pdf import pdf_fault

        return pdf_fault(content)
    try:
        _PICTURES[media_type](content)
    except NotAPicture as problem:
        return problem.fault
    return None


def main() -> int:
    media_type, memory_bytes = sys.argv[1], int(sys.argv[2])
    limit(memory_bytes)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        fault = fault_of(sys.stdin.buffer.read(), media_type)
    except MemoryError:
        fault = ScanFault.TOO_DEMANDING
    answers.write(fault or "OK")
    answers.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
