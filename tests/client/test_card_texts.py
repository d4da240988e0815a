"""What cards answer, in five languages: nothing is missing, and each is told to whom it concerns."""

from pathlib import Path

import pytest

from namak.cards.outcomes import OUTCOMES
from namak.cards.texts import CARD_MEANINGS, LANGUAGES, words_of
from namak.cli.reasons import advice_for, headline_of
from namak.cli.texts import speaking
from namak.errors import NotFound, WrongPin
from scripts.catalogue import CARDS, problems
from tests.client.conftest import Namak


@pytest.mark.parametrize("language", CARDS.languages)
def test_every_text_is_translated_and_compiled(language: str) -> None:
    assert list(problems(CARDS, language)) == []


def test_the_languages_are_those_of_the_catalogues_and_the_codes_own() -> None:
    assert set(LANGUAGES) == {*CARDS.languages, "en"} == {"hy", "ru", "en", "kk", "az"}


def test_every_outcome_has_its_words_and_no_other_has() -> None:
    assert set(CARD_MEANINGS) == set(OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_outcome_says_the_same_in_two_languages_nor_the_same_as_another(outcome: str) -> None:
    assert len({words_of(outcome, language) for language in LANGUAGES}) == len(LANGUAGES)
    for language in LANGUAGES:
        meaning, advice = words_of(outcome, language)
        assert meaning
        assert advice
        others = {words_of(other, language)[0] for other in OUTCOMES if other != outcome}
        assert meaning not in others


def test_a_language_that_is_not_spoken_gets_english() -> None:
    assert words_of("PIN_LOCKED", "de") == words_of("PIN_LOCKED", "en") == CARD_MEANINGS["PIN_LOCKED"]


def test_the_command_tells_of_cards_and_of_all_else_in_each_language() -> None:
    with speaking("kk"):
        assert headline_of(WrongPin("x")) == "PIN коды қате."
        assert "бұғатталады" in advice_for(WrongPin("x"))
        assert headline_of(NotFound("no such mailbox")) == "Аталған нәрсе жоқ."
    with speaking("az"):
        assert (
            headline_of(WrongPin("x", reason="PIN_WRONG_FINAL_TRY")) == "PIN kod yanlışdır. BİR cəhd qalıb."
        )


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "there is no PKCS#11 module"),
        ("hy", "Քարտի PKCS#11 մոդուլը չկա։"),
        ("ru", "Модуля PKCS#11 карты нет на месте."),
        ("kk", "Картаның PKCS#11 модулі орнында жоқ."),
        ("az", "Kartın PKCS#11 modulu yerində yoxdur."),
    ],
)
def test_a_failure_is_told_in_the_language_with_its_name(
    namak: Namak, tmp_path: Path, language: str, said: str
) -> None:
    (tmp_path / "empty.toml").touch()
    run = namak(
        None, "--lang", language, "token", "list", "--module", tmp_path / "absent.so",
        "--config", tmp_path / "empty.toml",
    )  # fmt: skip
    assert run.code == 5
    assert run.err.startswith(f"namak: {said}")
    assert "[CARD_MODULE_MISSING]" in run.err
    assert str(tmp_path / "absent.so") in run.err
