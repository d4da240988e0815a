"""Copies of new messages at the holder's own addresses (ForwardingService)."""

from collections.abc import Sequence

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.v1 import forwarding_pb2, forwarding_pb2_grpc


class Forwarding:
    """The calls of whoever holds a mailbox, or signs for the entity whose mailbox it is.

    ``mailbox`` is an official address, empty for the caller's own.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> forwarding_pb2_grpc.ForwardingServiceStub:
        return forwarding_pb2_grpc.ForwardingServiceStub(self._link.channel())

    async def add(
        self,
        *,
        email: str = "",
        phone: str = "",
        whole: bool = False,
        language: str = "",
        mailbox: str = "",
        request_id: str | None = None,
    ) -> forwarding_pb2.ForwardingTarget:
        """Adds an e-mail address or a phone, one of both, and has a code sent to it.

        It gets notices, with ``whole`` the messages themselves, in the jurisdiction's first ``language`` if
        none is named; nothing before the code was entered (:meth:`verify`).
        """
        if bool(email) == bool(phone):
            raise ValueError("an e-mail address or a phone")
        request = forwarding_pb2.AddForwardingTargetRequest(
            request_id=request_id or new_request_id(),
            mailbox=mailbox,
            content=forwarding_pb2.FORWARDED_CONTENT_WHOLE
            if whole
            else forwarding_pb2.FORWARDED_CONTENT_NOTICE,
            language=language,
        )
        if email:
            request.email = email
        else:
            request.phone = phone
        return (await self._link.unary(self._stub().AddForwardingTarget, request)).target

    async def send_code(self, target_id: str, *, mailbox: str = "") -> None:
        """Has another code sent; the one before counts no more."""
        request = forwarding_pb2.SendForwardingCodeRequest(target_id=target_id, mailbox=mailbox)
        await self._link.unary(self._stub().SendForwardingCode, request)

    async def verify(
        self, target_id: str, code: str, *, mailbox: str = ""
    ) -> forwarding_pb2.ForwardingTarget:
        """Enters the code that was sent. From then on new messages are forwarded."""
        request = forwarding_pb2.VerifyForwardingTargetRequest(
            target_id=target_id, code=code, mailbox=mailbox
        )
        return (await self._link.unary(self._stub().VerifyForwardingTarget, request)).target

    async def change(
        self,
        target_id: str,
        *,
        whole: bool | None = None,
        language: str = "",
        mailbox: str = "",
        request_id: str | None = None,
    ) -> forwarding_pb2.ForwardingTarget:
        """Has an address sent notices from now on, or with ``whole`` the messages themselves, in another
        ``language``; what is not given stays. Another address is added, and verified by a code of its own.
        """
        content = forwarding_pb2.FORWARDED_CONTENT_UNSPECIFIED
        if whole is not None:
            content = (
                forwarding_pb2.FORWARDED_CONTENT_WHOLE if whole else forwarding_pb2.FORWARDED_CONTENT_NOTICE
            )
        request = forwarding_pb2.ChangeForwardingTargetRequest(
            request_id=request_id or new_request_id(),
            target_id=target_id,
            mailbox=mailbox,
            content=content,
            language=language,
        )
        return (await self._link.unary(self._stub().ChangeForwardingTarget, request)).target

    async def remove(self, target_id: str, *, mailbox: str = "", request_id: str | None = None) -> None:
        """Removes a target; what was not sent yet is not sent."""
        request = forwarding_pb2.RemoveForwardingTargetRequest(
            request_id=request_id or new_request_id(), target_id=target_id, mailbox=mailbox
        )
        await self._link.unary(self._stub().RemoveForwardingTarget, request)

    async def targets(self, mailbox: str = "") -> Sequence[forwarding_pb2.ForwardingTarget]:
        """Returns all targets in the order in which they were added, with what became of the last copies."""
        request = forwarding_pb2.ListForwardingTargetsRequest(mailbox=mailbox)
        return (await self._link.unary(self._stub().ListForwardingTargets, request)).targets
