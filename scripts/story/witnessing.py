"""Who watches the operator: witnesses cosign what the log shows, an authority stamps it with the time, and
anybody follows it.
"""

from collections.abc import Iterable
from pathlib import Path

from scripts.story.commanding import Shell, nothing
from scripts.story.stage import Stage
from server.dev.timestamps import NAME
from server.dev.world import ORIGIN, World

_RECEIPTS, _PUBLIC = "witnessed", "public-log"


async def witnesses(stage: Stage, shell: Shell, world: World, delivery_id: str) -> None:
    """Plays the act: receipts that do not rest on the operator's word, and a stranger's look at the log."""
    stamped = world.tsa_roots.exists()
    stage.act(
        "Witnesses and timestamps: nobody has to take the operator's word",
        "Who wants to rewrite the log has to win over the witnesses as well: they hold what it showed.",
    )
    stage.note(
        "a court's and a university's programs have each seen the log grow, and cosigned what they saw"
    )
    if stamped:
        stage.note("a time-stamping authority (RFC 3161) has put its time to what they cosigned")
    await shell.run(
        *("agency", "gets receipts that witnesses cosigned" + (", timestamped" if stamped else "")),
        *("namak", "receipt", "--delivery", delivery_id, "--timestamped" if stamped else "--witnessed"),
        *("-o", _RECEIPTS),
        shows=nothing,
    )
    policy = world.witnessed_policy.name
    verified = await shell.run(
        *("stranger", "verifies them offline" + (", also by the authority's root" if stamped else "")),
        *("namak", "verify", _RECEIPTS, "--log-policy", policy),
        *(("--tsa-roots", world.tsa_roots.name) if stamped else ()),
        shows=_independent,
    )
    stage.check("2 of your witnesses cosigned" in verified, verified)
    if stamped:
        stage.check("stamped the checkpoint at" in verified, verified)
        await _by_openssl(stage, shell, world)
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


async def _by_openssl(stage: Stage, shell: Shell, world: World) -> None:
    """Shows that what was saved beside a receipt needs nothing of ours: all that was stamped stands in it."""
    token = min((world.directory / _RECEIPTS).glob(f"*NotificationEffected.{NAME}.tsr"))
    stem = Path(_RECEIPTS) / token.name.removesuffix(f".{NAME}.tsr")
    verified = await shell.run(
        *("stranger", "verifies a timestamp with OpenSSL alone"),
        *("openssl", "ts", "-verify", "-data", f"{stem}.checkpoint", "-in", f"{stem}.{NAME}.tsr"),
        *("-CAfile", world.tsa_roots.name),
        shows=lambda printed: [line for line in printed.splitlines() if line.startswith("Verification")],
    )
    stage.check("Verification: OK" in verified, verified)


def _independent(printed: str) -> Iterable[str]:
    """Of each receipt it says the same, but for the time; the last one is told."""
    told = (" witnesses:", " timestamp:", " time:")
    return [line.strip() for line in printed.splitlines() if any(each in line for each in told)][-3:]
