"""Whether a mailbox is complete: its chain, and the receipt of every consignment, checked by what the holder
trusts.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from namak.client.evidence import EvidenceReader
from namak.errors import NotYetLogged
from namak.evidence.errors import EvidenceError
from namak.evidence.mailbox_chain import ChainCheck, ChainHead, ChainReport, Opening
from namak.evidence.report import Outcome, Verdict
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.verify import Trust, verify_receipts
from namak.v1 import mailbox_pb2

_AT_ONCE = 8
# Receipts that are asked for at the same time.


@dataclass(frozen=True, slots=True)
class Unproven:
    """A consignment of the chain that is not proven to stand in a log that the holder trusts, and why."""

    sequence: int
    delivery_id: str
    words: str


@dataclass(frozen=True, slots=True)
class MailboxProof:
    """What was found: of the chain, and of its consignments' receipts.

    Keep ``chain.head`` and give it as ``known`` the next time: a chain that was cut off shows in no other
    way.
    """

    chain: ChainReport
    unproven: tuple[Unproven, ...]

    @property
    def is_complete(self) -> bool:
        """Whether all that was ever laid into the mailbox, up to the head, is there and stands in the log."""
        return self.chain.is_complete and not self.unproven


async def prove_chain(
    address: str,
    links: Sequence[mailbox_pb2.MailboxLink],
    head: ChainHead,
    trust: Trust,
    evidence: EvidenceReader,
    *,
    known: Iterable[ChainHead] = (),
    progress: Callable[[int, int], None] | None = None,
) -> MailboxProof:
    """Checks the links of a mailbox and fetches and verifies the receipt of each consignment.

    ``progress`` is told how many links are done, and how many there are. Raises the errors of the calls; a
    receipt that is late or not valid is a finding.
    """
    check = ChainCheck(address, known)
    for each in links:
        check.add(opening_of(each))
    gate = asyncio.Semaphore(_AT_ONCE)
    done = 0

    async def proven(each: mailbox_pb2.MailboxLink) -> Unproven | None:
        nonlocal done
        async with gate:
            problem = await _problem_of(each, trust, evidence)
        done += 1
        if progress is not None:
            progress(done, len(links))
        return None if problem is None else Unproven(each.sequence, each.delivery_id, problem)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(proven(each)) for each in links]
    found = [task.result() for task in tasks]
    return MailboxProof(check.report(head), tuple(each for each in found if each is not None))


def opening_of(link: mailbox_pb2.MailboxLink) -> Opening:
    """Returns a link's opening as :mod:`namak.evidence.mailbox_chain` checks it."""
    return Opening(
        sequence=link.sequence,
        delivery_id=link.delivery_id,
        nonce=link.nonce,
        previous=link.previous_link,
        link=link.link,
        consignment=link.consignment.document,
    )


async def _problem_of(link: mailbox_pb2.MailboxLink, trust: Trust, evidence: EvidenceReader) -> str | None:
    try:
        receipt = await evidence.receipt(link.consignment.evidence_id)
    except NotYetLogged:
        return "its receipt is not there yet"
    try:
        proof = TlogProof.parse(receipt.tlog_proof)
    except EvidenceError as wrong:
        return f"what came as its receipt is none: {wrong.detail}"
    if proof.extra != link.consignment.document:
        return "its receipt is that of other evidence"
    (file,) = verify_receipts({link.delivery_id: receipt.tlog_proof}, trust).files
    if file.verdict is Verdict.VALID:
        return None
    return "; ".join(check.words for check in file.checks if check.outcome is Outcome.FAILED)
