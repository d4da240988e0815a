"""Delivery certificates from the server (EvidenceService), as it makes them."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from namak.client.link import Link
from namak.errors import ContentMismatch
from namak.v1 import evidence_pb2, evidence_pb2_grpc


@dataclass(frozen=True, slots=True)
class DeliveryCertificate:
    """A certificate, and what the server says of it. Nothing is verified:
    :mod:`namak.delivery_certificate.verify` does that.
    """

    pdf: bytes = field(repr=False)
    about: evidence_pb2.DeliveryCertificate


async def delivery_certificate(
    link: Link, delivery_id: str, *, language: str = "", mailbox: str = ""
) -> DeliveryCertificate:
    """Has the post make a certificate of a delivery.

    ``language`` is hy, ru or en; by default the jurisdiction's. Raises :class:`ContentMismatch` if something
    else comes than what is announced, and what calls raise.
    """
    request = evidence_pb2.GetDeliveryCertificateRequest(
        delivery_id=delivery_id, language=language, mailbox=mailbox
    )
    stub = evidence_pb2_grpc.EvidenceServiceStub(link.channel())

    async def take(
        replies: AsyncIterator[evidence_pb2.GetDeliveryCertificateResponse],
    ) -> DeliveryCertificate:
        about, pieces = evidence_pb2.DeliveryCertificate(), []
        async for reply in replies:
            if reply.HasField("certificate"):
                about = reply.certificate
            pieces.append(reply.chunk)
        return DeliveryCertificate(b"".join(pieces), about)

    made = await link.stream(stub.GetDeliveryCertificate, request, take)
    if hashlib.sha256(made.pdf).digest() != made.about.digest.value:
        raise ContentMismatch("the certificate that came has another digest than the one announced")
    return made
