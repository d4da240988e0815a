"""Verifies any number of receipts in little memory: some hundred at a time, and again where others count.

What a receipt proves may hang on others: those of its own delivery, those whose evidence its own names, and
acts that gave a right. Files of one delivery mostly lie side by side, so nearly everything is settled where
they are. What is not (a delivery in several places, a name of evidence elsewhere, a right) is verified once
more, together with all that counts for it; so the outcome is that of verifying all files as one story.
"""

import marshal
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final, Self

from namak.evidence.report import FileReport, Outcome, Verdict
from namak.evidence.verify import Trust, notes_under, verify_receipts

AT_ONCE: Final = 1000
"""Files that are verified together; somewhat more where a delivery would be torn apart."""

_DELIVERY_CHARACTERS: Final = 36
"""Files are named after their delivery first, as a rule. Nothing hangs on it but the pace."""

_LENGTH_BYTES: Final = 4
_IN_MEMORY: Final = 16 * 1024 * 1024
_NAMING: Final = ("consignment", "access", "fact")


@dataclass(frozen=True, slots=True)
class Result:
    """What was found of one file, as it is shown."""

    name: str
    verdict: str
    proves: str
    evidence_id: str | None
    event: str | None
    checks: Sequence[tuple[str, str, str]]
    """Of each its name, how it came out, and the words."""

    @classmethod
    def of(cls, found: FileReport) -> Self:
        """Returns what is shown of a report."""
        return cls(*_shown(found))


@dataclass
class Results:
    """The results in the order of their files; many of them lie in a temporary file. To be read once."""

    valid: int = 0
    count: int = 0
    _corrected: dict[int, Result] = field(default_factory=dict)
    _kept: IO[bytes] = field(default_factory=lambda: _temporary())

    def __iter__(self) -> Iterator[Result]:
        """Yields them, and lets go of the file."""
        self._kept.seek(0)
        place = 0
        while place < self.count:
            # In one piece: from a file it would be read value by value.
            length = int.from_bytes(self._kept.read(_LENGTH_BYTES), "big")
            for kept in marshal.loads(self._kept.read(length)):  # noqa: S302 - our own
                yield self._corrected.pop(place) if place in self._corrected else Result(*kept)
                place += 1
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._kept.close()

    def add(self, found: Sequence[FileReport]) -> None:
        """Adds the next ones."""
        data = marshal.dumps(list(map(_shown, found)))
        self._kept.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
        self.count += len(found)
        self.valid += sum(each.verdict is Verdict.VALID for each in found)

    def correct(self, place: int, found: FileReport, *, was_valid: bool) -> None:
        """Puts another one in a place, where one stood that was valid or not."""
        self.valid += (found.verdict is Verdict.VALID) - was_valid
        self._corrected[place] = Result.of(found)


_Shown = tuple[str, str, str, str | None, str | None, Sequence[tuple[str, str, str]]]


def _shown(found: FileReport) -> _Shown:
    """Returns what is shown of a report, in the plain values that are quick to keep."""
    evidence = found.evidence
    return (
        found.name,
        found.verdict.value,
        found.proves,
        None if evidence is None else str(evidence.document.evidence_id),
        None if evidence is None else evidence.document.event.uri,
        [(check.name, _PLAIN[check.outcome], check.words) for check in found.checks],
    )


_PLAIN: Final[Mapping[Outcome, str]] = {each: each.value for each in Outcome}


@dataclass
class _Index:
    """Where everything is: some hundred bytes a file."""

    delivery_of: list[bytes | None] = field(default_factory=list)
    valid: bytearray = field(default_factory=bytearray)
    place_of: dict[bytes, int] = field(default_factory=dict)
    part_of: dict[bytes, int] = field(default_factory=dict)
    several: set[bytes] = field(default_factory=set)
    """Deliveries that lie in more than one part."""
    foreign: dict[int, tuple[bytes, ...]] = field(default_factory=dict)
    """What evidence names that is not of its own delivery, or not in the same part."""
    acts: list[int] = field(default_factory=list)
    by_right: set[bytes] = field(default_factory=set)
    """Deliveries of which somebody had to do with by a right."""

    def add(self, part: int, found: Sequence[FileReport]) -> None:
        """Notes a part's reports."""
        of_part = {
            report.fact.entry: report.fact.document.delivery_id for report in found if report.fact is not None
        }
        for report in found:
            place = len(self.delivery_of)
            self.valid.append(report.verdict is Verdict.VALID)
            delivery = None if report.fact is None else report.fact.document.delivery_id
            self.delivery_of.append(None if delivery is None else delivery.bytes)
            if report.evidence is not None:
                self.place_of.setdefault(report.evidence.entry, place)
            if report.act is not None:
                self.acts.append(place)
            if delivery is None or report.fact is None:
                continue
            if self.part_of.setdefault(delivery.bytes, part) != part:
                self.several.add(delivery.bytes)
            details = report.fact.document.details
            named = [
                bytes.fromhex(name) for name in (getattr(details, each, None) for each in _NAMING) if name
            ]
            if foreign := tuple(each for each in named if of_part.get(each) != delivery):
                self.foreign[place] = foreign
            if getattr(details, "right", None) is not None:
                self.by_right.add(delivery.bytes)

    def unsettled(self) -> tuple[list[int], list[int]]:
        """Returns the places of what has to be verified once more, and of what counts for it besides."""
        deliveries = self.several | (self.by_right if self.acts else set())
        deliveries |= {
            delivery
            for place, named in self.foreign.items()
            if (delivery := self.delivery_of[place]) is not None
            and any(each in self.place_of for each in named)
        }
        before = -1
        besides: set[int] = set()
        while len(deliveries) + len(besides) != before:
            before = len(deliveries) + len(besides)
            for place, named in self.foreign.items():
                if self.delivery_of[place] in deliveries:
                    besides |= {self.place_of[each] for each in named if each in self.place_of}
            deliveries |= {found for place in besides if (found := self.delivery_of[place]) is not None}
        again = [place for place, delivery in enumerate(self.delivery_of) if delivery in deliveries]
        others = besides | set(self.acts if deliveries & self.by_right else ())
        return again, sorted(others.difference(again))


def verify_many(
    names: Sequence[str],  # each once
    read: Callable[[str], bytes],
    trust: Trust,
    timestamps: Mapping[str, Mapping[str, bytes]],
    reached: Callable[[int], object] = lambda _done: None,
) -> Results:
    """Verifies these files as :func:`~namak.evidence.verify.verify_receipts` would, had it all of them.

    ``names`` are the files' paths, ``timestamps`` those beside them, by path. Raises what ``read`` raises.
    """
    notes, results, index = notes_under(trust), Results(), _Index()

    def verified(some: Iterable[str]) -> Sequence[FileReport]:
        files = {name: read(name) for name in some}
        beside = {name: timestamps[name] for name in files if name in timestamps}
        return verify_receipts(files, trust, beside, notes).files

    try:
        for part, some in enumerate(_parts(names)):
            found = verified(some)
            results.add(found)
            index.add(part, found)
            reached(results.count)
        again, besides = index.unsettled()
        if again:
            found = verified(names[place] for place in (*again, *besides))
            for place, report in zip(again, found, strict=False):
                results.correct(place, report, was_valid=bool(index.valid[place]))
    except BaseException:
        results.close()
        raise
    return results


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    start = 0
    while start < len(names):
        end = min(start + AT_ONCE, len(names))
        last = _own_name(names[end - 1])[:_DELIVERY_CHARACTERS]
        while end < min(start + 2 * AT_ONCE, len(names)) and _own_name(names[end]).startswith(last):
            end += 1
        yield names[start:end]
        start = end


def _own_name(path: str) -> str:
    return path.rpartition(os.sep)[2]


def _temporary() -> IO[bytes]:
    # Whoever has the results closes it.
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)
