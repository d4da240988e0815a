"""Rights in a mailbox, given to others and taken back (DelegationService)."""

from collections.abc import AsyncIterator
from datetime import datetime

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.times import time_message
from namak.v1 import delegation_pb2, delegation_pb2_grpc


class Delegations:
    """The calls of whoever holds a mailbox, or signs for the entity whose mailbox it is, and of delegates.

    ``mailbox`` is an official address, empty for the caller's own.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> delegation_pb2_grpc.DelegationServiceStub:
        return delegation_pb2_grpc.DelegationServiceStub(self._link.channel())

    async def grant(
        self,
        delegate: str,
        *,
        expire: datetime,
        confirm: bool = False,
        start: datetime | None = None,
        mailbox: str = "",
        request_id: str | None = None,
    ) -> delegation_pb2.Delegation:
        """Lets the person of this number read, with ``confirm`` also confirm, from ``start`` (now if missing)
        until ``expire``.
        """
        may_confirm = delegation_pb2.DELEGATED_RIGHT_READ_AND_CONFIRM
        request = delegation_pb2.GrantDelegationRequest(
            request_id=request_id or new_request_id(),
            mailbox=mailbox,
            delegate=delegate,
            right=may_confirm if confirm else delegation_pb2.DELEGATED_RIGHT_READ,
            start_time=time_message(start),
            expire_time=time_message(expire),
        )
        return (await self._link.unary(self._stub().GrantDelegation, request)).delegation

    async def revoke(self, delegation_id: str, *, request_id: str | None = None) -> delegation_pb2.Delegation:
        """Takes rights back. The delegate's next call is refused, and their streams end within a second."""
        request = delegation_pb2.RevokeDelegationRequest(
            request_id=request_id or new_request_id(), delegation_id=delegation_id
        )
        return (await self._link.unary(self._stub().RevokeDelegation, request)).delegation

    def given(
        self, mailbox: str = "", *, show_ended: bool = False, page_size: int = 0
    ) -> AsyncIterator[delegation_pb2.Delegation]:
        """Yields the delegations of a mailbox, the newest first."""
        request = delegation_pb2.ListDelegationsRequest(
            mailbox=mailbox, show_ended=show_ended, page_size=page_size
        )
        return paged(self._link, self._stub().ListDelegations, request, "delegations")

    def received(
        self, *, show_ended: bool = False, page_size: int = 0
    ) -> AsyncIterator[delegation_pb2.Delegation]:
        """Yields those that the caller was given, in whichever mailbox, the newest first."""
        request = delegation_pb2.ListDelegationsRequest(
            received=True, show_ended=show_ended, page_size=page_size
        )
        return paged(self._link, self._stub().ListDelegations, request, "delegations")
