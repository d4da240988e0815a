"""What became of the delivery, as one document for a court."""

from collections.abc import Iterable

from scripts.story.commanding import Shell, nothing
from scripts.story.stage import Stage
from server.dev.world import World

_FILE = "certificate.pdf"
_TOLD = ("page:", "seal:")


async def certificate(stage: Stage, shell: Shell, world: World, delivery_id: str) -> None:
    """Plays the act: the agency has a certificate made, and the citizen verifies it offline."""
    stage.act(
        "A certificate for a court: sealed, with the receipts inside",
        "A judge gets one PDF to read, and whoever doubts it can check every line by what lies inside.",
    )
    await shell.run(
        *("agency", "has a delivery certificate made"),
        *("namak", "certificate", delivery_id, "--language", "hy", "-o", _FILE),
        shows=nothing,
    )
    stage.note("whom to trust stands in citizen.toml, which namak verify reads; all else is in the file")
    printed = await shell.run(
        *("citizen", "verifies it, offline"), *("namak", "verify", _FILE), shows=_checks
    )
    if world.tsa_roots.exists():
        stage.check("verifies the seal once its certificate has expired" in printed, printed)


def _checks(printed: str) -> Iterable[str]:
    return (line.strip() for line in printed.splitlines() if any(told in line for told in _TOLD))
