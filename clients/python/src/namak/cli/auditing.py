"""``namak admin audit``."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from namak.cli import shapes, shapes_admin
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.naming import acting_organisation, organisation_id
from namak.cli.texts import N_
from namak.client import Client
from namak.client.paging import first
from namak.errors import Refused
from namak.v1 import sender_admin_pb2

_ADDRESS, _ORGANISATION = "sender address", "organisation"
_NAMED_BY: Mapping[str, str] = {_ADDRESS: "address", _ORGANISATION: "code"}
# By kind of thing: the field that holds its name.

_MOST_QUESTIONS = 100
# So many names are asked for at most.


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
        names = await _names(post, found, acting)
    run.screen.result(
        {"acts": [{**shapes_admin.act(item), "resource_name": names.get(item.resource)} for item in found]}
    )
    run.screen.table(
        (N_("TIME"), N_("ACT"), N_("BY"), N_("FROM"), N_("ON"), N_("CHANGES"), N_("EVIDENCE")),
        [
            (
                shapes.when(item.evidence.event_time, item.evidence.HasField("event_time")),
                item.act,
                f"{item.actor.kind} {item.actor.person_number}".strip(),
                item.client_address,
                f"{item.resource_kind} {names.get(item.resource, item.resource)}",
                "; ".join(_change(change) for change in item.changes),
                item.evidence.evidence_id,
            )
            for item in found
        ],
    )
    return ExitCode.OK


async def _names(
    post: Client, acts: Sequence[sender_admin_pb2.AdministrativeAct], acting_as: str
) -> Mapping[str, str]:
    """Returns by identifier what addresses and organisations are called: as the acts themselves tell, else as
    they are called now. What is gone keeps its identifier.
    """
    told: dict[str, str] = {}
    for act in acts:
        name = _NAMED_BY.get(act.resource_kind)
        for change in act.changes:
            if change.field == name and (values := [*change.after, *change.before]):
                told.setdefault(act.resource, values[0])
    asked = {(act.resource_kind, act.resource) for act in acts if act.resource not in told}
    for kind, identifier in sorted(asked)[:_MOST_QUESTIONS]:
        with suppress(Refused):
            if kind == _ADDRESS:
                told[identifier] = (await post.admin.sender_address(identifier, acting_as=acting_as)).address
            elif kind == _ORGANISATION:
                told[identifier] = (await post.admin.organisation(identifier, acting_as=acting_as)).code
    return told


def _change(change: sender_admin_pb2.FieldChange) -> str:
    before, after = ", ".join(change.before) or "-", ", ".join(change.after) or "-"
    return f"{change.field}: {before} → {after}"
