"""What responders say in tests: forwarded, played back, and made by hand."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from server.usecases.certificate_status import CheckKind, StatusReport, Verdict
from tests.integration.gateways.authorities import (
    AUTHENTICATION,
    HOUR,
    NOW,
    OCSP_SIGNING,
    Issued,
    Wish,
)
from tests.integration.gateways.status_scene import check_of, clock


def responder_wish(**changes: Any) -> Wish:
    values: dict[str, Any] = {
        "label": "Responder",
        "number": None,
        "usage": AUTHENTICATION,
        "extended": OCSP_SIGNING,
        "no_check": True,
    }
    return Wish(**{**values, **changes})


def unknown(report: StatusReport, why: str) -> None:
    assert report.verdict is Verdict.UNKNOWN, report
    assert not report.accepted
    assert why in check_of(report, CheckKind.OCSP).detail


def forwarding(
    url: str, kept: list[bytes] | None = None
) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    async def forward(request: web.BaseRequest) -> web.Response:
        headers = {"Content-Type": "application/ocsp-request"}
        async with (
            ClientSession() as session,
            session.post(url, data=await request.read(), headers=headers) as answer,
        ):
            der = await answer.read()
        if kept is not None:
            kept.append(der)
        return web.Response(body=der)

    return forward


def saying(*answers: bytes) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    remaining = list(answers)

    async def say(request: web.BaseRequest) -> web.Response:
        return web.Response(body=remaining.pop(0) if len(remaining) > 1 else remaining[0])

    return say


def is_about(der: bytes, person: Issued) -> bool:
    response = ocsp.load_der_ocsp_response(der)
    return (
        response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
        and response.serial_number == person.serial
        and response.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN
    )


def answer_about(
    person: Issued,
    issuer: Issued,
    *,
    signer: Issued | None = None,
    issued: Any = None,
    ends: Any = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    extension: tuple[x509.ExtensionType, bool] | None = None,
    by_name: bool = False,
    along: tuple[Issued, ...] | None = None,
) -> bytes:
    """An answer made by hand; by default a good one of now by the issuer."""
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=person.certificate,
        issuer=issuer.certificate,
        algorithm=hashes.SHA256(),
        cert_status=status,
        this_update=issued or clock(),
        next_update=ends,
        revocation_time=NOW - HOUR if status is ocsp.OCSPCertStatus.REVOKED else None,
        revocation_reason=None,
    )
    signer = signer or issuer
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = builder.responder_id(encoding, signer.certificate)
    if along is None:
        along = () if signer is issuer else (signer,)
    if along:
        builder = builder.certificates([one.certificate for one in along])
    if extension is not None:
        builder = builder.add_extension(extension[0], critical=extension[1])
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)
