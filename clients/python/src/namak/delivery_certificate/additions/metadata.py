"""Metadata that a tool wrote anew with what it added: the same, but for its own name and the time.

Some tools that add document timestamps do so (pyhanko), and standards want the time of the change there.
Whoever reads a file's properties must find nothing else there than was sealed.
"""

import io
import re
from typing import Any, Final

from pyhanko.pdf_utils.generic import DictionaryObject, StreamObject
from pyhanko.pdf_utils.metadata import model
from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp

MOST_BYTES: Final = 256 * 1024
"""Metadata that are compared have at most so many bytes."""

_TIME: Final = (
    r"D:[0-9]{14}(Z|[+-][0-9]{2}'?[0-9]{2}'?)?|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|[+-][0-9:]{5})"
)
_OF_TOOL: Final = re.compile(rf"pyHanko [0-9a-z.+]{{1,32}}|{_TIME}", re.ASCII)
_OF_CHANGE: Final = frozenset({"/ModDate", "/Producer"})
_OF_STREAM: Final = frozenset({"/Type", "/Subtype", "/Length", "/Filter"})
_STRING: Final = re.compile(r'"([^"]*)"|>([^<>]+)<')


def is_same_but_for_tool(before: Any, after: Any) -> bool:
    """Whether two dictionaries of information, or two streams of metadata (XMP), say the same but for who
    changed the file last, and when. Raises what reading them raises.
    """
    if isinstance(before, StreamObject) and isinstance(after, StreamObject):
        return _is_same_stream(before, after)
    if not type(before) is type(after) is DictionaryObject:
        return False
    return set(before).issubset(after) and all(
        (key in before and str(after.raw_get(key)) == str(before.raw_get(key)))
        or (key in _OF_CHANGE and _OF_TOOL.fullmatch(str(after.raw_get(key))))
        for key in after
    )


def _is_same_stream(before: Any, after: Any) -> bool:
    if not _OF_STREAM.issuperset(after) or any(
        str(after.raw_get(key)) != name for key, name in (("/Type", "/Metadata"), ("/Subtype", "/XML"))
    ):
        return False
    old, new = (bytes(each.data) for each in (before, after))
    if max(len(old), len(new)) > MOST_BYTES or b"<!" in new or b"='" in new or new.count(b"<?") != 2:
        return False
    # No word that was not there stands anywhere, and what the words are about is the same.
    more = _strings(new) - _strings(old)
    return all(_OF_TOOL.fullmatch(each) for each in more) and _properties(old) == _properties(new)


def _strings(xmp: bytes) -> set[str]:
    return {"".join(found).strip() for found in _STRING.findall(xmp.decode())} - {""}


def _properties(xmp: bytes) -> dict[Any, Any]:
    found = [each for root in parse_xmp(io.BytesIO(xmp)) for each in root]
    told = dict(found)
    if len(told) != len(found):
        raise ValueError("metadata say something twice")
    return {key: value for key, value in told.items() if key not in (model.PDF_PRODUCER, model.XMP_MODDATE)}
