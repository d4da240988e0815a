"""Reading: the holder's mailbox, contents into files, and the confirmation of the reading
(MailboxService).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from namak.client.completeness import MailboxProof, prove_chain
from namak.client.evidence import EvidenceReader
from namak.client.files import IncomingFile, make_directory, safe_name
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.times import time_message
from namak.client.watching import watched
from namak.errors import ContentMismatch
from namak.evidence.mailbox_chain import ChainHead
from namak.evidence.verify import Trust
from namak.v1 import delivery_pb2, evidence_pb2, mailbox_pb2, mailbox_pb2_grpc


@dataclass(frozen=True, slots=True)
class Links:
    """The openings of a mailbox's links, oldest first, and what its newest link is said to be."""

    links: Sequence[mailbox_pb2.MailboxLink]
    head_sequence: int
    head_link: bytes


class Mailbox:
    """The calls of a holder in their own mailbox, or of whoever may act in another's (:meth:`of`)."""

    def __init__(self, link: Link, address: str = "") -> None:
        self._link = link
        self._address = address

    def of(self, address: str) -> "Mailbox":
        """Returns the same calls in the mailbox of this official address, whose delegate the caller is, or
        that of an entity whose signatory they are; empty for the caller's own.
        """
        return Mailbox(self._link, address)

    def _stub(self) -> mailbox_pb2_grpc.MailboxServiceStub:
        return mailbox_pb2_grpc.MailboxServiceStub(self._link.channel())

    async def get(self) -> mailbox_pb2.Mailbox:
        """Returns the caller's own mailbox."""
        return (
            await self._link.unary(
                self._stub().GetMailbox, mailbox_pb2.GetMailboxRequest(mailbox=self._address)
            )
        ).mailbox

    def messages(
        self,
        *,
        unopened_only: bool = False,
        unconfirmed_only: bool = False,
        sender: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        page_size: int = 0,
    ) -> AsyncIterator[mailbox_pb2.Message]:
        """Yields the messages, newest first, fetching page after page. Listing is not opening.

        All filters that are given must hold: laid into the mailbox from ``start`` on, before ``end``.
        """
        request = mailbox_pb2.ListMessagesRequest(
            unopened_only=unopened_only,
            unconfirmed_only=unconfirmed_only,
            sender=sender,
            start_time=time_message(start),
            end_time=time_message(end),
            page_size=page_size,
            mailbox=self._address,
        )
        return paged(self._link, self._stub().ListMessages, request, "messages")

    async def links(self, *, page_size: int = 200) -> Links:
        """Returns the openings of all links of the mailbox, oldest first, and what the newest link is said to
        be.
        """
        found: list[mailbox_pb2.MailboxLink] = []
        request = mailbox_pb2.ListMailboxLinksRequest(page_size=page_size, mailbox=self._address)
        while True:
            reply = await self._link.unary(self._stub().ListMailboxLinks, request)
            found += reply.links
            if not reply.next_page_token:
                return Links(found, reply.head_sequence, reply.head_link)
            request.page_token = reply.next_page_token

    async def prove(
        self,
        trust: Trust,
        *,
        known: Iterable[ChainHead] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> MailboxProof:
        """Returns whether the mailbox is complete: nothing left out, exchanged or put in between, and the
        evidence of every consignment in a log that ``trust`` names (its citizen roots are not needed).

        ``known`` are heads that earlier proofs ended at (``proof.chain.head``); ``progress`` is told how many
        messages are done and how many there are. What is wrong stands in ``proof.chain.findings`` and
        ``proof.unproven``, in words; only calls that fail raise.
        """
        address = (await self.get()).address
        found = await self.links()
        return await prove_chain(
            address,
            found.links,
            ChainHead(found.head_sequence, found.head_link),
            trust,
            EvidenceReader(self._link, self._address),
            known=known,
            progress=progress,
        )

    def watch(
        self, cursor: evidence_pb2.LogCursor | None = None, *, with_receipts: bool = False
    ) -> AsyncGenerator[mailbox_pb2.WatchMailboxResponse, None]:
        """Yields the facts of the caller's messages as they are published, for ever, from a cursor or from
        now; see :func:`namak.client.watching.watched`, and ``beginning`` there for all that ever happened.
        """

        def request(at: evidence_pb2.LogCursor | None) -> mailbox_pb2.WatchMailboxRequest:
            return mailbox_pb2.WatchMailboxRequest(
                cursor=at, with_receipts=with_receipts, mailbox=self._address
            )

        return watched(self._link, self._stub().WatchMailbox, request, cursor)

    async def open(self, delivery_id: str) -> mailbox_pb2.OpenMessageResponse:
        """Opens a message, which is recorded as evidence once, and returns what it holds, without the
        contents.
        """
        request = mailbox_pb2.OpenMessageRequest(delivery_id=delivery_id, mailbox=self._address)
        return await self._link.unary(self._stub().OpenMessage, request)

    async def require_opened(self, delivery_id: str) -> None:
        """Raises the refusal of whoever asks for content that may not be had, NOT_OPENED above all; opens
        nothing.
        """
        request = mailbox_pb2.DownloadContentRequest(
            delivery_id=delivery_id, part_number=1, mailbox=self._address
        )

        async def take(replies: AsyncIterator[mailbox_pb2.DownloadContentResponse]) -> None:
            await _described(replies)

        await self._link.stream(self._stub().DownloadContent, request, take)

    async def download(
        self,
        delivery_id: str,
        part_number: int,
        directory: Path,
        *,
        name: str | None = None,
        expected: delivery_pb2.PartInfo | None = None,
        force: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Downloads one part of an opened message into ``directory``, made if missing; returns the file's
        path.

        The name is the part's, made safe, unless ``name`` gives one. The file appears only when size and
        SHA-256 are right; ``expected`` is the part as OpenMessage described it, and must be the same. An
        existing file is only overwritten with ``force``. ``progress`` is told how many bytes there are and
        how many there will be.

        Raises ContentMismatch, FileExistsAlready, FileProblem, and the errors of the call, WrongState with
        reason NOT_OPENED among them.
        """
        make_directory(directory)
        request = mailbox_pb2.DownloadContentRequest(
            delivery_id=delivery_id, part_number=part_number, mailbox=self._address
        )

        async def take(replies: AsyncIterator[mailbox_pb2.DownloadContentResponse]) -> Path:
            part = await _described(replies)
            if expected is not None and (part.size, part.digest) != (expected.size, expected.digest):
                raise ContentMismatch(f"part {part_number} is not the one that the opened message names")
            incoming = IncomingFile(
                directory / (name or safe_name(part.name, f"part-{part_number}")), force=force
            )
            try:
                async for reply in replies:
                    incoming.write(reply.chunk)
                    if incoming.size > part.size:
                        raise ContentMismatch(
                            f"part {part_number}: more than the announced {part.size} bytes came"
                        )
                    if progress is not None:
                        progress(incoming.size, part.size)
                return incoming.keep(size=part.size, sha256=part.digest.value)
            finally:
                incoming.discard()

        return await self._link.stream(self._stub().DownloadContent, request, take)

    async def issue_statement(self, delivery_id: str) -> mailbox_pb2.IssueStatementResponse:
        """Returns the statement that the holder signs to confirm the reading; see
        :mod:`namak.client.confirmation`.
        """
        request = mailbox_pb2.IssueStatementRequest(delivery_id=delivery_id, mailbox=self._address)
        return await self._link.unary(self._stub().IssueStatement, request)

    async def confirm(
        self, delivery_id: str, statement_id: str, cms_signature: bytes
    ) -> mailbox_pb2.ConfirmReadingResponse:
        """Hands in the signature over a statement. Repeating the same one gets the same evidence."""
        request = mailbox_pb2.ConfirmReadingRequest(
            delivery_id=delivery_id,
            statement_id=statement_id,
            cms_signature=cms_signature,
            mailbox=self._address,
        )
        return await self._link.unary(self._stub().ConfirmReading, request)

    async def start_confirmation_by_phone(
        self, delivery_id: str, phone_number: str, *, language: str = ""
    ) -> mailbox_pb2.StartConfirmationByPhoneResponse:
        """Has the caller's own phone (`+994501234567`) ask for PIN2, to sign the statement that comes back.

        Show ``verification_code`` to be compared, or take the digits from the person where
        ``verification_code_required`` says so. Raises WrongState (MOBILE_ID_FAILED) for a phone that can't
        sign, SignatureRefused for a certificate that does not count.
        """
        request = mailbox_pb2.StartConfirmationByPhoneRequest(
            delivery_id=delivery_id,
            phone_number=phone_number,
            language=language,
            mailbox=self._address,
        )
        return await self._link.unary(self._stub().StartConfirmationByPhone, request)

    async def complete_confirmation_by_phone(
        self, confirmation_id: str, *, verification_code: str = "", within: float | None = None
    ) -> mailbox_pb2.ReadingConfirmedByPhone | None:
        """Returns what was recorded once the phone has signed. None means that it has not answered yet: call
        again. Repeating it gets the same evidence.

        Raises WrongState (MOBILE_ID_FAILED; the metadata has the ``outcome``), and what :meth:`confirm`
        raises.
        """
        request = mailbox_pb2.CompleteConfirmationByPhoneRequest(
            confirmation_id=confirmation_id, verification_code=verification_code, mailbox=self._address
        )
        reply = await self._link.unary(self._stub().CompleteConfirmationByPhone, request, within=within)
        return reply.confirmed if reply.HasField("confirmed") else None


async def _described(replies: AsyncIterator[mailbox_pb2.DownloadContentResponse]) -> delivery_pb2.PartInfo:
    first = await anext(replies, None)
    if first is None or not first.HasField("part"):
        raise ContentMismatch("the content came without its description")
    if first.part.digest.algorithm != evidence_pb2.Digest.ALGORITHM_SHA256:
        raise ContentMismatch("the content was announced without its SHA-256")
    return first.part
