"""``namak usage``."""

import csv
import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import typer

from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.naming import acting_organisation, organisation_id
from namak.cli.shapes_admin import day_of
from namak.cli.texts import N_, _
from namak.client.files import write_new_file
from namak.v1 import billing_pb2


async def usage(
    run: Run,
    first: date,
    last: date,
    address: str,
    target: Path | None,
    org: str | None,
    acting_as: str | None,
    *,
    per_day: bool,
    force: bool,
) -> ExitCode:
    """Shows usage."""
    if first > last:
        raise typer.BadParameter(_("the first day is after the last"), param_hint="--from")
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        named = acting if org is None else await organisation_id(post, org)
        found = await post.billing.usage(first, last, sender=address, organisation_id=named, acting_as=acting)
    if target is not None:
        write_new_file(target, _csv(found).encode("utf-8"), force=force)
    run.screen.result(
        {
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            "time_zone": found.time_zone,
            "total": _counts(found.total),
            "days": [{"date": day_of(item.date), **_counts(item.usage)} for item in found.days],
            "addresses": [{"sender": item.sender, **_counts(item.usage)} for item in found.addresses],
            "csv": None if target is None else str(target),
        }
    )
    _show(run, found, per_day=per_day)
    if target is not None:
        run.screen.line(str(target))
    return ExitCode.OK


def _show(run: Run, found: billing_pb2.GetUsageResponse, *, per_day: bool) -> None:
    counted = [(item.sender, item.usage) for item in found.addresses]
    run.screen.table(
        (N_("ADDRESS"), N_("SENT"), N_("OF THESE WITHDRAWN"), N_("SMS"), N_("SMS SEGMENTS")),
        [(name, *_cells(item)) for name, item in [*counted, (_("total"), found.total)]],
    )
    if per_day:
        run.screen.line("")
        run.screen.table(
            (N_("DAY"), N_("SENT"), N_("OF THESE WITHDRAWN"), N_("SMS"), N_("SMS SEGMENTS")),
            [(day_of(item.date) or "", *_cells(item.usage)) for item in found.days],
        )
    run.screen.note(_("Days of the time zone {zone}.").format(zone=found.time_zone))


def _cells(found: billing_pb2.Usage) -> tuple[str, ...]:
    return tuple(str(count) for count in _counts(found).values())


def _counts(found: billing_pb2.Usage) -> Mapping[str, int]:
    return {
        "accepted": found.accepted,
        "withdrawn": found.withdrawn,
        "sms": found.sms,
        "sms_segments": found.sms_segments,
    }


def _csv(found: billing_pb2.GetUsageResponse) -> str:
    """Returns the days and the total, by the headings that programs know."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("date", *_counts(found.total)))
    for item in found.days:
        rows.writerow((day_of(item.date), *_counts(item.usage).values()))
    rows.writerow(("total", *_counts(found.total).values()))
    return out.getvalue()
