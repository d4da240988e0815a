"""Administrative acts of SenderAdminService, between the wire and the use case."""

from functools import partial

from namak.evidence.administrative_act import Actor, Fields, FieldValue
from namak.v1 import sender_admin_pb2 as pb
from server.domain import fields, limits
from server.domain.paging import Page
from server.services.acting import current_actor
from server.services.evidence_wire import evidence_to_proto
from server.services.problems import Problems
from server.usecases.acts import ActView, ListActs
from server.usecases.records import ActFilter


def list_acts_from_proto(request: pb.ListAdministrativeActsRequest) -> ListActs:
    problems = Problems()
    line = partial(fields.line, limit=limits.ACT_FILTER_CHARACTERS)
    command = ListActs(
        by=current_actor(problems, request.acting_as),
        wanted=ActFilter(
            organisation_id=problems.optional_id("organisation_id", request.organisation_id),
            act=problems.optional_text("act", request.act, line),
            resource=problems.optional_text("resource", request.resource, line),
            person_number=problems.optional_text("person_number", request.person_number, line),
            since=problems.optional_time("start_time", request),
            until=problems.optional_time("end_time", request),
        ),
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def acts_to_proto(page: Page[ActView]) -> pb.ListAdministrativeActsResponse:
    return pb.ListAdministrativeActsResponse(
        acts=[_act_to_proto(view) for view in page.items], next_page_token=page.next_page_token
    )


def _act_to_proto(view: ActView) -> pb.AdministrativeAct:
    details = view.document.details
    return pb.AdministrativeAct(
        evidence=evidence_to_proto(view.fact),
        act=details.act,
        actor=_actor_to_proto(details.actor),
        client_address=str(details.acted_from or ""),
        organisation_id=str(view.listed.organisation_id or ""),
        resource_kind=_in_words(details.resource.kind),
        resource=details.resource.identifier,
        changes=_changes(details.before or {}, details.after or {}),
    )


def _actor_to_proto(actor: Actor) -> pb.Actor:
    return pb.Actor(
        kind=_in_words(actor.kind),
        certificate_sha256=bytes.fromhex(actor.certificate or ""),
        person_number=actor.person or "",
    )


def _changes(before: Fields, after: Fields) -> list[pb.FieldChange]:
    return [
        pb.FieldChange(field=name, before=_values(before.get(name)), after=_values(after.get(name)))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _values(value: FieldValue | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _in_words(kind: str) -> str:
    return kind.lower().replace("_", " ")
