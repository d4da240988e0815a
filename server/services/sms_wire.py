"""Requests and resources of SmsService, and the text that goes with a submission, between the wire and the
use cases.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from namak.v1 import sms_pb2 as pb
from server.domain import addresses, fields
from server.domain.caller import Sender
from server.domain.paging import Page
from server.domain.profile import Profile
from server.domain.sender_sms import (
    MOST_PHONES,
    SenderSms,
    SmsFilter,
    SmsState,
    SmsText,
    sms_phone,
    sms_words,
)
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.sender_sms import ListSms, SendSms

_STATES: Mapping[SmsState, "pb.SmsState.ValueType"] = MappingProxyType(
    {
        SmsState.ACCEPTED: pb.SMS_STATE_ACCEPTED,
        SmsState.SENT: pb.SMS_STATE_SENT,
        SmsState.DELIVERED: pb.SMS_STATE_DELIVERED,
        SmsState.FAILED: pb.SMS_STATE_FAILED,
    }
)


def text_from_proto(message: pb.SmsText, profile: Profile, problems: Problems, field: str) -> SmsText:
    """Reads a text and its phones; what is wrong is noted below the name of the field."""
    text = problems.text(f"{field}.text", message.text, sms_words)
    if not 1 <= len(message.phones) <= MOST_PHONES:
        problems.add(f"{field}.phones", "NUMBER_OF_ITEMS", f"must have 1 to {MOST_PHONES} items")
        return SmsText(text, ())
    phones = tuple(
        problems.text(f"{field}.phones[{index}]", phone, partial(sms_phone, profile=profile))
        for index, phone in enumerate(message.phones)
    )
    for index, phone in enumerate(phones):
        if phone and phone in phones[:index]:
            problems.add(f"{field}.phones[{index}]", "REPEATED", "stands in the list before")
    return SmsText(text, phones)


def send_from_proto(request: pb.SendSmsRequest, caller: Sender, profile: Profile) -> SendSms:
    problems = Problems()
    command = SendSms(
        caller=caller,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        sender=problems.text("sender", request.sender, partial(addresses.sender_address, profile=profile)),
        sms=text_from_proto(request.sms, profile, problems, "sms"),
    )
    problems.raise_if_any()
    return command


def list_from_proto(request: pb.ListSmsRequest, caller: Sender) -> ListSms:
    problems = Problems()
    size = problems.page_size("page_size", request.page_size)
    states = frozenset(state for state, named in _STATES.items() if named in request.states)
    if len(states) != len(set(request.states)):
        problems.add("states", "NOT_PERMITTED", "must be ones that there are")
    wanted = SmsFilter(
        request_id=problems.optional_text("request_id", request.request_id, fields.request_id),
        delivery_id=problems.id("delivery_id", request.delivery_id) if request.delivery_id else None,
        states=states,
    )
    problems.raise_if_any()
    return ListSms(caller, size, request.page_token, wanted)


def page_to_proto(page: Page[SenderSms]) -> pb.ListSmsResponse:
    messages = [sms_to_proto(each) for each in page.items]
    return pb.ListSmsResponse(messages=messages, next_page_token=page.next_page_token)


def sms_to_proto(sms: SenderSms) -> pb.Sms:
    return pb.Sms(
        sms_id=str(sms.id),
        request_id=sms.request_id,
        sender=sms.sender,
        phone=sms.phone,
        delivery_id="" if sms.delivery_id is None else str(sms.delivery_id),
        segments=sms.segments,
        state=_STATES[sms.state],
        reason=sms.why,
        submission_time=time_to_proto(sms.submitted_at),
        result_time=time_to_proto(sms.result_at),
        evidence_ids=[str(each) for each in (sms.acceptance_id, *sms.later_evidence)],
    )
