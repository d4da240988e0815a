"""Statuses become exceptions by reason; codes only count where no reason of ours is there."""

import uuid

import grpc
import grpc.aio
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from namak import errors
from namak.cli.codes import ExitCode, exit_code_of
from namak.cli.reasons import advice_for
from namak.cli.screen import Screen
from namak.client.letters import check_parts
from namak.client.statuses import CLASS_OF_REASON, error_from_call, error_from_status
from namak.errors import NamakError
from namak.v1 import delivery_pb2, errors_pb2
from server.domain.refusals import ChallengeUsed, NotOpened, Refused, SessionUnknown


def status(code: grpc.StatusCode, reason: str = "", domain: str = "namak.v1") -> status_pb2.Status:
    result = status_pb2.Status(code=code.value[0], message="text")
    if reason:
        packed = any_pb2.Any()
        packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata={"key": "value"}))
        result.details.append(packed)
    return result


def test_every_reason_of_the_contract_has_its_class_and_no_other_has() -> None:
    named = {name.removeprefix("REASON_") for name in errors_pb2.Reason.keys()}  # noqa: SIM118 - no mapping
    assert set(CLASS_OF_REASON) == named - {"UNSPECIFIED"}


@pytest.mark.parametrize("reason", CLASS_OF_REASON)
def test_every_reason_leads_to_an_exit_code_and_an_advice(reason: str) -> None:
    error = error_from_status(status(grpc.StatusCode.UNKNOWN, reason))
    assert type(error) is CLASS_OF_REASON[reason]
    assert error.reason == reason
    assert error.metadata == {"key": "value"}
    assert exit_code_of(error) in (ExitCode.REFUSED, ExitCode.UNAVAILABLE, ExitCode.FAULT)
    assert advice_for(error)


def test_the_text_of_wrong_fields_says_the_first_of_them_once() -> None:
    part = delivery_pb2.Part(name="a.pdf", content=b"x" * (3 * 1024 * 1024 + 1))
    with pytest.raises(errors.InvalidFields) as refused:
        check_parts([part])
    assert "(parts: must have at most 3145728 bytes (3 MiB) together)" in str(refused.value)

    wrong = [errors.Violation(f"f{place}", "EMPTY", "must not be empty") for place in range(5)]
    assert str(errors.InvalidFields("wrong", violations=wrong)) == (
        "wrong (f0: must not be empty; f1: must not be empty; f2: must not be empty; 2 more)"
    )
    named = "2 fields are wrong: f0: must not be empty; f1: must not be empty"
    assert str(errors.InvalidFields(named, violations=wrong[:2])) == named


def test_what_a_person_is_told_comes_with_its_language() -> None:
    refused = status(grpc.StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN")
    refused.details.add().Pack(error_details_pb2.LocalizedMessage(locale="ru", message="Ящика нет."))

    error = error_from_status(refused)

    assert (error.told, error.told_language) == ("Ящика нет.", "ru")
    assert str(error) == "text"
    plain = error_from_status(status(grpc.StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"))
    assert (plain.told, plain.told_language) == ("", "")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, errors.NotAuthenticated),
        (grpc.StatusCode.PERMISSION_DENIED, errors.NotPermitted),
        (grpc.StatusCode.UNIMPLEMENTED, errors.Refused),
        (grpc.StatusCode.UNAVAILABLE, errors.Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (grpc.StatusCode.INTERNAL, errors.ServerFault),
        (grpc.StatusCode.DATA_LOSS, errors.ServerFault),
    ],
)
def test_a_status_without_reason_counts_by_its_code(code: grpc.StatusCode, kind: type[NamakError]) -> None:
    error = error_from_status(status(code))
    assert type(error) is kind
    assert error.reason == code.name
    assert error.evidence_id is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CLIENT: Sent message larger than max (4194400 vs. 4194304)", errors.TooLarge),
        ("SERVER: Received message larger than max (4194400 vs. 4194304)", errors.TooLarge),
        ("grpc: received message larger than max (4194400 vs. 4194304)", errors.TooLarge),
        ("CLIENT: Received message larger than max (67108900 vs. 67108864)", errors.ServerFault),
        ("SERVER: Sent message larger than max (67108900 vs. 67108864)", errors.ServerFault),
        ("Too many requests", errors.TryLater),
    ],
)
def test_grpcs_own_limits_are_no_reason_to_try_again(text: str, kind: type[NamakError]) -> None:
    nothing = grpc.aio.Metadata()
    failed = grpc.aio.AioRpcError(grpc.StatusCode.RESOURCE_EXHAUSTED, nothing, nothing, details=text)
    error = error_from_call(failed)
    assert type(error) is kind
    assert ("gain" in advice_for(error)) is (kind is errors.TryLater)


def test_a_reason_that_is_not_known_yet_keeps_its_name_and_counts_by_its_code() -> None:
    error = error_from_status(status(grpc.StatusCode.FAILED_PRECONDITION, "SOMETHING_NEW"))
    assert type(error) is errors.WrongState
    assert error.reason == "SOMETHING_NEW"


def test_a_reason_of_another_domain_is_not_ours() -> None:
    error = error_from_status(status(grpc.StatusCode.UNAVAILABLE, "MAILBOX_UNKNOWN", "proxy.example"))
    assert type(error) is errors.Unavailable
    assert error.reason == "UNAVAILABLE"
    assert not error.metadata


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError("file", ["a", "b"]), ExitCode.USAGE),
        (errors.TrustMissing("trust", ["none"]), ExitCode.USAGE),
        (errors.TimestampsUnreadable("--tsa-roots", ["none"]), ExitCode.USAGE),
        (errors.WrongUsage("x"), ExitCode.USAGE),
        (errors.SigningCertificateMisfit("x"), ExitCode.CARD),
        (errors.OwnCertificateError("own", ["expired"]), ExitCode.USAGE),
        (errors.CannotConnect("x"), ExitCode.UNAVAILABLE),
        (errors.NotYetLogged("x"), ExitCode.UNAVAILABLE),
        (errors.NotSent("x"), ExitCode.UNAVAILABLE),
        (errors.ContentMismatch("x"), ExitCode.NOT_VERIFIED),
        (errors.WrongPin("x"), ExitCode.CARD),
        (errors.FileExistsAlready("x"), ExitCode.FILE),
        (errors.ServerFault("x"), ExitCode.FAULT),
    ],
)
def test_what_the_client_finds_itself_has_an_exit_code_and_a_reason(
    error: NamakError, code: ExitCode
) -> None:
    assert exit_code_of(error) == code
    assert error.reason


@pytest.mark.parametrize(
    ("cause", "advised"),
    [(PermissionError(), True), (FileNotFoundError(), True), (ValueError(), False), (None, False)],
)
def test_a_path_is_to_be_checked_only_where_the_path_is_the_trouble(
    cause: Exception | None, advised: bool
) -> None:
    error = errors.FileProblem("x")
    error.__cause__ = cause
    assert bool(advice_for(error)) is advised


@pytest.mark.parametrize(
    ("refused", "advice"),
    [
        (NotOpened(uuid.uuid4()), "open it first"),
        (SessionUnknown(), "sign in again"),
        (ChallengeUsed(), "start another one"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_to_do_is_said_once(refused: Refused, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    kind = CLASS_OF_REASON[refused.reason.value]

    Screen(as_json=False).failure(kind(refused.text, reason=refused.reason.value))

    assert capsys.readouterr().err.casefold().count(advice) == 1
