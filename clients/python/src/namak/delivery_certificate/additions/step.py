"""One update of a file, held against what was there before it."""

import io
from collections.abc import Iterable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from namak.delivery_certificate.page_text import Unreadable


def demand(holds: bool) -> None:
    if not holds:
        raise Unreadable("an update says more, or other, than what keeps a seal")


class Step:
    """A file before an update and after it, and which of the update's objects have no place yet."""

    def __init__(self, before: PdfFileReader, after: PdfFileReader, written: set[int]) -> None:
        self.before, self.after = before, after
        self.written = frozenset(written)
        self.unexplained = written

    def pair(self, before: Any, after: Any, key: Any) -> tuple[Any, Any]:
        """Returns what stands at a place before the update, if anything, and after it. An object there that
        the update has written has its place by this: it is new, or the one that stood there.
        """
        former = before.raw_get(key) if before is not None and _has(before, key) else None
        latter = after.raw_get(key)
        if isinstance(latter, generic.IndirectObject) and latter.idnum in self.written:
            demand(latter.generation == 0)
            demand(self._is_new(latter) or (former is not None and written(former) == written(latter)))
            self.unexplained.discard(latter.idnum)
        return None if former is None else former.get_object(), latter.get_object()

    def new(self, holder: Any, key: Any) -> Any:
        """Returns what stands at a place, as an object of its own that the update brought."""
        found = holder.raw_get(key)
        demand(isinstance(found, generic.IndirectObject) and found.idnum in self.written)
        return self.pair(None, holder, key)[1]

    def _is_new(self, reference: Any) -> bool:
        known = self.before.xrefs
        return known.get_historical_ref(reference.reference, known.total_revisions - 1) is None


def _has(holder: Any, key: Any) -> bool:
    return key < len(holder) if isinstance(holder, generic.ArrayObject) else key in holder


def written(value: Any) -> bytes:
    """Returns how a value is written, a reference as one: so it says the same of two revisions."""
    written = io.BytesIO()
    value.write_to_stream(written)
    return written.getvalue()


def check_dictionary(value: Any, members: Iterable[str], **fixed: str) -> None:
    """Demands a dictionary, no stream, of these members, of which some are fixed names."""
    demand(type(value) is generic.DictionaryObject and set(members).issuperset(value))
    demand(all(str(value[f"/{key}"]) == f"/{name}" for key, name in fixed.items() if f"/{key}" in value))


def check_changes(before: Any, after: Any, members: Iterable[str]) -> None:
    """Demands that two dictionaries differ at most in these members, and none is taken away."""
    demand(type(before) is type(after) is generic.DictionaryObject and set(before).issubset(after))
    for key in set(after).difference(members):
        demand(key in before and written(before.raw_get(key)) == written(after.raw_get(key)))
