"""The lines behind DATA, read strictly and within bounds (RFC 5321, 4.1.1.4 and 4.5.2)."""

import asyncio
from dataclasses import dataclass, field

from server.domain.malformed import Malformed
from server.domain.mime_fields import LINE_OCTETS

_END = b".\r\n"
_LINE = LINE_OCTETS + 3
"""With CRLF, and the dot that SMTP adds."""


class Endless(Exception):
    """Far more came than was advertised."""


@dataclass(slots=True)
class MailLines:
    """A mail as it comes. What is refused is not kept, so a mail takes no more memory than its limit."""

    most: int
    content: bytearray = field(default_factory=bytearray)
    problem: Malformed | None = None
    seen: int = 0

    def take(self, line: bytes) -> None:
        """Takes a line with its CRLF, or a piece of one that is too long."""
        self.seen += len(line)
        if self.problem is not None:
            return
        if len(line) > _LINE or not line.endswith(b"\r\n"):
            self._refuse("LINE_TOO_LONG", f"must have lines of at most {LINE_OCTETS} octets")
        elif b"\r" in line[:-2] or b"\n" in line[:-2]:
            self._refuse("BARE_LINE_END", "must have CR and LF together only, at the end of each line")
        elif len(self.content) + len(line) > self.most:
            self._refuse("TOO_LARGE", f"must have at most {self.most} bytes")
        else:
            self.content += line[1:] if line.startswith(b".") else line

    def _refuse(self, reason: str, text: str) -> None:
        self.problem = Malformed(reason, text)
        self.content.clear()


async def read_lines(reader: asyncio.StreamReader, most: int) -> MailLines:
    """Reads to the line of a dot alone, which nothing but CRLF begins and ends.

    Raises:
        Endless: four times as much came as a mail may have. There is no answer to wait for.
    """
    lines, at_line_start = MailLines(most), True
    while True:
        try:
            line = await reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as overrun:
            line = await reader.read(max(1, overrun.consumed))
        if at_line_start and line == _END:
            return lines
        at_line_start = line.endswith(b"\r\n")
        lines.take(line)
        if lines.seen > 4 * most:
            raise Endless
