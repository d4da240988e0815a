"""Letters on paper: what print houses fetch and report, and what the operator does about them
(LetterService).
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from namak.client.files import make_directory, safe_name
from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.times import time_message
from namak.errors import ContentMismatch, FileProblem
from namak.v1 import letter_pb2, letter_pb2_grpc

Report = (
    letter_pb2.LetterPrinted
    | letter_pb2.LetterPosted
    | letter_pb2.LetterHandedOver
    | letter_pb2.LetterRefused
    | letter_pb2.LetterReturned
)
"""What happened to a letter."""


class Printing:
    """The calls of print houses; those of the operator about them say so."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> letter_pb2_grpc.LetterServiceStub:
        return letter_pb2_grpc.LetterServiceStub(self._link.channel())

    async def lease(self, most: int) -> Sequence[letter_pb2.PaperLetter]:
        """Leases up to so many letters (1 to 1,000), the longest waiting first; none where none waits.

        Where the stream breaks, the rest is leased anew; what was leased and did not come is found among
        :meth:`letters`. Raises WrongState (PRINT_HOUSE_SUSPENDED).
        """
        request = letter_pb2.LeasePaperLettersRequest(max_letters=most)
        leased: list[letter_pb2.PaperLetter] = []

        async def take(replies: AsyncIterator[letter_pb2.LeasePaperLettersResponse]) -> None:
            async for reply in replies:
                leased.append(reply.letter)
                request.max_letters -= 1
                if request.max_letters == 0:
                    return

        await self._link.stream(self._stub().LeasePaperLetters, request, take)
        return leased

    async def download(
        self,
        letter: letter_pb2.PaperLetter,
        directory: Path,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Downloads a letter's PDF into ``directory``, made if missing, under its tracking number; returns
        the file's path.

        What came before, in this call or an earlier one that was broken off, is not fetched again. The file
        appears under its name only when size and SHA-256 are right; one that is there and right is left
        alone. ``progress`` is told how many bytes there are and how many there will be.

        Raises ContentMismatch, FileProblem, NotPermitted, WrongState (LETTER_LEASE_ENDED, LETTER_CANCELLED,
        LETTER_OUT_OF_ORDER).
        """
        make_directory(directory)
        incoming = ResumedFile(
            directory / safe_name(f"{letter.tracking_number}.pdf", f"{letter.letter_id}.pdf"),
            size=letter.file_size_bytes,
            sha256=letter.file_sha256,
        )
        if incoming.is_there():
            return incoming.target
        with incoming:
            request = letter_pb2.DownloadPaperLetterRequest(letter_id=letter.letter_id, offset=incoming.size)

            async def take(replies: AsyncIterator[letter_pb2.DownloadPaperLetterResponse]) -> None:
                async for reply in replies:
                    incoming.write(reply.chunk)
                    request.offset = incoming.size
                    if progress is not None:
                        progress(incoming.size, letter.file_size_bytes)

            if incoming.size < letter.file_size_bytes:
                await self._link.stream(self._stub().DownloadPaperLetter, request, take)
        return incoming.keep()

    async def report(
        self,
        letter_id: str,
        report: Report,
        *,
        at: datetime | None = None,
        request_id: str | None = None,
    ) -> letter_pb2.PaperLetterReport:
        """Reports what happened to a letter, and when: now if missing. It is evidence, for ever.

        Raises InvalidFields for a time that can't be, NotPermitted for another's letter, and WrongState:
        LETTER_LEASE_ENDED, LETTER_CANCELLED, LETTER_OUT_OF_ORDER, LETTER_FILE_DIFFERS,
        LETTER_TRACKING_DIFFERS.
        """
        request = letter_pb2.ReportPaperLetterRequest(
            request_id=request_id or new_request_id(),
            letter_id=letter_id,
            report_time=time_message(at or datetime.now(UTC)),
        )
        getattr(request, _FIELDS[type(report)]).CopyFrom(report)
        return (await self._link.unary(self._stub().ReportPaperLetter, request)).report

    def letters(
        self,
        *,
        states: Collection[letter_pb2.PaperLetterState.ValueType] = (),
        delivery_id: str = "",
        tracking_number: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[letter_pb2.PaperLetter]:
        """Yields letters with what was reported of them, the last ordered first: those that the print house
        leased last, or, for the operator, all.
        """
        request = letter_pb2.ListPaperLettersRequest(
            states=states, delivery_id=delivery_id, tracking_number=tracking_number, page_size=page_size
        )
        return paged(self._link, self._stub().ListPaperLetters, request, "letters")

    async def register_house(
        self, display_name: str, *, request_id: str | None = None
    ) -> letter_pb2.PrintHouse:
        """Registers a print house; for the operator. Raises AlreadyRegistered for a name in use."""
        request = letter_pb2.RegisterPrintHouseRequest(
            request_id=request_id or new_request_id(), display_name=display_name
        )
        return (await self._link.unary(self._stub().RegisterPrintHouse, request)).print_house

    async def bind_certificate(
        self, print_house_id: str, certificate: bytes, *, request_id: str | None = None
    ) -> letter_pb2.PrintHouse:
        """Binds a machine certificate (DER) as a print house's; for the operator."""
        request = letter_pb2.BindPrintHouseCertificateRequest(
            request_id=request_id or new_request_id(),
            print_house_id=print_house_id,
            certificate=certificate,
        )
        return (await self._link.unary(self._stub().BindPrintHouseCertificate, request)).print_house

    async def suspend_house(
        self, print_house_id: str, *, request_id: str | None = None
    ) -> letter_pb2.PrintHouse:
        """Suspends a print house; for the operator."""
        request = letter_pb2.SuspendPrintHouseRequest(
            request_id=request_id or new_request_id(), print_house_id=print_house_id
        )
        return (await self._link.unary(self._stub().SuspendPrintHouse, request)).print_house

    async def resume_house(
        self, print_house_id: str, *, request_id: str | None = None
    ) -> letter_pb2.PrintHouse:
        """Resumes a suspended print house; for the operator."""
        request = letter_pb2.ResumePrintHouseRequest(
            request_id=request_id or new_request_id(), print_house_id=print_house_id
        )
        return (await self._link.unary(self._stub().ResumePrintHouse, request)).print_house

    async def remove_house(
        self, print_house_id: str, *, request_id: str | None = None
    ) -> letter_pb2.PrintHouse:
        """Removes a print house for ever, with its certificates; for the operator."""
        request = letter_pb2.RemovePrintHouseRequest(
            request_id=request_id or new_request_id(), print_house_id=print_house_id
        )
        return (await self._link.unary(self._stub().RemovePrintHouse, request)).print_house

    def houses(self, *, page_size: int = 0) -> AsyncIterator[letter_pb2.PrintHouse]:
        """Yields the print houses, the last registered first; for the operator."""
        request = letter_pb2.ListPrintHousesRequest(page_size=page_size)
        return paged(self._link, self._stub().ListPrintHouses, request, "print_houses")

    async def house(self, print_house_id: str) -> letter_pb2.PrintHouse:
        """Returns one print house with its certificates; for the operator. Raises NotFound."""
        request = letter_pb2.GetPrintHouseRequest(print_house_id=print_house_id)
        return (await self._link.unary(self._stub().GetPrintHouse, request)).print_house


_FIELDS: dict[type, str] = {
    letter_pb2.LetterPrinted: "printed",
    letter_pb2.LetterPosted: "posted",
    letter_pb2.LetterHandedOver: "handed_over",
    letter_pb2.LetterRefused: "refused",
    letter_pb2.LetterReturned: "returned",
}
_PIECE = 1024 * 1024


class ResumedFile:
    """A file that comes in pieces, over several runs if it must, and appears under its name only when it is
    whole. A context: what came lies beside it, as ``NAME.part``, until :meth:`keep`.
    """

    def __init__(self, target: Path, *, size: int, sha256: bytes) -> None:
        self.target = target
        self.size = 0
        self._whole = size
        self._sha256 = sha256
        self._part = target.with_name(target.name + ".part")
        self._digest = hashlib.sha256()
        self._stream: BinaryIO | None = None

    def is_there(self) -> bool:
        """Whether the file is there, and right. Raises FileProblem for another one of this name."""
        if not self.target.exists():
            return False
        if _digest_of(self.target) != self._sha256:
            raise FileProblem(f"{self.target} is another file; move it away")
        return True

    def __enter__(self) -> "ResumedFile":
        try:
            self._stream = self._part.open("a+b")
            self._stream.seek(0)
            while piece := self._stream.read(_PIECE):
                self._digest.update(piece)
                self.size += len(piece)
            if self.size > self._whole:
                self._begin_anew()
        except OSError as problem:
            raise FileProblem(f"{self._part} can't be written: {problem.strerror}") from problem
        return self

    def _begin_anew(self) -> None:
        assert self._stream is not None
        self._stream.truncate(0)
        self._digest, self.size = hashlib.sha256(), 0

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, chunk: bytes) -> None:
        """Adds bytes. Raises ContentMismatch for more than there should be, and FileProblem."""
        assert self._stream is not None
        self._digest.update(chunk)
        self.size += len(chunk)
        if self.size > self._whole:
            self._forget()
            raise ContentMismatch(f"{self.target.name}: more than the announced {self._whole} bytes came")
        try:
            self._stream.write(chunk)
        except OSError as problem:
            raise FileProblem(f"{self._part} can't be written: {problem.strerror}") from problem

    def keep(self) -> Path:
        """Gives the file its name. Raises ContentMismatch, and then begins anew the next time."""
        if self.size != self._whole or self._digest.digest() != self._sha256:
            self._forget()
            raise ContentMismatch(
                f"{self.target.name}: the content does not have the SHA-256 that was announced"
            )
        try:
            self._part.replace(self.target)
        except OSError as problem:
            raise FileProblem(f"{self.target} can't be written: {problem.strerror}") from problem
        return self.target

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)


def file_digest(path: Path) -> bytes:
    """Returns the SHA-256 of a file, for a report. Raises FileProblem."""
    try:
        return _digest_of(path)
    except OSError as problem:
        raise FileProblem(f"{path} can't be read: {problem.strerror}") from problem


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
