"""Requests and resources of DelegationService, between the wire and the use cases."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from namak.evidence.delegation import Right
from namak.v1 import delegation_pb2 as pb
from server.domain import fields
from server.domain.caller import Holder, Operator
from server.domain.delegations import Delegation
from server.domain.paging import Page
from server.domain.profile import Profile
from server.services.naming import mailbox_named
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.delegations import GrantDelegation, ListDelegations, RevokeDelegation

_RIGHTS: Mapping[Right, "pb.DelegatedRight.ValueType"] = MappingProxyType(
    {
        Right.READ: pb.DELEGATED_RIGHT_READ,
        Right.READ_AND_CONFIRM: pb.DELEGATED_RIGHT_READ_AND_CONFIRM,
    }
)
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def grant_from_proto(request: pb.GrantDelegationRequest, by: Holder, profile: Profile) -> GrantDelegation:
    problems = Problems()
    number = partial(fields.person_number, profile=profile)
    expire = problems.optional_time("expire_time", request)
    if expire is None and not request.HasField("expire_time"):
        problems.add("expire_time", "REQUIRED", "must say until when")
    right = next((right for right, named in _RIGHTS.items() if named == request.right), None)
    if right is None:
        problems.add("right", "REQUIRED", "must be a right that there is")
    command = GrantDelegation(
        by=by,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        mailbox=mailbox_named(problems, request.mailbox, profile),
        delegate=problems.text("delegate", request.delegate, number),
        right=right or Right.READ,
        start=problems.optional_time("start_time", request),
        expire=expire or _NEVER,
    )
    problems.raise_if_any()
    return command


def revoke_from_proto(request: pb.RevokeDelegationRequest, by: Holder) -> RevokeDelegation:
    problems = Problems()
    command = RevokeDelegation(
        by=by,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        delegation_id=problems.id("delegation_id", request.delegation_id),
    )
    problems.raise_if_any()
    return command


def list_from_proto(
    request: pb.ListDelegationsRequest, by: Holder | Operator, profile: Profile
) -> ListDelegations:
    problems = Problems()
    if request.received and request.mailbox:
        problems.add("mailbox", "NOT_PERMITTED", "must be empty where those received are asked for")
    if isinstance(by, Operator) and not request.mailbox:
        problems.add("mailbox", "REQUIRED", "must name the mailbox")
    if isinstance(by, Operator) and request.received:
        problems.add("received", "NOT_PERMITTED", "must be false: the operator is nobody's delegate")
    command = ListDelegations(
        by=by,
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
        mailbox=mailbox_named(problems, request.mailbox, profile),
        received=request.received,
        show_ended=request.show_ended,
    )
    problems.raise_if_any()
    return command


def delegation_to_proto(delegation: Delegation) -> pb.Delegation:
    revoked = delegation.revoke_evidence_id
    return pb.Delegation(
        delegation_id=str(delegation.id),
        mailbox=delegation.terms.mailbox,
        delegate=delegation.terms.delegate,
        right=_RIGHTS[delegation.terms.right],
        start_time=time_to_proto(delegation.terms.start),
        expire_time=time_to_proto(delegation.terms.expire),
        grantor=delegation.grantor,
        grant_time=time_to_proto(delegation.granted_at),
        revoke_time=time_to_proto(delegation.revoked_at),
        grant_evidence_id=str(delegation.grant_evidence_id),
        revoke_evidence_id="" if revoked is None else str(revoked),
    )


def page_to_proto(page: Page[Delegation]) -> pb.ListDelegationsResponse:
    return pb.ListDelegationsResponse(
        delegations=[delegation_to_proto(each) for each in page.items],
        next_page_token=page.next_page_token,
    )
