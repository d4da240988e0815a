"""What it costs, recounted from the evidence; and whether a holder's mailbox is complete."""

from datetime import datetime
from zoneinfo import ZoneInfo

from scripts.story.commanding import Shell
from scripts.story.stage import Stage
from server.jurisdictions.am import AM


async def accounts(stage: Stage, shell: Shell, began: datetime) -> None:
    """Plays the act; `began` is when the story did, for it may go on past midnight."""
    stage.act(
        "Anybody can recount: the bill, and the mailbox",
        "Neither the bill nor the mailbox has to be believed: both follow from evidence.",
    )
    zone = ZoneInfo(AM.time_zone)
    days = ("--from", str(began.astimezone(zone).date()), "--to", str(datetime.now(zone).date()))
    await shell.run("agency", "asks what it sent", "namak", "usage", *days)
    audited = await shell.run(
        *("operator", "recounts the bill from the evidence"),
        *("namak-server", "billing", "audit", *days, "--config", "namak-server.toml"),
    )
    stage.check("no difference" in audited, audited)
    proved = await shell.run("citizen", "proves that no letter is missing", "namak", "inbox", "--prove")
    stage.check("COMPLETE:" in proved, proved)
