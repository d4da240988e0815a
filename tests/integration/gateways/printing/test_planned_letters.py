"""Most letters are set by a plan, which costs less: the same ones as without it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
import typst

from server.domain.paper_letter_texts import POLICIES, TEXTS
from server.domain.paper_letters import PaperLetter, PostalAddress
from server.gateways.printing import fonts
from server.gateways.printing.advances import Advances
from server.gateways.printing.renderer import Renderer
from server.gateways.printing.samples import LANGUAGES, part, sample, text_part
from server.jurisdictions import PROFILES
from tests.integration.gateways.printing.test_renderer import (
    DECISION,
    MM,
    codes,
    fonts_missing,
    squeezed,
    texts,
)

pytestmark = pytest.mark.skipif(fonts_missing(), reason="needs Debian's fonts-noto-core")

LONG = PostalAddress(
    "Әсел Нұрланқызы Жүнісова-Қабанбайұлы Ақмолинская Шығыс",
    ("Шығыс Қазақстан облысы, Күршім ауданы, Маралды ауылдық округі", "010000 Астана"),
)


class Counted(Renderer):
    """Counts how often Typst sets something, and by plan or not."""

    def __init__(self) -> None:
        super().__init__()
        self.set: list[bool] = []

    def _compile(self, told: dict[str, Any], at: int) -> bytes:
        self.set.append(told["planned"])
        return super()._compile(told, at)


@pytest.fixture(scope="module")
def shared() -> Iterator[Counted]:
    with Counted() as made:
        yield made


@pytest.fixture
def renderer(shared: Counted) -> Counted:
    shared.set.clear()
    return shared


def pictures(pdf: bytes) -> list[bytes]:
    return [bytes(page.render(scale=0.5, grayscale=True).buffer) for page in pdfium.PdfDocument(pdf)]


def unplanned(renderer: Counted, letter: PaperLetter, monkeypatch: pytest.MonkeyPatch) -> bytes:
    with monkeypatch.context() as patched:
        patched.setattr(renderer, "_planned", lambda *_: (b"", 0))
        return renderer.render(letter).pdf


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("parts", [None, 2, "pdf", "answer"])
def test_a_letter_by_plan_looks_as_it_does_without_one(
    renderer: Counted, language: str, parts: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = sample(language)
    if parts == 2:
        letter = replace(letter, parts=(text_part("a.txt", "one"), text_part("b.txt", "two")))
    elif parts == "pdf":
        letter = replace(letter, parts=(part("a.pdf", "application/pdf", DECISION),))
    elif parts == "answer":
        letter = replace(letter, is_answer=True, mailbox="", policy="")

    made = renderer.render(letter)

    assert renderer.set == [True], "set once"
    assert pictures(made.pdf) == pictures(unplanned(renderer, letter, monkeypatch))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_letter_in_all_languages_of_a_profile_is_set_by_plan(renderer: Counted, profile: str) -> None:
    languages = PROFILES[profile].languages
    made = renderer.render(sample(*languages))

    assert renderer.set == [True]
    assert made.pages == 2


@pytest.mark.parametrize(
    "letter",
    [
        replace(sample("kk"), recipient=LONG),
        replace(sample("kk"), sender=PostalAddress("Қ" * 100, ("Астана",))),
        sample("hy", parts=(text_part("a.txt", "a\n" * 58),)),
        sample("hy", parts=(text_part("a.txt", "many words " * 900),)),
        sample("hy", parts=tuple(text_part(f"{'կ' * 90}{number}.txt", "x") for number in range(15))),
    ],
    ids=["an address that wraps", "a sender that wraps", "two pages", "three pages", "a long covering page"],
)
def test_what_does_not_go_by_plan_is_found_out(
    renderer: Counted, letter: PaperLetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = renderer.render(letter)

    assert renderer.set[-1] is False
    assert made.pdf == unplanned(renderer, letter, monkeypatch)
    assert codes(made, 0)[0] == letter.tracking
    assert codes(made, made.pages - 2)[-1] == f"{letter.tracking}-{made.sheets:02}"


def test_a_sign_that_the_usual_fonts_have_not_is_set_with_the_others(renderer: Counted) -> None:
    made = renderer.render(sample("hy", parts=(text_part("a.txt", "ქართული ∑ ✓"),)))

    assert renderer.set == [True, True]
    assert "ქართული" in texts(made)[1]


@pytest.mark.parametrize("languages", [LANGUAGES, LANGUAGES[::-1]])
def test_five_languages_stand_on_one_covering_page(renderer: Counted, languages: tuple[str, ...]) -> None:
    cover, message = texts(renderer.render(sample(*languages)))

    for language in languages:
        assert squeezed(TEXTS[language]["how"]) in cover.replace("\u200b", "")
        assert squeezed(TEXTS[language]["how"]) not in message


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_policy_is_told_in_words(renderer: Counted, language: str) -> None:
    for policy in ("am-2015@1", "am-2025@2"):
        cover = texts(renderer.render(replace(sample(language), policy=policy)))[0]
        said = POLICIES[language][policy.partition("@")[0]]
        assert squeezed(f"{said} ({policy})") in cover.replace("\u200b", "")
    other = texts(renderer.render(replace(sample(language), policy="xx-2030@1")))[0]
    assert "xx-2030@1" in other.replace("\u200b", "")


def test_what_has_no_mailbox_and_no_policy_shows_no_line_of_them(renderer: Counted) -> None:
    cover = texts(renderer.render(replace(sample("en"), mailbox="", policy="")))[0]
    assert squeezed(TEXTS["en"]["policy"]) not in cover
    assert squeezed(TEXTS["en"]["delivery"]) in cover


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_return_address_stands_on_one_line_or_below_the_name(renderer: Counted, language: str) -> None:
    assert lines_above_the_address(renderer, sample(language)) == (2 if language == "kk" else 1)


def test_a_return_address_that_fits_on_no_line_breaks_after_the_name(renderer: Counted) -> None:
    sender = PostalAddress(
        "Комитет государственных доходов " * 2 + "Армении", ("ул. Хоренаци, 3, 7", "0015 Ереван")
    )
    assert lines_above_the_address(renderer, replace(sample("ru"), sender=sender)) == 2


def lines_above_the_address(renderer: Counted, letter: PaperLetter) -> int:
    page = pdfium.PdfDocument(renderer.render(letter).pdf)[0]
    top = page.get_height()
    seen = page.get_textpage().get_text_bounded(20 * MM, top - 52.2 * MM, 105 * MM, top - 45 * MM)
    return len(seen.strip().splitlines())


def test_texts_are_as_wide_as_typst_sets_them(tmp_path: Path) -> None:
    laid = tmp_path / "fonts"
    laid.mkdir()
    fonts.lay_out(laid)
    said = ["Աբովյան փ. 12", "Қабанбай батыр", "Gülşən Əliyeva", "ქართული", "0015 · Щ"]
    source = tmp_path / "a.typ"
    families = ", ".join(f'"{each}"' for each in fonts.FAMILIES)
    measured = ", ".join(f'measure(text("{each}")).width / 100pt' for each in said)
    source.write_text(
        f"#set text(font: ({families}), size: 100pt, kerning: false)\n#context [#metadata(({measured})) <m>]",
        "utf-8",
    )
    found = typst.Fonts(False, False, [laid])
    wide = json.loads(typst.Compiler(source, root=tmp_path, font_paths=found).query("<m>", field="value"))[0]

    advances = Advances([laid / name for name in fonts.FILES])
    assert [advances.width(each) for each in said] == pytest.approx(wide, abs=0.001)
    assert advances.width("\ue000") is None


def test_what_is_no_font_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_bytes(bytes(64))
    with pytest.raises(ValueError, match="no font"):
        Advances([tmp_path / "a.ttf"])
