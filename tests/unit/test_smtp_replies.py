"""What a mail client is told, in words that mean something to it."""

import pytest

from server.domain.refusals import (
    DeadlineExceeded,
    InternalFault,
    RequestIdReused,
    SenderNotPermitted,
    ServiceUnavailable,
)
from server.domain.refused import Refused
from server.smtp.replies import of_refusal, with_enhanced_code


@pytest.mark.parametrize(
    ("refused", "begins"),
    [
        (ServiceUnavailable("database"), "451 4.3.0 SERVICE_UNAVAILABLE: "),
        (DeadlineExceeded(), "451 4.3.0 DEADLINE_EXCEEDED: "),
        (RequestIdReused("mail:x"), "554 5.6.0 REQUEST_ID_REUSED: "),
        (SenderNotPermitted("a@gov.am"), "550 5.7.1 SENDER_NOT_PERMITTED: "),
        (InternalFault(), "5"),
    ],
)
def test_a_mail_client_is_told_of_no_request_id_and_no_certificate(refused: Refused, begins: str) -> None:
    answer = of_refusal(refused)

    assert answer.startswith(begins)
    assert "request id" not in answer
    assert "certificate" not in answer
    assert ("send the mail again" in answer) == answer.startswith("451")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("530 Must issue a STARTTLS command first", "530 5.7.0 Must issue a STARTTLS command first"),
        ("503 Error: need RCPT command", "503 5.5.1 Error: need RCPT command"),
        ("503 5.5.1 need RCPT command", "503 5.5.1 need RCPT command"),
        ("354 End data", "354 End data"),
        ("250-SIZE 1", "250-SIZE 1"),
    ],
)
def test_what_the_library_answers_has_an_enhanced_code_too(answer: str, told: str) -> None:
    assert with_enhanced_code(answer) == told
