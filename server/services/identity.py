"""IdentityService: signing holders in at portals, and their sessions."""

from namak.v1 import identity_pb2 as pb
from namak.v1 import identity_pb2_grpc
from server.domain.profile import Profile
from server.services import identity_wire as wire
from server.services.call import Context, current_holder
from server.usecases.certificates import CertificateRegister
from server.usecases.passwords import PasswordDesk
from server.usecases.portals import PortalRegister
from server.usecases.sessions import SessionDesk
from server.usecases.sign_in import SignInDesk


class IdentityServicer(identity_pb2_grpc.IdentityServiceServicer):
    """Translates the calls of portals and of holders at portals."""

    def __init__(
        self,
        sign_in: SignInDesk,
        sessions: SessionDesk,
        passwords: PasswordDesk,
        certificates: CertificateRegister,
        portals: PortalRegister,
        profile: Profile,
    ) -> None:
        self._sign_in = sign_in
        self._sessions = sessions
        self._passwords = passwords
        self._certificates = certificates
        self._portals = portals
        self._profile = profile

    async def StartSignIn(self, request: pb.StartSignInRequest, context: Context) -> pb.StartSignInResponse:
        started = await self._sign_in.start(wire.start_from_proto(request, self._profile))
        return wire.started_to_proto(started)

    async def CompleteSignIn(
        self, request: pb.CompleteSignInRequest, context: Context
    ) -> pb.CompleteSignInResponse:
        outcome = await self._sign_in.complete(wire.complete_from_proto(request))
        return wire.completed_to_proto(outcome)

    async def GetSession(self, request: pb.GetSessionRequest, context: Context) -> pb.GetSessionResponse:
        session = await self._sessions.get_session(current_holder())
        return pb.GetSessionResponse(session=wire.session_to_proto(session))

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        page = await self._sessions.list_sessions(wire.list_from_proto(request, self._profile))
        return wire.sessions_to_proto(page)

    async def SignOut(self, request: pb.SignOutRequest, context: Context) -> pb.SignOutResponse:
        session = await self._sessions.sign_out(wire.sign_out_from_proto(request))
        return pb.SignOutResponse(session=wire.session_to_proto(session))

    async def SetPassword(self, request: pb.SetPasswordRequest, context: Context) -> pb.SetPasswordResponse:
        login = await self._passwords.set_password(wire.set_password_from_proto(request))
        return pb.SetPasswordResponse(login=login)

    async def TerminateSession(
        self, request: pb.TerminateSessionRequest, context: Context
    ) -> pb.TerminateSessionResponse:
        session = await self._sessions.terminate(wire.terminate_from_proto(request))
        return pb.TerminateSessionResponse(session=wire.session_to_proto(session))

    async def BindPortal(self, request: pb.BindPortalRequest, context: Context) -> pb.BindPortalResponse:
        binding = await self._certificates.bind_portal(wire.bind_portal_from_proto(request))
        return pb.BindPortalResponse(portal=wire.portal_to_proto(binding))

    async def ListPortals(self, request: pb.ListPortalsRequest, context: Context) -> pb.ListPortalsResponse:
        page = await self._portals.list_portals(wire.list_portals_from_proto(request))
        return wire.portals_to_proto(page)

    async def GetPortal(self, request: pb.GetPortalRequest, context: Context) -> pb.GetPortalResponse:
        view = await self._portals.get_portal(wire.get_portal_from_proto(request))
        return pb.GetPortalResponse(portal=wire.registered_portal_to_proto(view))
