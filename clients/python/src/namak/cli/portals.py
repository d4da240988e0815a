"""``namak admin portal`` and ``namak admin session``."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.binding import read_certificate
from namak.cli.codes import ExitCode
from namak.cli.naming import named_id
from namak.cli.naming import portal as portal_named
from namak.cli.shapes import Shape
from namak.cli.texts import N_, _
from namak.client.paging import first
from namak.v1 import identity_pb2

_METHODS = {
    identity_pb2.SIGN_IN_METHOD_CERTIFICATE: N_("certificate"),
    identity_pb2.SIGN_IN_METHOD_MOBILE_ID: N_("mobile id"),
    identity_pb2.SIGN_IN_METHOD_PASSWORD: N_("password"),
}
_ENDINGS = {
    identity_pb2.SESSION_ENDING_UNSPECIFIED: N_("active"),
    identity_pb2.SESSION_ENDING_EXPIRED: N_("expired"),
    identity_pb2.SESSION_ENDING_SIGNED_OUT: N_("signed out"),
    identity_pb2.SESSION_ENDING_REPLACED: N_("replaced"),
    identity_pb2.SESSION_ENDING_TERMINATED: N_("ended by the operator"),
    identity_pb2.SESSION_ENDING_PASSWORD_SET: N_("ended by another password"),
}


async def portal_bind(run: Run, name: str, file: Path, request_id: str | None) -> ExitCode:
    """Binds a certificate as a portal's."""
    certificate = read_certificate(file).public_bytes(Encoding.DER)
    async with run.client() as post:
        found = await post.identity.bind_portal(
            name, certificate, request_id=named_id(run.screen, request_id)
        )
    run.screen.result(
        {
            "portal": {"display_name": found.display_name, **_certificate(found)},
        }
    )
    run.screen.fields(
        (
            (N_("Portal"), found.display_name),
            (N_("Certificate"), found.certificate_sha256.hex()),
            (N_("Subject"), found.certificate_subject),
            (N_("Ends"), shapes.when(found.expire_time)),
        )
    )
    return ExitCode.OK


async def portal_list(run: Run, limit: int) -> ExitCode:
    """Lists the portals."""
    async with run.client() as post:
        found = await first(limit, post.identity.portals())
    run.screen.result({"portals": [_portal(each) for each in found]})
    run.screen.table(
        (N_("PORTAL"), N_("NAME"), N_("REGISTERED"), N_("CERTIFICATES"), N_("SESSIONS")),
        [
            (
                each.portal_id,
                each.display_name,
                shapes.when(each.register_time),
                str(sum(_state(one) == "active" for one in each.certificates)),
                str(each.open_session_count),
            )
            for each in found
        ],
    )
    return ExitCode.OK


async def portal_show(run: Run, portal: str) -> ExitCode:
    """Shows a portal with its certificates."""
    async with run.client() as post:
        found = await portal_named(post, portal)
    run.screen.result({"portal": _portal(found)})
    run.screen.fields(
        (
            (N_("Portal"), found.portal_id),
            (N_("Name"), found.display_name),
            (N_("Registered"), shapes.when(found.register_time)),
            (N_("Open sessions"), str(found.open_session_count)),
        )
    )
    run.screen.table(
        (N_("CERTIFICATE"), N_("ISSUED TO"), N_("BOUND"), N_("ENDS"), N_("STATE")),
        [
            (
                each.certificate_sha256.hex(),
                each.certificate_subject,
                shapes.when(each.bind_time),
                shapes.when(each.expire_time),
                _(_state(each)),
            )
            for each in found.certificates
        ],
    )
    return ExitCode.OK


async def session_list(run: Run, holder: str, limit: int, *, ended: bool) -> ExitCode:
    """Lists a holder's sessions."""
    async with run.client() as post:
        found = await first(limit, post.identity.sessions(holder=holder, show_ended=ended))
    run.screen.result({"sessions": [_shape(each) for each in found]})
    run.screen.table(
        (N_("SESSION"), N_("PORTAL"), N_("BY"), N_("BEGAN"), N_("ENDS"), N_("STATE")),
        [
            (
                each.session_id,
                each.portal,
                _(_METHODS.get(each.method, "?")),
                shapes.when(each.start_time),
                shapes.when(each.end_time if each.HasField("end_time") else each.expire_time),
                _(_ENDINGS.get(each.ending, "?")),
            )
            for each in found
        ],
    )
    return ExitCode.OK


async def session_end(run: Run, session: str, request_id: str | None, *, yes: bool) -> ExitCode:
    """Ends a session, after asking."""
    question = _("End the session {session}? Its holder has to sign in again.").format(session=session)
    if not agreed(run, question, yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        found = await post.identity.terminate_session(session, request_id=named_id(run.screen, request_id))
    run.screen.result({"session": _shape(found)})
    run.screen.fields(
        (
            (N_("Session"), found.session_id),
            (N_("Portal"), found.portal),
            (N_("State"), _(_ENDINGS.get(found.ending, "?"))),
            (N_("Ended"), shapes.when(found.end_time, found.HasField("end_time"))),
        )
    )
    return ExitCode.OK


def _shape(found: identity_pb2.Session) -> Shape:
    ended = found.HasField("end_time")
    return {
        "session_id": found.session_id,
        "portal": found.portal,
        "method": identity_pb2.SignInMethod.Name(found.method).removeprefix("SIGN_IN_METHOD_"),
        "assurance": identity_pb2.Assurance.Name(found.assurance).removeprefix("ASSURANCE_"),
        "start_time": shapes.time_of(found.start_time),
        "expire_time": shapes.time_of(found.expire_time),
        "end_time": shapes.time_of(found.end_time) if ended else None,
        "ending": (
            identity_pb2.SessionEnding.Name(found.ending).removeprefix("SESSION_ENDING_") if ended else None
        ),
    }


def _portal(found: identity_pb2.RegisteredPortal) -> Shape:
    certificates = [
        {
            **_certificate(each),
            "bind_time": shapes.time_of(each.bind_time),
            "revoke_time": shapes.time_of(each.revoke_time) if each.HasField("revoke_time") else None,
        }
        for each in found.certificates
    ]
    return {
        "portal_id": found.portal_id,
        "display_name": found.display_name,
        "register_time": shapes.time_of(found.register_time),
        "certificates": certificates,
        "open_session_count": found.open_session_count,
    }


def _certificate(found: identity_pb2.Portal) -> Shape:
    return {
        "certificate_sha256": found.certificate_sha256.hex(),
        "certificate_subject": found.certificate_subject,
        "expire_time": shapes.time_of(found.expire_time),
    }


def _state(found: identity_pb2.Portal) -> str:
    """Returns whether a certificate counts, as a text of the catalogue."""
    if found.HasField("revoke_time"):
        return N_("revoked")
    over = found.expire_time.ToDatetime(UTC) <= datetime.now(UTC)
    return N_("expired") if over else N_("active")
