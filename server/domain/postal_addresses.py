"""Postal addresses as registers and forms have them, on one line, and as envelopes show them."""

import re

from server.domain.paper_letters import MOST_ADDRESS_LINES, PostalAddress

_WIDTH = 40
# Characters of a line that the address window shows in its usual size; longer ones are set smaller.
_BREAK = re.compile(r"\s*[\r\n]+\s*")


def postal_address(name: str, text: str) -> PostalAddress:
    """Returns an address that is written on one line, or several, as lines below a name.

    A line that is too long for the window goes on below where it has a comma, as far as there are lines.

    Raises `NotPrintable` where it can't stand on an envelope, an empty one among others.
    """
    lines: list[str] = []
    for written in _BREAK.split(text.strip()):
        fresh = True
        for piece in written.split(", "):
            if not fresh and len(lines[-1]) + len(piece) + 2 <= _WIDTH:
                lines[-1] += f", {piece}"
            else:
                if not fresh:
                    lines[-1] += ","
                lines.append(piece.strip())
            fresh = False
    if len(lines) > MOST_ADDRESS_LINES:
        kept = MOST_ADDRESS_LINES - 1
        lines[kept:] = [" ".join(lines[kept:])]
    return PostalAddress(" ".join(name.split()), tuple(line for line in lines if line))
