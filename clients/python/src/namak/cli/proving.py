"""``namak inbox --prove`` and ``namak mailbox links``: whether the mailbox is complete, by the logs that the
holder trusts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import N_, _, ngettext
from namak.cli.verifying import read_file, trusted
from namak.client.completeness import MailboxProof
from namak.client.files import write_new_file
from namak.client.mailbox import Links
from namak.config import TrustFiles
from namak.errors import FileProblem
from namak.evidence.mailbox_chain import ChainHead
from namak.v1 import mailbox_pb2


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name for programs, whether it passed, and what to say."""

    name: str
    passed: bool
    words: str
    problems: Sequence[str] = ()


async def links(run: Run, limit: int, mailbox: str = "") -> ExitCode:
    """Lists links as the post gives them."""
    async with run.client() as post:
        found = await post.mailbox.of(mailbox).links()
    shown = found.links if limit == 0 else found.links[:limit]
    run.screen.result(
        {
            "links": [_shape(item) for item in shown],
            "head_sequence": found.head_sequence,
            "head_link": found.head_link.hex(),
        }
    )
    run.screen.table(
        (N_("NUMBER"), N_("DELIVERY"), N_("EVIDENCE"), N_("LINK")),
        [
            (str(item.sequence), item.delivery_id, item.consignment.evidence_id, item.link.hex())
            for item in shown
        ],
    )
    return ExitCode.OK


async def prove(run: Run, log_policy: Path | None, head_file: Path | None, mailbox: str = "") -> ExitCode:
    """Checks that the mailbox is complete, and says how far that goes."""
    trust = trusted(run, TrustFiles(log_policy))
    earlier = None if head_file is None else _earlier(head_file)
    async with run.client() as post:
        # The letters first: what comes between the two questions then has a link, not the other way round.
        listed = {message.delivery_id async for message in post.mailbox.of(mailbox).messages(page_size=200)}
        with run.screen.progress(_("Asking for receipts"), 0) as steps:
            proof = await post.mailbox.of(mailbox).prove(
                trust, known=[] if earlier is None else [earlier], progress=steps.reached
            )
        found = await post.mailbox.of(mailbox).links()
    findings = [_chain(proof), _letters(found, listed), _logged(proof)]
    complete = all(finding.passed for finding in findings)
    if complete and head_file is not None:
        write_new_file(head_file, _head_text(proof), force=True)
    _show(run, proof, findings, complete=complete)
    return ExitCode.OK if complete else ExitCode.NOT_VERIFIED


def _chain(proof: MailboxProof) -> Finding:
    if not proof.chain.is_complete:
        problems = [finding.words for finding in proof.chain.findings]
        return Finding("chain", False, _("the chain of your letters does not hold"), problems)
    words = ngettext(
        "{number} letter, without a gap; each follows from the one before",
        "{number} letters, without a gap; each follows from the one before",
        proof.chain.links,
    ).format(number=proof.chain.links)
    return Finding("chain", True, words)


def _letters(found: Links, listed: set[str]) -> Finding:
    linked = {item.delivery_id for item in found.links}
    problems = [
        _("{delivery} is listed, but is not in the chain").format(delivery=delivery)
        for delivery in sorted(listed - linked)
    ]
    # What came after the letters were listed is at the end of the chain, and in no list yet.
    last = max((item.sequence for item in found.links if item.delivery_id in listed), default=0)
    problems += [
        _("{delivery} is in the chain, but is not listed").format(delivery=item.delivery_id)
        for item in found.links
        if item.delivery_id not in listed and item.sequence < last
    ]
    if problems:
        return Finding("letters", False, _("the list of your letters is another than the chain"), problems)
    return Finding("letters", True, _("the letters in your list are those of the chain"))


def _logged(proof: MailboxProof) -> Finding:
    if proof.unproven:
        problems = [
            _("letter {number}: {problem}").format(number=each.sequence, problem=each.words)
            for each in proof.unproven
        ]
        return Finding("log", False, _("not all of it stands in a log that you trust"), problems)
    words = ngettext(
        "the evidence of {number} letter stands in a log that you trust",
        "the evidence of all {number} letters stands in a log that you trust",
        proof.chain.links,
    ).format(number=proof.chain.links)
    return Finding("log", True, words)


def _earlier(path: Path) -> ChainHead | None:
    if not path.exists():
        return None
    try:
        found = json.loads(read_file(path))
        return ChainHead(int(found["sequence"]), bytes.fromhex(found["link"]))
    except (ValueError, KeyError, TypeError) as problem:
        raise FileProblem(_("{file} is no file that --head-file wrote").format(file=path)) from problem


def _head_text(proof: MailboxProof) -> bytes:
    head = proof.chain.head
    document = {"mailbox": proof.chain.address, "sequence": head.sequence, "link": head.link.hex()}
    return (json.dumps(document, indent=2) + "\n").encode()


def _show(run: Run, proof: MailboxProof, findings: Sequence[Finding], *, complete: bool) -> None:
    run.screen.result(
        {
            "mailbox": proof.chain.address,
            "complete": complete,
            "letters": proof.chain.links,
            "head_sequence": proof.chain.head.sequence,
            "head_link": proof.chain.head.link.hex(),
            "checks": [
                {
                    "name": finding.name,
                    "outcome": "passed" if finding.passed else "failed",
                    "words": finding.words,
                    "problems": list(finding.problems),
                }
                for finding in findings
            ],
        }
    )
    for finding in findings:
        mark = _("ok") if finding.passed else _("FAIL")
        run.screen.line(f"{mark:4} {finding.words}")
        run.screen.lines(f"       {problem}" for problem in finding.problems)
    if complete:
        said = _("COMPLETE: nothing is missing from {mailbox} up to its newest letter.")
        run.screen.line(said.format(mailbox=proof.chain.address))
        run.screen.note(
            _("This says nothing of letters that come later; --head-file keeps what to compare then.")
        )
    else:
        run.screen.line(_("NOT COMPLETE: keep this output and your receipts, and ask whom the law names."))


def _shape(item: mailbox_pb2.MailboxLink) -> Mapping[str, object]:
    return {
        "sequence": item.sequence,
        "delivery_id": item.delivery_id,
        "nonce": item.nonce.hex(),
        "previous_link": item.previous_link.hex(),
        "link": item.link.hex(),
        "consignment": shapes.evidence(item.consignment),
    }
