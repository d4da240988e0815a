"""Every kind of caller against every rpc of the contract: who is let in, and why the others are not."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2, status_pb2

from server.domain.sessions import session_token
from server.grpc_server import SERVICES
from tests.rpc.edge import ADMINISTRATOR as ADMINISTRATOR_NUMBER
from tests.rpc.edge import CITIZEN, Edge

OPERATOR, SENDER, HOLDER, ADMINISTRATOR = "operator", "sender", "holder", "administrator"
PORTAL = "portal"
CLERK = "clerk"
PRINT_HOUSE = "print_house"
EVERYBODY = frozenset({OPERATOR, SENDER, HOLDER, ADMINISTRATOR, PORTAL, CLERK, PRINT_HOUSE, "stranger"})

# Who may call what; written down here a second time, so that no change of the contract goes unnoticed.
ADMITTED: dict[str, frozenset[str]] = {
    "BillingService/GetUsage": frozenset({OPERATOR, ADMINISTRATOR, SENDER}),
    "SenderAdminService/RegisterOrganisation": frozenset({OPERATOR}),
    "SenderAdminService/SetContractState": frozenset({OPERATOR}),
    "SenderAdminService/RegisterDomain": frozenset({OPERATOR}),
    "SenderAdminService/UpdateOrganisation": frozenset({OPERATOR}),
    "SenderAdminService/EnableAdministrator": frozenset({OPERATOR}),
    "SenderAdminService/DisableAdministrator": frozenset({OPERATOR}),
    "SenderAdminService/RegisterSenderAddress": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/SuspendSenderAddress": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ResumeSenderAddress": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/BindCertificate": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/RevokeCertificate": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/GetOrganisation": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ListOrganisations": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ListAdministrators": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/RequestDomainProof": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ProveDomain": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ListDomains": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/DeleteDomain": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/GetSenderAddress": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ListSenderAddresses": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/UpdateSenderAddress": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/DeleteSenderAddress": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ListCertificateBindings": frozenset({OPERATOR, ADMINISTRATOR}),
    "SenderAdminService/ListAdministrativeActs": frozenset({OPERATOR, ADMINISTRATOR}),
    "MailboxService/OpenMailbox": frozenset({OPERATOR}),
    "MailboxService/SuspendMailbox": frozenset({OPERATOR}),
    "MailboxService/ResumeMailbox": frozenset({OPERATOR}),
    "MailboxService/CloseMailbox": frozenset({OPERATOR}),
    "MailboxService/ReopenMailbox": frozenset({OPERATOR}),
    "MailboxService/ResolveAddress": frozenset({OPERATOR, SENDER}),
    "MailboxService/GetMailbox": frozenset({HOLDER}),
    "MailboxService/ListMessages": frozenset({HOLDER}),
    "MailboxService/OpenMessage": frozenset({HOLDER}),
    "MailboxService/DownloadContent": frozenset({HOLDER}),
    "MailboxService/IssueStatement": frozenset({HOLDER}),
    "MailboxService/ConfirmReading": frozenset({HOLDER}),
    "MailboxService/StartConfirmationByPhone": frozenset({HOLDER}),
    "MailboxService/CompleteConfirmationByPhone": frozenset({HOLDER}),
    "MailboxService/WatchMailbox": frozenset({HOLDER}),
    "MailboxService/ListMailboxLinks": frozenset({HOLDER}),
    "DeliveryService/Submit": frozenset({SENDER}),
    "DeliveryService/BatchSubmit": frozenset({SENDER}),
    "DeliveryService/GetDelivery": frozenset({SENDER}),
    "DeliveryService/ListDeliveries": frozenset({SENDER}),
    "DeliveryService/WithdrawDelivery": frozenset({SENDER}),
    "DeliveryService/WatchDeliveries": frozenset({SENDER}),
    "EvidenceService/ListFacts": frozenset({SENDER, HOLDER}),
    "EvidenceService/GetReceipt": frozenset({SENDER, HOLDER, OPERATOR, ADMINISTRATOR}),
    "EvidenceService/GetDeliveryCertificate": frozenset({SENDER, HOLDER}),
    "EvidenceService/GetCheckpoint": EVERYBODY,
    "EvidenceService/GetRevocationList": EVERYBODY,
    "EvidenceService/GetConsistencyProof": EVERYBODY,
    "EvidenceService/GetTile": EVERYBODY,
    "EvidenceService/GetLogStatus": EVERYBODY,
    "SignatureService/VerifySignature": EVERYBODY,
    "CorrespondenceService/SendLetter": frozenset({HOLDER}),
    "CorrespondenceService/GetLetter": frozenset({HOLDER}),
    "CorrespondenceService/ListLetters": frozenset({HOLDER}),
    "CorrespondenceService/WithdrawLetter": frozenset({HOLDER}),
    "DelegationService/GrantDelegation": frozenset({HOLDER}),
    "DelegationService/RevokeDelegation": frozenset({HOLDER}),
    "DelegationService/ListDelegations": frozenset({OPERATOR, HOLDER}),
    "ForwardingService/AddForwardingTarget": frozenset({HOLDER}),
    "ForwardingService/SendForwardingCode": frozenset({HOLDER}),
    "ForwardingService/VerifyForwardingTarget": frozenset({HOLDER}),
    "ForwardingService/ChangeForwardingTarget": frozenset({HOLDER}),
    "ForwardingService/RemoveForwardingTarget": frozenset({HOLDER}),
    "ForwardingService/ListForwardingTargets": frozenset({HOLDER}),
    "SmsService/SendSms": frozenset({SENDER}),
    "SmsService/ListSms": frozenset({SENDER}),
    "PaperService/GetCopyStatement": frozenset({CLERK}),
    "PaperService/SubmitScannedLetter": frozenset({CLERK}),
    "PaperService/WithdrawScannedLetter": frozenset({CLERK}),
    "LetterService/LeasePaperLetters": frozenset({PRINT_HOUSE}),
    "LetterService/DownloadPaperLetter": frozenset({PRINT_HOUSE}),
    "LetterService/ReportPaperLetter": frozenset({PRINT_HOUSE}),
    "LetterService/ListPaperLetters": frozenset({OPERATOR, PRINT_HOUSE}),
    "LetterService/RegisterPrintHouse": frozenset({OPERATOR}),
    "LetterService/BindPrintHouseCertificate": frozenset({OPERATOR}),
    "LetterService/SuspendPrintHouse": frozenset({OPERATOR}),
    "LetterService/ResumePrintHouse": frozenset({OPERATOR}),
    "LetterService/RemovePrintHouse": frozenset({OPERATOR}),
    "LetterService/ListPrintHouses": frozenset({OPERATOR}),
    "LetterService/GetPrintHouse": frozenset({OPERATOR}),
    "IdentityService/StartSignIn": frozenset({PORTAL, HOLDER}),
    "IdentityService/CompleteSignIn": frozenset({PORTAL, HOLDER}),
    "IdentityService/GetSession": frozenset({HOLDER}),
    "IdentityService/ListSessions": frozenset({HOLDER, OPERATOR}),
    "IdentityService/SignOut": frozenset({HOLDER}),
    "IdentityService/SetPassword": frozenset({HOLDER}),
    "IdentityService/TerminateSession": frozenset({OPERATOR}),
    "IdentityService/BindPortal": frozenset({OPERATOR}),
    "IdentityService/ListPortals": frozenset({OPERATOR}),
    "IdentityService/GetPortal": frozenset({OPERATOR}),
    "RegistrationService/PrepareApplication": frozenset({HOLDER}),
    "RegistrationService/SubmitApplication": frozenset({HOLDER, CLERK}),
    "RegistrationService/GetApplication": frozenset({OPERATOR, CLERK, HOLDER}),
    "RegistrationService/ListApplications": frozenset({OPERATOR, CLERK, HOLDER}),
    "RegistrationService/CheckApplication": frozenset({OPERATOR, CLERK}),
    "RegistrationService/RefreshSignatories": frozenset({OPERATOR, CLERK}),
    "RegistrationService/ApproveApplication": frozenset({OPERATOR, CLERK}),
    "RegistrationService/RefuseApplication": frozenset({OPERATOR, CLERK}),
    "RegistrationService/PublishUserAgreement": frozenset({OPERATOR}),
    "RegistrationService/GetUserAgreement": EVERYBODY,
    "RegistrationService/AcceptUserAgreement": frozenset({HOLDER}),
    "RegistrationService/GetHolderProfile": frozenset({OPERATOR, CLERK, HOLDER}),
    "RegistrationService/ChangeHolderData": frozenset({OPERATOR, CLERK, HOLDER}),
    "RegistrationService/ConfirmProfile": frozenset({HOLDER}),
    "RegistrationService/ImportMailboxes": frozenset({OPERATOR}),
}

# What each certificate stands for: a kind of caller, or the reason for which it is refused wherever it calls.
CERTIFICATES = {
    "operator": OPERATOR,
    "agency": SENDER,
    "agency_address": SENDER,
    "agency_elsewhere": "NETWORK_NOT_PERMITTED",
    "agency_without_networks": "NETWORK_NOT_PERMITTED",
    "agency_revoked": "CERTIFICATE_REVOKED",
    "stranger": "stranger",
    "impostor": "stranger",
    "citizen": HOLDER,
    "administrator": ADMINISTRATOR,
    "former_administrator": HOLDER,
    "citizen_revoked": "CERTIFICATE_REVOKED",
    "portal": PORTAL,
    "clerk": CLERK,
    "print_house": PRINT_HOUSE,
    "portal_revoked": "CERTIFICATE_REVOKED",
}

# The same with a session's token in the metadata: whose certificate presents which session.
SESSIONS = {
    "a session of its own": ("portal", "own", HOLDER),
    "an ended session": ("portal", "ended", "SESSION_ENDED"),
    "an expired session": ("portal", "expired", "SESSION_ENDED"),
    "another portal's session": ("portal", "foreign", "SESSION_UNKNOWN"),
    "a guessed token": ("portal", "guessed", "SESSION_UNKNOWN"),
    "no token at all": ("portal", "malformed", "SESSION_UNKNOWN"),
    "an administrator's session": ("portal", "administrator", HOLDER),
    "a revoked portal": ("portal_revoked", "revoked", "CERTIFICATE_REVOKED"),
    "a sender with a token": ("agency", "own", SENDER),
    "an operator with a token": ("operator", "own", OPERATOR),
    "a stranger with a token": ("stranger", "own", "stranger"),
    "a person with a token": ("citizen", "guessed", HOLDER),
}

STATUS = {
    "CERTIFICATE_UNBOUND": grpc.StatusCode.UNAUTHENTICATED,
    "CERTIFICATE_REVOKED": grpc.StatusCode.UNAUTHENTICATED,
    "ROLE_NOT_PERMITTED": grpc.StatusCode.PERMISSION_DENIED,
    "NETWORK_NOT_PERMITTED": grpc.StatusCode.PERMISSION_DENIED,
    "SESSION_UNKNOWN": grpc.StatusCode.UNAUTHENTICATED,
    "SESSION_ENDED": grpc.StatusCode.UNAUTHENTICATED,
}
NOBODY = frozenset(reason for reason, status in STATUS.items() if status is grpc.StatusCode.UNAUTHENTICATED)


def rpcs() -> Iterator[tuple[str, MethodDescriptor]]:
    for service in SERVICES:
        for method in service.methods:
            yield f"{service.name}/{method.name}", method


def expected_refusal(certificate: str, rpc: str) -> str:
    """Returns the reason for which the certificate is refused at the rpc; empty when it is let in."""
    return refusal_of_kind(CERTIFICATES[certificate], rpc)


def refusal_of_kind(kind: str, rpc: str) -> str:
    """Returns the same for what a certificate, or a certificate and a session, stand for."""
    admitted = ADMITTED[rpc]
    if kind in NOBODY:
        return kind
    if kind == "NETWORK_NOT_PERMITTED":
        # The kind of caller is settled before its network.
        return kind if SENDER in admitted else "ROLE_NOT_PERMITTED"
    # An administrator is a person, and a holder as everybody is.
    if kind in admitted or (kind == ADMINISTRATOR and HOLDER in admitted):
        return ""
    return "CERTIFICATE_UNBOUND" if kind == "stranger" else "ROLE_NOT_PERMITTED"


async def refusal_of(channel: Any, method: MethodDescriptor, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """Calls with an empty request; returns the reason if the door refused it, empty if it let the call in."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    call = (channel.unary_stream if method.server_streaming else channel.unary_unary)(path)(
        b"", timeout=60, metadata=tuple(metadata)
    )
    if method.server_streaming:
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for _ in call:
                # Who gets a reply was let in; some streams never end.
                call.cancel()
                return ""
    code = await call.code()
    if code is grpc.StatusCode.OK:
        return ""
    assert code is not grpc.StatusCode.UNIMPLEMENTED, f"{path} is not served"
    reason = reason_of(path, await call.trailing_metadata())
    if reason in STATUS:
        assert code is STATUS[reason]
        return reason
    # Let in, and refused by what comes after the door: an empty request is wrong nearly everywhere.
    assert reason == "INVALID_FIELDS", f"{path}: {code} {reason}"
    return ""


def reason_of(path: str, trailing: Iterable[tuple[str, bytes]]) -> str:
    details = dict(trailing).get("grpc-status-details-bin")
    assert details is not None, f"{path} ended without details"
    status = status_pb2.Status.FromString(details)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return str(info.reason)


def test_expectations_name_every_rpc_of_the_contract_and_no_other() -> None:
    assert set(ADMITTED) == {name for name, _ in rpcs()}


@pytest.mark.parametrize("certificate", sorted(CERTIFICATES))
async def test_admits_a_certificate_to_its_rpcs_and_to_no_other(edge: Edge, certificate: str) -> None:
    channel = edge.channel(getattr(edge.world, certificate))

    found = {name: await refusal_of(channel, method) for name, method in rpcs()}

    assert found == {name: expected_refusal(certificate, name) for name, _ in rpcs()}


@pytest.mark.parametrize("case", sorted(SESSIONS))
async def test_admits_a_certificate_with_a_sessions_token_to_its_rpcs_and_to_no_other(
    edge: Edge, case: str
) -> None:
    certificate, which, kind = SESSIONS[case]
    token = session_of(edge, which)
    channel = edge.channel(getattr(edge.world, certificate))

    found = {name: await refusal_of(channel, method, (("namak-session", token),)) for name, method in rpcs()}

    assert found == {name: refusal_of_kind(kind, name) for name, _ in rpcs()}


def session_of(edge: Edge, which: str) -> str:
    """Returns the token of a session of this kind."""
    world, begin = edge.world, edge.register.begin_session
    match which:
        case "foreign":
            return begin(world.other_portal.sha256, CITIZEN)
        case "revoked":
            return begin(world.portal_revoked.sha256, CITIZEN)
        case "expired":
            return begin(world.portal.sha256, CITIZEN, length=timedelta(0))
        case "ended":
            ended = begin(world.portal.sha256, CITIZEN)
            edge.register.end_session(ended)
            return ended
        case "guessed":
            return session_token(bytes(32))
        case "malformed":
            return "Bearer operator"
        case "administrator":
            # What a person administers is for their own certificate.
            return begin(world.portal.sha256, ADMINISTRATOR_NUMBER)
    return begin(world.portal.sha256, CITIZEN)


@pytest.mark.parametrize("certificate", [None, "expired", "unknown_issuer"])
async def test_ends_the_handshake_without_a_certificate_that_an_authority_vouches_for(
    edge: Edge, certificate: str | None
) -> None:
    channel: Any = edge.channel(getattr(edge.world, certificate) if certificate else None)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await channel.unary_unary("/namak.v1.EvidenceService/GetCheckpoint")(b"", timeout=60)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert edge.desks.commands == []
