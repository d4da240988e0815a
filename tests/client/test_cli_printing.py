"""``namak printing`` and ``namak admin print-house``: letters fetched whole, whatever breaks off, and
reported on.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from namak.client import Client, Connection
from namak.client.printing import ResumedFile
from namak.errors import ContentMismatch, FileProblem
from namak.v1 import letter_pb2 as pb
from tests.client.authority import Authority, connection_for
from tests.client.conftest import Namak
from tests.client.letter_desk import LETTERS, PDF_BYTES, LetterDesk
from tests.client.office import Office

FIRST = "RR000000000AM"


@pytest.fixture
def house(authority: Authority, address: str, tmp_path: Path) -> Connection:
    return connection_for(authority.issue("house"), authority, address, tmp_path / "house")


@pytest.fixture
def desk(office: Office, address: str) -> LetterDesk:
    assert isinstance(office.letter_desk, LetterDesk)
    return office.letter_desk


def saved(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


def test_leases_letters_and_saves_them_by_their_numbers(
    namak: Namak, house: Connection, desk: LetterDesk, tmp_path: Path
) -> None:
    run = namak(house, "printing", "lease", tmp_path / "out", "--most", 2)

    assert run.code == 0
    assert saved(tmp_path / "out") == [f"RR00000000{number}AM.pdf" for number in range(2)]
    assert "2 letters are there to be printed." in run.err
    assert (tmp_path / "out" / f"{FIRST}.pdf").read_bytes() == next(iter(desk.pdfs.values()))
    again = namak(house, "--json", "printing", "lease", tmp_path / "out")
    assert len(again.document["files"]) == LETTERS
    assert desk.offsets == [0, 0, 0], "what is there is not fetched again"


def test_a_stream_of_leases_that_breaks_loses_no_letter(
    namak: Namak, house: Connection, office: Office, tmp_path: Path
) -> None:
    office.faults.broken_streams = 2
    assert namak(house, "printing", "lease", tmp_path / "out").code == 0
    assert len(saved(tmp_path / "out")) == LETTERS


def test_a_stream_of_leases_that_breaks_leases_no_more_than_asked_for(
    namak: Namak, house: Connection, office: Office, tmp_path: Path
) -> None:
    office.faults.broken_streams = 1
    assert namak(house, "printing", "lease", tmp_path / "out", "--most", LETTERS - 1).code == 0
    assert len(saved(tmp_path / "out")) == LETTERS - 1


def test_a_download_that_breaks_goes_on_where_it_was(
    namak: Namak, house: Connection, office: Office, desk: LetterDesk, tmp_path: Path
) -> None:
    office.faults.broken_downloads = 2
    assert namak(house, "printing", "lease", tmp_path / "out", "--most", 1).code == 0
    assert desk.offsets == [0, 65536, 131072]
    assert saved(tmp_path / "out") == [f"{FIRST}.pdf"]


def test_a_command_that_was_killed_is_repeated_and_fetches_the_rest(
    namak: Namak, house: Connection, desk: LetterDesk, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    namak(house, "printing", "lease", out, "--most", 1)
    whole = (out / f"{FIRST}.pdf").read_bytes()
    (out / f"{FIRST}.pdf").unlink()
    (out / f"{FIRST}.pdf.part").write_bytes(whole[:100_000])
    assert namak(house, "printing", "lease", out, "--most", 0).code == 0
    assert desk.offsets[-1] == 100_000
    assert saved(out) == [f"{FIRST}.pdf"]


def test_a_piece_that_is_damaged_is_noticed_and_fetched_anew_the_next_time(
    namak: Namak, house: Connection, desk: LetterDesk, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{FIRST}.pdf.part").write_bytes(b"x" * 7)
    run = namak(house, "printing", "lease", out, "--most", 1)
    assert run.code != 0
    assert "SHA-256" in run.err
    assert saved(out) == []
    assert namak(house, "printing", "lease", out, "--most", 0).code == 0
    assert desk.offsets == [7, 0]


def test_another_file_of_the_name_is_left_alone(namak: Namak, house: Connection, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{FIRST}.pdf").write_text("mine")
    run = namak(house, "printing", "lease", out, "--most", 1)
    assert run.code != 0
    assert (out / f"{FIRST}.pdf").read_text() == "mine"


def test_reports_each_step_by_number_or_identifier(
    namak: Namak, house: Connection, desk: LetterDesk, tmp_path: Path
) -> None:
    namak(house, "printing", "lease", tmp_path, "--most", 1)
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"scan")
    letter_id = next(iter(desk.orders))
    at = "2026-03-02T16:00:00+04:00"
    for words in (
        ("printed", FIRST, tmp_path / f"{FIRST}.pdf"),
        ("posted", FIRST, "--request-id", "mine"),
        ("handed-over", letter_id, "--receiver", "Ani", "--scan", scan, "--at", at),
        ("refused", FIRST, "--cause", "NOT_WANTED"),
        ("returned", FIRST, "--cause", "NOT_FOUND", "--tracking", FIRST),
    ):
        run = namak(house, "--json", "printing", "report", *words)
        assert run.code == 0, run.err
        assert run.document["letter_id"] == letter_id
    printed, posted, handed, refused, returned = desk.reported
    assert printed.printed.file_sha256 == desk.orders[letter_id].file_sha256
    assert (posted.posted.tracking_number, posted.request_id) == (FIRST, "mine")
    assert handed.handed_over.receiver == "Ani"
    assert handed.report_time.ToDatetime(UTC) == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert (refused.refused.cause, refused.refused.scan_sha256) == ("NOT_WANTED", b"")
    assert refused.refused.tracking_number == ""
    assert (returned.returned.cause, returned.returned.tracking_number) == ("NOT_FOUND", FIRST)


def test_another_file_than_the_letters_is_refused_with_advice(
    namak: Namak, house: Connection, tmp_path: Path
) -> None:
    namak(house, "printing", "lease", tmp_path, "--most", 1)
    other = tmp_path / "other.pdf"
    other.write_text("other")
    run = namak(house, "printing", "report", "printed", FIRST, other)
    assert run.code == 1
    assert "LETTER_FILE_DIFFERS" in run.err
    assert "download the letter again" in run.err
    assert namak(house, "printing", "report", "printed", FIRST, tmp_path / "absent").code != 0
    unknown = namak(house, "printing", "report", "posted", "RR999999999AM")
    assert unknown.code == 1
    assert "RR999999999AM" in unknown.err


def test_lists_letters_with_their_states(namak: Namak, house: Connection, tmp_path: Path) -> None:
    assert "No letters." in namak(house, "printing", "list").out
    namak(house, "printing", "lease", tmp_path, "--most", 2)
    namak(house, "printing", "report", "printed", FIRST, tmp_path / f"{FIRST}.pdf")
    run = namak(house, "printing", "list", "--state", "printed")
    assert FIRST in run.out
    assert "printed" in run.out
    assert "RR000000001AM" not in run.out
    document = namak(house, "--json", "printing", "list").document
    assert [each["state"] for each in document["letters"]] == ["WAITING", "PRINTED"]
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"scan")
    namak(house, "printing", "report", "posted", FIRST)
    namak(house, "printing", "report", "handed-over", FIRST, "--receiver", "Ani", "--scan", scan)
    assert "Ani" in namak(house, "printing", "list").out
    *_, posted, handed = namak(house, "--json", "printing", "list").document["letters"][1]["reports"]
    assert (posted["tracking_number"], posted["receiver"]) == (FIRST, None)
    assert (handed["receiver"], handed["cause"]) == ("Ani", None)
    assert handed["scan_sha256"] == hashlib.sha256(b"scan").hexdigest()
    wrong = namak(house, "printing", "list", "--state", "lost")
    assert wrong.code == 2
    assert "WAITING" in wrong.err


def test_the_operator_looks_after_print_houses(
    namak: Namak, operator: Connection, authority: Authority, tmp_path: Path
) -> None:
    certificate = tmp_path / "house.pem"
    certificate.write_bytes(authority.issue("house").certificate)
    assert namak(operator, "admin", "print-house", "register", "House").code == 0
    bound = namak(operator, "--json", "admin", "print-house", "bind", "House", certificate)
    assert bound.code == 0, bound.err
    assert len(bound.document["print_house"]["certificates"]) == 1
    assert namak(operator, "admin", "print-house", "bind", "Nobody", certificate).code == 1
    assert "House" in namak(operator, "admin", "print-house", "list").out
    assert namak(operator, "admin", "print-house", "show", "House").code == 0
    for word, state in (("suspend", "SUSPENDED"), ("resume", "ACTIVE")):
        run = namak(operator, "--json", "admin", "print-house", word, "House")
        assert run.document["print_house"]["state"] == state
    assert namak(operator, "admin", "print-house", "remove", "House").code == 2, "nobody can be asked"
    removed = namak(operator, "--json", "admin", "print-house", "remove", "House", "--yes")
    assert removed.document["print_house"]["state"] == "REMOVED"
    absent = namak(operator, "admin", "print-house", "show", "Nobody")
    assert absent.code == 1
    assert "Nobody" in absent.err


async def test_more_bytes_than_announced_are_refused(tmp_path: Path) -> None:
    incoming = ResumedFile(tmp_path / "a.pdf", size=3, sha256=bytes(32))
    with incoming, pytest.raises(ContentMismatch):
        incoming.write(b"four")
    assert saved(tmp_path) == []
    (tmp_path / "a.pdf.part").write_bytes(b"longer")
    with incoming:
        assert incoming.size == 0


async def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.pdf.part").mkdir()
    with pytest.raises(FileProblem), ResumedFile(tmp_path / "a.pdf", size=1, sha256=bytes(32)):
        pass


async def test_the_library_tells_how_far_a_download_is(house: Connection, tmp_path: Path) -> None:
    told: list[int] = []
    async with Client(house) as post:
        (letter,) = await post.printing.lease(1)
        await post.printing.download(letter, tmp_path, progress=lambda done, _: told.append(done))
        reported = await post.printing.report(
            letter.letter_id, pb.LetterPosted(tracking_number=letter.tracking_number)
        )
    assert told[-1] == PDF_BYTES
    assert told == sorted(told)
    assert reported.state == pb.PAPER_LETTER_STATE_POSTED


def test_a_time_without_its_zone_is_refused_for_evidence_will_tell_of_it(namak: Namak) -> None:
    for command in (
        ("printing", "report", "posted", FIRST, "--at", "2026-11-20T09:15"),
        ("paper", "submit", "5001950015@e-citizen.am", "scan.pdf", "--received", "2026-11-20T09:15"),
    ):
        run = namak(None, *command)
        assert run.code == 2
        assert "with its zone" in run.err
