"""Reading: the holder's mailbox, contents into files, and the confirmation of the reading
(MailboxService).
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from namak.client.files import IncomingFile, make_directory, safe_name
from namak.client.link import Link
from namak.errors import ContentMismatch
from namak.v1 import delivery_pb2, evidence_pb2, mailbox_pb2, mailbox_pb2_grpc


class Mailbox:
    """The calls of a holder, in their own mailbox."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> mailbox_pb2_grpc.MailboxServiceStub:
        return mailbox_pb2_grpc.MailboxServiceStub(self._link.channel())

    async def get(self) -> mailbox_pb2.Mailbox:
        """Returns the caller's own mailbox."""
        return (await self._link.unary(self._stub().GetMailbox, mailbox_pb2.GetMailboxRequest())).mailbox

    async def messages(self, *, page_size: int = 0) -> AsyncIterator[mailbox_pb2.Message]:
        """Yields the messages, newest first, fetching page after page. Listing is not opening."""
        token = ""
        while True:
            request = mailbox_pb2.ListMessagesRequest(page_size=page_size, page_token=token)
            reply = await self._link.unary(self._stub().ListMessages, request)
            for message in reply.messages:
                yield message
            token = reply.next_page_token
            if not token:
                return

    async def open(self, delivery_id: str) -> mailbox_pb2.OpenMessageResponse:
        """Opens a message, which is recorded as evidence once, and returns what it holds, without the
        contents.
        """
        request = mailbox_pb2.OpenMessageRequest(delivery_id=delivery_id)
        return await self._link.unary(self._stub().OpenMessage, request)

    async def require_opened(self, delivery_id: str) -> None:
        """Raises the refusal of whoever asks for content that may not be had, NOT_OPENED above all; opens
        nothing.
        """
        request = mailbox_pb2.DownloadContentRequest(delivery_id=delivery_id, part_number=1)

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
        request = mailbox_pb2.DownloadContentRequest(delivery_id=delivery_id, part_number=part_number)

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
        request = mailbox_pb2.IssueStatementRequest(delivery_id=delivery_id)
        return await self._link.unary(self._stub().IssueStatement, request)

    async def confirm(
        self, delivery_id: str, statement_id: str, cms_signature: bytes
    ) -> mailbox_pb2.ConfirmReadingResponse:
        """Hands in the signature over a statement. Repeating the same one gets the same evidence."""
        request = mailbox_pb2.ConfirmReadingRequest(
            delivery_id=delivery_id, statement_id=statement_id, cms_signature=cms_signature
        )
        return await self._link.unary(self._stub().ConfirmReading, request)


async def _described(replies: AsyncIterator[mailbox_pb2.DownloadContentResponse]) -> delivery_pb2.PartInfo:
    first = await anext(replies, None)
    if first is None or not first.HasField("part"):
        raise ContentMismatch("the content came without its description")
    if first.part.digest.algorithm != evidence_pb2.Digest.ALGORITHM_SHA256:
        raise ContentMismatch("the content was announced without its SHA-256")
    return first.part
