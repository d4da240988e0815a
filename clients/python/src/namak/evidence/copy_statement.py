"""What the operator states of the scans of a letter on paper: versioned sentences, in people's languages.

A sentence of a version never changes, and a verifier holds evidence to it word for word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

TRUE_COPY: Final = "true-copy@1"
"""The version that profiles ask for now."""

STATEMENTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        TRUE_COPY: MappingProxyType(
            {
                "hy": (
                    "Հավաստում ենք, որ սա թղթային նամակի հարազատ և ամբողջական պատճենն է՝ սկանավորված այնպես, "
                    "ինչպես նշված է պահպանման շղթայում։ Ուղարկողի ինքնությունը փոստը չի պարզել։"
                ),
                "ru": (
                    "Удостоверяем, что это верная и полная копия письма, поступившего на бумаге и "
                    "отсканированного так, как указано в цепочке хранения. Личность отправителя почта не "
                    "устанавливала."
                ),
                "en": (
                    "We certify that this is a true and complete copy of a letter that came on paper and was "
                    "scanned as the chain of custody says. The post has not established who the sender is."
                ),
                "kk": (
                    "Бұл қағаз түрінде келген және сақтау тізбегінде көрсетілгендей сканерленген хаттың "
                    "дұрыс әрі толық көшірмесі екенін растаймыз. Жіберушінің кім екенін пошта анықтаған жоқ."
                ),
                "az": (
                    "Təsdiq edirik ki, bu, kağız üzərində gəlmiş və saxlama zəncirində göstərildiyi kimi "
                    "skan edilmiş məktubun düzgün və tam surətidir. Göndərənin kim olduğunu poçt müəyyən "
                    "etməyib."
                ),
            }
        )
    }
)
"""The sentences of each version, by language (BCP 47)."""


@dataclass(frozen=True, slots=True)
class CopyStatement:
    """What the operator stated, as evidence has it: ``text`` is the sentence of this version and language."""

    version: str
    language: str
    text: str


def copy_statement(version: str, language: str) -> CopyStatement:
    """Returns the statement of a version in a language; :class:`LookupError` where there is none."""
    return CopyStatement(version, language, STATEMENTS[version][language])


def is_genuine(statement: CopyStatement) -> bool:
    """Tells whether a statement is, word for word, one that this version knows."""
    return STATEMENTS.get(statement.version, {}).get(statement.language) == statement.text
