"""What ``namak monitor`` says of alarms."""

from collections.abc import Mapping
from datetime import UTC, datetime

from namak.cli.texts import N_, _
from namak.monitor.alarms import Alarm, AlarmKind

SENTENCES: Mapping[AlarmKind, str] = {
    AlarmKind.FORK: N_(
        "FORK: {origin} signed two histories, one of {known} entries and one of {size}. Both signed "
        "checkpoints are in {proof}: that is proof. Publish it."
    ),
    AlarmKind.ROLLBACK: N_(
        "ROLLBACK: {origin} shows {size} entries, and showed {known} before. Both signed checkpoints are in "
        "{proof}."
    ),
    AlarmKind.NOT_SIGNED: N_("NOT SIGNED: what {source} shows as its checkpoint does not count: {problem}"),
    AlarmKind.NOT_SHOWN: N_(
        "NOT SHOWN: {source} does not show the log of {size} entries that was signed: {problem}"
    ),
    AlarmKind.UNWITNESSED: N_(
        "NOT WITNESSED: the checkpoint of {size} entries that {origin} shows has signatures of {count} of "
        "your {of} witnesses; your quorum asks for {least}."
    ),
    AlarmKind.STALE: N_("OLD: there was nothing newer of {origin} since {time}."),
    AlarmKind.SUCCESSOR: N_(
        "SUCCESSOR: what {source} shows as the announcement of the shard after {origin} does not count: "
        "{problem}"
    ),
    AlarmKind.RECEIPT: N_("RECEIPT: what {file} proves does not stand in the log: {problem}"),
    AlarmKind.MAILBOX: N_("MAILBOX: {mailbox} is not proven complete: {problem}"),
}
"""By kind; the values of each alarm stand in the braces."""

BY_NOBODY = N_(
    "NOT WITNESSED: the checkpoint of {size} entries that {origin} shows has no signature of your {of} "
    "witnesses; your quorum asks for {least}. Some may have signed: a post shows such signatures only once "
    "its own quorum is there."
)
"""Of an unwitnessed log, where not even one is shown."""

WITHHELD = N_(
    "OLD: {origin} was announced at {time} as the shard that comes next, and is not shown: {problem}"
)
"""Of a shard that should have begun."""


def words(alarm: Alarm) -> str:
    """Returns an alarm's sentence, in the language that the process speaks."""
    values = dict(alarm.values)
    if isinstance(seconds := values.get("time"), int):
        values["time"] = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    sentence = SENTENCES[alarm.kind]
    if alarm.kind is AlarmKind.UNWITNESSED and not values["count"]:
        sentence = BY_NOBODY
    elif alarm.kind is AlarmKind.STALE and "problem" in values:
        sentence = WITHHELD
    return _(sentence).format(**values)
