"""Prints the tables that are data in the code into the docs: `python -m server.dev.tables [--check]`.

`docs/reasons.md` tells what each reason means for a caller, `docs/events.md` who may see which fact. With
`--check` nothing is written, and a page that differs from the code is named.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from namak.evidence.events import EVENTS, Audience, Event, Extension
from server.domain.reasons import REASONS

DOCS = Path(__file__).resolve().parents[2] / "docs"

_REASONS = """# Reasons

Printed from `server/domain/reasons.py` by `scripts/generate`; don't edit.

Every refusal carries a `google.rpc.ErrorInfo` with domain `namak.v1` and one of these reasons. Match on it
and on the keys of its metadata, never on texts. *Recorded* refusals leave evidence (the metadata names it as
`evidence_id`) and are kept under the request id: the same id gets the same refusal again, for ever. Two of
them can come without evidence, and then nothing is kept: `NETWORK_NOT_PERMITTED` for a call from outside all
networks of the organisation, which is turned away at the door, and `SENDER_NOT_PERMITTED` where the request
id was used for another of the organisation's addresses. What each reason is about stands in
`proto/namak/v1/errors.proto`.

| reason | status | repeat? | recorded |
|---|---|---|---|
"""

_EVENTS = """# Events

Printed from `clients/python/src/namak/evidence/events.py` by `scripts/generate`; don't edit.

Every fact is of one of these events, and only its audience may see it. The last column names what its
evidence holds in `Extensions` besides `salt` and `notificationPolicy` (see `receipts.md`); what stands in
brackets is not always there. Acts on an organisation's things its administrators may see as well.

| event | URI | audience | extensions |
|---|---|---|---|
"""

_AUDIENCES = {
    Audience.SENDER: "the sender",
    Audience.HOLDER: "the holder",
    Audience.BOTH: "sender and holder",
    Audience.OPERATOR: "the operator",
}


def reasons() -> str:
    """Returns `docs/reasons.md`."""
    return _REASONS + "".join(
        f"| `{reason}` | {rule.status} | {rule.retry} | {'yes' if rule.recorded else 'no'} |\n"
        for reason, rule in REASONS.items()
    )


def events() -> str:
    """Returns `docs/events.md`."""
    rows = []
    for event in EVENTS:
        keys = ", ".join(_key(event, key) for key in event.extensions or ()) or "not issued yet"
        rows.append(f"| {event.name} | `{event.uri}` | {_AUDIENCES[event.audience]} | {keys} |\n")
    return _EVENTS + "".join(rows)


def _key(event: Event, key: Extension) -> str:
    return f"[`{key}`]" if key in event.optional else f"`{key}`"


def pages() -> Mapping[Path, str]:
    """Returns every printed page with its text."""
    return {DOCS / "reasons.md": reasons(), DOCS / "events.md": events()}


def main(arguments: list[str]) -> int:
    """Writes the pages, or with `--check` names those that are stale; returns the exit code."""
    stale = {
        page: text
        for page, text in pages().items()
        if not page.is_file() or page.read_text(encoding="utf-8") != text
    }
    for page, text in stale.items():
        if arguments == ["--check"]:
            sys.stderr.write(f"docs/{page.name} is stale; run scripts/generate\n")
        else:
            page.write_text(text, encoding="utf-8")
    return 1 if stale and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
