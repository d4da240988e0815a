"""Requests and resources of CorrespondenceService, between the wire and the use case."""

from functools import partial

from namak.v1 import correspondence_pb2 as pb
from namak.v1.letter_pb2 import PaperLetterState
from server.domain import addresses, fields
from server.domain.caller import Holder
from server.domain.deliveries import Delivery, DeliveryFilter
from server.domain.letter_orders import LetterOrder
from server.domain.paging import Page
from server.domain.profile import Profile
from server.services.call import reply_by
from server.services.delivery_wire import (
    delivery_to_proto,
    parts_from_proto,
    receipt_wait,
    states_from_proto,
)
from server.services.evidence_wire import evidence_to_proto, receipt_to_proto
from server.services.problems import Problems
from server.usecases.correspondence import ListLetters, SendLetter, WithdrawLetter
from server.usecases.withdrawal import Withdrawn


def send_letter_from_proto(request: pb.SendLetterRequest, holder: Holder, profile: Profile) -> SendLetter:
    problems = Problems()
    recipient, in_reply_to = None, None
    match request.WhichOneof("to"):
        case "recipient":
            rule = partial(addresses.recipient_address, profile=profile)
            recipient = problems.text("recipient", request.recipient, rule)
        case "in_reply_to":
            in_reply_to = problems.id("in_reply_to", request.in_reply_to)
        case _:
            problems.add("recipient", "REQUIRED", "must be given, or in_reply_to")
    command = SendLetter(
        holder=holder,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        recipient=recipient,
        in_reply_to=in_reply_to,
        subject=problems.text("subject", request.subject, fields.subject),
        parts=parts_from_proto(request.parts, "parts", problems),
        receipt_wait_seconds=receipt_wait(request, problems),
        reply_by=reply_by(),
        print_and_post=request.print_and_post,
    )
    problems.raise_if_any()
    return command


def printed_to_proto(printed: LetterOrder) -> pb.PrintedReply:
    return pb.PrintedReply(
        state=PaperLetterState.Value(f"PAPER_LETTER_STATE_{printed.state.value}"),
        tracking_number=printed.tracking,
        problem=printed.reason,
    )


def list_letters_from_proto(request: pb.ListLettersRequest, holder: Holder, profile: Profile) -> ListLetters:
    problems = Problems()
    page_size = problems.page_size("page_size", request.page_size)
    recipient_rule = partial(addresses.recipient_address, profile=profile)
    wanted = DeliveryFilter(
        recipient=problems.optional_text("recipient", request.recipient, recipient_rule),
        states=states_from_proto(request.states, problems),
        submitted_from=problems.optional_time("start_time", request),
        submitted_before=problems.optional_time("end_time", request),
        request_id=problems.optional_text("request_id", request.request_id, fields.request_id),
    )
    problems.raise_if_any()
    return ListLetters(holder, page_size, request.page_token, wanted)


def letters_to_proto(page: Page[Delivery]) -> pb.ListLettersResponse:
    return pb.ListLettersResponse(
        letters=[delivery_to_proto(letter) for letter in page.items], next_page_token=page.next_page_token
    )


def withdraw_letter_from_proto(request: pb.WithdrawLetterRequest, holder: Holder) -> WithdrawLetter:
    problems = Problems()
    command = WithdrawLetter(
        holder=holder,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        delivery_id=problems.id("delivery_id", request.delivery_id),
        receipt_wait_seconds=receipt_wait(request, problems),
        reply_by=reply_by(),
    )
    problems.raise_if_any()
    return command


def withdrawn_to_proto(withdrawn: Withdrawn) -> pb.WithdrawLetterResponse:
    return pb.WithdrawLetterResponse(
        letter=delivery_to_proto(withdrawn.delivery),
        evidence=evidence_to_proto(withdrawn.evidence),
        receipt=None if withdrawn.receipt is None else receipt_to_proto(withdrawn.receipt),
    )
