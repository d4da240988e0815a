"""Prints the tables that are data in the code into the docs: `python -m server.dev.tables [--check]`.

`docs/reasons.md` tells what each reason means for a caller, `docs/events.md` who may see which fact,
`docs/deliveries.md` how far a delivery can come and what notifies, `docs/access.md` who may call what,
`docs/profiles.md` what each jurisdiction decides, `docs/ladder.md` what comes by itself, `docs/metrics.md`
what is measured. With `--check` nothing is written, and a page that differs from the code is named.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from namak.evidence.calendars import Span
from namak.evidence.events import EVENTS, Audience, Event, Extension
from namak.evidence.notification_policy import POLICIES
from server.dev import contract_text, ladder_page, metrics_page
from server.domain.delivery_views import VIEWS
from server.domain.profile_sources import Sourced, in_words, sourced
from server.domain.reasons import REASONS, Reason
from server.jurisdictions import PROFILES, SOURCES

DOCS = Path(__file__).resolve().parents[2] / "docs"

_REASONS = """# Reasons

Printed from `proto/namak/v1` and `server/domain/reasons.py` by `scripts/generate`; don't edit.

Every refusal carries a `google.rpc.ErrorInfo` with domain `namak.v1` and one of these reasons. Match on it
and on the keys of its metadata, never on texts. *Recorded* refusals leave evidence (the metadata names it as
`evidence_id`) and are kept under the request id: the same id gets the same refusal again, for ever. Two of
them can come without evidence, and then nothing is kept: `NETWORK_NOT_PERMITTED` for a call from outside all
networks of the organisation, which is turned away at the door, and `SENDER_NOT_PERMITTED` where the request
id was used for another of the organisation's addresses.

The status's own message is English and for developers. Beside it stands a `google.rpc.LocalizedMessage` for
the person who caused the call, in the language that fits the call's metadata `accept-language` best (in
HTTP's form: `kk-KZ, ru;q=0.8`) among the jurisdiction's languages, whose first is the default; `locale` names
it. These texts may change too.

Any method can besides end with `CERTIFICATE_UNBOUND`, `CERTIFICATE_REVOKED`, `ROLE_NOT_PERMITTED`,
`NETWORK_NOT_PERMITTED`, `REVOCATION_STATUS_UNKNOWN`, `SERVICE_UNAVAILABLE`, `DEADLINE_EXCEEDED` and
`INTERNAL`; with `OVERLOADED`, before anything is looked at or recorded, where more is under way than the
server takes on, or more of the caller's than leaves room for others; and with `RESOURCE_EXHAUSTED` and no
reason, before the server knows whose the call is: a request over 4 MiB, or far more calls held open than are
served. The last column names the methods that have a reason of their own for it.

| reason | status | repeat? | recorded | what it says | methods |
|---|---|---|---|---|---|
"""

_EVENTS = """# Events

Printed from `clients/python/src/namak/evidence/events.py` by `scripts/generate`; don't edit.

Every fact is of one of these events, and only its audience may see it. The last column names what its
evidence holds in `Extensions` besides `salt` and `notificationPolicy` (see `receipts.md`); what stands in
brackets is not always there. Acts on an organisation's things its administrators may see as well.

| event | URI | audience | extensions |
|---|---|---|---|
"""

_DELIVERIES = """# Deliveries: states, policies, profiles

Printed from `server/domain/delivery_views.py`, `namak/evidence/notification_policy.py` and
`server/jurisdictions` by `scripts/generate`; don't edit.

## States

State is a view of the facts and moves forward only, once. What counts are the facts (`events.md`) and the
legal effect that the policy derives from them. Whoever has opened a message has opened it for good: from
then on it can't be withdrawn, in whatever state it is.

| state | reached by | from | the sender sees | the holder sees | can be opened | can be withdrawn |
|---|---|---|---|---|---|---|
{states}
## Notification policies

A delivery keeps the policy, with its version, that it was accepted under. The first rule that applies
notifies, once and for ever; later facts are recorded all the same and change nothing. A withdrawn delivery
never notifies.

| policy | rule | notifies upon | after | with a wait of |
|---|---|---|---|---|
{policies}
## Profiles

| profile | policy of new deliveries | time zone of its days | mailboxes at | aliases | senders under |
|---|---|---|---|---|---|
{profiles}"""

_ACCESS = """# Who may call what

Printed from the access options in `proto/namak/v1` by `scripts/generate`; don't edit.

The server enforces exactly these options; a method without one is refused to everybody. Everybody with a
certificate that the server's authorities vouch for is also a *stranger*. An *administrator* is a person
with a personal certificate, and thus a holder too; in a request that has `acting_as` it names the one
organisation acted for. Whether the thing asked for is the caller's is settled besides, method by method.
Health needs no caller; server reflection any but a stranger.

| method | callers |
|---|---|
"""

_PROFILES = """# Profiles of jurisdictions

Printed from `server/jurisdictions` by `scripts/generate`; don't edit. `namak-server profile show CODE` prints
the same, and `profile = "kz"` in the settings chooses one.

A value is *stated* by a rule of the requirements, a seed, or a published text; or it is **assumed**, because
the documents are silent or leave it open. Whoever runs a post confirms what is assumed, or changes it, before
anybody's rights hang on it. How people's certificates name them stands with the evidence
(`namak/evidence/namings.py`), so that verifiers know it.
"""

_PROFILE = """
## {code}

{assumed} of {fields} values are assumed.

| field | value | by |
|---|---|---|
"""

_AUDIENCES = {
    Audience.SENDER: "the sender",
    Audience.HOLDER: "the holder",
    Audience.BOTH: "sender and holder",
    Audience.OPERATOR: "the operator",
}


def reasons() -> str:
    """Returns `docs/reasons.md`."""
    said = contract_text.reasons()
    return _REASONS + "".join(
        f"| `{reason}` | {rule.status} | {rule.retry} | {'yes' if rule.recorded else 'no'} "
        f"| {said[reason.value]} | {_naming(reason)} |\n"
        for reason, rule in REASONS.items()
    )


def _naming(reason: Reason) -> str:
    named = [each.name for each in contract_text.methods() if reason.value in each.reasons]
    short = [name.partition(".")[2] for name in named]
    return ", ".join(short) if short else "any"


def events() -> str:
    """Returns `docs/events.md`."""
    rows = []
    for event in EVENTS:
        keys = ", ".join(_key(event, key) for key in event.extensions or ()) or "not issued yet"
        rows.append(f"| {event.name} | `{event.uri}` | {_AUDIENCES[event.audience]} | {keys} |\n")
    return _EVENTS + "".join(rows)


def _key(event: Event, key: Extension) -> str:
    return f"[`{key}`]" if key in event.optional else f"`{key}`"


def deliveries() -> str:
    """Returns `docs/deliveries.md`."""
    states = "".join(
        f"| {state} | {view.reached_by.name} | {', '.join(sorted(view.from_states)) or 'the submission'} "
        f"| {view.sender_sees} | {view.holder_sees} | {_yes(view.opens)} | {_yes(view.withdraws)} |\n"
        for state, view in VIEWS.items()
    )
    policies = "".join(
        f"| `{policy.key}` | {rule.id} | {rule.fact.name} | {', '.join(each.name for each in rule.requires)} "
        f"| {_wait(rule.wait)} |\n"
        for policy in POLICIES.values()
        for rule in policy.rules
    )
    profiles = "".join(
        f"| `{profile.code}` | `{profile.notification_policy}` | {profile.time_zone} "
        f"| `{profile.mailbox_domain}` | {_codes(profile.mailbox_domain_aliases)} "
        f"| {_codes(f'.{top}' for top in profile.sender_domains.top)} |\n"
        for profile in PROFILES.values()
    )
    return _DELIVERIES.format(states=states, policies=policies, profiles=profiles)


def profiles() -> str:
    """Returns `docs/profiles.md`."""
    return _PROFILES + "".join(_profile(code, sourced(PROFILES[code], SOURCES[code])) for code in PROFILES)


def _profile(code: str, found: tuple[Sourced, ...]) -> str:
    assumed = sum(each.source.assumed for each in found)
    return _PROFILE.format(code=code, assumed=assumed, fields=len(found)) + "".join(
        f"| `{each.name}` | {in_words(each.value).replace('|', chr(92) + '|')} "
        f"| {'**assumed**: ' if each.source.assumed else ''}{each.source.by} |\n"
        for each in found
    )


def access() -> str:
    """Returns `docs/access.md`."""
    return _ACCESS + "".join(
        f"| {method.name} | {', '.join(method.callers)} |\n" for method in contract_text.methods()
    )


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts) or "none"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _wait(wait: Span) -> str:
    return f"{wait.days} days ({wait.counted})" if wait.days else "none"


def pages() -> Mapping[Path, str]:
    """Returns every printed page with its text."""
    return {
        DOCS / "reasons.md": reasons(),
        DOCS / "events.md": events(),
        DOCS / "deliveries.md": deliveries(),
        DOCS / "access.md": access(),
        DOCS / "profiles.md": profiles(),
        DOCS / "ladder.md": ladder_page.page(),
        DOCS / "metrics.md": metrics_page.page(),
        **{DOCS / "pictures" / name: text for name, text in ladder_page.pictures().items()},
    }


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
            page.parent.mkdir(exist_ok=True)
            page.write_text(text, encoding="utf-8")
    return 1 if stale and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
