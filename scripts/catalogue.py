"""The catalogues of texts for people: extracted from the code, checked, compiled (``scripts/texts``)."""

import ast
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Domain:
    """One set of catalogues: the texts of a package's modules, whose own language is English.

    Attributes:
        name: of its files, ``namak``.
        sources: the directory of the modules; the catalogues lie in ``locale`` below it.
        languages: what it is translated into.
        whose: what it is, for the catalogues' first line.
    """

    name: str
    sources: Path
    languages: tuple[str, ...]
    whose: str

    def path_of(self, language: str, ending: str) -> Path:
        """Returns where a language's catalogue lies."""
        return self.sources / "locale" / language / "LC_MESSAGES" / f"{self.name}.{ending}"


COMMAND = Domain(
    "namak", ROOT / "clients/python/src/namak/cli", ("hy", "ru", "kk", "az"), "the command namak"
)
CARDS = Domain(
    "namak-cards", ROOT / "clients/python/src/namak/cards", ("hy", "ru", "kk", "az"), "what cards answer"
)
SIGNATURES = Domain(
    "namak-signatures",
    ROOT / "clients/python/src/namak/signatures",
    ("hy", "ru", "kk", "az"),
    "the reports on signatures",
)
SERVER = Domain("namak-server", ROOT / "server/texts", ("hy", "ru", "kk", "az"), "the server")
DOMAINS = (COMMAND, CARDS, SIGNATURES, SERVER)

_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
_PLACEHOLDER = re.compile(r"\{([a-z_]*)(?:![rs])?\}")
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# A date of its own would make every run another file.


def extracted(domain: Domain) -> Catalog:
    """Returns every text of the domain that is marked for translation."""
    template = Catalog(project="namak", domain=domain.name, creation_date=_EPOCH, charset="utf-8")
    for path in sorted(domain.sources.glob("*.py")):
        for _line, text, comments, _context in extract_from_file("python", path, keywords=_KEYWORDS):
            name = path.relative_to(ROOT).as_posix()
            template.add(text, None, [(name, 1)], auto_comments=comments)
    return template


def overlooked(domain: Domain) -> Iterator[str]:
    """Yields the texts that are marked where extraction does not look: within f-strings."""
    texts = {text for message in extracted(domain) if message.id for text in _texts(message.id)}
    for path in sorted(domain.sources.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _KEYWORDS:
                marked = (each.value for each in call.args if isinstance(each, ast.Constant))
                for text in marked:
                    if text not in texts:
                        yield f"{path.name}: not extracted, as if it were not marked: {text!r}"


def updated(domain: Domain, language: str) -> Catalog:
    """Returns the language's catalogue with exactly the texts of the code; what is new is empty."""
    template = extracted(domain)
    known = _read(domain, language)
    fresh = Catalog(
        locale=language,
        project="namak",
        version="1",
        domain=domain.name,
        header_comment=f"# The texts of {domain.whose}; see scripts/texts. Language: {language}.",
        msgid_bugs_address="the repository's issues",
        fuzzy=False,
        creation_date=_EPOCH,
        revision_date=_EPOCH,
        last_translator="the maintainers of Namak",
        language_team=language,
        charset="utf-8",
    )
    for message in template:
        if message.id:
            earlier = known.get(message.id)
            fresh.add(
                message.id,
                earlier.string if earlier is not None else None,
                message.locations,
                flags=earlier.flags if earlier is not None else (),
            )
    return fresh


def po_text(catalogue: Catalog) -> bytes:
    """Returns a catalogue as its ``.po`` file."""
    out = io.BytesIO()
    write_po(out, catalogue, width=110, include_lineno=False, sort_output=False)
    return out.getvalue()


def mo_text(catalogue: Catalog) -> bytes:
    """Returns a catalogue as its compiled ``.mo`` file."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def problems(domain: Domain, language: str) -> Iterator[str]:
    """Yields everything that is wrong with a language's catalogue."""
    catalogue = _read(domain, language)
    texts = {_id(message) for message in extracted(domain) if message.id}
    known = {_id(message) for message in catalogue if message.id}
    yield from (f"{language}: not in the catalogue: {text!r}" for text in sorted(texts - known))
    yield from (f"{language}: not in the code any more: {text!r}" for text in sorted(known - texts))
    yield from (f"{language}: obsolete: {text!r}" for text in catalogue.obsolete)
    for message in catalogue:
        if message.id:
            yield from (f"{language}: {problem}: {_id(message)!r}" for problem in wrong_with(message))
    compiled = domain.path_of(language, "mo")
    if not compiled.exists() or compiled.read_bytes() != mo_text(catalogue):
        yield f"{language}: {compiled.name} is stale; run scripts/texts"


def wrong_with(message: Message) -> Iterator[str]:
    """Yields what is wrong with one translation."""
    if message.fuzzy:
        yield "fuzzy"
    originals = _texts(message.id)
    translations = _texts(message.string)
    if not translations or not all(translations):
        yield "not translated"
        return
    expected = set(_PLACEHOLDER.findall("".join(originals)))
    for text in translations:
        if set(_PLACEHOLDER.findall(text)) != expected:
            yield f"placeholders of {text!r}"
        if text.strip() != text.strip(" ") or (text[-1] == " ") != (originals[0][-1] == " "):
            yield f"spaces of {text!r}"


def main(arguments: Sequence[str]) -> int:
    """Brings the catalogues up to date, or, with ``--check``, only looks at them."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: scripts/texts [--check]\n")
        return 2
    every = [(domain, language) for domain in DOMAINS for language in domain.languages]
    if not arguments:
        for domain, language in every:
            catalogue = updated(domain, language)
            domain.path_of(language, "po").parent.mkdir(parents=True, exist_ok=True)
            domain.path_of(language, "po").write_bytes(po_text(catalogue))
            domain.path_of(language, "mo").write_bytes(mo_text(_read(domain, language)))
    found = [
        f"{domain.name} {problem}" for domain, language in every for problem in problems(domain, language)
    ]
    found += [f"{domain.name} {problem}" for domain in DOMAINS for problem in overlooked(domain)]
    sys.stderr.write("".join(f"texts: {problem}\n" for problem in found))
    return 1 if found else 0


def _read(domain: Domain, language: str) -> Catalog:
    path = domain.path_of(language, "po")
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as stream:
        return read_po(stream, locale=language, abort_invalid=True)


def _id(message: Message) -> tuple[str, ...]:
    return _texts(message.id)


def _texts(text: object) -> tuple[str, ...]:
    if isinstance(text, list | tuple):
        return tuple(str(form) for form in text)
    return (str(text),) if text else ()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
