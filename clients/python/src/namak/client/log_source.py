"""The post itself as a place where a monitor reads the log, and a mailbox as it watches over it."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from namak.client import Client
from namak.client.completeness import opening_of
from namak.errors import NamakError, NotFound, NotYetLogged
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.document import EvidenceDocument
from namak.evidence.errors import EvidenceError
from namak.evidence.mailbox_chain import ChainCheck, ChainHead
from namak.evidence.note import parse_note
from namak.evidence.tiles import WIDTH, TileId
from namak.evidence.tlog_proof import TlogProof
from namak.monitor.sources import SourceUnreached

WITNESS_SECONDS: Final = 10.0
"""For so long the newest checkpoint waits for its witnesses before it is shown without them."""


class PostSource:
    """The log over gRPC: the newest witnessed checkpoint, or, where witnesses are late or there are none, the
    newest one, as the log's public files have it.
    """

    def __init__(
        self,
        post: Client,
        address: str,
        origin: str = "",
        *,
        known: Callable[[str], int] = lambda _: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes an open client, the post's address for people, and the shard; by default the current one.

        ``known`` tells how many leaves of a log were seen before: nothing smaller is shown for being
        witnessed.
        """
        self._post = post
        self._address = address
        self._origin = origin
        self._known = known
        self._clock = clock
        self._successor = b""
        self._shown = 0
        self._witnessed: tuple[bytes, float] = (b"", 0.0)

    @property
    def name(self) -> str:
        """The post's address."""
        return self._address

    async def checkpoint(self) -> bytes | None:
        """See :class:`namak.monitor.sources.Source`."""
        try:
            reply = await self._post.evidence.checkpoint(self._origin)
        except NotFound:
            return None
        except NamakError as problem:
            raise SourceUnreached(f"{self._address}: {problem}") from problem
        self._successor = reply.successor_receipt
        with contextlib.suppress(EvidenceError):
            # One shard is followed to its end, also where another one is the current one meanwhile.
            shown = _tree(reply.checkpoint).origin
            self._origin = self._origin or shown
            if shown != self._origin:
                # It was not asked about that one, however sound it is.
                return None
        return self._chosen(reply.checkpoint, reply.witnessed_checkpoint)

    async def successor(self) -> bytes | None:
        """See :class:`namak.monitor.sources.Source`: what came with the checkpoint."""
        return self._successor or None

    def at_successor(self, origin: str, successor: str) -> "PostSource":  # noqa: ARG002 - of others
        """See :class:`namak.monitor.sources.Source`."""
        return PostSource(self._post, self._address, successor, known=self._known, clock=self._clock)

    def _chosen(self, newest: bytes, witnessed: bytes) -> bytes:
        """Returns which of the two notes counts; what is none of ours the follower refuses."""
        if witnessed != self._witnessed[0]:
            self._witnessed = (witnessed, self._clock())
        try:
            tree, published = _tree(witnessed), _tree(newest)
        except EvidenceError:
            return newest
        if tree.origin != published.origin:
            return newest
        is_late = self._clock() - self._witnessed[1] >= WITNESS_SECONDS
        if tree.size < max(self._shown, self._known(tree.origin)) or (is_late and tree.size < published.size):
            self._shown = max(self._shown, published.size)
            return newest
        self._shown = max(self._shown, tree.size)
        return witnessed

    async def tile(self, tile: TileId, width: int) -> bytes | None:
        """See :class:`namak.monitor.sources.Source`."""
        try:
            found = await self._post.evidence.tile(
                tile.index, level=tile.level, width=width % WIDTH, origin=self._origin
            )
        except NotFound:
            return None
        except NamakError as problem:
            raise SourceUnreached(f"{self._address}: {problem}") from problem
        return found.tile

    async def entries(self, index: int, width: int) -> bytes | None:
        """See :class:`namak.monitor.sources.Source`."""
        try:
            found = await self._post.evidence.tile(index, width=width % WIDTH, origin=self._origin)
        except NotFound:
            return None
        except NamakError as problem:
            raise SourceUnreached(f"{self._address}: {problem}") from problem
        return found.tile


@dataclass(frozen=True, slots=True)
class MailboxLook:
    """What a look at a mailbox found: its chain's problems in words, where it ends, and the receipts of the
    consignments that are new, by delivery. ``since`` are the times of all the new ones, in POSIX seconds, as
    their evidence says; ``late`` are those whose receipts are not there yet.
    """

    address: str
    head: ChainHead
    problems: list[str] = field(default_factory=list)
    receipts: dict[str, bytes] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)


async def mailbox_look(post: Client, known: ChainHead | None, mailbox: str = "") -> MailboxLook:
    """Checks a mailbox's chain from its beginning, and fetches the receipts of what lies behind ``known``.

    Raises the errors of the calls.
    """
    reader = post.mailbox.of(mailbox)
    address = (await reader.get()).address
    found = await reader.links()
    check = ChainCheck(address, [] if known is None else [known])
    for link in found.links:
        check.add(opening_of(link))
    head = ChainHead(found.head_sequence, found.head_link)
    look = MailboxLook(address, head)
    look.problems.extend(finding.words for finding in check.report(head).findings)
    for link in found.links:
        if known is not None and link.sequence <= known.sequence:
            continue
        look.since[link.delivery_id] = _time_of(link.consignment.document)
        try:
            receipt = await post.evidence.of(mailbox).receipt(link.consignment.evidence_id)
        except NotYetLogged:
            look.late.append(link.delivery_id)
            continue
        if _extra(receipt.tlog_proof) != link.consignment.document:
            look.problems.append(f"number {link.sequence}: its receipt is that of other evidence")
        look.receipts[link.delivery_id] = receipt.tlog_proof
    return look


def _tree(note: bytes) -> Checkpoint:
    return Checkpoint.parse(parse_note(note).text)


def _time_of(document: bytes) -> float:
    """Returns when a consignment was recorded; of what is none, that it was long ago."""
    try:
        return EvidenceDocument.parse(document).event_time.timestamp()
    except EvidenceError:
        return 0.0


def _extra(receipt: bytes) -> bytes | None:
    try:
        return TlogProof.parse(receipt).extra
    except EvidenceError:
        return None
