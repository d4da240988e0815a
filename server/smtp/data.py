"""What comes behind DATA, read strictly and within bounds (RFC 5321, 4.1.1.4 and 4.5.2)."""

import asyncio
from typing import Final

from server.domain.inbound_mail import check_line_ends
from server.domain.malformed import Malformed

READ_AHEAD: Final = 16 * 1024
"""With twice as many octets in its connection's buffer a client waits until they are read."""
_LINE_END: Final = b"\r\n"
_END: Final = b"\r\n.\r\n"
_EVERYTHING: Final = 1 << 30


class Endless(Exception):
    """Far more came than was advertised."""


async def read_data(reader: asyncio.StreamReader, most: int) -> bytes:
    """Returns a mail: all to the line of a dot alone, which nothing but CRLF begins and ends, without the
    dots that SMTP adds. What comes behind it stays in the reader.

    A mail that is too large is read to its end and not kept, so none takes much more memory than its limit.

    Raises:
        Malformed: `TOO_LARGE`; or `BARE_LINE_END`, after which nothing that the client sends is believed.
        Endless: four times as much came as a mail may have. There is no answer to wait for.
    """
    # The line of DATA has just ended, so a dot may come at once.
    kept, seen, dropped = bytearray(_LINE_END), 0, False
    while True:
        searched = max(0, len(kept) - len(_END) + 1)
        chunk = await reader.read(_EVERYTHING)
        if not chunk:
            raise ConnectionResetError
        seen += len(chunk)
        kept += chunk
        end = kept.find(_END, searched)
        if end >= 0:
            break
        if seen > 4 * most:
            raise Endless
        # With a dot for each empty line it is a third larger on its way.
        if 3 * len(kept) > 4 * most + 64:
            del kept[: -len(_END) + 1]
            dropped = True
    if (rest := kept[end + len(_END) :]) and not reader.at_eof():
        # Everything was taken out, so what is put in again comes first.
        reader.feed_data(rest)
    del kept[end + len(_LINE_END) :]
    content = kept.replace(b"\r\n.", b"\r\n")[len(_LINE_END) :]
    if dropped or len(content) > most:
        raise Malformed("TOO_LARGE", f"must have at most {most} bytes")
    check_line_ends(content)
    return bytes(content)
