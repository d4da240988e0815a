"""The office's counter: the contract's services over real mutual TLS, on a thread with its own event loop."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import grpc
import grpc.aio
from grpc_status import rpc_status

from namak.evidence.events import Audience
from namak.v1 import (
    delegation_pb2_grpc,
    delivery_pb2,
    delivery_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    forwarding_pb2_grpc,
    letter_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
    registration_pb2_grpc,
    sender_admin_pb2_grpc,
    signature_pb2,
    signature_pb2_grpc,
    sms_pb2_grpc,
)
from tests.client.admin_desk import AdminDesk
from tests.client.authority import Authority, Identity
from tests.client.delegation_desk import DelegationDesk
from tests.client.desk import Context, Desk, caller_of
from tests.client.elsewhere import EvidenceElsewhere, MailboxElsewhere
from tests.client.forwarding_desk import ForwardingDesk
from tests.client.letter_desk import LetterDesk
from tests.client.office import Letter, Office, delivery, evidence, message, visible
from tests.client.refusing import Refusal, unavailable
from tests.client.registration_desk import RegistrationDesk
from tests.client.sms_desk import SmsDesk
from tests.unit.evidence.signing import WitnessKey

T = TypeVar("T")

PAGE = 2
CHUNK = 65536
WITNESSES: tuple[WitnessKey, ...] = (WitnessKey(),)


def page(items: list[T], token: str) -> tuple[list[T], str]:
    start = int(token or 0)
    after = start + PAGE
    return items[start:after], str(after) if after < len(items) else ""


class SignatureDesk(Desk, signature_pb2_grpc.SignatureServiceServicer):
    async def VerifySignature(
        self, request: signature_pb2.VerifySignatureRequest, context: Context
    ) -> signature_pb2.VerifySignatureResponse:
        self.office.verified.append(request)
        return signature_pb2.VerifySignatureResponse(verification=self.office.verification)


class DeliveryDesk(Desk, delivery_pb2_grpc.DeliveryServiceServicer):
    def _accepted(self, letter: Letter, wait: bool) -> delivery_pb2.Accepted:
        return delivery_pb2.Accepted(
            request_id=letter.submission.request_id,
            delivery=delivery(letter),
            evidence=[evidence(fact) for fact in letter.facts[:2]],
            receipts=[self.office.receipt(str(fact.document.evidence_id)) for fact in letter.facts[:2]]
            if wait and not self.office.faults.late_receipts
            else [],
        )

    async def Submit(
        self, request: delivery_pb2.SubmitRequest, context: Context
    ) -> delivery_pb2.SubmitResponse:
        asked = request.max_receipt_wait.ToTimedelta() if request.HasField("max_receipt_wait") else None
        self.office.waits.append(asked)
        wait = asked is None or asked > timedelta(0)

        def work() -> delivery_pb2.SubmitResponse:
            letter = self.office.accept(request.submission)
            return delivery_pb2.SubmitResponse(accepted=self._accepted(letter, wait))

        return await self.serve(context, {"agency"}, work)

    async def BatchSubmit(
        self, request: delivery_pb2.BatchSubmitRequest, context: Context
    ) -> delivery_pb2.BatchSubmitResponse:
        def one(submission: delivery_pb2.Submission) -> delivery_pb2.SubmitResult:
            result = delivery_pb2.SubmitResult(request_id=submission.request_id)
            try:
                result.accepted.CopyFrom(self._accepted(self.office.accept(submission), wait=False))
            except Refusal as refusal:
                result.refused.CopyFrom(refusal.status)
            return result

        def work() -> delivery_pb2.BatchSubmitResponse:
            self.office.batches.append(len(request.submissions))
            return delivery_pb2.BatchSubmitResponse(results=[one(item) for item in request.submissions])

        reply = await self.serve(context, {"agency"}, work)
        if self.office.is_silent:
            self.office.silent.set()
            await asyncio.Event().wait()  # until the caller gives up
        return reply

    async def WithdrawDelivery(
        self, request: delivery_pb2.WithdrawDeliveryRequest, context: Context
    ) -> delivery_pb2.WithdrawDeliveryResponse:
        def work() -> delivery_pb2.WithdrawDeliveryResponse:
            letter = self.office.letter(request.delivery_id)
            fact = self.office.withdraw(letter)
            return delivery_pb2.WithdrawDeliveryResponse(
                delivery=delivery(letter),
                evidence=evidence(fact),
                receipt=self.office.receipt(str(fact.document.evidence_id)),
            )

        return await self.serve(context, {"agency"}, work)

    async def GetDelivery(
        self, request: delivery_pb2.GetDeliveryRequest, context: Context
    ) -> delivery_pb2.GetDeliveryResponse:
        return await self.serve(
            context,
            {"agency"},
            lambda: delivery_pb2.GetDeliveryResponse(
                delivery=delivery(self.office.letter(request.delivery_id))
            ),
        )

    async def ListDeliveries(
        self, request: delivery_pb2.ListDeliveriesRequest, context: Context
    ) -> delivery_pb2.ListDeliveriesResponse:
        def work() -> delivery_pb2.ListDeliveriesResponse:
            letters, token = page(list(reversed(self.office.letters.values())), request.page_token)
            return delivery_pb2.ListDeliveriesResponse(
                deliveries=[delivery(letter) for letter in letters], next_page_token=token
            )

        return await self.serve(context, {"agency"}, work)

    async def WatchDeliveries(
        self, request: delivery_pb2.WatchDeliveriesRequest, context: Context
    ) -> AsyncIterator[delivery_pb2.WatchDeliveriesResponse]:
        end = len(self.office.entries)
        self.office.watched.append(request.cursor if request.HasField("cursor") else None)
        first = request.cursor.index if request.HasField("cursor") else end
        yield delivery_pb2.WatchDeliveriesResponse(
            facts=[
                delivery_pb2.DeliveryFact(
                    delivery_id=str(fact.document.delivery_id),
                    evidence=evidence(fact),
                    receipt=self.office.receipt(evidence_id) if request.with_receipts else None,
                    leaf_index=index,
                )
                for index, (evidence_id, fact) in enumerate(self.office.facts.items())
                if index >= first and fact.document.event.of_delivery
            ],
            cursor=evidence_pb2.LogCursor(origin=self.office.log_key.name, index=end),
        )
        await asyncio.Event().wait()  # until the caller goes away


class MailboxDesk(Desk, MailboxElsewhere):
    async def OpenMailbox(
        self, request: mailbox_pb2.OpenMailboxRequest, context: Context
    ) -> mailbox_pb2.OpenMailboxResponse:
        def work() -> mailbox_pb2.OpenMailboxResponse:
            known = self.office.registered(request.request_id)
            box = mailbox_pb2.Mailbox(mailbox_id=known, address=request.address)
            return mailbox_pb2.OpenMailboxResponse(mailbox=box)

        return await self.serve(context, {"operator"}, work)

    async def ResolveAddress(
        self, request: mailbox_pb2.ResolveAddressRequest, context: Context
    ) -> mailbox_pb2.ResolveAddressResponse:
        def work() -> mailbox_pb2.ResolveAddressResponse:
            if not self.office.has_mailbox(request.address):
                raise Refusal(grpc.StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN", "no mailbox has that address")
            return mailbox_pb2.ResolveAddressResponse(
                address=request.address, state=mailbox_pb2.MAILBOX_STATE_OPEN
            )

        return await self.serve(context, {"agency", "operator"}, work)

    async def GetMailbox(
        self, request: mailbox_pb2.GetMailboxRequest, context: Context
    ) -> mailbox_pb2.GetMailboxResponse:
        box = mailbox_pb2.Mailbox(address="5001950015@e-citizen.am")
        return await self.serve(context, {"citizen"}, lambda: mailbox_pb2.GetMailboxResponse(mailbox=box))

    async def ListMessages(
        self, request: mailbox_pb2.ListMessagesRequest, context: Context
    ) -> mailbox_pb2.ListMessagesResponse:
        def work() -> mailbox_pb2.ListMessagesResponse:
            letters, token = page(list(reversed(self.office.letters.values())), request.page_token)
            return mailbox_pb2.ListMessagesResponse(
                messages=[message(letter) for letter in letters], next_page_token=token
            )

        return await self.serve(context, {"citizen"}, work)

    async def OpenMessage(
        self, request: mailbox_pb2.OpenMessageRequest, context: Context
    ) -> mailbox_pb2.OpenMessageResponse:
        def work() -> mailbox_pb2.OpenMessageResponse:
            letter = self.office.letter(request.delivery_id)
            self.office.open(letter)
            return mailbox_pb2.OpenMessageResponse(
                message=message(letter),
                parts=self.office.announced(letter),
                evidence=evidence(letter.facts[2]),
            )

        return await self.serve(context, {"citizen"}, work)

    async def DownloadContent(
        self, request: mailbox_pb2.DownloadContentRequest, context: Context
    ) -> AsyncIterator[mailbox_pb2.DownloadContentResponse]:
        def work() -> delivery_pb2.Part:
            letter = self.office.letter(request.delivery_id)
            if letter.opened is None:
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "NOT_OPENED", "not opened yet")
            return letter.submission.parts[request.part_number - 1]

        part = await self.serve(context, {"citizen"}, work)
        letter = self.office.letter(request.delivery_id)
        yield mailbox_pb2.DownloadContentResponse(part=self.office.announced(letter)[request.part_number - 1])
        content = self.office.tampered.get(part.name, part.content)
        for start in range(0, len(content), CHUNK):
            yield mailbox_pb2.DownloadContentResponse(chunk=content[start : start + CHUNK])
            if self.office.faults.broken_streams:
                self.office.faults.broken_streams -= 1
                await context.abort_with_status(rpc_status.to_status(unavailable().status))

    async def IssueStatement(
        self, request: mailbox_pb2.IssueStatementRequest, context: Context
    ) -> mailbox_pb2.IssueStatementResponse:
        def work() -> mailbox_pb2.IssueStatementResponse:
            statement = self.office.issue_statement(self.office.letter(request.delivery_id))
            return mailbox_pb2.IssueStatementResponse(
                statement_id=str(statement.statement_id), statement=statement.encode()
            )

        return await self.serve(context, {"citizen"}, work)

    async def ConfirmReading(
        self, request: mailbox_pb2.ConfirmReadingRequest, context: Context
    ) -> mailbox_pb2.ConfirmReadingResponse:
        def work() -> mailbox_pb2.ConfirmReadingResponse:
            letter = self.office.letter(request.delivery_id)
            facts = self.office.confirm(letter, request.statement_id, request.cms_signature)
            return mailbox_pb2.ConfirmReadingResponse(
                message=message(letter), evidence=[evidence(fact) for fact in facts]
            )

        return await self.serve(context, {"citizen"}, work)

    async def StartConfirmationByPhone(
        self, request: mailbox_pb2.StartConfirmationByPhoneRequest, context: Context
    ) -> mailbox_pb2.StartConfirmationByPhoneResponse:
        def work() -> mailbox_pb2.StartConfirmationByPhoneResponse:
            letter = self.office.letter(request.delivery_id)
            statement_id, statement = self.office.ring(letter, request.phone_number)
            return mailbox_pb2.StartConfirmationByPhoneResponse(
                confirmation_id=letter.delivery_id,
                statement_id=statement_id,
                statement=statement,
                verification_code=self.office.phone.code,
                verification_code_required=not self.office.phone.code,
            )

        return await self.serve(context, {"citizen"}, work)

    async def CompleteConfirmationByPhone(
        self, request: mailbox_pb2.CompleteConfirmationByPhoneRequest, context: Context
    ) -> mailbox_pb2.CompleteConfirmationByPhoneResponse:
        def work() -> mailbox_pb2.CompleteConfirmationByPhoneResponse:
            letter = self.office.letter(request.confirmation_id)
            facts = self.office.answer_of_phone(letter, request.verification_code)
            if facts is None:
                pending = mailbox_pb2.ConfirmationByPhonePending()
                return mailbox_pb2.CompleteConfirmationByPhoneResponse(pending=pending)
            confirmed = mailbox_pb2.ReadingConfirmedByPhone(
                message=message(letter), evidence=[evidence(fact) for fact in facts]
            )
            return mailbox_pb2.CompleteConfirmationByPhoneResponse(confirmed=confirmed)

        return await self.serve(context, {"citizen"}, work)


class EvidenceDesk(Desk, EvidenceElsewhere):
    async def ListFacts(
        self, request: evidence_pb2.ListFactsRequest, context: Context
    ) -> evidence_pb2.ListFactsResponse:
        hidden = Audience.SENDER if caller_of(context) == "citizen" else Audience.HOLDER

        def work() -> evidence_pb2.ListFactsResponse:
            facts = visible(self.office.letter(request.delivery_id), hidden)
            some, token = page(facts, request.page_token)
            return evidence_pb2.ListFactsResponse(
                facts=[evidence(fact) for fact in some], next_page_token=token
            )

        return await self.serve(context, {"agency", "citizen"}, work)

    async def GetReceipt(
        self, request: evidence_pb2.GetReceiptRequest, context: Context
    ) -> evidence_pb2.GetReceiptResponse:
        def work() -> evidence_pb2.GetReceiptResponse:
            if self.office.faults.late_receipts > 0:
                self.office.faults.late_receipts -= 1
                return evidence_pb2.GetReceiptResponse()
            witnesses = WITNESSES if request.require_witnessed else ()
            receipt = self.office.receipt(request.evidence_id, witnesses, request.require_timestamped)
            return evidence_pb2.GetReceiptResponse(receipt=receipt)

        return await self.serve(context, {"agency", "citizen"}, work)

    async def GetCheckpoint(
        self, request: evidence_pb2.GetCheckpointRequest, context: Context
    ) -> evidence_pb2.GetCheckpointResponse:
        def work() -> evidence_pb2.GetCheckpointResponse:
            return evidence_pb2.GetCheckpointResponse(
                checkpoint=self.office.checkpoint(),
                log_vkey=self.office.log_key.vkey,
                successor_receipt=self.office.successions.get(request.origin, b""),
            )

        return await self.serve(context, set(), work)

    async def GetLogStatus(
        self, request: evidence_pb2.GetLogStatusRequest, context: Context
    ) -> evidence_pb2.GetLogStatusResponse:
        return await self.serve(context, set(), self.office.log_status)

    async def GetRevocationList(
        self, request: evidence_pb2.GetRevocationListRequest, context: Context
    ) -> AsyncIterator[evidence_pb2.GetRevocationListResponse]:
        yield evidence_pb2.GetRevocationListResponse(chunk=b"li")
        yield evidence_pb2.GetRevocationListResponse(chunk=b"st")


async def _start(office: Office, authority: Authority, identity: Identity) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 4 * 1024 * 1024)])
    # What no test calls, these three don't answer.
    registration = RegistrationDesk(office)  # type: ignore[abstract]
    delegation = DelegationDesk(office)  # type: ignore[abstract]
    evidence_desk = EvidenceDesk(office)  # type: ignore[abstract]
    delivery_pb2_grpc.add_DeliveryServiceServicer_to_server(DeliveryDesk(office), server)
    mailbox_pb2_grpc.add_MailboxServiceServicer_to_server(MailboxDesk(office), server)
    evidence_pb2_grpc.add_EvidenceServiceServicer_to_server(evidence_desk, server)
    registration_pb2_grpc.add_RegistrationServiceServicer_to_server(registration, server)
    sender_admin_pb2_grpc.add_SenderAdminServiceServicer_to_server(AdminDesk(office), server)
    delegation_pb2_grpc.add_DelegationServiceServicer_to_server(delegation, server)
    forwarding_pb2_grpc.add_ForwardingServiceServicer_to_server(ForwardingDesk(office), server)
    letter_pb2_grpc.add_LetterServiceServicer_to_server(LetterDesk(office), server)
    signature_pb2_grpc.add_SignatureServiceServicer_to_server(SignatureDesk(office), server)
    sms_pb2_grpc.add_SmsServiceServicer_to_server(SmsDesk(office), server)
    credentials = grpc.ssl_server_credentials(
        [(identity.key, identity.certificate)],
        root_certificates=authority.certificate,
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    return server, port


@contextmanager
def open_counter(office: Office, authority: Authority) -> Iterator[str]:
    """Serves the office on a loopback port and yields the address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def on_loop(work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), loop).result(timeout=60)

    server, port = on_loop(_start(office, authority, authority.issue("localhost")))
    try:
        yield f"127.0.0.1:{port}"
    finally:
        on_loop(server.stop(grace=None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
