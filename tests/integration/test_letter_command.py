"""`namak-server letter`: an operator tries how letters look on paper."""

import hashlib
from pathlib import Path

import pytest

from server.gateways.printing import fonts
from tests import forking


def _fonts_missing() -> bool:
    try:
        fonts.found()
    except fonts.FontsMissing:
        return True
    return False


pytestmark = pytest.mark.skipif(_fonts_missing(), reason="needs Debian's fonts-noto-core")


def test_it_writes_the_letter_and_tells_pages_sheets_and_digest(tmp_path: Path) -> None:
    text = tmp_path / "notice.txt"
    text.write_text("Ծանուցում " * 900, encoding="utf-8")
    output = tmp_path / "letter.pdf"

    done = forking.run("server", "letter", "preview", "kk", "--also", "ru", "--part", text, "-o", output)

    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    assert done.stdout == f"{output}: 4 pages on 2 sheets, SHA-256 {digest}\n"


def test_one_sheet_is_one_sheet(tmp_path: Path) -> None:
    output = tmp_path / "letter.pdf"
    text = tmp_path / "notice.txt"
    text.write_text("Ծանուցում", encoding="utf-8")
    done = forking.run("server", "letter", "preview", "hy", "--part", text, "-o", output)
    assert f"{output}: 2 pages on 1 sheet, SHA-256" in done.stdout


def test_a_language_that_is_named_twice_is_printed_once(tmp_path: Path) -> None:
    once, twice = tmp_path / "once.pdf", tmp_path / "twice.pdf"

    done = [
        forking.run("server", "letter", "preview", "hy", *more, "-o", path)
        for path, more in ((once, ()), (twice, ("--also", "hy")))
    ]

    assert [each.returncode for each in done] == [0, 0]
    assert once.read_bytes() == twice.read_bytes()


def test_a_language_that_there_is_not_or_a_part_that_cannot_be_printed_is_told_in_a_line(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "scan.png"
    picture.write_bytes(b"\x89PNG")
    output = tmp_path / "letter.pdf"

    unknown = forking.run("server", "letter", "preview", "fr", "-o", output)
    refused = forking.run("server", "letter", "preview", "hy", "--part", picture, "-o", output)

    assert (unknown.returncode, refused.returncode) == (1, 1)
    assert unknown.stderr == "namak-server: no language 'fr'; there are hy, ru, kk, az, en\n"
    assert refused.stderr.startswith("namak-server: part 'scan.png': ")
    assert not output.exists()
