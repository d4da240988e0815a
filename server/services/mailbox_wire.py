"""Requests and resources of MailboxService, between the wire and the use cases."""

from functools import partial

from namak.evidence.statement import TRANSLATIONS
from namak.v1 import mailbox_pb2 as pb
from server.domain import addresses, fields, limits
from server.domain.caller import Holder
from server.domain.deliveries import MessageFilter, MessageView
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.paging import Page
from server.domain.profile import Profile
from server.services.acting import current_operator
from server.services.delivery_wire import DELIVERY_STATES, part_info_to_proto
from server.services.evidence_wire import evidence_to_proto
from server.services.naming import mailbox_named
from server.services.paper_wire import paper_to_proto
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.mailbox_register import OpenMailbox, ReopenMailbox, SetMailboxState
from server.usecases.mailboxes import LinkPage, ListLinks, ListMessages, OpenedLink
from server.usecases.reading import (
    ConfirmedReading,
    ConfirmReading,
    IssueStatement,
    OpenedMessage,
    OpenMessage,
    ReadPart,
)
from server.usecases.records import IssuedStatement

_HOLDER_KINDS = {
    HolderKind.PERSON: pb.HOLDER_KIND_PERSON,
    HolderKind.ENTITY: pb.HOLDER_KIND_ENTITY,
}
_MAILBOX_STATES = {
    MailboxState.OPEN: pb.MAILBOX_STATE_OPEN,
    MailboxState.SUSPENDED: pb.MAILBOX_STATE_SUSPENDED,
    MailboxState.CLOSED: pb.MAILBOX_STATE_CLOSED,
}


def open_mailbox_from_proto(request: pb.OpenMailboxRequest, profile: Profile) -> OpenMailbox:
    problems = Problems()
    command = OpenMailbox(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        address=problems.text(
            "address", request.address, partial(addresses.recipient_address, profile=profile)
        ),
    )
    problems.raise_if_any()
    return command


def set_state_from_proto(
    request: pb.SuspendMailboxRequest | pb.ResumeMailboxRequest | pb.CloseMailboxRequest,
    state: MailboxState,
    profile: Profile,
) -> SetMailboxState:
    problems = Problems()
    rule = partial(addresses.recipient_address, profile=profile)
    command = SetMailboxState(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        address=problems.text("address", request.address, rule),
        state=state,
    )
    problems.raise_if_any()
    return command


def reopen_from_proto(request: pb.ReopenMailboxRequest, profile: Profile) -> ReopenMailbox:
    problems = Problems()
    rule = partial(addresses.recipient_address, profile=profile)
    command = ReopenMailbox(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        address=problems.text("address", request.address, rule),
    )
    problems.raise_if_any()
    return command


def address_from_proto(address: str, profile: Profile) -> str:
    problems = Problems()
    rule = partial(addresses.recipient_address, profile=profile)
    canonical = problems.text("address", address, rule)
    problems.raise_if_any()
    return canonical


def named_from_proto(mailbox: str, profile: Profile) -> str | None:
    """Reads the mailbox that a holder names to act in; None for their own."""
    problems = Problems()
    named = mailbox_named(problems, mailbox, profile)
    problems.raise_if_any()
    return named


def list_messages_from_proto(
    request: pb.ListMessagesRequest, holder: Holder, profile: Profile
) -> ListMessages:
    problems = Problems()
    page_size = problems.page_size("page_size", request.page_size)
    sender_rule = partial(addresses.sender_address, profile=profile)
    wanted = MessageFilter(
        unopened_only=request.unopened_only,
        unconfirmed_only=request.unconfirmed_only,
        sender=problems.optional_text("sender", request.sender, sender_rule),
        consigned_from=problems.optional_time("start_time", request),
        consigned_before=problems.optional_time("end_time", request),
    )
    mailbox = mailbox_named(problems, request.mailbox, profile)
    problems.raise_if_any()
    return ListMessages(holder, page_size, request.page_token, wanted, mailbox)


def list_links_from_proto(request: pb.ListMailboxLinksRequest, holder: Holder, profile: Profile) -> ListLinks:
    problems = Problems()
    page_size = problems.page_size("page_size", request.page_size)
    mailbox = mailbox_named(problems, request.mailbox, profile)
    problems.raise_if_any()
    return ListLinks(holder, page_size, request.page_token, mailbox)


def open_message_from_proto(request: pb.OpenMessageRequest, holder: Holder, profile: Profile) -> OpenMessage:
    problems = Problems()
    delivery_id = problems.id("delivery_id", request.delivery_id)
    mailbox = mailbox_named(problems, request.mailbox, profile)
    problems.raise_if_any()
    return OpenMessage(holder, delivery_id, mailbox)


def read_part_from_proto(request: pb.DownloadContentRequest, holder: Holder, profile: Profile) -> ReadPart:
    problems = Problems()
    delivery_id = problems.id("delivery_id", request.delivery_id)
    if not 0 < request.part_number <= limits.PARTS:
        problems.add("part_number", "NO_SUCH_PART", "must be the number of a part of the message, from 1")
    mailbox = mailbox_named(problems, request.mailbox, profile)
    problems.raise_if_any()
    return ReadPart(holder, delivery_id, request.part_number, mailbox)


def issue_statement_from_proto(
    request: pb.IssueStatementRequest, holder: Holder, profile: Profile
) -> IssueStatement:
    problems = Problems()
    delivery_id = problems.id("delivery_id", request.delivery_id)
    mailbox = mailbox_named(problems, request.mailbox, profile)
    problems.raise_if_any()
    return IssueStatement(holder, delivery_id, mailbox)


def confirm_reading_from_proto(
    request: pb.ConfirmReadingRequest, holder: Holder, profile: Profile
) -> ConfirmReading:
    problems = Problems()
    command = ConfirmReading(
        holder=holder,
        delivery_id=problems.id("delivery_id", request.delivery_id),
        statement_id=problems.id("statement_id", request.statement_id),
        cms=problems.octets("cms_signature", request.cms_signature, limits.CMS_BYTES),
        mailbox=mailbox_named(problems, request.mailbox, profile),
    )
    problems.raise_if_any()
    return command


def mailbox_to_proto(mailbox: Mailbox) -> pb.Mailbox:
    return pb.Mailbox(
        mailbox_id=str(mailbox.id),
        address=mailbox.address,
        holder_kind=_HOLDER_KINDS[mailbox.holder_kind],
        state=_MAILBOX_STATES[mailbox.state],
        open_time=time_to_proto(mailbox.opened_at),
        confirm_time=time_to_proto(mailbox.confirmed_at),
    )


def message_to_proto(message: MessageView) -> pb.Message:
    """Returns what a holder sees in a list; never content."""
    delivery = message.delivery
    return pb.Message(
        delivery_id=str(delivery.id),
        sender=delivery.sender,
        sender_name=delivery.organisation_name,
        subject=delivery.subject,
        # A submission is accepted and laid into the mailbox in one transaction.
        consignment_time=time_to_proto(delivery.submitted_at),
        opening_time=time_to_proto(message.opened_at),
        confirmation_time=time_to_proto(message.confirmed_at),
        state=DELIVERY_STATES[delivery.state],
        withdrawal_time=time_to_proto(delivery.withdrawn_at),
        in_reply_to="" if delivery.in_reply_to is None else str(delivery.in_reply_to),
        paper=None if message.paper is None else paper_to_proto(message.paper),
    )


def messages_to_proto(page: Page[MessageView]) -> pb.ListMessagesResponse:
    return pb.ListMessagesResponse(
        messages=[message_to_proto(message) for message in page.items],
        next_page_token=page.next_page_token,
    )


def resolved_to_proto(mailbox: Mailbox, *, for_operator: bool) -> pb.ResolveAddressResponse:
    return pb.ResolveAddressResponse(
        address=mailbox.address,
        holder_kind=_HOLDER_KINDS[mailbox.holder_kind],
        state=_MAILBOX_STATES[mailbox.state],
        mailbox_id=str(mailbox.id) if for_operator else "",
        profile_confirmed=mailbox.confirmed_at is not None,
    )


def links_to_proto(links: LinkPage) -> pb.ListMailboxLinksResponse:
    return pb.ListMailboxLinksResponse(
        links=[_link_to_proto(opening) for opening in links.page.items],
        next_page_token=links.page.next_page_token,
        head_sequence=links.head.sequence,
        head_link=links.head.link,
    )


def _link_to_proto(opening: OpenedLink) -> pb.MailboxLink:
    link = opening.link
    return pb.MailboxLink(
        sequence=link.sequence,
        delivery_id=str(link.delivery_id),
        nonce=link.nonce,
        previous_link=link.previous,
        link=link.link,
        consignment=evidence_to_proto(opening.consignment),
    )


def opened_to_proto(opened: OpenedMessage) -> pb.OpenMessageResponse:
    return pb.OpenMessageResponse(
        message=message_to_proto(opened.message),
        parts=[part_info_to_proto(part) for part in opened.message.delivery.parts],
        evidence=evidence_to_proto(opened.evidence),
    )


def statement_to_proto(statement: IssuedStatement, language: str) -> pb.IssueStatementResponse:
    return pb.IssueStatementResponse(
        statement_id=str(statement.id),
        statement=statement.text,
        expire_time=time_to_proto(statement.expires_at),
        translation=TRANSLATIONS[language],
        translation_language=language,
    )


def confirmed_to_proto(confirmed: ConfirmedReading) -> pb.ConfirmReadingResponse:
    return pb.ConfirmReadingResponse(
        message=message_to_proto(confirmed.message),
        evidence=[evidence_to_proto(fact) for fact in confirmed.evidence],
    )
