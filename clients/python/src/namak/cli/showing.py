"""``namak show``: what a receipt says, offline, without asking whether it is true."""

import json
from pathlib import Path

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import _
from namak.cli.verifying import read_file
from namak.errors import FileProblem
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import EvidenceError
from namak.evidence.note import parse_note
from namak.evidence.recorded import recorded
from namak.evidence.tlog_proof import TlogProof


def show(run: Run, file: Path) -> ExitCode:
    """Shows the evidence document in a receipt and its place in the log. Verifies nothing.

    Raises FileProblem for a file that can't be read or is no receipt.
    """
    try:
        proof = TlogProof.parse(read_file(file))
        document = proof.extra or b""
        recorded(document)
        tree = Checkpoint.parse(parse_note(proof.checkpoint).text)
    except EvidenceError as problem:
        raise FileProblem(
            _("{file} is no receipt: {problem}").format(file=file, problem=problem.detail)
        ) from problem
    said = json.loads(document)
    run.screen.note(_("NOT VERIFIED: this is what the file says. Whether it is true: namak verify FILE…"))
    run.screen.result(
        {
            "verified": False,
            "origin": tree.origin,
            "index": proof.index,
            "tree_size": tree.size,
            "document": said,
        }
    )
    run.screen.line(
        _("Entry {index} of the log {origin}, under its checkpoint of size {size}:").format(
            index=proof.index, origin=tree.origin, size=tree.size
        )
    )
    run.screen.lines(json.dumps(said, ensure_ascii=False, indent=2).splitlines())
    return ExitCode.OK
