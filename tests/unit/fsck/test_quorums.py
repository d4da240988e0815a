"""Cosigned notes below the quorum: whether a later tree has it decides what they are."""

import pytest

from server.fsck.findings import MOST_OF_A_KIND, Kind, Report
from server.fsck.quorums import Quorums

OLD, NEW = "log.example.am/2026", "log.example.am/2027"


def told(*seen: tuple[str, str, bool], current: str = NEW) -> dict[Kind, list[str]]:
    quorums, report = Quorums(), Report()
    for origin, where, quorum in seen:
        quorums.saw(origin, where, quorum=quorum)
    quorums.settle(current, report)
    found: dict[Kind, list[str]] = {}
    for finding in report.findings:
        found.setdefault(finding.kind, []).append(finding.where)
    return found


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([(NEW, "a", True), (NEW, "b", True)], {}),
        ([(NEW, "a", False), (NEW, "b", True)], {Kind.BEFORE_QUORUM: ["a"]}),
        ([(NEW, "a", True), (NEW, "b", False)], {Kind.BELOW_QUORUM: ["b"]}),
        (
            [(NEW, "a", False), (NEW, "b", True), (NEW, "c", False)],
            {Kind.BEFORE_QUORUM: ["a"], Kind.BELOW_QUORUM: ["c"]},
        ),
        # The ended shard is cosigned no more.
        ([(OLD, "a", False), (NEW, "b", True)], {Kind.BEFORE_QUORUM: ["a"]}),
        ([(OLD, "a", False), (NEW, "b", True), (NEW, "c", False)], {Kind.BELOW_QUORUM: ["a", "c"]}),
        ([(OLD, "a", False)], {Kind.BELOW_QUORUM: ["a"]}),
        # What an ended shard has says nothing of the current one.
        ([(OLD, "a", True), (NEW, "b", False)], {Kind.BELOW_QUORUM: ["b"]}),
    ],
)
def test_what_a_later_tree_has_is_only_worth_a_note(
    seen: list[tuple[str, str, bool]], expected: dict[Kind, list[str]]
) -> None:
    assert told(*seen) == expected


def test_all_are_counted_and_a_hundred_told() -> None:
    quorums, report = Quorums(), Report()
    for number in range(MOST_OF_A_KIND + 50):
        quorums.saw(OLD, f"{number}", quorum=False)
    for number in range(MOST_OF_A_KIND + 7):
        quorums.saw(NEW, f"{number}", quorum=False)
    quorums.saw(NEW, "last", quorum=True)
    quorums.settle(NEW, report)
    assert report.counts == {Kind.BEFORE_QUORUM: 2 * MOST_OF_A_KIND + 57}
    assert len(report.findings) == MOST_OF_A_KIND
    assert report.sound
