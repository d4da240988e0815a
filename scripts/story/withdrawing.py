"""The agency follows its deliveries, withdraws one, and is too late for another."""

from collections.abc import Iterator

from scripts.story.commanding import Shell, nothing
from scripts.story.stage import Stage

CURSOR = "watch.json"
_BEFORE = 8
"""Facts of deliveries so far: two of each of four; what was refused became none."""

SINCE = ("Withdrawn", "ContentAccessTracking", "ReadingConfirmed", "NotificationEffected")
"""What happens to its deliveries between its two looks."""

_WATCH = ("namak", "watch", "--cursor-file", CURSOR)


async def withdrawal(stage: Stage, shell: Shell, delivery_id: str) -> None:
    """Plays the act, while nobody has opened anything."""
    stage.act(
        "The agency follows its deliveries, and withdraws one that nobody has opened",
        "A mistake can be taken back as long as nobody has read it, and that leaves evidence as well.",
    )
    await shell.run(
        *("agency", f"follows its first {_BEFORE} facts, and keeps its place"),
        *(*_WATCH, "--from-start", "--limit", str(_BEFORE)),
        shows=nothing,
    )
    await shell.run(
        *("agency", "withdraws a delivery"), *("namak", "withdraw", delivery_id, "--yes"), shows=_withdrawn
    )


async def too_late(shell: Shell, delivery_id: str) -> None:
    """Plays what the agency tries once the recipient has opened the message."""
    await shell.refused(
        *("agency", "tries to withdraw what was opened"),
        *("namak", "withdraw", delivery_id, "--yes"),
        reason="MESSAGE_OPENED",
    )


async def following(stage: Stage, shell: Shell) -> None:
    """Plays what whoever resumes sees of what happened meanwhile."""
    printed = await shell.run(
        *("agency", "goes on following, from where it stopped"),
        *(*_WATCH, "--limit", str(len(SINCE))),
        shows=_happened,
    )
    places = [printed.find(event) for event in SINCE]
    stage.check(-1 not in places and places == sorted(places), f"{', '.join(SINCE)} were due:\n{printed}")


def _withdrawn(printed: str) -> Iterator[str]:
    return (line for line in printed.splitlines() if line.startswith(("State:", "Withdrawn:")))


def _happened(printed: str) -> Iterator[str]:
    for line in printed.splitlines():
        if line.endswith(tuple("0123456789abcdef")):
            when, event, *_delivery = line.split("  ")
            yield f"{when}  {event}"
