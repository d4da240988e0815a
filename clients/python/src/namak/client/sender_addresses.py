"""The register's sender addresses, their certificates, and what was done (SenderAdminService)."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from google.protobuf.field_mask_pb2 import FieldMask

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.times import time_message
from namak.v1 import sender_admin_pb2, sender_admin_pb2_grpc


class SenderAddresses:
    """The calls about addresses and certificates. ``acting_as`` is for administrators; the operator leaves it
    empty.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    def _senders(self) -> sender_admin_pb2_grpc.SenderAdminServiceStub:
        return sender_admin_pb2_grpc.SenderAdminServiceStub(self._link.channel())

    async def register_sender_address(
        self,
        organisation_id: str,
        *,
        address: str,
        networks: Sequence[str] = (),
        host_names: Sequence[str] = (),
        sms_permitted: bool = False,
        acting_as: str = "",
        request_id: str | None = None,
    ) -> sender_admin_pb2.SenderAddress:
        """Registers an address with the networks (CIDR) and host names that it may send from."""
        request = sender_admin_pb2.RegisterSenderAddressRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            address=address,
            networks=networks,
            host_names=host_names,
            sms_permitted=sms_permitted,
            acting_as=acting_as,
        )
        return (await self._link.unary(self._senders().RegisterSenderAddress, request)).sender_address

    async def sender_address(
        self, sender_address_id: str, *, acting_as: str = ""
    ) -> sender_admin_pb2.SenderAddress:
        """Returns one sender address."""
        request = sender_admin_pb2.GetSenderAddressRequest(
            acting_as=acting_as, sender_address_id=sender_address_id
        )
        return (await self._link.unary(self._senders().GetSenderAddress, request)).sender_address

    def sender_addresses(
        self,
        *,
        organisation_id: str = "",
        domain: str = "",
        suspended: bool | None = None,
        sms_permitted: bool | None = None,
        acting_as: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[sender_admin_pb2.SenderAddress]:
        """Yields the sender addresses that the caller may see, by address; None filters nothing."""
        request = sender_admin_pb2.ListSenderAddressesRequest(
            acting_as=acting_as,
            organisation_id=organisation_id,
            domain=domain,
            suspended=suspended,
            sms_permitted=sms_permitted,
            page_size=page_size,
        )
        return paged(self._link, self._senders().ListSenderAddresses, request, "sender_addresses")

    async def update_sender_address(
        self,
        sender_address_id: str,
        *,
        networks: Sequence[str] | None = None,
        host_names: Sequence[str] | None = None,
        sms_permitted: bool | None = None,
        etag: str = "",
        acting_as: str = "",
        request_id: str | None = None,
    ) -> sender_admin_pb2.SenderAddress:
        """Changes what is not None and touches nothing else. Raises WrongState (ETAG_MISMATCH) when ``etag``
        is not the current one.
        """
        values = {"networks": networks, "host_names": host_names, "sms_permitted": sms_permitted}
        request = sender_admin_pb2.UpdateSenderAddressRequest(
            request_id=request_id or new_request_id(),
            acting_as=acting_as,
            sender_address=sender_admin_pb2.SenderAddress(
                sender_address_id=sender_address_id,
                networks=networks or (),
                host_names=host_names or (),
                sms_permitted=bool(sms_permitted),
                etag=etag,
            ),
            update_mask=FieldMask(paths=[name for name, value in values.items() if value is not None]),
        )
        return (await self._link.unary(self._senders().UpdateSenderAddress, request)).sender_address

    async def suspend_sender_address(
        self, sender_address_id: str, *, acting_as: str = "", request_id: str | None = None
    ) -> sender_admin_pb2.SenderAddress:
        """Suspends an address: what it submits is refused, with evidence."""
        request = sender_admin_pb2.SuspendSenderAddressRequest(
            request_id=request_id or new_request_id(),
            sender_address_id=sender_address_id,
            acting_as=acting_as,
        )
        return (await self._link.unary(self._senders().SuspendSenderAddress, request)).sender_address

    async def resume_sender_address(
        self, sender_address_id: str, *, acting_as: str = "", request_id: str | None = None
    ) -> sender_admin_pb2.SenderAddress:
        """Resumes a suspended address."""
        request = sender_admin_pb2.ResumeSenderAddressRequest(
            request_id=request_id or new_request_id(),
            sender_address_id=sender_address_id,
            acting_as=acting_as,
        )
        return (await self._link.unary(self._senders().ResumeSenderAddress, request)).sender_address

    async def delete_sender_address(
        self, sender_address_id: str, *, etag: str = "", acting_as: str = "", request_id: str | None = None
    ) -> None:
        """Deletes an address; certificates bound to it alone are revoked, what it sent stays."""
        request = sender_admin_pb2.DeleteSenderAddressRequest(
            request_id=request_id or new_request_id(),
            acting_as=acting_as,
            sender_address_id=sender_address_id,
            etag=etag,
        )
        await self._link.unary(self._senders().DeleteSenderAddress, request)

    async def bind_certificate(
        self,
        organisation_id: str,
        certificate: bytes,
        *,
        sender_address_id: str = "",
        possession_signature: bytes = b"",
        acting_as: str = "",
        request_id: str | None = None,
    ) -> sender_admin_pb2.CertificateBinding:
        """Binds a machine certificate (DER) to an organisation, or to one of its addresses only.

        ``possession_signature`` is what :func:`namak.client.sign_possession` returns; administrators must
        give it, the operator may leave it out.
        """
        request = sender_admin_pb2.BindCertificateRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            sender_address_id=sender_address_id,
            certificate=certificate,
            possession_signature=possession_signature,
            acting_as=acting_as,
        )
        return (await self._link.unary(self._senders().BindCertificate, request)).binding

    async def revoke_certificate(
        self, certificate_sha256: bytes, *, acting_as: str = "", request_id: str | None = None
    ) -> sender_admin_pb2.CertificateBinding:
        """Revokes the binding of a certificate, for ever."""
        request = sender_admin_pb2.RevokeCertificateRequest(
            request_id=request_id or new_request_id(),
            certificate_sha256=certificate_sha256,
            acting_as=acting_as,
        )
        return (await self._link.unary(self._senders().RevokeCertificate, request)).binding

    def certificate_bindings(
        self,
        organisation_id: str,
        *,
        show_ended: bool = False,
        expiring_within_days: int = 0,
        sender_address_id: str = "",
        acting_as: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[sender_admin_pb2.CertificateBinding]:
        """Yields the certificates bound to an organisation, the newest binding first."""
        request = sender_admin_pb2.ListCertificateBindingsRequest(
            acting_as=acting_as,
            organisation_id=organisation_id,
            show_ended=show_ended,
            expiring_within_days=expiring_within_days,
            sender_address_id=sender_address_id,
            page_size=page_size,
        )
        return paged(self._link, self._senders().ListCertificateBindings, request, "bindings")

    def administrative_acts(
        self,
        *,
        organisation_id: str = "",
        act: str = "",
        resource: str = "",
        person_number: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        acting_as: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[sender_admin_pb2.AdministrativeAct]:
        """Yields what was done in the register and to mailboxes, newest first; from ``start`` on, before
        ``end``.
        """
        request = sender_admin_pb2.ListAdministrativeActsRequest(
            acting_as=acting_as,
            organisation_id=organisation_id,
            act=act,
            resource=resource,
            person_number=person_number,
            start_time=time_message(start),
            end_time=time_message(end),
            page_size=page_size,
        )
        return paged(self._link, self._senders().ListAdministrativeActs, request, "acts")
