"""An administrator acts for the agency with an ID card, and everything that was done can be read."""

import json
from collections.abc import Iterator

from scripts.story.commanding import Shell, nothing
from scripts.story.post import Post
from scripts.story.registering import AGENCY_CODE
from scripts.story.stage import Stage
from server.dev.pki import Person

ADMINISTRATOR = Person("3708850042", "Նարե", "Հակոբյան")
ADDRESS = "archive@src.am"


async def administration(stage: Stage, post: Post, shell: Shell) -> None:
    """Plays the act."""
    stage.act(
        "The agency's administrator signs in with the ID card and acts for it",
        "The agency looks after its own addresses; whatever anybody changes can be read afterwards.",
    )
    card = post.world.pki.card("admin", ADMINISTRATOR)
    post.world.write_client("administrator", card.authentication, post.server.address)
    stage.note(
        "Commands run as printed in the demo's directory, NAMAK_CONFIG being WHO.toml: `administrator.toml`."
    )
    acting = ("--acting-as", AGENCY_CODE)
    address = ("namak", "admin", "address")
    await shell.run(
        *("operator", "lets a person act for the agency"),
        *("namak", "admin", "administrator", "enable", ADMINISTRATOR.personal_number),
        *("--name", "Nare Hakobyan", "--org", AGENCY_CODE),
        shows=nothing,
    )
    await shell.run(
        *("administrator", f"registers {ADDRESS} with her card"),
        *(*address, "register", ADDRESS, "--network", "127.0.0.4/30", *acting),
        shows=nothing,
    )
    await shell.run(
        *("administrator", "lets it send from one network more"),
        *(*address, "update", ADDRESS, "--add-network", "127.0.0.8/29", *acting),
        shows=lambda printed: printed.splitlines()[:1],
    )
    await shell.refused(
        *("administrator", "looks for another organisation's address"),
        *(*address, "show", "duty@police.am", *acting),
        reason="NOT_FOUND",
    )
    await shell.run(
        *("administrator", "reads who did what; each act is evidence in the log"),
        *("namak", "admin", "audit", "--limit", "2", *acting, "--json"),
        shows=_acts,
    )


def _acts(printed: str) -> Iterator[str]:
    yield "(prints JSON, which says:)"
    for act in json.loads(printed)["acts"]:
        at, actor = act["time"][11:19], act["actor"]
        who = f"{actor['kind']} {actor['person_number']}".strip()
        yield f"{at} {act['act']} by {who} from {act['client_address']}"
        for change in act["changes"]:
            before, after = (", ".join(change[side]) or "-" for side in ("before", "after"))
            yield f"  {change['field']}: {before} → {after}"
