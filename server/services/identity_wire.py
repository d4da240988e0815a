"""Requests and resources of IdentityService, between the wire and the use cases."""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID

from namak.evidence.sign_in import SENTENCES, Purpose
from namak.v1 import identity_pb2 as pb
from server.domain import fields, limits, logins
from server.domain.caller import Assurance, Holder, Operator, Portal
from server.domain.logins import PASSWORD_CHARACTERS
from server.domain.mobile_identity import MobileUser
from server.domain.paging import Page
from server.domain.portals import PortalView
from server.domain.profile import Profile
from server.domain.senders import CertificateBinding
from server.domain.sessions import Ending, Method, Session
from server.services.acting import current_operator
from server.services.call import current_call, current_holder, reply_by
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.certificates import BindPortal
from server.usecases.passwords import SetPassword
from server.usecases.portals import ListPortals
from server.usecases.sessions import ListSessions, SignOut, TerminateSession
from server.usecases.sign_in import (
    ByCertificate,
    ByMobileId,
    ByPassword,
    SignedIn,
    StartedSignIn,
    StartSignIn,
)
from server.usecases.sign_in_proofs import CompleteSignIn, Pending

_METHODS = {
    Method.CERTIFICATE: pb.SIGN_IN_METHOD_CERTIFICATE,
    Method.MOBILE_ID: pb.SIGN_IN_METHOD_MOBILE_ID,
    Method.PASSWORD: pb.SIGN_IN_METHOD_PASSWORD,
}
_ASSURANCES = {
    Assurance.PASSWORD: pb.ASSURANCE_PASSWORD,
    Assurance.SIGNATURE: pb.ASSURANCE_SIGNATURE,
}
_ENDINGS = {
    Ending.EXPIRED: pb.SESSION_ENDING_EXPIRED,
    Ending.SIGNED_OUT: pb.SESSION_ENDING_SIGNED_OUT,
    Ending.REPLACED: pb.SESSION_ENDING_REPLACED,
    Ending.TERMINATED: pb.SESSION_ENDING_TERMINATED,
    Ending.PASSWORD_SET: pb.SESSION_ENDING_PASSWORD_SET,
}
_GIVEN_LOGIN_CHARACTERS = 128
_CODE_CHARACTERS = 16
_NOBODY = MobileUser("+10000000", "0000")


def start_from_proto(request: pb.StartSignInRequest, profile: Profile) -> StartSignIn:
    problems = Problems()
    command = StartSignIn(
        by=_portal_or_holder(),
        how=_how(problems, request, profile),
        language=_language(request.language, profile),
        ends_others=request.end_other_session,
    )
    problems.raise_if_any()
    return command


def _how(
    problems: Problems, request: pb.StartSignInRequest, profile: Profile
) -> ByCertificate | ByMobileId | ByPassword:
    match request.WhichOneof("method"):
        case "certificate":
            der = request.certificate.certificate
            return ByCertificate(problems.octets("certificate.certificate", der, limits.CERTIFICATE_BYTES))
        case "mobile_id":
            rule = partial(fields.person_number, profile=profile)
            person = problems.text("mobile_id.person_number", request.mobile_id.person_number, rule)
            return ByMobileId(_user(problems, request.mobile_id.phone_number, person))
        case "password":
            # Not the rule of logins: what can't be one is refused as all wrong ones are.
            line = partial(fields.line, limit=_GIVEN_LOGIN_CHARACTERS)
            return ByPassword(problems.text("password.login", request.password.login, line))
    problems.add("method", "REQUIRED", "must say how the person signs in")
    return ByPassword("")


def _user(problems: Problems, phone: str, person_number: str) -> MobileUser:
    if not person_number:
        return _NOBODY
    try:
        return MobileUser(phone, person_number)
    except ValueError:
        problems.add("mobile_id.phone_number", "PHONE_MALFORMED", "must be + and 7 to 15 digits")
        return _NOBODY


def _language(asked: str, profile: Profile) -> str:
    """Returns the language of what people read: what was asked for, if there are words in it."""
    primary = asked.partition("-")[0].lower()
    return primary if primary in SENTENCES[Purpose.SIGN_IN] else profile.languages[0]


def complete_from_proto(request: pb.CompleteSignInRequest) -> CompleteSignIn:
    problems = Problems()
    proof = request.WhichOneof("proof")
    cms, code, password = None, None, None
    match proof:
        case "cms":
            cms = problems.octets("cms", request.cms, limits.CMS_BYTES)
        case "verification_code":
            rule = partial(fields.line, limit=_CODE_CHARACTERS)
            code = problems.text("verification_code", request.verification_code, rule)
        case "password":
            password = request.password
            if not 0 < len(password) <= PASSWORD_CHARACTERS:
                problems.add("password", "LENGTH", f"must have 1 to {PASSWORD_CHARACTERS} characters")
    command = CompleteSignIn(
        by=_portal_or_holder(),
        sign_in_id=problems.id("sign_in_id", request.sign_in_id),
        cms=cms,
        code=code,
        password=password,
        wait=timedelta(seconds=max(0.0, reply_by() - asyncio.get_running_loop().time())),
    )
    problems.raise_if_any()
    return command


def list_from_proto(request: pb.ListSessionsRequest, profile: Profile) -> ListSessions:
    problems = Problems()
    caller = current_call().caller
    by = caller if isinstance(caller, Operator) else current_holder()
    rule = partial(fields.person_number, profile=profile)
    person_number: str | None = request.holder or None
    if isinstance(by, Operator):
        person_number = problems.text("holder", request.holder, rule)
    command = ListSessions(
        by=by,
        person_number=person_number,
        with_ended=request.show_ended,
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def sign_out_from_proto(request: pb.SignOutRequest) -> SignOut:
    problems = Problems()
    command = SignOut(current_holder(), problems.optional_id("session_id", request.session_id))
    problems.raise_if_any()
    return command


def set_password_from_proto(request: pb.SetPasswordRequest) -> SetPassword:
    problems = Problems()
    if not request.password:
        problems.add("password", "REQUIRED", "must be given")
    command = SetPassword(
        by=current_holder(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        login=problems.optional_text("login", request.login, logins.login),
        password=request.password,
    )
    problems.raise_if_any()
    return command


def terminate_from_proto(request: pb.TerminateSessionRequest) -> TerminateSession:
    problems = Problems()
    command = TerminateSession(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        session_id=problems.id("session_id", request.session_id),
    )
    problems.raise_if_any()
    return command


def bind_portal_from_proto(request: pb.BindPortalRequest) -> BindPortal:
    problems = Problems()
    command = BindPortal(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        name=problems.text("display_name", request.display_name, fields.portal_name),
        certificate=problems.octets("certificate", request.certificate, limits.CERTIFICATE_BYTES),
    )
    problems.raise_if_any()
    return command


def list_portals_from_proto(request: pb.ListPortalsRequest) -> ListPortals:
    problems = Problems()
    size = problems.page_size("page_size", request.page_size)
    problems.raise_if_any()
    return ListPortals(current_operator(), size, request.page_token)


def get_portal_from_proto(request: pb.GetPortalRequest) -> UUID:
    problems = Problems()
    portal_id = problems.id("portal_id", request.portal_id)
    problems.raise_if_any()
    return portal_id


def started_to_proto(started: StartedSignIn) -> pb.StartSignInResponse:
    return pb.StartSignInResponse(
        sign_in_id=str(started.sign_in.id),
        # The digits to be entered follow from the challenge: whoever knows it knows them without the phone.
        challenge=b"" if started.code_required else started.sign_in.text,
        expire_time=time_to_proto(started.sign_in.expires_at),
        verification_code=started.code or "",
        verification_code_required=started.code_required,
    )


def completed_to_proto(outcome: SignedIn | Pending) -> pb.CompleteSignInResponse:
    if isinstance(outcome, Pending):
        pending = pb.SignInPending(expire_time=time_to_proto(outcome.expires_at))
        return pb.CompleteSignInResponse(pending=pending)
    signed_in = pb.SignedIn(session=session_to_proto(outcome.session), session_token=outcome.token or "")
    return pb.CompleteSignInResponse(signed_in=signed_in)


def session_to_proto(session: Session) -> pb.Session:
    return pb.Session(
        session_id=str(session.id),
        holder=session.person_number,
        method=_METHODS[session.method],
        assurance=_ASSURANCES[session.assurance],
        portal=session.portal_name,
        start_time=time_to_proto(session.started_at),
        expire_time=time_to_proto(session.expires_at),
        end_time=time_to_proto(session.ended_at),
        ending=_ENDINGS[session.ending] if session.ending else pb.SESSION_ENDING_UNSPECIFIED,
    )


def sessions_to_proto(page: Page[Session]) -> pb.ListSessionsResponse:
    return pb.ListSessionsResponse(
        sessions=[session_to_proto(each) for each in page.items], next_page_token=page.next_page_token
    )


def portal_to_proto(binding: CertificateBinding) -> pb.Portal:
    return pb.Portal(
        certificate_sha256=binding.certificate_sha256,
        display_name=binding.portal_name,
        expire_time=time_to_proto(binding.expires_at),
        bind_time=time_to_proto(binding.bound_at),
        revoke_time=time_to_proto(binding.revoked_at),
        certificate_subject=binding.subject,
    )


def registered_portal_to_proto(view: PortalView) -> pb.RegisteredPortal:
    return pb.RegisteredPortal(
        portal_id=str(view.portal.id),
        display_name=view.portal.name,
        register_time=time_to_proto(view.portal.registered_at),
        certificates=[portal_to_proto(each) for each in view.certificates],
        open_session_count=view.open_sessions,
    )


def portals_to_proto(page: Page[PortalView]) -> pb.ListPortalsResponse:
    return pb.ListPortalsResponse(
        portals=[registered_portal_to_proto(each) for each in page.items],
        next_page_token=page.next_page_token,
    )


def _portal_or_holder() -> Portal | Holder:
    caller = current_call().caller
    if not isinstance(caller, Portal | Holder):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a portal was expected")
    return caller
