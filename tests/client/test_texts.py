"""The command in its five languages: nothing is missing or stale, and each is chosen as it should be."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from typer.core import TyperGroup

from namak import errors
from namak.cards.outcomes import OUTCOMES
from namak.cli.app import build
from namak.cli.groups import PARSER_TEXTS
from namak.cli.reasons import MEANINGS, advice_for
from namak.cli.texts import LANGUAGES, chosen, ngettext, speaking
from namak.client import Connection
from namak.client.statuses import CLASS_OF_REASON
from namak.errors import NamakError
from scripts.catalogue import COMMAND, DOMAINS, Domain, overlooked, problems, wrong_with
from tests.client.conftest import Namak

TRANSLATED = COMMAND.languages


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_code_is_translated_and_compiled(language: str) -> None:
    assert list(problems(COMMAND, language)) == []


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda each: each.name)
def test_no_text_is_marked_where_extraction_does_not_look(domain: Domain) -> None:
    assert list(overlooked(domain)) == []


def test_a_text_within_an_f_string_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.catalogue.ROOT", tmp_path)
    (tmp_path / "said.py").write_text("""_("seen")\nsaid = f"{_('hidden')} {_(name)}"\n""", encoding="utf-8")

    told = list(overlooked(Domain("texts", tmp_path, (), "a test")))

    assert told == ["said.py: not extracted, as if it were not marked: 'hidden'"]


def test_the_command_speaks_what_the_catalogues_hold_and_the_codes_own_language() -> None:
    assert {*TRANSLATED, "en"} == set(LANGUAGES) == {"hy", "ru", "en", "kk", "az"}


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (Message("a", ""), "not translated"),
        (Message("a {x}", "б"), "placeholders"),
        (Message("a", "б {x}"), "placeholders"),
        (Message("a", "б", flags=["fuzzy"]), "fuzzy"),
        (Message(("{n} a", "{n} as"), ("{n} а", "")), "not translated"),
        (Message(("{n} a", "{n} as"), ("{n} а", "а")), "placeholders"),
        (Message("a ", "б"), "spaces"),
    ],
)
def test_a_translation_that_is_wrong_is_found(message: Message, problem: str) -> None:
    assert [found for found in wrong_with(message) if found.startswith(problem)]


def test_a_translation_that_is_right_is_let_through() -> None:
    assert not list(wrong_with(Message(("{n} a", "{n} as"), ("{n} а", "{n} а", "{n} а"))))


def classes(kind: type[NamakError] = NamakError) -> set[type[NamakError]]:
    return {kind}.union(*(classes(below) for below in kind.__subclasses__()))


def test_every_reason_has_its_meaning_and_an_advice_and_no_other_has() -> None:
    own = {kind.default_reason for kind in classes()} - {""}
    assert set(MEANINGS) == set(CLASS_OF_REASON) | set(OUTCOMES) | own | {"PROGRAM_FAULT"}


@pytest.mark.parametrize("reason", CLASS_OF_REASON)
def test_the_advice_for_a_reason_is_another_text_in_each_language(reason: str) -> None:
    said = set()
    for language in LANGUAGES:
        with speaking(language):
            said.add(advice_for(NamakError("x", reason=reason)))
    assert len(said) == len(LANGUAGES)


def test_a_reason_that_is_not_known_yet_is_advised_on_by_its_kind() -> None:
    assert advice_for(errors.WrongState("x", reason="NEW")) == MEANINGS["FAILED_PRECONDITION"][1]
    assert advice_for(NamakError("x", reason="NEW")) == MEANINGS["REFUSED"][1]


def test_what_the_parser_says_by_itself_is_what_the_catalogue_has() -> None:
    import typer

    place = Path(typer.__file__).parent
    said = "".join(path.read_text("utf-8") for path in place.rglob("*.py"))
    assert [text for text in PARSER_TEXTS if text not in said] == []


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        (["--lang", "ru", "inbox"], {"NAMAK_LANG": "hy"}, "ru"),
        (["inbox", "--lang=hy"], {"NAMAK_LANG": "ru"}, "hy"),
        (["inbox"], {"NAMAK_LANG": "hy", "LC_ALL": "ru_RU.UTF-8"}, "hy"),
        (["inbox"], {"LC_ALL": "ru_RU.UTF-8", "LANG": "hy_AM.UTF-8"}, "ru"),
        (["inbox"], {"LANG": "hy_AM"}, "hy"),
        (["inbox"], {"LC_ALL": "C.UTF-8", "LANG": "hy_AM"}, "en"),
        (["inbox"], {"LANG": "kk_KZ"}, "kk"),
        (["inbox"], {"LANG": "de_DE"}, "en"),
        (["inbox"], {}, "en"),
        (["send", "--", "--lang", "ru"], {}, "en"),
        (["--lang", "xx"], {"NAMAK_LANG": "ru"}, "ru"),
    ],
)
def test_the_language_is_the_nearest_wish(
    arguments: list[str], environment: dict[str, str], language: str, tmp_path: Path
) -> None:
    absent = tmp_path / "absent.toml"
    assert chosen(["--config", str(absent), *arguments], environment) == language


def test_the_configuration_may_wish_a_language(tmp_path: Path) -> None:
    path = tmp_path / "namak.toml"
    path.write_text('lang = "hy"\n', "utf-8")
    assert chosen([f"--config={path}"], {"LANG": "ru_RU"}) == "hy"
    assert chosen([f"--config={path}"], {"NAMAK_LANG": "ru"}) == "ru"


def test_a_language_that_it_does_not_speak_is_wrong_usage(namak: Namak) -> None:
    run = namak(None, "--lang", "fr", "inbox")
    assert run.code == 2
    assert "hy, ru, en, kk, az" in run.err


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1 письмо"),
        (2, "2 письма"),
        (5, "5 писем"),
        (11, "11 писем"),
        (21, "21 письмо"),
        (104, "104 письма"),
    ],
)
def test_russian_numbers_have_their_three_forms(number: int, words: str) -> None:
    with speaking("ru"):
        text = ngettext(
            "{number} letter, without a gap; each follows from the one before",
            "{number} letters, without a gap; each follows from the one before",
            number,
        )
    assert text.format(number=number).startswith(f"{words},")


@pytest.mark.parametrize(
    ("language", "words"), [("kk", "{number} күннен кейін"), ("az", "{number} gündən sonra")]
)
@pytest.mark.parametrize("number", [1, 2, 5])
def test_kazakh_and_azerbaijani_nouns_stay_as_they_are_after_numbers(
    language: str, words: str, number: int
) -> None:
    with speaking(language):
        text = ngettext(
            "Warning: {subject} ends in {number} day; bind a new one before.",
            "Warning: {subject} ends in {number} days; bind a new one before.",
            number,
        )
    assert words in text


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = group.make_context("namak", [], resilient_parsing=True)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, TyperGroup):
            found += commands(command, (*path, name))
        else:
            found.append((*path, name))
    return found


COMMANDS = commands(build())


def test_the_tree_has_every_command() -> None:
    assert len(COMMANDS) == len(set(COMMANDS)) > 45
    assert {("admin", "domain", "prove"), ("log", "consistency"), ("watch",), ("mailbox", "links")} <= set(
        COMMANDS
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_has_help_with_an_example_that_it_takes_and_the_exit_codes(
    namak: Namak, language: str
) -> None:
    label, codes = {
        "en": ("Example: ", "Exit codes:"),
        "ru": ("Пример: ", "Коды завершения:"),
        "hy": ("Օրինակ՝ ", "Ավարտի կոդերը՝"),
        "kk": ("Мысал: ", "Аяқталу кодтары:"),
        "az": ("Nümunə: ", "Bitmə kodları:"),
    }[language]
    for path in COMMANDS:
        run = namak(None, "--lang", language, *path, "--help")
        assert run.code == 0
        examples = re.findall(rf"^  {label}(namak .*)$", run.out, re.MULTILINE)
        assert examples, path
        assert codes in run.out
        for example in examples:
            words = example.split()
            assert tuple(words[1 : 1 + len(path)]) == path
            unknown = [word for word in words if word.startswith("--") and word not in run.out.split()]
            assert unknown == [], example


def test_a_failure_is_told_in_the_language_with_the_posts_own_words_below(
    namak: Namak, agency: Connection
) -> None:
    absent = "0192f0c3-0000-7000-8000-000000000000"
    run = namak(agency, "--lang", "ru", "deliveries", "show", absent)
    assert run.code == 1
    assert run.err.splitlines() == [
        "namak: Это принадлежит кому-то другому или не существует. [RESOURCE_NOT_PERMITTED]",
        "  not yours, or not there",
        "  Проверьте идентификатор и сертификат, которым пользуетесь.",
    ]
    assert "Առաքումներ չկան։" in namak(agency, "--lang", "hy", "deliveries", "list").out


def test_wrong_usage_is_told_in_the_language(namak: Namak, agency: Connection) -> None:
    run = namak(agency, "--lang", "hy", "deliveries", "list", "--colour")
    assert run.code == 2
    assert "Սխալ՝ Այդպիսի ընտրանք չկա՝ --colour" in run.err
    run = namak(agency, "--lang", "ru", "deliveries", "show")
    assert run.code == 2
    assert "Не указано" in run.err
