"""Who watches the operator: witnesses cosign what the log shows, and anybody follows it."""

from collections.abc import Iterable

from scripts.story.commanding import Shell, nothing
from scripts.story.stage import Stage
from server.dev.world import ORIGIN, World

_RECEIPTS, _PUBLIC = "witnessed", "public-log"


async def witnesses(stage: Stage, shell: Shell, world: World, delivery_id: str) -> None:
    """Plays the act: receipts that do not rest on the operator's word, and a stranger's look at the log."""
    stage.act("Witnesses: nobody has to take the operator's word")
    stage.note(
        "a court's and a university's programs have each seen the log grow, and cosigned what they saw"
    )
    await shell.run(
        *("agency", "gets the receipts that witnesses cosigned"),
        *("namak", "receipt", "--delivery", delivery_id, "--witnessed", "-o", _RECEIPTS),
        shows=nothing,
    )
    policy = world.witnessed_policy.name
    verified = await shell.run(
        *("stranger", "verifies them offline, by both witnesses"),
        *("namak", "verify", _RECEIPTS, "--log-policy", policy),
        shows=_of_witnesses,
    )
    stage.check("2 of your witnesses cosigned" in verified, verified)
    await shell.run(
        *("operator", "publishes the log as files"),
        *("namak-server", "log", "export", _PUBLIC, "--vkey", world.log_vkey),
        *("--config", "namak-server.toml"),
        shows=nothing,
    )
    followed = await shell.run(
        *("stranger", "follows the log, and finds the receipts in it"),
        *("namak", "monitor", _PUBLIC, "--once", "--state", "monitor", "--log-policy", policy),
        *("--receipts", _RECEIPTS, "--max-age", "1h"),
    )
    stage.check(ORIGIN in followed and "court, university" in followed, followed)


def _of_witnesses(printed: str) -> Iterable[str]:
    """Of each receipt it says the same."""
    return [line.strip() for line in printed.splitlines() if " witnesses:" in line][:1]
