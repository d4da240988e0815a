"""Requests and resources of PaperService, between the wire and the use case."""

from collections.abc import Sequence
from functools import partial

from namak.evidence.copy_statement import copy_statement
from namak.evidence.custody import STEPS_LIMIT, CustodyAct, CustodyStep
from namak.evidence.details_outside import TRACKING_FORM
from namak.evidence.details_paper import (
    ORIGINAL_LIMIT,
    PERSON_LIMIT,
    PLACE_LIMIT,
    SENDER_LINE_LIMIT,
    SENDER_LINES_LIMIT,
    SENDER_NAME_LIMIT,
    PaperDetails,
    PaperSender,
)
from namak.v1 import paper_pb2 as pb
from server.domain import addresses, fields
from server.domain.caller import Clerk
from server.domain.deliveries import Part
from server.domain.fields import Malformed
from server.domain.paper_desk import SCAN_MEDIA_TYPES, PaperOrigin
from server.domain.profile import Profile
from server.services.call import reply_by
from server.services.delivery_wire import delivery_to_proto, parts_from_proto, receipt_wait
from server.services.evidence_wire import evidence_to_proto, receipt_to_proto
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.paper import SubmitScannedLetter, WithdrawScannedLetter
from server.usecases.withdrawal import Withdrawn

_ACTS = {
    pb.CUSTODY_ACT_RECEIVED: CustodyAct.RECEIVED,
    pb.CUSTODY_ACT_HANDED_ON: CustodyAct.HANDED_ON,
    pb.CUSTODY_ACT_OPENED: CustodyAct.OPENED,
    pb.CUSTODY_ACT_SCANNED: CustodyAct.SCANNED,
    pb.CUSTODY_ACT_STORED: CustodyAct.STORED,
}
_STEPS_AT_LEAST = 2


def statement_to_proto(version: str, texts: Sequence[tuple[str, str]]) -> pb.GetCopyStatementResponse:
    return pb.GetCopyStatementResponse(
        version=version,
        texts=[pb.CopyStatementText(language=language, text=text) for language, text in texts],
    )


def submit_from_proto(
    request: pb.SubmitScannedLetterRequest, clerk: Clerk, profile: Profile
) -> SubmitScannedLetter:
    problems = Problems()
    rule = partial(addresses.recipient_address, profile=profile)
    request_id = problems.text("request_id", request.request_id, fields.request_id)
    recipient = problems.text("recipient", request.recipient, rule)
    subject = problems.text("subject", request.subject, fields.subject)
    scans = _scans(request, problems)
    sender = _sender(request.paper_sender, problems) if request.HasField("paper_sender") else None
    custody = _custody(request.custody, problems)
    original = problems.text("original", request.original, partial(fields.line, limit=ORIGINAL_LIMIT))
    tracking = problems.optional_text("tracking_number", request.tracking_number, _tracking)
    language = request.statement_language or profile.languages[0]
    if request.statement_version != profile.copy_statement:
        words = f"must be the one in force, {profile.copy_statement}"
        problems.add("statement_version", "STATEMENT_NOT_CURRENT", words)
    if language not in profile.languages:
        problems.add("statement_language", "LANGUAGE_NOT_OFFERED", "must be a language of the jurisdiction")
    wait = receipt_wait(request, problems)
    problems.raise_if_any()
    statement = copy_statement(profile.copy_statement, language)
    paper = PaperOrigin(custody, original, statement, sender, tracking)
    return SubmitScannedLetter(clerk, request_id, recipient, subject, scans, paper, wait, reply_by())


def withdraw_from_proto(request: pb.WithdrawScannedLetterRequest, clerk: Clerk) -> WithdrawScannedLetter:
    problems = Problems()
    command = WithdrawScannedLetter(
        clerk=clerk,
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        delivery_id=problems.id("delivery_id", request.delivery_id),
        receipt_wait_seconds=receipt_wait(request, problems),
        reply_by=reply_by(),
    )
    problems.raise_if_any()
    return command


def withdrawn_to_proto(withdrawn: Withdrawn) -> pb.WithdrawScannedLetterResponse:
    return pb.WithdrawScannedLetterResponse(
        delivery=delivery_to_proto(withdrawn.delivery),
        evidence=evidence_to_proto(withdrawn.evidence),
        receipt=None if withdrawn.receipt is None else receipt_to_proto(withdrawn.receipt),
    )


def paper_to_proto(paper: PaperDetails) -> pb.PaperOrigin:
    """Returns what the holder is told of the paper."""
    received, sender = paper.custody[0], paper.paper_sender
    return pb.PaperOrigin(
        paper_sender=None
        if sender is None
        else pb.PaperSender(name=sender.name or "", address_lines=sender.address),
        receive_time=time_to_proto(received.time),
        receive_place=received.place,
        tracking_number=paper.tracking or "",
        original=paper.original,
    )


def _scans(request: pb.SubmitScannedLetterRequest, problems: Problems) -> tuple[Part, ...]:
    for index, scan in enumerate(request.scans):
        if scan.media_type not in SCAN_MEDIA_TYPES:
            words = f"must be one of {', '.join(SCAN_MEDIA_TYPES)}"
            problems.add(f"scans[{index}].media_type", "MEDIA_TYPE_NOT_PERMITTED", words)
    return parts_from_proto(request.scans, "scans", problems)


def _sender(message: pb.PaperSender, problems: Problems) -> PaperSender | None:
    """Returns who the paper names; None where it names neither a name nor an address."""
    name = problems.optional_text(
        "paper_sender.name", message.name, partial(fields.line, limit=SENDER_NAME_LIMIT)
    )
    if len(message.address_lines) > SENDER_LINES_LIMIT:
        words = f"must have at most {SENDER_LINES_LIMIT} items"
        problems.add("paper_sender.address_lines", "NUMBER_OF_ITEMS", words)
        return None
    lines = tuple(
        problems.text(
            f"paper_sender.address_lines[{index}]", line, partial(fields.line, limit=SENDER_LINE_LIMIT)
        )
        for index, line in enumerate(message.address_lines)
    )
    return PaperSender(name, lines) if name or lines else None


def _custody(messages: Sequence[pb.CustodyStep], problems: Problems) -> tuple[CustodyStep, ...]:
    if not _STEPS_AT_LEAST <= len(messages) <= STEPS_LIMIT:
        words = f"must have {_STEPS_AT_LEAST} to {STEPS_LIMIT} items"
        problems.add("custody", "NUMBER_OF_ITEMS", words)
        return ()
    steps = [_step(message, f"custody[{index}]", problems) for index, message in enumerate(messages)]
    return tuple(step for step in steps if step is not None)


def _step(message: pb.CustodyStep, field: str, problems: Problems) -> CustodyStep | None:
    act = _ACTS.get(message.act)
    if act is None:
        problems.add(f"{field}.act", "NOT_AN_ACT", "must be something that is done with paper")
    time = problems.optional_time("time", message, within=field)
    if not message.HasField("time"):
        problems.add(f"{field}.time", "REQUIRED", "must be given")
    place = problems.text(f"{field}.place", message.place, partial(fields.line, limit=PLACE_LIMIT))
    person = problems.text(f"{field}.person", message.person, partial(fields.line, limit=PERSON_LIMIT))
    digest = problems.sha256(f"{field}.digest", message.digest)
    return None if act is None or time is None else CustodyStep(act, time, place, person, digest.hex())


def _tracking(text: str) -> str:
    if not TRACKING_FORM.fullmatch(text):
        words = "must be 1 to 40 characters of A-Z 0-9 - and space, and begin with one of the first two"
        raise Malformed("TRACKING_NUMBER_MALFORMED", words)
    return text
