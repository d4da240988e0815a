"""The gRPC server: TLS with required client certificates, limits, the interceptor chain, health, drain."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from google.protobuf.descriptor import ServiceDescriptor

from namak.v1 import (
    billing_pb2,
    billing_pb2_grpc,
    correspondence_pb2,
    correspondence_pb2_grpc,
    delegation_pb2,
    delegation_pb2_grpc,
    delivery_pb2,
    delivery_pb2_grpc,
    evidence_pb2,
    evidence_pb2_grpc,
    forwarding_pb2,
    forwarding_pb2_grpc,
    identity_pb2,
    identity_pb2_grpc,
    letter_pb2,
    letter_pb2_grpc,
    mailbox_pb2,
    mailbox_pb2_grpc,
    paper_pb2,
    paper_pb2_grpc,
    registration_pb2,
    registration_pb2_grpc,
    sender_admin_pb2,
    sender_admin_pb2_grpc,
    signature_pb2,
    signature_pb2_grpc,
    sms_pb2,
    sms_pb2_grpc,
)
from server.domain import limits
from server.health_listener import HealthListener, Readiness, listening_on
from server.interceptors.access import Access, AccessRules, CallerPlace
from server.interceptors.access_log import AccessLog
from server.interceptors.admission import Admission
from server.interceptors.call_context import CallContext
from server.interceptors.call_metrics import CallMeter, CallMetrics
from server.interceptors.chain import Chain
from server.interceptors.deadline import Deadline, TimeLimit
from server.interceptors.errors import Errors
from server.interceptors.interceptor import Interceptor
from server.interceptors.peer_identity import CallerIdentity, PeerIdentity
from server.interceptors.streams import StreamLimits, Streams
from server.services.billing import BillingServicer
from server.services.correspondence import CorrespondenceServicer
from server.services.delegation import DelegationServicer
from server.services.delivery import DeliveryServicer
from server.services.evidence import EvidenceServicer
from server.services.forwarding import ForwardingServicer
from server.services.identity import IdentityServicer
from server.services.letter import LetterServicer
from server.services.mailbox import MailboxServicer
from server.services.paper import PaperServicer
from server.services.reflection import add_reflection
from server.services.registration import RegistrationServicer
from server.services.sender_admin import SenderAdminServicer
from server.services.signature import SignatureServicer
from server.services.sms import SmsServicer
from server.texts.catalogue import Texts

_log = structlog.get_logger(__name__)

OPEN_CALLS = 10_000
"""Calls that are held open at once, about. One without a message takes up 23 kB (measured with 100 on a
connection), so all of them 230 MB; what of a message has come is held besides, 4 MiB at most.
"""
STREAMS_PER_CONNECTION = 100
"""Calls at once on one connection; further ones wait at the client until one of them ends."""

SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (sender_admin_pb2, "SenderAdminService"),
        (mailbox_pb2, "MailboxService"),
        (delivery_pb2, "DeliveryService"),
        (evidence_pb2, "EvidenceService"),
        (billing_pb2, "BillingService"),
        (identity_pb2, "IdentityService"),
        (registration_pb2, "RegistrationService"),
        (signature_pb2, "SignatureService"),
        (correspondence_pb2, "CorrespondenceService"),
        (delegation_pb2, "DelegationService"),
        (forwarding_pb2, "ForwardingService"),
        (paper_pb2, "PaperService"),
        (sms_pb2, "SmsService"),
        (letter_pb2, "LetterService"),
    )
)
"""The services of the contract, whose access options are enforced."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of the listener; each handshake takes them as they then are.

    Attributes:
        certificate: the server's certificate and the authorities below its root.
        key: the server's private key.
        client_authorities: the authorities that may vouch for clients: agencies', the operator's, citizens'.
    """

    certificate: Path
    key: Path
    client_authorities: Path


@dataclass(frozen=True, slots=True)
class GrpcSettings:
    """How the server listens.

    Attributes:
        listen: `IP:PORT` of the mTLS listener; port 0 takes a free one.
        health_listen: `IP:PORT` of the health listener, which has no TLS and so MUST be a loopback address.
        tls: the listener's files.
        max_open_calls: calls that gRPC holds at all, those whose request has not come and the streams without
            an end of their own among them. Above it the answer is RESOURCE_EXHAUSTED without a reason. It
            bounds the memory only, and is far above what is served at once: that is for `Admission` to say.
        max_connection_age, max_connection_age_grace: seconds after which a connection is asked to go, and
            those that its calls then still have: long connections must notice new servers and certificates.
        drain: seconds that calls under way have to finish when the server stops.
        readiness_interval: seconds between two looks at whether the server is ready.
        share_port: whether other processes of this account may listen on the same port; the system then deals
            connections out among them. Only for processes of one supervisor, which has made sure that the
            port is theirs: two posts on one port would take each other's connections without a word.
    """

    listen: str
    health_listen: str
    tls: TlsFiles
    max_open_calls: int = OPEN_CALLS
    max_connection_age: float = 1800.0
    max_connection_age_grace: float = 900.0
    drain: float = 10.0
    readiness_interval: float = 1.0
    share_port: bool = False


@dataclass(frozen=True, slots=True)
class Servicers:
    """The servicers of the contract, one for each of `SERVICES`."""

    sender_admin: SenderAdminServicer
    mailbox: MailboxServicer
    delivery: DeliveryServicer
    evidence: EvidenceServicer
    billing: BillingServicer
    identity: IdentityServicer
    registration: RegistrationServicer
    signature: SignatureServicer
    correspondence: CorrespondenceServicer
    delegation: DelegationServicer
    forwarding: ForwardingServicer
    paper: PaperServicer
    sms: SmsServicer
    letter: LetterServicer

    def add_to(self, server: grpc.aio.Server) -> None:
        """Puts them on a server, and reflection about them."""
        sender_admin_pb2_grpc.add_SenderAdminServiceServicer_to_server(self.sender_admin, server)
        mailbox_pb2_grpc.add_MailboxServiceServicer_to_server(self.mailbox, server)
        delivery_pb2_grpc.add_DeliveryServiceServicer_to_server(self.delivery, server)
        evidence_pb2_grpc.add_EvidenceServiceServicer_to_server(self.evidence, server)
        billing_pb2_grpc.add_BillingServiceServicer_to_server(self.billing, server)
        identity_pb2_grpc.add_IdentityServiceServicer_to_server(self.identity, server)
        registration_pb2_grpc.add_RegistrationServiceServicer_to_server(self.registration, server)
        signature_pb2_grpc.add_SignatureServiceServicer_to_server(self.signature, server)
        correspondence_pb2_grpc.add_CorrespondenceServiceServicer_to_server(self.correspondence, server)
        delegation_pb2_grpc.add_DelegationServiceServicer_to_server(self.delegation, server)
        forwarding_pb2_grpc.add_ForwardingServiceServicer_to_server(self.forwarding, server)
        paper_pb2_grpc.add_PaperServiceServicer_to_server(self.paper, server)
        sms_pb2_grpc.add_SmsServiceServicer_to_server(self.sms, server)
        letter_pb2_grpc.add_LetterServiceServicer_to_server(self.letter, server)
        add_reflection(server, SERVICES)


def interceptor_chain(
    identity: CallerIdentity,
    *,
    unary: TimeLimit,
    stream: TimeLimit,
    stream_limits: StreamLimits,
    services: Iterable[ServiceDescriptor] = SERVICES,
    place: CallerPlace | None = None,
    max_concurrent_calls: int = 1000,
    texts: Texts | None = None,
    meter: CallMeter | None = None,
) -> Sequence[Interceptor]:
    """Returns the interceptors, the outermost first. Each relies on those before it."""
    rules = AccessRules(services, place)
    return (
        CallContext(texts),
        *(() if meter is None else (CallMetrics(meter),)),
        AccessLog(),
        Errors(),
        Deadline(unary, stream),
        PeerIdentity(identity),
        Admission(max_concurrent_calls),
        Access(rules),
        Streams(identity, rules, stream_limits),
    )


class GrpcServer:
    """A server that is built, started, and stopped once."""

    def __init__(
        self,
        settings: GrpcSettings,
        add_services: Callable[[grpc.aio.Server], None],
        interceptors: Sequence[Interceptor],
        readiness: Mapping[str, Readiness],
    ) -> None:
        """For `build_server`."""
        self._settings = settings
        self._add_services = add_services
        self._interceptors = interceptors
        self._health = HealthListener(settings.health_listen, readiness, interval=settings.readiness_interval)
        self._server: grpc.aio.Server | None = None
        self.port = 0

    @property
    def health_port(self) -> int:
        """Where the health listener is."""
        return self._health.port

    async def start(self) -> None:
        """Opens both listeners; `port` and `health_port` are then known.

        Raises:
            OSError, ValueError: a file or an address can't be used.
        """
        settings = self._settings
        server = grpc.aio.server(
            interceptors=[Chain(self._interceptors)],
            options=_options(settings),
            maximum_concurrent_rpcs=settings.max_open_calls,
        )
        self._add_services(server)
        credentials = _credentials(settings.tls)
        with listening_on(settings.listen):
            self.port = server.add_secure_port(settings.listen, credentials)
        await self._health.open()
        self._server = server
        await server.start()
        await self._health.start()
        _log.info("listening", port=self.port, health_port=self.health_port)

    async def stop(self) -> None:
        """Says NOT_SERVING, takes no more calls, and gives those under way their time to finish."""
        await self._health.leave()
        for interceptor in self._interceptors:
            interceptor.stopping()
        if self._server is not None:
            await self._server.stop(self._settings.drain)
        await self._health.stop()
        self._server = None
        _log.info("stopped")


def build_server(
    settings: GrpcSettings,
    add_services: Callable[[grpc.aio.Server], None],
    interceptors: Sequence[Interceptor],
    readiness: Mapping[str, Readiness],
) -> GrpcServer:
    """Builds a server; nothing is opened before it is started.

    Args:
        settings: how it listens.
        add_services: puts the servicers on it: `Servicers.add_to`.
        interceptors: see `interceptor_chain`.
        readiness: what the health service answers for, by service name: `""` is the server as a whole. Each
            tells whether it is well now, and is asked again and again.
    """
    return GrpcServer(settings, add_services, interceptors, readiness)


def _options(settings: GrpcSettings) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", int(settings.share_port)),
        ("grpc.max_receive_message_length", limits.REQUEST_BYTES),
        ("grpc.max_concurrent_streams", STREAMS_PER_CONNECTION),
        ("grpc.max_connection_age_ms", int(settings.max_connection_age * 1000)),
        ("grpc.max_connection_age_grace_ms", int(settings.max_connection_age_grace * 1000)),
        # A peer that is gone is noticed within 80 s; one that pings more often than needed is sent away.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 3),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


class _Credentials:
    """The listener's files, read again at the handshake after they changed."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._stamp = self._stamped()
        self.first = self._read()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Returns the new configuration, or None as long as there is none; runs in a thread of gRPC."""
        try:
            stamp = self._stamped()
            if stamp == self._stamp:
                return None
            # Kept even when the reading fails: half of a change is followed by its other half, and that is
            # seen.
            self._stamp = stamp
            configuration = self._read()
        except (OSError, ValueError):
            _log.exception("TLS files can't be used; the former ones stay")
            return None
        _log.info("TLS files read again")
        return configuration

    def _read(self) -> grpc.ServerCertificateConfiguration:
        files = self._files
        key, certificate = files.key.read_bytes(), files.certificate.read_bytes()
        authorities = files.client_authorities.read_bytes()
        x509.load_pem_x509_certificates(authorities)
        if _public_key(load_pem_private_key(key, None)) != _public_key(
            x509.load_pem_x509_certificate(certificate)
        ):
            raise ValueError(f"{files.key} is not the key of {files.certificate}")
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities)

    def _stamped(self) -> tuple[tuple[int, int, int], ...]:
        files = self._files
        stats = [path.stat() for path in (files.certificate, files.key, files.client_authorities)]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)


def _public_key(owner: PrivateKeyTypes | x509.Certificate) -> bytes:
    return owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _credentials(files: TlsFiles) -> grpc.ServerCredentials:
    credentials = _Credentials(files)
    return grpc.dynamic_ssl_server_credentials(
        credentials.first,
        # None says "unchanged"; the library's types do not know that.
        credentials.changed,  # type: ignore[arg-type]
        require_client_authentication=True,
    )
