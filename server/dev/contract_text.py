"""What the contract says in its comments: read from the sources, for the compiled contract has none."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

PROTO = Path(__file__).resolve().parents[2] / "proto" / "namak" / "v1"

_COMMENT = re.compile(r"\s*//( (?P<text>.*))?")
_REASON = re.compile(r"\s*REASON_(?P<name>[A-Z_]+) = \d+;")
_SERVICE = re.compile(r"service (?P<name>\w+) {")
_RPC = re.compile(r"\s*rpc (?P<name>\w+)\(")
_CALLER = re.compile(r"\bCALLER_KIND_([A-Z_]+)\b(?! =)")
_NAMED = re.compile(r"\b[A-Z][A-Z]+(?:_[A-Z]+)+\b|\bINTERNAL\b")


@dataclass(frozen=True, slots=True)
class Method:
    """An rpc, `DeliveryService.Submit`, with the paragraphs of its comment, and the kinds of caller that its
    access option names, in lower case.
    """

    name: str
    paragraphs: tuple[str, ...]
    callers: tuple[str, ...]

    def said(self, label: str) -> str:
        """Returns what the comment says after a label, such as `Errors`."""
        after = " ".join(self.paragraphs).partition(f"{label}: ")[2]
        return re.split(r" (?:Callers|Idempotency|Errors|Rules): ", after)[0]

    @property
    def reasons(self) -> frozenset[str]:
        """The reasons that the comment names."""
        # Brackets hold status codes, some of which are named as reasons are.
        named = _NAMED.findall(re.sub(r"\([^)]*\)", "", self.said("Errors")))
        return frozenset(named) & frozenset(reasons())


@cache
def reasons() -> Mapping[str, str]:
    """Returns what each reason is about, by its name without the prefix."""
    return {
        match["name"]: " ".join(" ".join(comment).split())
        for line, comment in _commented(PROTO / "errors.proto")
        if (match := _REASON.match(line)) and match["name"] != "UNSPECIFIED"
    }


@cache
def methods() -> tuple[Method, ...]:
    """Returns all rpcs, file by file, in their order."""
    found: list[Method] = []
    for file in sorted(PROTO.glob("*.proto")):
        if file.name == "access.proto":
            continue  # names the kinds themselves
        service = ""
        for line, comment in _commented(file):
            if match := _SERVICE.match(line):
                service = match["name"]
            elif match := _RPC.match(line):
                paragraphs = tuple(each.strip() for each in " \n".join(comment).split("\n \n"))
                flat = tuple(" ".join(each.split()) for each in paragraphs)
                found.append(Method(f"{service}.{match['name']}", flat, ()))
            elif callers := _CALLER.findall(line):
                # The option stands inside the rpc.
                kinds = tuple(each.lower() for each in callers)
                found[-1] = replace(found[-1], callers=found[-1].callers + kinds)
    return tuple(found)


def _commented(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields each line that is no comment, with the lines of the comment right before it."""
    comment: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if match := _COMMENT.fullmatch(line):
            comment.append(match["text"] or "")
        else:
            yield line, comment
            comment = []
