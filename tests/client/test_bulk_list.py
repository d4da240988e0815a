"""Lists of recipients: every wrong line is told with its number, and none harms another."""

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from namak.cli.bulk_index import Index
from namak.cli.bulk_list import LONGEST_LINE, BadLine, Letter, RecipientList, Row
from namak.errors import FileProblem

LETTER = Letter("Ծանուցում", [100])


def read(path: Path, content: bytes | str, letter: Letter = LETTER) -> Sequence[Row | BadLine]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Index() as index:
        return list(RecipientList(path, letter, index))


def brief(found: Sequence[Row | BadLine]) -> list[tuple[int, str]]:
    return [(item.line, item.recipient if isinstance(item, Row) else item.code) for item in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


@pytest.mark.parametrize(
    "content",
    [
        "recipient\n1@a\n2@a\n",
        "\ufeffrecipient\r\n1@a\r\n2@a\r\n",
        "Recipient \n1@a\n2@a",
        'recipient\n"1@a"\n 2@a \n',
    ],
    ids=["plain", "BOM and CRLF", "capital, no last line end", "quotes and spaces"],
)
def test_a_list_is_read_however_it_was_saved(path: Path, content: str) -> None:
    assert brief(read(path, content)) == [(2, "1@a"), (3, "2@a")]


def test_a_list_without_headings_has_the_columns_in_their_order(path: Path) -> None:
    (row, other) = read(path, "1@a,First\n2@a,\n")
    assert (row, other) == (Row(1, "1@a", "First", (), None), Row(2, "2@a", "Ծանուցում", (), None))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_may_stand_in_any_order_behind_the_usual_delimiters(path: Path, delimiter: str) -> None:
    (path.parent / "a.txt").write_text("a")
    (path.parent / "b.txt").write_text("b")
    lines = [["subject", "request_id", "recipient", "attachments"], ["S", "r-1", "1@a", "a.txt| b.txt"]]
    (row,) = read(path, "\n".join(delimiter.join(line) for line in lines))
    assert row == Row(2, "1@a", "S", (path.parent / "a.txt", path.parent / "b.txt"), "r-1")


WRONG = [
    (b'"1@a', "QUOTES"),
    (b'1@a,"x"y', "QUOTES"),
    (b"1@a", "COLUMNS"),
    (b"1@a,x,y", "COLUMNS"),
    (b"1@a,\xff\xfe", "NOT_UTF8"),
    (b"1@a," + b"x" * LONGEST_LINE, "TOO_LONG"),
    (b"nobody,x", "RECIPIENT"),
    (b"a b@c,x", "RECIPIENT"),
    (b"a@b@c,x", "RECIPIENT"),
    (b",x", "RECIPIENT"),
    (b"x" * 255 + b"@a,x", "RECIPIENT"),
    (b"1@a,x\x00y", "SUBJECT"),
    (b"1@a," + b"x" * 251, "SUBJECT"),
    ("1@a,x\u2028y".encode(), "SUBJECT"),
]


@pytest.mark.parametrize(("line", "code"), WRONG)
def test_a_wrong_line_is_told_and_those_around_it_are_read(path: Path, line: bytes, code: str) -> None:
    content = b"recipient,subject\n8@a,x\n" + line + b"\n\n9@a,x\n"
    assert brief(read(path, content)) == [(2, "8@a"), (3, code), (5, "9@a")]


def test_a_line_without_a_subject_is_wrong_where_the_letter_has_none(path: Path) -> None:
    assert brief(read(path, "recipient\n1@a\n", Letter(None, [1]))) == [(2, "SUBJECT")]


def test_attachments_are_looked_at(path: Path) -> None:
    (path.parent / "empty").touch()
    (path.parent / "large").write_bytes(bytes(3 * 1024 * 1024))
    many = "|".join(["list.csv"] * 20)
    lines = ["recipient,attachments", "1@a,absent", "2@a,empty", "3@a,large", "4@a,.", f"5@a,{many}"]
    assert brief(read(path, "\n".join(lines))) == [
        (2, "ATTACHMENT"),
        (3, "CONTENT"),
        (4, "CONTENT"),
        (5, "ATTACHMENT"),
        (6, "CONTENT"),
    ]


def test_a_letter_without_any_content_is_wrong(path: Path) -> None:
    assert brief(read(path, "1@a\n", Letter("S", []))) == [(1, "CONTENT")]


def test_a_recipient_is_taken_once_under_whichever_domain(path: Path) -> None:
    found = read(path, "recipient\n1@a\n2@a\n1@B\n1@a\n")
    assert brief(found) == [(2, "1@a"), (3, "2@a"), (4, "DUPLICATE"), (5, "DUPLICATE")]
    assert [item.words for item in found if isinstance(item, BadLine)] == [
        "names the recipient of line 2 again"
    ] * 2


def test_who_has_a_request_id_of_its_own_may_come_again_but_no_id_may(path: Path) -> None:
    found = read(path, "recipient,request_id\n1@a,a\n1@a,b\n1@a,a\n2@a,c d\n")
    assert brief(found) == [(2, "1@a"), (3, "1@a"), (4, "DUPLICATE_ID"), (5, "REQUEST_ID")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first line is empty"),
        (b"\n1@a\n", "first line is empty"),
        (b"\xef\xbb\xbf", "first line is empty"),
        (b"name,subject\n", "must name the columns"),
        (b"recipient,colour\n", "must name the columns"),
        (b"recipient,recipient\n", "must name the columns"),
        ("recipient\n".encode("utf-16"), "UTF-16"),
        (b"\xff\n", "not UTF-8"),
    ],
)
def test_what_is_no_list_at_all_is_refused(path: Path, content: bytes, words: str) -> None:
    with pytest.raises(FileProblem, match=words):
        read(path, content)


def test_a_list_gives_the_same_when_it_is_read_again(path: Path) -> None:
    path.write_text("recipient\n1@a\n1@a\n2@a\n", "utf-8")
    with Index() as index:
        source = RecipientList(path, LETTER, index)
        assert list(source) == list(source)


def write_rows(path: Path, number: int) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write("recipient,subject\n")
        stream.writelines(f"{row:010d}@e-citizen.am,Ծանուցում {row}\n" for row in range(number))


def test_memory_does_not_grow_with_the_list(path: Path) -> None:
    """Ten times as many lines take no more of Python's memory; what SQLite keeps is bounded by its cache."""

    def peak(rows: int) -> int:
        write_rows(path, rows)
        tracemalloc.start()
        try:
            with Index() as index:
                assert sum(isinstance(item, Row) for item in RecipientList(path, LETTER, index)) == rows
                assert index.cache_kib <= 32 * 1024
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(5_000), peak(50_000)
    assert many < few + 256 * 1024
