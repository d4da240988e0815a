"""Writes MIME mails as octets (RFC 5322, 2045 to 2047, 2231): all in ASCII, ready to be signed.

The standard library's own message classes parse every header that they write, which takes longer than all
else that is done for a mail; here what repeats is written once.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from functools import lru_cache
from typing import Final

_POLICY = policy.SMTP.clone(max_line_length=78)
_LINE: Final = 76
_BASE64: Final = b"Content-Transfer-Encoding: base64\r\n"
_TEXT: Final = b'Content-Type: text/plain; charset="utf-8"\r\n' + _BASE64


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a mail: its main and sub type, the charset of a text where it is known, its name, and its
    content.
    """

    main: str
    sub: str
    charset: str | None
    name: str
    content: bytes


def sender_field(name: str, address: str) -> str:
    """Returns the value of a From field."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(name, addr_spec=address)
    written: str = _POLICY.fold("From", mail["From"])
    return written.removeprefix("From: ").removesuffix("\r\n")


@lru_cache(1024)
def text_field(name: str, text: str) -> str:
    """Returns the value of a field that holds a text, in encoded words where it needs them (RFC 2047). The
    text is one line.
    """
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")


def mail_of(
    fields: Sequence[tuple[str, str]], text: str, attachments: Sequence[Attachment], boundary: str
) -> bytes:
    """Returns a mail.

    Args:
        fields: names and values of its header, each in ASCII, folded where it is long.
        text: its body, or first part; lines end by LF.
        attachments: its further parts.
        boundary: what separates these; as it has a `_` behind a `=`, base64 never holds it.
    """
    head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("ascii")
    said = _encoded(text.replace("\n", "\r\n").encode())
    if not attachments:
        return b"%sMIME-Version: 1.0\r\n%s\r\n%s" % (head, _TEXT, said)
    mark = f"--=_{boundary}".encode("ascii")
    parts = [b"%s\r\n%s\r\n%s" % (mark, _TEXT, said)]
    parts += [b"%s\r\n%s\r\n%s" % (mark, _part_fields(each), _encoded(each.content)) for each in attachments]
    kind = f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary="=_{boundary}"\r\n'.encode()
    return b"%s%s\r\n%s%s--\r\n" % (head, kind, b"".join(parts), mark)


def _part_fields(part: Attachment) -> bytes:
    return _fields_of(part.main, part.sub, part.charset, part.name)


@lru_cache(1024)
def _fields_of(main: str, sub: str, charset: str | None, name: str) -> bytes:
    # Long and foreign names need continuations (RFC 2231), which the standard library writes well.
    mail = EmailMessage(policy=_POLICY)
    mail["Content-Type"] = f"{main}/{sub}"
    if charset is not None:
        mail.set_param("charset", charset)
    mail.add_header("Content-Disposition", "attachment", filename=name)
    return mail.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n" + _BASE64


def _encoded(content: bytes) -> bytes:
    encoded = base64.b64encode(content)
    lines = [encoded[start : start + _LINE] for start in range(0, len(encoded), _LINE)]
    return b"\r\n".join([*(lines or [b""]), b""])
