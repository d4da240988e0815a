"""``namak policy``: the notification policies, in words and played, without any server."""

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import typer

from namak.cli import policy_pictures, policy_words
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.policy_pictures import Moment
from namak.cli.texts import N_, _
from namak.cli.verifying import read_file
from namak.client.files import write_new_file
from namak.evidence import events
from namak.evidence.calendars import CALENDARS, Calendar
from namak.evidence.failures import UnknownCalendar
from namak.evidence.notification_policy import POLICIES, NotificationPolicy, Rule
from namak.evidence.simulation import (
    FACTS_AT_MOST,
    POSSIBLE,
    Entry,
    ImaginedFact,
    Kind,
    imagined,
    timeline,
)
from namak.evidence.times import format_time

KINDS = {
    Kind.FACT: N_("fact"),
    Kind.STEP: N_("step due"),
    Kind.EFFECT: N_("notified"),
    Kind.WITHDRAWN: N_("withdrawn"),
    Kind.LATE: N_("late fact"),
}


def show_list(run: Run) -> ExitCode:
    """Lists the policies that this version knows."""
    run.screen.result(
        {
            "policies": [
                {
                    "key": policy.key,
                    "rules": [rule.id for rule in policy.rules],
                    "steps": [step.id for step in policy.steps],
                }
                for policy in POLICIES.values()
            ]
        }
    )
    run.screen.table(
        (N_("POLICY"), N_("NOTIFIES BY"), N_("STEPS")),
        [
            (
                policy.key,
                ", ".join(rule.id for rule in policy.rules),
                ", ".join(step.id for step in policy.steps),
            )
            for policy in POLICIES.values()
        ],
    )
    return ExitCode.OK


def explain(run: Run, key: str, svg: Path | None, *, force: bool) -> ExitCode:
    """Prints a policy in words, and draws it where asked."""
    policy = _policy(key)
    _draw(svg, policy.key, policy_pictures.of_policy(policy), ways=len(policy.rules), force=force)
    run.screen.result(
        {
            "key": policy.key,
            "rules": [{"id": rule.id, "notifies": policy_words.rule(rule)} for rule in policy.rules],
            "steps": [
                {"id": step.id, "action": step.action.value, "due": policy_words.wait(step.wait)}
                for step in policy.steps
            ],
            "sources": [
                {"by": source.by, "where": source.where, "says": source.says} for source in policy.sources
            ],
            "assumed": list(policy.assumed),
        }
    )
    run.screen.lines(policy_words.lines(policy))
    return ExitCode.OK


def simulate(
    run: Run,
    key: str,
    facts: Sequence[str],
    file: Path | None,
    profile: str,
    svg: Path | None,
    *,
    force: bool,
) -> ExitCode:
    """Plays a policy over the facts given, and prints the timeline."""
    policy = _policy(key)
    name, calendar = _calendar(profile)
    given = [_fact(text, calendar) for text in facts]
    given += _facts_in(file, calendar) if file else []
    if not given or len(given) > FACTS_AT_MOST:
        raise typer.BadParameter(_("name 1 to {most} facts").format(most=FACTS_AT_MOST), param_hint="--fact")
    try:
        entries = timeline(policy, imagined(given, policy, name))
    except UnknownCalendar as unsettled:
        raise typer.BadParameter(unsettled.detail, param_hint="--fact") from unsettled
    moments = [
        Moment(entry.kind, _local(entry.at, calendar), _(KINDS[entry.kind]), _told(entry, policy))
        for entry in entries
    ]
    _draw(svg, f"{policy.key}, {calendar.zone}", moments, force=force)
    run.screen.result(
        {
            "policy": policy.key,
            "profile": name,
            "outcome": _outcome(entries, policy),
            "timeline": [_plain(entry) for entry in entries],
        }
    )
    run.screen.line(f"{policy.key}, {calendar.zone}")
    run.screen.lines(policy_pictures.drawn(moments))
    if not any(entry.kind is Kind.EFFECT for entry in entries):
        run.screen.line(_("By these facts the recipient is not notified."))
    return ExitCode.OK


def _policy(key: str) -> NotificationPolicy:
    found = POLICIES.get(key)
    if found is None:
        raise typer.BadParameter(_("must be one of {names}").format(names=", ".join(POLICIES)))
    return found


def _calendar(profile: str) -> tuple[str, Calendar]:
    for name, calendar in CALENDARS.items():
        if profile in (name, name.split(":")[1]):
            return name, calendar
    names = ", ".join(name.split(":")[1] for name in CALENDARS)
    raise typer.BadParameter(_("must be one of {names}").format(names=names), param_hint="--profile")


def _fact(text: str, calendar: Calendar) -> ImaginedFact:
    name, at, times = text.partition("@")
    if not at:
        raise typer.BadParameter(
            _("must be an event and a time, such as ContentConsignment@2026-11-22T10:00"),
            param_hint="--fact",
        )
    recorded, slash, reported = times.partition("/")
    return _made(name, recorded, reported if slash else None, calendar, "--fact")


def _facts_in(file: Path, calendar: Calendar) -> list[ImaginedFact]:
    problem = typer.BadParameter(
        _("must be a JSON list of objects with event, time and perhaps reported_time"), param_hint="--facts"
    )
    try:
        found = json.loads(read_file(file))
    except ValueError as wrong:
        raise problem from wrong
    if not isinstance(found, list):
        raise problem
    made = []
    for each in found:
        if not isinstance(each, dict) or not {"event", "time"} <= each.keys() <= {
            "event",
            "time",
            "reported_time",
        }:
            raise problem
        if not all(isinstance(value, str) for value in each.values()):
            raise problem
        made.append(_made(each["event"], each["time"], each.get("reported_time"), calendar, "--facts"))
    return made


def _made(name: str, recorded: str, reported: str | None, calendar: Calendar, hint: str) -> ImaginedFact:
    event = events.by_name.get(name)
    if event not in POSSIBLE:
        names = ", ".join(each.name for each in POSSIBLE)
        raise typer.BadParameter(_("must be one of {names}").format(names=names), param_hint=hint)
    assert event is not None
    at = _time(recorded, calendar, hint)
    return ImaginedFact(event, at, _time(reported, calendar, hint) if reported else None)


def _time(text: str, calendar: Calendar, hint: str) -> datetime:
    zone = timezone(calendar.offset)
    try:
        found = datetime.fromisoformat(text)
        moved = (found.replace(tzinfo=zone) if found.tzinfo is None else found).astimezone(zone)
        # Whatever is counted from it must have a year.
        moved.replace(year=moved.year + 50)
    except (ValueError, OverflowError) as problem:
        raise typer.BadParameter(
            _("must be a time such as 2026-03-01 or 2026-03-01T09:30:00+04:00"), param_hint=hint
        ) from problem
    return moved


def _local(at: datetime, calendar: Calendar) -> str:
    moved = at.astimezone(timezone(calendar.offset))
    seconds = moved.replace(microsecond=0)
    return f"{seconds:%Y-%m-%d %H:%M}" if not seconds.second else f"{seconds:%Y-%m-%d %H:%M:%S}"


def _rule(entry: Entry, policy: NotificationPolicy) -> Rule:
    return next(rule for rule in policy.rules if rule.id == entry.rule)


def _told(entry: Entry, policy: NotificationPolicy) -> str:
    told = policy_words.told(entry, policy)
    if entry.kind is Kind.EFFECT and (rule := _rule(entry, policy)).wait.days:
        return f"{told}; {policy_words.rule(rule)}"
    return told


def _outcome(entries: Sequence[Entry], policy: NotificationPolicy) -> dict[str, object]:
    effect = next((entry for entry in entries if entry.kind is Kind.EFFECT), None)
    if effect is None or effect.event is None or effect.since is None:
        return {"notified": False}
    return {
        "notified": True,
        "since": format_time(effect.at),
        "rule": effect.rule,
        "because": {"event": effect.event.name, "time": format_time(effect.since)},
        "wait": policy_words.rule(_rule(effect, policy)),
    }


def _plain(entry: Entry) -> dict[str, object]:
    found: dict[str, object] = {"time": format_time(entry.at), "kind": entry.kind.value}
    values = {
        "event": entry.event.name if entry.event else None,
        "rule": entry.rule,
        "step": entry.step,
        "action": entry.action.value if entry.action else None,
        "why": entry.why.value if entry.why else None,
        "missing": [event.name for event in entry.missing] or None,
    }
    return found | {key: value for key, value in values.items() if value is not None}


def _draw(file: Path | None, title: str, moments: Sequence[Moment], *, ways: int = 0, force: bool) -> None:
    if file is not None:
        write_new_file(file, policy_pictures.svg(title, moments, ways=ways).encode(), force=force)
