"""Requests and resources of DeliveryService, between the wire and the use case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.protobuf.duration_pb2 import Duration

from namak.v1 import delivery_pb2 as pb
from namak.v1.correspondence_pb2 import SendLetterRequest, WithdrawLetterRequest
from namak.v1.paper_pb2 import SubmitScannedLetterRequest, WithdrawScannedLetterRequest
from server.domain import addresses, fields, limits
from server.domain.caller import Sender
from server.domain.deliveries import Delivery, DeliveryFilter, DeliveryState, Part, PartInfo, Submission
from server.domain.fields import Malformed
from server.domain.paging import Page
from server.domain.profile import Profile
from server.domain.refusals import InvalidFields, Refused
from server.services.call import current_wording, reply_by
from server.services.evidence_wire import (
    evidence_fields,
    evidence_to_proto,
    receipt_fields,
    receipt_to_proto,
)
from server.services.problems import Problems
from server.services.refusals_wire import refusal_to_status
from server.services.sms_wire import text_from_proto
from server.services.values_wire import id_to_proto, sha256_to_proto, timestamp
from server.usecases.delivery import ListDeliveries
from server.usecases.submission import Accepted, SubmitMany
from server.usecases.withdrawal import WithdrawDelivery, Withdrawn

DELIVERY_STATES = {
    DeliveryState.CONSIGNED: pb.DELIVERY_STATE_CONSIGNED,
    DeliveryState.NOTIFIED: pb.DELIVERY_STATE_NOTIFIED,
    DeliveryState.WITHDRAWN: pb.DELIVERY_STATE_WITHDRAWN,
}
_STATES_OF_WIRE = {on_wire: state for state, on_wire in DELIVERY_STATES.items()}

# gRPC libraries take replies of up to 4 MiB unless told otherwise; a batch's receipts may need more.
_REPLY_BYTES = 4 * 1024 * 1024 - 64 * 1024
_BYTES_OF_A_CHARACTER = 4
_BYTES_BESIDES = 1024  # of one result: identifiers, times and the framing of messages


def submit_from_proto(request: pb.SubmitRequest, caller: Sender, profile: Profile) -> SubmitMany:
    problems = Problems()
    command = SubmitMany(
        caller=caller,
        submissions=[_submission(request.submission, profile, problems)],
        receipt_wait_seconds=receipt_wait(request, problems),
        reply_by=reply_by(),
    )
    problems.raise_if_any()
    return command


@dataclass(frozen=True, slots=True)
class Batch:
    """What to submit, and for every item in order its request id and what is wrong with its fields."""

    command: SubmitMany
    items: tuple[tuple[str, InvalidFields | None], ...]


def batch_from_proto(request: pb.BatchSubmitRequest, caller: Sender, profile: Profile) -> Batch:
    """Reads a batch. What is wrong with one item is that item's refusal, as Submit would have told it.

    Raises:
        InvalidFields: the batch as a whole is wrong: empty, too long, or with one request id twice.
    """
    problems = Problems()
    wait = receipt_wait(request, problems)
    if not 0 < len(request.submissions) <= limits.BATCH_ITEMS:
        problems.add("submissions", "NUMBER_OF_ITEMS", f"must have 1 to {limits.BATCH_ITEMS} items")
    else:
        _note_repeated_ids(request.submissions, problems)
    problems.raise_if_any()

    submissions: list[Submission] = []
    items: list[tuple[str, InvalidFields | None]] = []
    for message in request.submissions:
        refusal = None
        of_item = Problems()
        submission = _submission(message, profile, of_item)
        try:
            of_item.raise_if_any()
            submissions.append(submission)
        except InvalidFields as invalid:
            refusal = invalid
        items.append((message.request_id, refusal))
    return Batch(SubmitMany(caller, submissions, wait, reply_by()), tuple(items))


def list_deliveries_from_proto(
    request: pb.ListDeliveriesRequest, caller: Sender, profile: Profile
) -> ListDeliveries:
    problems = Problems()
    page_size = problems.page_size("page_size", request.page_size)
    sender_rule = partial(addresses.sender_address, profile=profile)
    recipient_rule = partial(addresses.recipient_address, profile=profile)
    wanted = DeliveryFilter(
        sender=problems.optional_text("sender", request.sender, sender_rule),
        recipient=problems.optional_text("recipient", request.recipient, recipient_rule),
        states=states_from_proto(request.states, problems),
        submitted_from=problems.optional_time("start_time", request),
        submitted_before=problems.optional_time("end_time", request),
        request_id=problems.optional_text("request_id", request.request_id, fields.request_id),
    )
    problems.raise_if_any()
    return ListDeliveries(caller, page_size, request.page_token, wanted)


def withdraw_from_proto(request: pb.WithdrawDeliveryRequest, caller: Sender) -> WithdrawDelivery:
    problems = Problems()
    command = WithdrawDelivery(
        caller=caller,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        delivery_id=problems.id("delivery_id", request.delivery_id),
        receipt_wait_seconds=receipt_wait(request, problems),
        reply_by=reply_by(),
    )
    problems.raise_if_any()
    return command


def withdrawn_to_proto(withdrawn: Withdrawn) -> pb.WithdrawDeliveryResponse:
    return pb.WithdrawDeliveryResponse(
        delivery=delivery_to_proto(withdrawn.delivery),
        evidence=evidence_to_proto(withdrawn.evidence),
        receipt=None if withdrawn.receipt is None else receipt_to_proto(withdrawn.receipt),
    )


def accepted_or_raise(outcome: Accepted | Refused) -> Accepted:
    """Returns what was accepted; a refusal is raised, for the interceptors to answer."""
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def write_accepted(message: pb.Accepted, accepted: Accepted) -> None:
    """Writes it into the message, where it stands in the reply: a message put into another is copied."""
    message.request_id = accepted.request_id
    _write_delivery(message.delivery, accepted.delivery)
    for fact in accepted.evidence:
        message.evidence.add(**evidence_fields(fact))
    for receipt in accepted.receipts:
        message.receipts.add(**receipt_fields(receipt))


def batch_to_proto(batch: Batch, outcomes: Sequence[Accepted | Refused]) -> pb.BatchSubmitResponse:
    """Returns the results in the order of the request.

    Receipts are left out from where the reply would grow beyond what clients take; evidence never is, and
    GetReceipt gives the rest.
    """
    response = pb.BatchSubmitResponse()
    _write_results(response, batch, iter(outcomes))
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    if len(accepted) == len(batch.items) and _bytes_at_most(accepted) <= _REPLY_BYTES:
        # Measuring it exactly takes as long as serialising it.
        return response
    excess = response.ByteSize() - _REPLY_BYTES
    for result in reversed(response.results):
        if excess <= 0:
            break
        before = result.ByteSize()
        if result.HasField("accepted"):
            del result.accepted.receipts[:]
        excess -= before - result.ByteSize()
    return response


def _bytes_at_most(accepted: Sequence[Accepted]) -> int:
    """Returns a bound for the results on the wire: evidence names all that a delivery has but its subject,
    and takes more bytes for it.
    """
    documents = sum(len(fact.data) for each in accepted for fact in each.evidence)
    proofs = sum(len(receipt.tlog_proof) for each in accepted for receipt in each.receipts)
    subjects = sum(_BYTES_OF_A_CHARACTER * len(each.delivery.subject) for each in accepted)
    return 2 * documents + proofs + subjects + _BYTES_BESIDES * len(accepted)


def _write_results(
    response: pb.BatchSubmitResponse, batch: Batch, outcomes: Iterator[Accepted | Refused]
) -> None:
    for request_id, malformed in batch.items:
        outcome = malformed or next(outcomes)
        result = response.results.add(request_id=request_id)
        if isinstance(outcome, Refused):
            result.refused.CopyFrom(refusal_to_status(outcome, current_wording()))
        else:
            write_accepted(result.accepted, outcome)


def delivery_to_proto(delivery: Delivery) -> pb.Delivery:
    message = pb.Delivery()
    _write_delivery(message, delivery)
    return message


def _write_delivery(message: pb.Delivery, delivery: Delivery) -> None:
    message.delivery_id = id_to_proto(delivery.id)
    message.sender = delivery.sender
    message.recipient = delivery.recipient
    message.subject = delivery.subject
    message.notification_policy = delivery.notification_policy
    message.state = DELIVERY_STATES[delivery.state]
    for part in delivery.parts:
        message.parts.add(**_part_info_fields(part))
    message.submission_time.CopyFrom(timestamp(delivery.submitted_at))
    if delivery.notified_at is not None:
        message.notification_time.CopyFrom(timestamp(delivery.notified_at))
    if delivery.withdrawn_at is not None:
        message.withdrawal_time.CopyFrom(timestamp(delivery.withdrawn_at))
    if delivery.in_reply_to is not None:
        message.in_reply_to = id_to_proto(delivery.in_reply_to)


def deliveries_to_proto(page: Page[Delivery]) -> pb.ListDeliveriesResponse:
    return pb.ListDeliveriesResponse(
        deliveries=[delivery_to_proto(delivery) for delivery in page.items],
        next_page_token=page.next_page_token,
    )


def part_info_to_proto(part: PartInfo) -> pb.PartInfo:
    return pb.PartInfo(**_part_info_fields(part))


def _part_info_fields(part: PartInfo) -> dict[str, Any]:
    return {
        "name": part.name,
        "media_type": part.media_type,
        "size": part.size,
        "digest": sha256_to_proto(part.digest),
    }


def states_from_proto(
    values: Sequence["pb.DeliveryState.ValueType"], problems: Problems
) -> frozenset[DeliveryState]:
    """Returns the states that a list is narrowed to; none for all."""
    states = set()
    for index, value in enumerate(values):
        state = _STATES_OF_WIRE.get(value)
        if state is None:
            problems.add(f"states[{index}]", "NOT_A_STATE", "must be a state that deliveries have")
        else:
            states.add(state)
    return frozenset(states)


def receipt_wait(
    request: pb.SubmitRequest
    | pb.BatchSubmitRequest
    | pb.WithdrawDeliveryRequest
    | SendLetterRequest
    | WithdrawLetterRequest
    | SubmitScannedLetterRequest
    | WithdrawScannedLetterRequest,
    problems: Problems,
) -> float:
    """Returns how many seconds to wait for receipts at most."""
    wait = limits.RECEIPT_WAIT_DEFAULT.total_seconds()
    if request.HasField("max_receipt_wait"):
        stated: Duration = request.max_receipt_wait
        wait = min(problems.seconds("max_receipt_wait", stated), limits.RECEIPT_WAIT_MAX.total_seconds())
    return wait


def _note_repeated_ids(submissions: Sequence[pb.Submission], problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, message in enumerate(submissions):
        # An empty one is malformed, which is its item's own problem.
        earlier = first.setdefault(message.request_id, index) if message.request_id else index
        if earlier != index:
            problems.add(
                f"submissions[{index}].request_id",
                "REQUEST_ID_REPEATED",
                f"is the request id of submissions[{earlier}] too; each must have its own",
            )


def _submission(message: pb.Submission, profile: Profile, problems: Problems) -> Submission:
    field = "submission"
    return Submission(
        request_id=problems.text(f"{field}.request_id", message.request_id, fields.request_id),
        sender=problems.text(
            f"{field}.sender", message.sender, partial(addresses.sender_address, profile=profile)
        ),
        recipient=problems.text(
            f"{field}.recipient", message.recipient, partial(addresses.recipient_address, profile=profile)
        ),
        subject=problems.text(f"{field}.subject", message.subject, fields.subject),
        parts=parts_from_proto(message.parts, f"{field}.parts", problems),
        notification_policy=problems.optional_text(
            f"{field}.notification_policy", message.notification_policy, fields.notification_policy
        ),
        sms=text_from_proto(message.sms, profile, problems, f"{field}.sms")
        if message.HasField("sms")
        else None,
    )


def parts_from_proto(messages: Sequence[pb.Part], field: str, problems: Problems) -> tuple[Part, ...]:
    """Returns the parts of a message, which stand in the field of this name."""
    if not 0 < len(messages) <= limits.PARTS:
        problems.add(field, "NUMBER_OF_ITEMS", f"must have 1 to {limits.PARTS} items")
        return ()
    if sum(len(message.content) for message in messages) > limits.CONTENT_BYTES:
        problems.add(field, "TOO_LARGE", f"must have at most {limits.CONTENT_BYTES} bytes together")
        return ()
    return tuple(_part(message, f"{field}[{index}]", problems) for index, message in enumerate(messages))


def _part(message: pb.Part, field: str, problems: Problems) -> Part:
    stated = problems.digest(f"{field}.digest", message.digest) if message.HasField("digest") else None
    digest = b""
    try:
        digest = fields.content(message.content, stated)
    except Malformed as problem:
        problems.add(f"{field}.content", problem.reason, problem.text)
    info = PartInfo(
        name=problems.text(f"{field}.name", message.name, fields.part_name),
        media_type=problems.text(f"{field}.media_type", message.media_type, fields.media_type),
        size=len(message.content),
        digest=digest,
    )
    return Part(info, message.content)
