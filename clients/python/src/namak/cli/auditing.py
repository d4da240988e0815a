"""``namak admin audit``."""

from dataclasses import dataclass
from datetime import datetime

from namak.cli import shapes, shapes_admin
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.naming import acting_organisation, organisation_id
from namak.cli.texts import N_
from namak.client.paging import first
from namak.v1 import sender_admin_pb2


@dataclass(frozen=True, slots=True)
class Filters:
    """What acts to list; what is empty filters nothing."""

    act: str
    resource: str
    person: str
    since: datetime | None
    before: datetime | None


async def audit(run: Run, org: str | None, filters: Filters, acting_as: str | None, limit: int) -> ExitCode:
    """Lists acts."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await first(
            limit,
            post.admin.administrative_acts(
                organisation_id="" if org is None else await organisation_id(post, org),
                act=filters.act,
                resource=filters.resource,
                person_number=filters.person,
                start=filters.since,
                end=filters.before,
                acting_as=acting,
                page_size=min(limit, 200),
            ),
        )
    run.screen.result({"acts": [shapes_admin.act(item) for item in found]})
    run.screen.table(
        (N_("TIME"), N_("ACT"), N_("BY"), N_("FROM"), N_("ON"), N_("CHANGES"), N_("EVIDENCE")),
        [
            (
                shapes.when(item.evidence.event_time, item.evidence.HasField("event_time")),
                item.act,
                f"{item.actor.kind} {item.actor.person_number}".strip(),
                item.client_address,
                f"{item.resource_kind} {item.resource}",
                "; ".join(_change(change) for change in item.changes),
                item.evidence.evidence_id,
            )
            for item in found
        ],
    )
    return ExitCode.OK


def _change(change: sender_admin_pb2.FieldChange) -> str:
    before, after = ", ".join(change.before) or "-", ", ".join(change.after) or "-"
    return f"{change.field}: {before} → {after}"
