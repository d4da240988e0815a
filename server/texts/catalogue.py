"""The server's texts in one jurisdiction's languages."""

import gettext
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from namak.evidence.times import parse_time
from server.domain import mobile_identity_texts as mobile
from server.domain.languages import chosen
from server.domain.mobile_identity import Failure
from server.domain.reasons import Reason
from server.texts.reasons import FINDINGS, TEXTS, VARIANTS

SOURCE_LANGUAGE: Final = "en"
LANGUAGES: Final = ("hy", "ru", "en", "kk", "az")
"""What the catalogues hold; the texts in the code are English."""

DOMAIN: Final = "namak-server"
LOCALE: Final = Path(__file__).parent / "locale"

_TIME = "_time"
_TIMES = {SOURCE_LANGUAGE: "%Y-%m-%d %H:%M"}
_OTHER_TIMES = "%d.%m.%Y %H:%M"
_SOME_PIN = "PIN"


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


class Texts:
    """What is said, in the languages that a profile offers. Immutable once made: safe from any thread."""

    def __init__(self, languages: Sequence[str], time_zone: str) -> None:
        """Reads the catalogues.

        Args:
            languages: the profile's, the first of which is the default.
            time_zone: by whose clocks times are told.

        Raises OSError where a catalogue is missing.
        """
        self.languages = tuple(languages)
        self._zone = ZoneInfo(time_zone)
        self._catalogues = {
            language: gettext.translation(
                DOMAIN, LOCALE, [language], fallback=language == SOURCE_LANGUAGE
            ).gettext
            for language in languages
        }

    def language_for(self, wish: str) -> str:
        """Returns the language that fits a wish best (`Accept-Language`'s form); the default without one."""
        return chosen(wish, self.languages)

    def of_refusal(self, reason: Reason, metadata: Mapping[str, str], language: str) -> str:
        """Returns what a person is told of a refusal, in one of the languages.

        Never fails for what the metadata holds or lacks: a value that is not there is told as dots.
        """
        if reason is Reason.MOBILE_ID_FAILED:
            return self._of_phone(metadata, language)
        say = self._catalogues[language]
        key, variants = VARIANTS.get(reason, ("", {}))
        text = say(variants.get(metadata.get(key, ""), TEXTS[reason]))
        told = {key: self._told(key, value, language) for key, value in metadata.items()}
        return text.format_map(_Values(told))

    def _of_phone(self, metadata: Mapping[str, str], language: str) -> str:
        outcome, left = metadata.get("outcome", ""), metadata.get("tries_left")
        if outcome == Failure.WRONG_PIN and left is None:
            outcome = mobile.UNCOUNTED
        text = mobile.TEXTS.get(outcome, {}).get(language)
        if text is None:
            return self._catalogues[language](TEXTS[Reason.MOBILE_ID_FAILED])
        return text.format(pin=metadata.get("pin", _SOME_PIN), tries_left=left)

    def _told(self, key: str, value: str, language: str) -> str:
        if key.endswith(_TIME):
            return self._local(value, language)
        if key == "findings":
            say = self._catalogues[language]
            return ", ".join(say(FINDINGS[each]) if each in FINDINGS else each for each in value.split(", "))
        return value

    def _local(self, value: str, language: str) -> str:
        try:
            at = parse_time(value)
        except ValueError:
            return value
        return at.astimezone(self._zone).strftime(_TIMES.get(language, _OTHER_TIMES))
