"""The command's texts in five languages: English as they stand in the code, Armenian, Russian, Kazakh and
Azerbaijani by catalogue.

The catalogues (``namak/cli/locale/*/LC_MESSAGES/namak.po``) are compiled by ``scripts/texts`` and lie beside
the code as ``.mo``, so that an installed package and a source tree read the same files.
"""

import gettext
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from namak.config import find_config, read_config
from namak.errors import NamakError

LANGUAGES = ("hy", "ru", "en", "kk", "az")
"""What the command speaks (POST-11)."""

SOURCE_LANGUAGE = "en"
ENVIRONMENT = "NAMAK_LANG"
"""The environment variable that names the language, when no option does."""

DOMAIN = "namak"
LOCALE = Path(__file__).parent / "locale"

_GLIBC = ("LC_ALL", "LC_MESSAGES", "LANG")


class _Speech:
    """What the process speaks now."""

    language = SOURCE_LANGUAGE
    catalogue = gettext.NullTranslations()


def N_(text: str) -> str:  # noqa: N802 - the name that catalogues' tools know
    """Marks a text for the catalogue where it can't be translated yet."""
    return text


def _(text: str) -> str:
    """Returns a text in the language that the process speaks."""
    return _Speech.catalogue.gettext(text) if text else ""


def is_translated() -> bool:
    """Returns whether the command's own texts are spoken in another language than the code's."""
    return _Speech.language != SOURCE_LANGUAGE


def ngettext(one: str, many: str, number: int) -> str:
    """Returns the form of a text that goes with a number."""
    return _Speech.catalogue.ngettext(one, many, number)


def language() -> str:
    """Returns what the process speaks: one of :data:`LANGUAGES`."""
    return _Speech.language


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Speaks a language until the end of the block, in the parser's own texts too."""
    before = (_Speech.language, _Speech.catalogue, os.environ.get("LANGUAGE"), gettext.textdomain())
    _Speech.language = name
    _Speech.catalogue = gettext.translation(DOMAIN, LOCALE, [name], fallback=name == SOURCE_LANGUAGE)
    # The parser takes its few texts from whatever catalogue the process has by default.
    gettext.bindtextdomain(DOMAIN, str(LOCALE))
    gettext.textdomain(DOMAIN)
    os.environ["LANGUAGE"] = name
    try:
        yield
    finally:
        _Speech.language, _Speech.catalogue = before[:2]
        gettext.textdomain(before[3])
        if before[2] is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before[2]


def chosen(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Returns the language of a run: ``--lang``, else NAMAK_LANG, else ``lang`` of the configuration, else
    what the system speaks, else English.

    What names no language of ours counts as nothing here; the option is refused where options are read.
    """
    for named in (_option(arguments, "--lang"), environment.get(ENVIRONMENT)):
        if named in LANGUAGES:
            return named
    if (configured := _configured(_option(arguments, "--config"))) in LANGUAGES:
        return configured
    for name in _GLIBC:
        if value := environment.get(name):
            spoken = value.partition(".")[0].partition("_")[0]
            return spoken if spoken in LANGUAGES else SOURCE_LANGUAGE
    return SOURCE_LANGUAGE


def _option(arguments: Sequence[str], name: str) -> str | None:
    """Returns an option's value before the options are read: their own help depends on the language."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            return None
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
        if argument == name and place + 1 < len(arguments):
            return arguments[place + 1]
    return None


def _configured(path: str | None) -> str:
    try:
        return str(read_config(find_config(None if path is None else Path(path))).get("lang", ""))
    except NamakError:  # told when the command needs the configuration
        return ""
