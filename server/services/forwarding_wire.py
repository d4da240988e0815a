"""Requests and resources of ForwardingService, between the wire and the use cases."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from namak.v1 import forwarding_pb2 as pb
from server.domain import fields
from server.domain.caller import Holder
from server.domain.fields import Malformed
from server.domain.forwarding import (
    PHONE_GETS_NOTICES,
    ForwardedContent,
    ForwardingTarget,
    Result,
    TargetKind,
    TargetResult,
    email_target,
    fits,
    phone_target,
)
from server.domain.profile import Profile
from server.services.naming import mailbox_named
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.forwarding import AddTarget, ChangeTarget, OfTarget

_CONTENTS: Mapping[ForwardedContent, "pb.ForwardedContent.ValueType"] = MappingProxyType(
    {
        ForwardedContent.NOTICE: pb.FORWARDED_CONTENT_NOTICE,
        ForwardedContent.WHOLE: pb.FORWARDED_CONTENT_WHOLE,
    }
)
_OUTCOMES: Mapping[Result, "pb.ForwardingOutcome.ValueType"] = MappingProxyType(
    {
        Result.SENT: pb.FORWARDING_OUTCOME_SENT,
        Result.FAILED: pb.FORWARDING_OUTCOME_FAILED,
        Result.BOUNCED: pb.FORWARDING_OUTCOME_BOUNCED,
        Result.DELIVERED: pb.FORWARDING_OUTCOME_DELIVERED,
    }
)
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def add_from_proto(
    request: pb.AddForwardingTargetRequest, by: Holder, profile: Profile, own_domains: frozenset[str]
) -> AddTarget:
    problems = Problems()
    kind, address = TargetKind.EMAIL, ""
    match request.WhichOneof("address"):
        case "email":
            address = problems.text("email", request.email, lambda text: email_target(text, own_domains))
        case "phone":
            kind = TargetKind.PHONE
            address = problems.text("phone", request.phone, lambda text: phone_target(text, profile))
        case _:
            problems.add("email", "REQUIRED", "must be given, or a phone")
    content = _content(request.content, problems) or ForwardedContent.NOTICE
    if not fits(kind, content):
        problems.add("content", "NOT_PERMITTED", PHONE_GETS_NOTICES)
    command = AddTarget(
        by=by,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        mailbox=mailbox_named(problems, request.mailbox, profile),
        kind=kind,
        address=address,
        content=content,
        language=_language(request.language, profile, problems) or profile.languages[0],
    )
    problems.raise_if_any()
    return command


def change_from_proto(
    request: pb.ChangeForwardingTargetRequest, by: Holder, profile: Profile
) -> ChangeTarget:
    problems = Problems()
    if request.content == pb.FORWARDED_CONTENT_UNSPECIFIED and not request.language:
        problems.add("content", "REQUIRED", "must be given, or a language")
    command = ChangeTarget(
        by=by,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        mailbox=mailbox_named(problems, request.mailbox, profile),
        target_id=problems.id("target_id", request.target_id),
        content=_content(request.content, problems),
        language=_language(request.language, profile, problems),
    )
    problems.raise_if_any()
    return command


def send_code_from_proto(request: pb.SendForwardingCodeRequest, by: Holder, profile: Profile) -> OfTarget:
    problems = Problems()
    command = OfTarget(
        by=by,
        mailbox=mailbox_named(problems, request.mailbox, profile),
        target_id=problems.id("target_id", request.target_id),
    )
    problems.raise_if_any()
    return command


def verify_from_proto(request: pb.VerifyForwardingTargetRequest, by: Holder, profile: Profile) -> OfTarget:
    problems = Problems()
    command = OfTarget(
        by=by,
        mailbox=mailbox_named(problems, request.mailbox, profile),
        target_id=problems.id("target_id", request.target_id),
        code=problems.text("code", request.code, _code),
    )
    problems.raise_if_any()
    return command


def remove_from_proto(request: pb.RemoveForwardingTargetRequest, by: Holder, profile: Profile) -> OfTarget:
    problems = Problems()
    command = OfTarget(
        by=by,
        mailbox=mailbox_named(problems, request.mailbox, profile),
        target_id=problems.id("target_id", request.target_id),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
    )
    problems.raise_if_any()
    return command


def list_from_proto(request: pb.ListForwardingTargetsRequest, profile: Profile) -> str | None:
    problems = Problems()
    mailbox = mailbox_named(problems, request.mailbox, profile)
    problems.raise_if_any()
    return mailbox


def target_to_proto(target: ForwardingTarget) -> pb.ForwardingTarget:
    last = target.last
    told = pb.ForwardingTarget(
        target_id=str(target.id),
        content=_CONTENTS[target.content],
        language=target.language,
        add_time=time_to_proto(target.added_at),
        verify_time=time_to_proto(target.verified_at),
        last_result=None if last is None else _result_to_proto(last),
    )
    if target.kind is TargetKind.EMAIL:
        told.email = target.address
    else:
        told.phone = target.address
    return told


def _content(value: int, problems: Problems) -> ForwardedContent | None:
    """Returns what is to be forwarded; None where that is not said."""
    for each, named in _CONTENTS.items():
        if named == value:
            return each
    if value != pb.FORWARDED_CONTENT_UNSPECIFIED:
        problems.add("content", "NOT_PERMITTED", "must be one that there is")
    return None


def _language(language: str, profile: Profile, problems: Problems) -> str | None:
    """Returns the language; None where none is named."""
    if language and language not in profile.languages:
        problems.add("language", "NOT_PERMITTED", f"must be one of {', '.join(profile.languages)}")
    return language or None


def _result_to_proto(last: TargetResult) -> pb.ForwardingResult:
    return pb.ForwardingResult(
        outcome=_OUTCOMES[last.result],
        result_time=time_to_proto(last.at),
        reason=last.why,
        diagnostic=last.diagnostic,
        failures_in_a_row=last.in_a_row,
    )


def _code(text: str) -> str:
    if _CODE.fullmatch(text) is None:
        raise Malformed("INVALID_FORM", "must be six digits")
    return text
