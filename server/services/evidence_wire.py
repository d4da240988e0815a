"""Requests and resources of EvidenceService, between the wire and the use case."""

from typing import Any

from namak.v1 import evidence_pb2 as pb
from server.domain import limits
from server.domain.administration import ActingAdministrator
from server.domain.caller import Holder, Operator, Sender
from server.domain.facts import Fact
from server.domain.paging import Page
from server.domain.profile import Profile
from server.services.acting import current_actor
from server.services.call import current_call, current_party, reply_by
from server.services.naming import mailbox_named
from server.services.problems import Problems
from server.services.values_wire import id_to_proto, sha256_to_proto, time_to_proto
from server.usecases.delivery_certificates import LANGUAGES, GetDeliveryCertificate, MadeCertificate
from server.usecases.evidence import GetReceipt, ListFacts
from server.usecases.records import LoggedReceipt


def list_facts_from_proto(
    request: pb.ListFactsRequest, caller: Sender | Holder, profile: Profile
) -> ListFacts:
    problems = Problems()
    command = ListFacts(
        caller=caller,
        delivery_id=problems.id("delivery_id", request.delivery_id),
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
        mailbox=_mailbox(problems, request.mailbox, profile),
    )
    problems.raise_if_any()
    return command


def get_receipt_from_proto(request: pb.GetReceiptRequest, profile: Profile) -> GetReceipt:
    problems = Problems()
    wait = limits.RECEIPT_WAIT_MAX.total_seconds()
    if request.HasField("max_wait"):
        wait = min(wait, problems.seconds("max_wait", request.max_wait))
    command = GetReceipt(
        caller=_receiver(problems, request.acting_as),
        evidence_id=problems.id("evidence_id", request.evidence_id),
        wait_seconds=wait,
        reply_by=reply_by(),
        mailbox=_mailbox(problems, request.mailbox, profile),
        witnessed=request.require_witnessed,
        timestamped=request.require_timestamped,
    )
    problems.raise_if_any()
    return command


def certificate_from_proto(
    request: pb.GetDeliveryCertificateRequest, caller: Sender | Holder, profile: Profile
) -> GetDeliveryCertificate:
    problems = Problems()
    language = request.language or (profile.languages[0] if profile.languages[0] in LANGUAGES else "en")
    if language not in LANGUAGES:
        problems.add("language", "UNKNOWN", f"must be one of {', '.join(LANGUAGES)}")
    command = GetDeliveryCertificate(
        caller=caller,
        delivery_id=problems.id("delivery_id", request.delivery_id),
        language=language,
        wait_seconds=limits.RECEIPT_WAIT_MAX.total_seconds(),
        reply_by=reply_by(),
        mailbox=_mailbox(problems, request.mailbox, profile),
    )
    problems.raise_if_any()
    return command


def certificate_to_proto(made: MadeCertificate) -> pb.DeliveryCertificate:
    return pb.DeliveryCertificate(
        delivery_id=id_to_proto(made.delivery_id),
        made_time=time_to_proto(made.made_at),
        language=made.language,
        receipts=made.receipts,
        origin=made.origin,
        tree_size=made.tree_size,
        digest=sha256_to_proto(made.digest),
        size_bytes=len(made.pdf),
    )


def _mailbox(problems: Problems, mailbox: str, profile: Profile) -> str | None:
    if mailbox and not isinstance(current_call().caller, Holder):
        problems.add("mailbox", "NOT_PERMITTED", "must be empty: it is for holders and delegates")
        return None
    return mailbox_named(problems, mailbox, profile)


def _receiver(problems: Problems, acting_as: str) -> Sender | Holder | Operator | ActingAdministrator:
    """Returns who asks for a receipt, in what capacity: a person as holder, or acting for an organisation."""
    caller = current_call().caller
    if isinstance(caller, Operator) or (isinstance(caller, Holder) and acting_as):
        return current_actor(problems, acting_as)
    if acting_as:
        problems.add("acting_as", "NOT_PERMITTED", "must be empty: it is for administrators")
    return current_party()


def revocation_list_digest_from_proto(request: pb.GetRevocationListRequest) -> bytes:
    problems = Problems()
    digest = problems.digest("digest", request.digest)
    problems.raise_if_any()
    return digest


def evidence_to_proto(fact: Fact) -> pb.Evidence:
    return pb.Evidence(**evidence_fields(fact))


def evidence_fields(fact: Fact) -> dict[str, Any]:
    """Returns the fields of `Evidence`, to be filled in where it is to stand: messages put into messages are
    copied, and replies are large.
    """
    return {
        "evidence_id": id_to_proto(fact.id),
        "event": fact.event.uri,
        "event_time": time_to_proto(fact.recorded_at),
        "document": fact.data,
    }


def receipt_to_proto(receipt: LoggedReceipt) -> pb.Receipt:
    return pb.Receipt(**receipt_fields(receipt))


def receipt_fields(receipt: LoggedReceipt) -> dict[str, Any]:
    """Returns the fields of `Receipt`; see `evidence_fields`."""
    return {
        "evidence_id": id_to_proto(receipt.evidence_id),
        "tlog_proof": receipt.tlog_proof,
        "origin": receipt.origin,
        "leaf_index": receipt.leaf_index,
        "tree_size": receipt.tree_size,
        "witnessed": receipt.witnessed,
        "timestamps": [
            pb.CheckpointTimestamp(
                authority=each.authority, token=each.token, gen_time=time_to_proto(each.gen_time)
            )
            for each in receipt.timestamps
        ],
    }


def facts_to_proto(page: Page[Fact]) -> pb.ListFactsResponse:
    return pb.ListFactsResponse(
        facts=[evidence_to_proto(fact) for fact in page.items], next_page_token=page.next_page_token
    )
