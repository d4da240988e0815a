"""How far a check is, as a terminal shows it and as a file gets it."""

import io

from server.cli.fsck_progress import FsckProgress
from server.fsck.findings import Part, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def shown(stream: io.StringIO, seconds: float, *steps: Progress) -> FsckProgress:
    """Tells of steps, so many seconds apart."""
    clock = Clock()
    progress = FsckProgress(stream, clock)
    for step in steps:
        clock.time += seconds
        progress(step)
    return progress


STEPS = [Progress(Part.TREE, "leaves", done, 40_000) for done in (10_000, 20_000, 30_000)]


def test_a_terminal_shows_it_in_place_and_is_cleared_for_other_lines() -> None:
    stream = Terminal()
    progress = shown(stream, 1.0, *STEPS)
    progress.clear()
    progress.clear()
    lines = stream.getvalue().split("\r\x1b[K")
    assert lines == [
        "",
        "tree: 10,000 of 40,000 leaves",
        "tree: 20,000 of 40,000 leaves, 10,000/s",
        "tree: 30,000 of 40,000 leaves, 10,000/s",
        "",
    ]


def test_a_file_gets_a_line_every_five_seconds_and_nothing_of_a_short_check() -> None:
    stream = io.StringIO()
    shown(stream, 1.0, *STEPS).clear()
    assert stream.getvalue() == ""
    shown(stream, 3.0, *STEPS, Progress(Part.EFFECTS, "deliveries", 5, None))
    assert stream.getvalue().splitlines() == [
        "tree: 20,000 of 40,000 leaves, 3,333/s",
        "tree: 30,000 of 40,000 leaves, 2,222/s; effects: 5 deliveries",
    ]


def test_parts_side_by_side_are_told_in_one_line_until_nothing_is_heard_of_them() -> None:
    stream = io.StringIO()
    shown(stream, 3.0, *STEPS, *(Progress(Part.EFFECTS, "deliveries", done, None) for done in range(5, 8)))
    assert stream.getvalue().splitlines()[-1] == "effects: 7 deliveries, 0/s"
