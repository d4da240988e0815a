"""The edge of the server over real mTLS: all of it real, with use cases in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server.dev.authority import Validity
from server.dev.pki import DevelopmentPki, Identity, Person
from server.gateways.citizen_pki import CitizenPki
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.grpc_server import (
    OPEN_CALLS,
    GrpcServer,
    GrpcSettings,
    Servicers,
    TlsFiles,
    build_server,
    interceptor_chain,
)
from server.interceptors.access import CallerPlace
from server.interceptors.deadline import STREAM, UNARY, TimeLimit
from server.interceptors.streams import StreamLimits
from server.jurisdictions.am import AM
from server.services.billing import BillingServicer
from server.services.correspondence import CorrespondenceServicer
from server.services.delegation import DelegationServicer
from server.services.delivery import DeliveryServicer
from server.services.evidence import EvidenceServicer
from server.services.forwarding import ForwardingServicer
from server.services.identity import IdentityServicer
from server.services.mailbox import MailboxServicer
from server.services.paper import PaperServicer
from server.services.registration import RegistrationServicer
from server.services.sender_admin import SenderAdminServicer
from server.services.signature import SignatureServicer
from server.services.sms import SmsServicer
from server.texts.catalogue import Texts
from server.usecases import identity as usecase
from tests.rpc.desks import Desks
from tests.rpc.letter_desks import PRINT_HOUSE, letter_servicer
from tests.rpc.phone_desk import phone_desk
from tests.rpc.register import Register

_Detail = TypeVar("_Detail", bound=Message)

ORGANISATION = UUID("0192f0c3-0000-7000-8000-00000000000a")
ELSEWHERE = UUID("0192f0c3-0000-7000-8000-00000000000b")
WITHOUT_NETWORKS = UUID("0192f0c3-0000-7000-8000-00000000000c")
CITIZEN = "5001950015"
ADMINISTRATOR = "5102960027"
FORMER = "4203970038"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class World:
    """A throwaway PKI and one certificate of every kind that comes to the door."""

    pki: DevelopmentPki
    server: Identity
    operator: Identity
    agency: Identity
    agency_address: Identity
    agency_elsewhere: Identity
    agency_without_networks: Identity
    agency_revoked: Identity
    stranger: Identity
    impostor: Identity
    citizen: Identity
    citizen_signing: Identity
    citizen_revoked: Identity
    administrator: Identity
    former_administrator: Identity
    expired: Identity
    unknown_issuer: Identity
    portal: Identity
    clerk: Identity
    print_house: Identity
    other_portal: Identity
    portal_revoked: Identity

    @classmethod
    def make(cls, directory: Path) -> "World":
        pki = DevelopmentPki.open(directory)

        def machine(label: str, serial_number: str | None = None) -> Identity:
            return pki.machine(label, organisation="SRC", common_name=label, serial_number=serial_number)

        card = pki.card("citizen", Person(CITIZEN, "Արամ", "Պետրոսյան"))
        lost = pki.authentication_certificate("lost", Person("6002960026", "Անի", "Սարգսյան"))
        pki.revoke(lost)
        return cls(
            pki=pki,
            server=pki.server_identity(),
            operator=machine("operator"),
            agency=machine("agency"),
            agency_address=machine("agency-address"),
            agency_elsewhere=machine("agency-elsewhere"),
            agency_without_networks=machine("agency-without-networks"),
            agency_revoked=machine("agency-revoked"),
            stranger=machine("stranger"),
            impostor=machine("impostor", f"PNOAM-{CITIZEN}"),
            citizen=card.authentication,
            citizen_signing=card.signing,
            citizen_revoked=lost,
            administrator=pki.authentication_certificate("administrator", Person(ADMINISTRATOR, "Անի", "Ա.")),
            former_administrator=pki.authentication_certificate("former", Person(FORMER, "Արա", "Ա.")),
            expired=pki.machine(
                "expired", organisation="SRC", common_name="expired", validity=Validity.days(-1)
            ),
            unknown_issuer=pki.machine(
                "unknown", organisation="SRC", common_name="unknown", authority=pki.unknown_authority()
            ),
            portal=machine("portal"),
            clerk=machine("clerk"),
            print_house=machine("print-house"),
            other_portal=machine("other-portal"),
            portal_revoked=machine("portal-revoked"),
        )

    def register(self) -> Register:
        """Returns a register in which the certificates are bound as their names say."""
        register = Register()
        address = register.add_address(ORGANISATION, "127.0.0.1/32", "127.0.0.2/32")
        register.add_address(ELSEWHERE, "127.0.0.9/32")
        register.bind_operator(self.operator.sha256)
        register.bind_sender(self.agency.sha256, ORGANISATION)
        register.bind_sender(self.agency_address.sha256, ORGANISATION, address.id)
        register.bind_sender(self.agency_elsewhere.sha256, ELSEWHERE)
        register.bind_sender(self.agency_without_networks.sha256, WITHOUT_NETWORKS)
        register.bind_sender(self.agency_revoked.sha256, ORGANISATION)
        register.revoke(self.agency_revoked.sha256)
        register.bind_portal(self.portal.sha256, "e-citizen.am")
        register.bind_clerk(self.clerk.sha256)
        register.bind_print_house(self.print_house.sha256, PRINT_HOUSE)
        register.bind_portal(self.other_portal.sha256, "another.am")
        register.bind_portal(self.portal_revoked.sha256, "former.am")
        register.revoke(self.portal_revoked.sha256)
        register.administrators[ADMINISTRATOR] = frozenset({ORGANISATION})
        register.administrators[FORMER] = frozenset()
        return register


class Edge:
    """A started server and what stands behind it."""

    def __init__(self, world: World, server: GrpcServer, register: Register, desks: Desks) -> None:
        self.world = world
        self.server = server
        self.register = register
        self.desks = desks
        self._channels: list[grpc.aio.Channel] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def channel(
        self,
        identity: Identity | None,
        *,
        address: str | None = None,
        options: Sequence[tuple[str, int]] = (),
    ) -> grpc.aio.Channel:
        """Opens a channel with the identity's certificate, or with none."""
        channel = grpc.aio.secure_channel(
            address or self.address, credentials(self.world, identity), options=options
        )
        self._channels.append(channel)
        return channel

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()
        await self.server.stop()


def credentials(world: World, identity: Identity | None) -> grpc.ChannelCredentials:
    root = world.pki.server_root_path.read_bytes()
    if identity is None:
        return grpc.ssl_channel_credentials(root)
    return grpc.ssl_channel_credentials(root, identity.key_pem, identity.cert_pem)


async def always_ready() -> bool:
    return True


@asynccontextmanager
async def started_edge(
    world: World,
    *,
    unary: TimeLimit = UNARY,
    stream: TimeLimit = STREAM,
    stream_limits: StreamLimits | None = None,
    max_concurrent_calls: int = 1000,
    max_open_calls: int = OPEN_CALLS,
    drain: float = 1.0,
    tls: TlsFiles | None = None,
    place: CallerPlace | None = None,
) -> AsyncIterator[Edge]:
    """Starts an edge on free ports, and stops it."""
    register, desks = world.register(), Desks()
    trust = CitizenTrust(
        CitizenFiles(
            world.pki.citizen_roots_path, _intermediates(world), world.pki.citizen_crl_paths[0].parent
        )
    )
    identity = usecase.Identity(register.uow, CitizenPki(trust, AM.naming), SystemClock())

    servicers = Servicers(
        SenderAdminServicer(desks.admin, AM, development=True),
        MailboxServicer(
            desks.register,
            desks.mailboxes,
            desks.reading,
            desks.following,
            desks.standings,
            phone_desk(desks),
            AM,
        ),
        DeliveryServicer(desks.submissions, desks.delivery, desks.withdrawal, desks.following, AM),
        EvidenceServicer(desks.evidence, desks.log_queries, desks.delivery_certificates, AM),
        BillingServicer(desks.billing, AM),
        IdentityServicer(desks.sign_in, desks.sessions, desks.passwords, desks.binding, desks.portals, AM),
        RegistrationServicer(desks.registration.registration(), AM),
        SignatureServicer(desks.verification, AM),
        CorrespondenceServicer(desks.correspondence, AM),
        DelegationServicer(desks.delegation, AM),
        ForwardingServicer(desks.forwarding, AM, frozenset({"e-citizen.am"})),
        PaperServicer(desks.paper.intake, AM),
        SmsServicer(desks.sms.desk, AM),
        letter_servicer(),
    )
    if world.server.key_path is None:
        raise ValueError("the server's key is a file")
    server = build_server(
        GrpcSettings(
            listen="127.0.0.1:0",
            health_listen="127.0.0.1:0",
            tls=tls or TlsFiles(world.server.cert_path, world.server.key_path, world.pki.client_roots_path),
            drain=drain,
            max_open_calls=max_open_calls,
        ),
        servicers.add_to,
        interceptor_chain(
            identity,
            unary=unary,
            stream=stream,
            stream_limits=stream_limits or StreamLimits(),
            place=place,
            max_concurrent_calls=max_concurrent_calls,
            texts=Texts(AM.languages, AM.time_zone),
        ),
        {"": always_ready},
    )
    await server.start()
    edge = Edge(world, server, register, desks)
    try:
        yield edge
    finally:
        await edge.close()


def _intermediates(world: World) -> Path:
    return world.pki.citizen_authority.path


def error_info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    """Returns the ErrorInfo of an error; an empty one where there is none."""
    return _detail(error, error_details_pb2.ErrorInfo())


def bad_request(error: grpc.aio.AioRpcError) -> error_details_pb2.BadRequest:
    return _detail(error, error_details_pb2.BadRequest())


def retry_info(error: grpc.aio.AioRpcError) -> error_details_pb2.RetryInfo:
    return _detail(error, error_details_pb2.RetryInfo())


def _detail(error: grpc.aio.AioRpcError, into: _Detail) -> _Detail:
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        if detail.Unpack(into):
            break
    return into
