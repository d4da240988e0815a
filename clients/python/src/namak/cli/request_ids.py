"""The request ids of ``namak send``: one base to repeat the command with, and from it one id for each
recipient.

A recipient's id depends on the base and the recipient alone, never on who else is named: whoever repeats a
command for fewer or more recipients sends nothing twice to those who were named before (POST-10).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence

import typer

from namak.cli.texts import _

MAX_BASE = 51
"""Characters of a base: a request id has 64, and the recipient's mark takes a colon and twelve digits."""

_BASE = re.compile(rf"[A-Za-z0-9._:-]{{1,{MAX_BASE}}}", re.ASCII)
_MARK_LENGTH = 13


def request_ids(base: str, recipients: Sequence[str]) -> Mapping[str, str]:
    """Returns each recipient's request id: ``<base>:<first 12 hex digits of SHA-256(number)>``.

    The number is what stands before the @. The domain does not count: an official address is the same under
    each of the post's domains, and which those are only the post knows. Raises BadParameter for a base that
    is malformed or is itself a recipient's id, and when one recipient is named twice.
    """
    marks = {recipient: _mark(recipient) for recipient in recipients}
    if len(set(marks.values())) < len(recipients):
        raise typer.BadParameter(_("the same recipient is named twice"), param_hint="--to")
    named, given = base[:-_MARK_LENGTH], base[-_MARK_LENGTH:]
    if named and given in marks.values():
        raise typer.BadParameter(
            _(
                "this is the id of one recipient, made from {base!r}; repeat the command with "
                "--request-id {base}, or the letter is sent twice"
            ).format(base=named),
            param_hint="--request-id",
        )
    base_of(base)
    return {recipient: base + mark for recipient, mark in marks.items()}


def base_of(text: str) -> str:
    """Returns the text if it is good as a base. Raises BadParameter."""
    if not _BASE.fullmatch(text):
        raise typer.BadParameter(
            _("must be 1 to {most} characters of A-Z a-z 0-9 . _ : -").format(most=MAX_BASE),
            param_hint="--request-id",
        )
    return text


def recipient_request_id(base: str, recipient: str) -> str:
    """Returns one recipient's request id, as :func:`request_ids` makes it."""
    return base + _mark(recipient)


def _mark(recipient: str) -> str:
    number = recipient.partition("@")[0].strip().casefold()
    return ":" + hashlib.sha256(number.encode()).hexdigest()[:12]
