"""What comes behind DATA, in whatever pieces it comes."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.malformed import Malformed
from server.smtp.data import Endless, read_data

MOST = 60
_PIECES = (b"\r\n", b".", b"\r", b"\n", b"..", b"a", b"\r\n.\r\n", b"text")
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=16).map(b"".join)


def as_lines_say(sent: bytes) -> tuple[bytes | str, bytes]:
    """Returns the mail, or why there is none, and what is behind it: line by line, as RFC 5321 tells it."""
    kept, rest = [], sent
    while True:
        line, end, rest = rest.partition(b"\r\n")
        assert end
        if line == b".":
            break
        kept.append(line.removeprefix(b".") + end)
    mail = b"".join(kept)
    if len(mail) > MOST:
        return "TOO_LARGE", rest
    if b"\r" in mail.replace(b"\r\n", b"") or b"\n" in mail.replace(b"\r\n", b""):
        return "BARE_LINE_END", rest
    return mail, rest


async def read(chunks: Sequence[bytes]) -> tuple[bytes | str, bytes]:
    reader = asyncio.StreamReader()

    async def send() -> None:
        for chunk in chunks:
            reader.feed_data(chunk)
            # Whoever reads has its turn before the next piece.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    sending = asyncio.create_task(send())
    told: bytes | str
    try:
        told = await read_data(reader, MOST)
    except Malformed as problem:
        told = problem.reason
    await sending
    reader.feed_eof()
    return told, await reader.read()


@given(_TEXTS, _TEXTS, st.lists(st.integers(0, 200), max_size=6))
def test_a_mail_ends_where_its_lines_say_in_whatever_pieces_it_comes(
    text: bytes, behind: bytes, cuts: list[int]
) -> None:
    sent = text + b"\r\n.\r\n" + behind
    places = [0, *sorted({min(cut, len(sent)) for cut in cuts}), len(sent)]
    chunks = [sent[begin:end] for begin, end in itertools.pairwise(places) if begin < end]
    assert asyncio.run(read(chunks)) == as_lines_say(sent)


@pytest.mark.parametrize(
    ("sent", "mail", "rest"),
    [
        (b".\r\nQUIT\r\n", b"", b"QUIT\r\n"),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"..\r\n...\r\n.x\r\n.\r\nRSET\r\n", b".\r\n..\r\nx\r\n", b"RSET\r\n"),
        (b"a" * 58 + b"\r\n.\r\n", b"a" * 58 + b"\r\n", b""),
        (b"a" * 59 + b"\r\n.\r\n.\r\n", "TOO_LARGE", b".\r\n"),
        (b"..\r\n" * 20 + b".\r\n", b".\r\n" * 20, b""),
        (b"a\n.\nMAIL\r\n.\r\n", "BARE_LINE_END", b""),
        (b"a\r\n.\nMAIL\r\n.\r\n", "BARE_LINE_END", b""),
    ],
)
async def test_dots_and_limits_are_those_of_the_mail(sent: bytes, mail: bytes | str, rest: bytes) -> None:
    assert await read([sent]) == (mail, rest)
    assert await read([sent[at : at + 1] for at in range(len(sent))]) == (mail, rest)


async def test_what_does_not_end_is_not_waited_for_nor_kept() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"a\r\n" * (4 * MOST))
    with pytest.raises(Endless):
        await read_data(reader, MOST)
    gone = asyncio.StreamReader()
    gone.feed_data(b"a\r\n")
    gone.feed_eof()
    with pytest.raises(ConnectionResetError):
        await read_data(gone, MOST)
