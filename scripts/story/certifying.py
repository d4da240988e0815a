"""What became of the delivery, as one document for a court."""

from collections.abc import Iterable

from scripts.story.commanding import Shell, nothing
from scripts.story.stage import Stage

_FILE = "certificate.pdf"
_TOLD = ("page:", "seal:")


async def certificate(stage: Stage, shell: Shell, delivery_id: str) -> None:
    """Plays the act: the agency has a certificate made, and the citizen verifies the file alone."""
    stage.act("A certificate for a court: sealed, with the receipts inside")
    await shell.run(
        *("agency", "has a delivery certificate made"),
        *("namak", "certificate", delivery_id, "--language", "hy", "-o", _FILE),
        shows=nothing,
    )
    await shell.run(
        *("citizen", "verifies it, by the file alone"), *("namak", "verify", _FILE), shows=_checks
    )


def _checks(printed: str) -> Iterable[str]:
    return (line.strip() for line in printed.splitlines() if any(told in line for told in _TOLD))
