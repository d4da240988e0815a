"""MailboxService: what holders read and confirm, and the opening of mailboxes."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from namak.v1 import mailbox_pb2 as pb
from namak.v1 import mailbox_pb2_grpc
from server.domain.caller import Operator
from server.domain.mailboxes import MailboxState
from server.domain.profile import Profile
from server.services import mailbox_wire as wire
from server.services import phone_wire
from server.services.call import Context, current_call, current_holder
from server.services.delivery_wire import part_info_to_proto
from server.services.following_wire import follow_from_proto, mailbox_reply_to_proto
from server.services.values_wire import chunks
from server.usecases.following import Following
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.mailboxes import Mailboxes
from server.usecases.phone_confirmation import PhoneConfirmationDesk
from server.usecases.reading import Reading
from server.usecases.standing import Standings


class MailboxServicer(mailbox_pb2_grpc.MailboxServiceServicer):
    """Translates the calls of holders, and the operator's opening of mailboxes."""

    def __init__(
        self,
        register: MailboxRegister,
        mailboxes: Mailboxes,
        reading: Reading,
        following: Following,
        standings: Standings,
        by_phone: PhoneConfirmationDesk,
        profile: Profile,
    ) -> None:
        self._register = register
        self._mailboxes = mailboxes
        self._reading = reading
        self._following = following
        self._standings = standings
        self._by_phone = by_phone
        self._profile = profile

    async def OpenMailbox(self, request: pb.OpenMailboxRequest, context: Context) -> pb.OpenMailboxResponse:
        command = wire.open_mailbox_from_proto(request, self._profile)
        mailbox = await self._register.open_mailbox(command)
        return pb.OpenMailboxResponse(mailbox=wire.mailbox_to_proto(mailbox))

    async def ResolveAddress(
        self, request: pb.ResolveAddressRequest, context: Context
    ) -> pb.ResolveAddressResponse:
        mailbox = await self._mailboxes.resolve(wire.address_from_proto(request.address, self._profile))
        return wire.resolved_to_proto(mailbox, for_operator=isinstance(current_call().caller, Operator))

    async def SuspendMailbox(
        self, request: pb.SuspendMailboxRequest, context: Context
    ) -> pb.SuspendMailboxResponse:
        command = wire.set_state_from_proto(request, MailboxState.SUSPENDED, self._profile)
        mailbox = await self._register.set_state(command)
        return pb.SuspendMailboxResponse(mailbox=wire.mailbox_to_proto(mailbox))

    async def ResumeMailbox(
        self, request: pb.ResumeMailboxRequest, context: Context
    ) -> pb.ResumeMailboxResponse:
        command = wire.set_state_from_proto(request, MailboxState.OPEN, self._profile)
        mailbox = await self._register.set_state(command)
        return pb.ResumeMailboxResponse(mailbox=wire.mailbox_to_proto(mailbox))

    async def CloseMailbox(
        self, request: pb.CloseMailboxRequest, context: Context
    ) -> pb.CloseMailboxResponse:
        command = wire.set_state_from_proto(request, MailboxState.CLOSED, self._profile)
        mailbox = await self._register.set_state(command)
        return pb.CloseMailboxResponse(mailbox=wire.mailbox_to_proto(mailbox))

    async def ReopenMailbox(
        self, request: pb.ReopenMailboxRequest, context: Context
    ) -> pb.ReopenMailboxResponse:
        command = wire.reopen_from_proto(request, self._profile)
        mailbox = await self._register.reopen(command)
        return pb.ReopenMailboxResponse(mailbox=wire.mailbox_to_proto(mailbox))

    async def GetMailbox(self, request: pb.GetMailboxRequest, context: Context) -> pb.GetMailboxResponse:
        named = wire.named_from_proto(request.mailbox, self._profile)
        mailbox = await self._mailboxes.get_mailbox(current_holder(), named)
        return pb.GetMailboxResponse(mailbox=wire.mailbox_to_proto(mailbox))

    async def ListMessages(
        self, request: pb.ListMessagesRequest, context: Context
    ) -> pb.ListMessagesResponse:
        command = wire.list_messages_from_proto(request, current_holder(), self._profile)
        page = await self._mailboxes.list_messages(command)
        return wire.messages_to_proto(page)

    async def OpenMessage(self, request: pb.OpenMessageRequest, context: Context) -> pb.OpenMessageResponse:
        command = wire.open_message_from_proto(request, current_holder(), self._profile)
        opened = await self._reading.open_message(command)
        return wire.opened_to_proto(opened)

    async def DownloadContent(
        self, request: pb.DownloadContentRequest, context: Context
    ) -> AsyncIterator[pb.DownloadContentResponse]:
        command = wire.read_part_from_proto(request, current_holder(), self._profile)
        part = await self._reading.read_part(command)
        current_call().recheck = partial(self._standings.check, command.holder, command.mailbox)
        yield pb.DownloadContentResponse(part=part_info_to_proto(part.info))
        for chunk in chunks(part.content):
            yield pb.DownloadContentResponse(chunk=chunk)

    async def IssueStatement(
        self, request: pb.IssueStatementRequest, context: Context
    ) -> pb.IssueStatementResponse:
        command = wire.issue_statement_from_proto(request, current_holder(), self._profile)
        statement = await self._reading.issue_statement(command)
        return wire.statement_to_proto(statement, current_call().language())

    async def ConfirmReading(
        self, request: pb.ConfirmReadingRequest, context: Context
    ) -> pb.ConfirmReadingResponse:
        command = wire.confirm_reading_from_proto(request, current_holder(), self._profile)
        confirmed = await self._reading.confirm_reading(command)
        return wire.confirmed_to_proto(confirmed)

    async def StartConfirmationByPhone(
        self, request: pb.StartConfirmationByPhoneRequest, context: Context
    ) -> pb.StartConfirmationByPhoneResponse:
        command = phone_wire.start_from_proto(request, current_holder(), self._profile)
        started = await self._by_phone.start(command)
        return phone_wire.started_to_proto(started, current_call().language())

    async def CompleteConfirmationByPhone(
        self, request: pb.CompleteConfirmationByPhoneRequest, context: Context
    ) -> pb.CompleteConfirmationByPhoneResponse:
        command = phone_wire.complete_from_proto(request, current_holder(), self._profile)
        return phone_wire.completed_to_proto(await self._by_phone.complete(command))

    async def ListMailboxLinks(
        self, request: pb.ListMailboxLinksRequest, context: Context
    ) -> pb.ListMailboxLinksResponse:
        command = wire.list_links_from_proto(request, current_holder(), self._profile)
        return wire.links_to_proto(await self._mailboxes.list_links(command))

    async def WatchMailbox(
        self, request: pb.WatchMailboxRequest, context: Context
    ) -> AsyncIterator[pb.WatchMailboxResponse]:
        holder = current_holder()
        mailbox = wire.named_from_proto(request.mailbox, self._profile)
        command = follow_from_proto(request, holder, mailbox)
        current_call().recheck = partial(self._standings.check, holder, mailbox)
        async with aclosing(self._following.follow(command)) as replies:
            async for reply in replies:
                current_call().follows()
                yield mailbox_reply_to_proto(reply)
