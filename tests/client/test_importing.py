"""The list of an import and its results file: how lines are cut into blocks, and where a run goes on."""

import json
from pathlib import Path

import pytest

from namak.cli.importing import _blocks, _count_lines, _Results
from namak.client.registration import BLOCK_LINES, LINE_BYTES
from namak.errors import FileProblem
from namak.v1 import registration_pb2 as pb


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "cards.txt"
    file.write_bytes(b"\xef\xbb\xbf1\r\n2\n\n" + b"9" * 1000 + b"\n5")
    return file


def reply(through: int, *others: tuple[int, pb.ImportOutcome.ValueType]) -> pb.ImportMailboxesResponse:
    lines = [pb.ImportedLine(line=line, outcome=outcome) for line, outcome in others]
    return pb.ImportMailboxesResponse(through_line=through, opened=1, others=lines)


def test_lines_keep_their_numbers_and_an_overlong_one_is_cut_and_not_split(source: Path) -> None:
    (block,) = _blocks(source, 0)
    assert block.first_line == 1
    assert block.lines == [b"\xef\xbb\xbf1\r", b"2", b"", b"9" * (LINE_BYTES + 1), b"5"]
    assert _count_lines(source) == 5


def test_blocks_begin_after_the_line_that_was_dealt_with(tmp_path: Path) -> None:
    file = tmp_path / "many.txt"
    file.write_text("".join(f"{number}\n" for number in range(1, 2 * BLOCK_LINES + 11)))
    blocks = list(_blocks(file, 7))
    assert [block.first_line for block in blocks] == [8, BLOCK_LINES + 8, 2 * BLOCK_LINES + 8]
    assert blocks[0].lines[0] == b"8"
    assert blocks[-1].lines == [b"10008", b"10009", b"10010"]
    assert list(_blocks(file, 2 * BLOCK_LINES + 10)) == []


def test_a_run_goes_on_after_the_last_block_that_is_told_of_in_whole(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "results.jsonl"
    with _Results(kept, source) as results:
        assert results.through == 0
        results.add(reply(2, (1, pb.IMPORT_OUTCOME_THERE_ALREADY)))
        results.add(reply(4, (3, pb.IMPORT_OUTCOME_MALFORMED)))
    whole = kept.read_bytes()
    # Killed while it wrote: a line of the next block is there, and half of another.
    kept.write_bytes(whole + b'{"line": 5, "outcome": "repeated"}\n{"through_')
    with _Results(kept, source) as results:
        assert results.through == 4
    assert kept.read_bytes() == whole
    told = [json.loads(line) for line in whole.splitlines()]
    assert [line.get("outcome") for line in told] == [None, "there_already", None, "malformed", None]


def test_results_of_another_list_or_of_a_changed_one_are_refused(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "results.jsonl"
    with _Results(kept, source) as results:
        results.add(reply(2))
    source.write_bytes(source.read_bytes() + b"6\n")
    with pytest.raises(FileProblem, match="changed"):
        _Results(kept, source).__enter__()


@pytest.mark.parametrize("content", [b"{}\n", b"not json\n", b'{"namak_import": 2, "sha256": ""}\n'])
def test_another_file_is_no_results_file(source: Path, tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "results.jsonl"
    kept.write_bytes(content)
    with pytest.raises(FileProblem, match="results file"):
        _Results(kept, source).__enter__()
    assert kept.read_bytes() == content


def test_two_runs_do_not_share_a_results_file(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "results.jsonl"
    with _Results(kept, source), pytest.raises(FileProblem, match="another run"):
        _Results(kept, source).__enter__()


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="can't be read"):
        _count_lines(tmp_path / "nothing.txt")
