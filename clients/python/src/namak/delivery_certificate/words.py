"""The words on certificates, by language: wording 1, which stays as it is.

Certificates are compared with these words when they are verified, so a word that is to be another one gets
another wording (:data:`namak.delivery_certificate.statement.WORDING`), and certificates that are out there
keep theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from namak.delivery_certificate.words_en import ENGLISH
from namak.delivery_certificate.words_hy import ARMENIAN
from namak.delivery_certificate.words_ru import RUSSIAN


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language.

    Attributes:
        said: headings and sentences by where they stand; values in braces.
        events: what happened, by the event's name.
        sources: what a notification policy goes by, by its key.
        rules: when a rule of a notification policy notifies, by the rule's identifier.
        codes: words for codes in the evidence: channels, ways to sign in, acts.
    """

    said: Mapping[str, str]
    events: Mapping[str, str]
    rules: Mapping[str, str]
    sources: Mapping[str, str]
    codes: Mapping[str, str]


def _words(table: Mapping[str, Mapping[str, str]]) -> Words:
    return Words(**{name: MappingProxyType(dict(texts)) for name, texts in table.items()})


WORDS: Final[Mapping[str, Words]] = MappingProxyType(
    {"hy": _words(ARMENIAN), "ru": _words(RUSSIAN), "en": _words(ENGLISH)}
)
"""By language. Every language has the same words."""
