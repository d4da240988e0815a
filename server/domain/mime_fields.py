"""The header of a mail or of one of its parts: its fields, read strictly (RFC 5322, 2045, 2047 and 2231).

Pure. What two programs could read differently is refused, not guessed at: `email` of the standard library
takes everything, and quadratic time for some of it. Everything here takes time in proportion to its input.
"""

import binascii
import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from encodings.aliases import aliases

from server.domain.malformed import Malformed

HEADER_BYTES = 64 * 1024
"""The header of a mail or a part, at most."""
HEADER_FIELDS = 200
FIELD_CHARACTERS = 8 * 1024
"""One field that is read, unfolded, at most; others are only kept."""
LINE_OCTETS = 998  # RFC 5322, 2.1.1

_FIELD_NAME = re.compile(rb"[!-9;-~]{1,76}")
_ONCE = frozenset(
    {
        *("from", "sender", "subject", "message-id", "date", "mime-version", "auto-submitted"),
        *("content-type", "content-disposition", "content-transfer-encoding"),
    }
)
"""Fields that stand at most once (RFC 5322, 3.6): of two, one program shows the first, another the last."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SPACE = re.compile(r"[ \t]*")
_SECTION = re.compile(r"([^*]+)(?:\*([0-9]{1,2}))?(\*)?")
_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([bBqQ])\?([!->@-~]*)\?=")
_READ_CHARSETS = (
    *("us-ascii", "utf-8", "koi8-r", "koi8-u", "utf-16", "windows-1250", "windows-1251", "windows-1252"),
    *("windows-1253", "windows-1254", "windows-1256", "windows-1257", "cp866", "gb18030", "euc-jp"),
    *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)),
)


_MODULES = {"iso8859_1": "latin_1"}
"""Codecs that the interpreter keeps under another name than their own."""


def _names(codec: codecs.CodecInfo) -> Iterator[str]:
    yield codec.name.replace("-", "_")
    module = codec.name.replace("-", "_")
    yield from (alias for alias, name in aliases.items() if name in (module, _MODULES.get(module)))


# By all their names: the interpreter remembers for ever whatever unknown name it was asked for.
_CODECS = {name: codec for codec in map(codecs.lookup, _READ_CHARSETS) for name in _names(codec)}


@dataclass(frozen=True, slots=True)
class Parametrised:
    """A field's value with its parameters, such as Content-Type's; the value and the names in lower case."""

    value: str
    parameters: Mapping[str, str]


class Fields:
    """The fields of one header."""

    def __init__(self, header: bytes, *, once: frozenset[str] = _ONCE) -> None:
        """Reads a header, which ends with its last line's CRLF, or is empty; `once` are the fields (in lower
        case) that stand at most once.

        Raises:
            Malformed: `HEADER_TOO_LONG`, `HEADER_MALFORMED` or `FIELD_REPEATED`.
        """
        if len(header) > HEADER_BYTES:
            raise Malformed("HEADER_TOO_LONG", f"must have a header of at most {HEADER_BYTES} bytes")
        self._fields: dict[str, list[bytes]] = {}
        found: list[tuple[str, list[bytes]]] = []
        for line in header.split(b"\r\n")[:-1]:
            if line[:1] in (b" ", b"\t"):
                if not found or not line.strip():
                    raise Malformed(
                        "HEADER_MALFORMED", "must have a header of fields, folded as RFC 5322 says"
                    )
                found[-1][1].append(line)
                continue
            name, colon, rest = line.partition(b":")
            if not colon or not _FIELD_NAME.fullmatch(name.rstrip(b" \t")):
                raise Malformed("HEADER_MALFORMED", "must have a header of fields, each NAME: VALUE")
            found.append((name.rstrip(b" \t").decode("ascii").lower(), [rest]))
            if len(found) > HEADER_FIELDS:
                raise Malformed("HEADER_TOO_LONG", f"must have at most {HEADER_FIELDS} fields in a header")
        for key, lines in found:
            if key in once and key in self._fields:
                raise Malformed("FIELD_REPEATED", f"must have the field {key} once only")
            self._fields.setdefault(key, []).append(b"".join(lines))

    def get(self, name: str) -> str | None:
        """Returns the unfolded text of a field (its name in lower case), None without one.

        Raises:
            Malformed: `FIELD_TOO_LONG`, or `BAD_ENCODING`: it is not UTF-8 (RFC 6532).
        """
        found = self._fields.get(name)
        if found is None:
            return None
        if len(found[0]) > FIELD_CHARACTERS:
            raise Malformed(
                "FIELD_TOO_LONG", f"must have at most {FIELD_CHARACTERS} bytes in the field {name}"
            )
        try:
            return found[0].decode("utf-8").replace("\t", " ").strip(" ")
        except UnicodeDecodeError:
            raise Malformed("BAD_ENCODING", f"must have the field {name} in ASCII or UTF-8") from None

    def parametrised(self, name: str) -> Parametrised | None:
        """Returns a field of the form `value; name=value; …`, None without one.

        Raises:
            Malformed: as `get`; `PARAMETER_MALFORMED` or `BAD_ENCODING`.
        """
        text = self.get(name)
        return None if text is None else _parametrised(text)


def decoded(text: str) -> str:
    """Returns a text with its encoded words decoded (RFC 2047).

    Bytes of neighbouring words of one charset are joined first: many programs cut characters in two.

    Raises:
        Malformed: `BAD_ENCODING`.
    """
    told: list[str] = []
    charset, held, end = "", b"", 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        if between.strip(" ") or not end or word[1].lower() != charset:
            told.append(_text(held, charset))
            held = b""
            # Space between two encoded words is none of the text.
            told.append(between if between.strip(" ") or not end else "")
        charset, end = word[1].lower(), word.end()
        held += _word_bytes(word[2], word[3])
    return "".join((*told, _text(held, charset), text[end:]))


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "bB":
        try:
            return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
        except ValueError:
            raise Malformed("BAD_ENCODING", "has an encoded word that is not base64") from None
    return _unescaped(text.replace("_", " "), "=")


def _unescaped(text: str, mark: str) -> bytes:
    """Returns the bytes of an ASCII text in which each `mark` with two hexadecimal digits stands for one."""
    first, *rest = text.split(mark)
    told = [first.encode("ascii", "strict")]
    for piece in rest:
        try:
            if len(piece) < 2:
                raise ValueError
            told.append(binascii.a2b_hex(piece[:2]) + piece[2:].encode("ascii"))
        except (ValueError, UnicodeEncodeError):
            raise Malformed(
                "BAD_ENCODING", f"has a {mark} that two hexadecimal digits do not follow"
            ) from None
    return b"".join(told)


def _text(data: bytes, charset: str) -> str:
    if not data:
        return ""
    codec = _CODECS.get(charset.lower().replace("-", "_"))
    if codec is None:
        raise Malformed("BAD_ENCODING", "has a text in a charset that is not read here")
    try:
        return codec.decode(data)[0]
    except UnicodeError:
        raise Malformed("BAD_ENCODING", "has a text that is not in the charset that it names") from None


def _parametrised(text: str) -> Parametrised:
    value, semicolon, rest = text.partition(";")
    found: dict[str, str] = {}
    if semicolon:
        for name, parameter in _parameters(rest):
            if name in found:
                raise Malformed("PARAMETER_MALFORMED", "has one parameter twice")
            found[name] = parameter
    return Parametrised(value.strip(" ").lower(), _joined(found))


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    """Yields names (in lower case, with the marks of RFC 2231) and values."""
    at = _skipped(text, 0)
    while at < len(text):
        if text[at] == ";":
            at = _skipped(text, at + 1)
            continue
        name = _TOKEN.match(text, at)
        if name is None:
            raise Malformed("PARAMETER_MALFORMED", "has a parameter without a name")
        at = _skipped(text, name.end())
        if text[at : at + 1] != "=":
            raise Malformed("PARAMETER_MALFORMED", "has a parameter without a value")
        at = _skipped(text, at + 1)
        quoted = _QUOTED.match(text, at)
        plain = None if quoted else _PLAIN.match(text, at)
        if quoted is not None:
            yield name[0].lower(), re.sub(r"\\(.)", r"\1", quoted[1])
            at = quoted.end()
        elif plain is not None:
            yield name[0].lower(), plain[0]
            at = plain.end()
        else:
            raise Malformed("PARAMETER_MALFORMED", "has a parameter without a value")
        at = _skipped(text, at)
        if at < len(text) and text[at] != ";":
            raise Malformed("PARAMETER_MALFORMED", "has parameters that no semicolon parts")


# A boundary with a slash or an equals sign ought to be quoted, and often is not.
_PLAIN = re.compile(r"[^\s;\"()<>@,\\]+")


def _skipped(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _joined(found: Mapping[str, str]) -> Mapping[str, str]:
    """Joins continued parameters, and decodes those that name a charset (RFC 2231)."""
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    whole: dict[str, str] = {}
    for name, value in found.items():
        if "*" not in name:
            whole[name] = value
            continue
        section = _SECTION.fullmatch(name)
        if section is None:
            raise Malformed("PARAMETER_MALFORMED", "has a parameter name that RFC 2231 does not know")
        numbered = sections.setdefault(section[1], {})
        number = int(section[2] or 0)
        if number in numbered:
            raise Malformed("PARAMETER_MALFORMED", "has one part of a parameter twice")
        numbered[number] = (value, section[3] is not None)
    for name, numbered in sections.items():
        if sorted(numbered) != list(range(len(numbered))):
            raise Malformed("PARAMETER_MALFORMED", "has a parameter of which a part is missing")
        # Where both forms stand, the one of RFC 2231 counts (RFC 6266, 4.3).
        whole[name] = _continued([numbered[number] for number in range(len(numbered))])
    return whole


def _continued(pieces: Sequence[tuple[str, bool]]) -> str:
    first, is_encoded = pieces[0]
    charset = "us-ascii"
    if is_encoded:
        parts = first.split("'", 2)
        if len(parts) != 3:
            raise Malformed("PARAMETER_MALFORMED", "has an encoded parameter without its charset")
        charset, first = parts[0] or "us-ascii", parts[2]
    elif any(encoded for _, encoded in pieces):
        raise Malformed("PARAMETER_MALFORMED", "has an encoded parameter without its charset")
    data = b""
    for number, (value, encoded) in enumerate(pieces):
        text = first if number == 0 else value
        if not text.isascii():
            raise Malformed("BAD_ENCODING", "has a continued parameter with letters beyond ASCII")
        data += _unescaped(text, "%") if encoded else text.encode("ascii")
    return _text(data, charset)
