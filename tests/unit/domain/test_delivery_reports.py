"""Reports of mail servers: what counts as a failure, and all that does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain.delivery_reports import (
    DIAGNOSTIC_CHARACTERS,
    READ_BYTES,
    STATUS_BYTES,
    ReportedFailure,
    failure_of,
    read_report,
)
from server.domain.malformed import Malformed
from tests.unit.domain.delivery_report_examples import BLOCK, RETURNED, report, status_part

SAID = "550 5.1.1 <ani@example.am>: User unknown"


def failure(mail: bytes) -> ReportedFailure | None:
    return failure_of(read_report(mail))


def changed(old: bytes, new: bytes) -> bytes:
    assert old in BLOCK
    return report(BLOCK.replace(old, new))


def refused(mail: bytes) -> str:
    with pytest.raises(Malformed) as raised:
        read_report(mail)
    return raised.value.reason


def test_a_failure_is_told_with_its_cause_and_the_servers_words_unfolded() -> None:
    assert failure(report()) == ReportedFailure("NO_SUCH_ADDRESS", "5.1.1", SAID)


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("5.1.1", "NO_SUCH_ADDRESS"),
        ("5.1.10", "NO_SUCH_ADDRESS"),
        ("5.1.8", "REFUSED"),
        ("5.2.1", "MAILBOX_DISABLED"),
        ("4.2.2", "MAILBOX_FULL"),
        ("5.2.3", "TOO_LARGE"),
        ("5.3.4", "TOO_LARGE"),
        ("4.4.7", "UNREACHABLE"),
        ("5.7.26", "REFUSED"),
        ("5.0.0", "NOT_DELIVERED"),
        ("5.1.1 (no such user)", "NO_SUCH_ADDRESS"),
        ("5.999.999", "NOT_DELIVERED"),
    ],
)
def test_a_failure_is_final_whatever_its_class_and_its_cause_follows_from_the_status(
    status: str, cause: str
) -> None:
    found = failure(changed(b"Status: 5.1.1", b"Status: " + status.encode()))
    assert found is not None
    assert found.cause == cause


@pytest.mark.parametrize("action", [b"delayed", b"delivered", b"relayed", b"expanded", b"Delayed"])
def test_what_is_no_failure_is_none(action: bytes) -> None:
    assert failure(changed(b"Action: failed", b"Action: " + action)) is None


def test_a_failure_with_a_status_of_success_says_nothing() -> None:
    assert failure(changed(b"Status: 5.1.1", b"Status: 2.0.0")) is None


def test_where_one_of_several_addresses_has_it_it_did_not_fail() -> None:
    arrived = BLOCK.replace(b"failed", b"relayed").replace(b"5.1.1", b"2.1.5")
    delayed = BLOCK.replace(b"failed", b"delayed").replace(b"5.1.1", b"4.4.1")
    assert failure(report(BLOCK, arrived)) is None
    assert failure(report(delayed, BLOCK)) is not None


def test_a_report_with_letters_beyond_ascii_is_read() -> None:
    """RFC 6533."""
    block = BLOCK.replace(b"rfc822; ani@example.am", "utf-8; անի@օրինակ.հայ".encode()).replace(
        b"User unknown", "Անհայտ".encode()
    )
    kind = b"message/global-delivery-status"
    for more in (b"Content-Transfer-Encoding: 8bit\r\n", b""):
        part = status_part(b"Reporting-MTA: dns; r\r\n\r\n" + block, kind, more)
        found = failure(report(parts=[b"\r\ntext", part, RETURNED]))
        assert found == ReportedFailure("NO_SUCH_ADDRESS", "5.1.1", SAID.replace("User unknown", "Անհայտ"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (b"smtp; 550 \x1b[31mred\x07\xe2\x80\xae txet", "550 [31mred txet"),
        (b"smtp;" + b"x" * 1000, "x" * DIAGNOSTIC_CHARACTERS),
        (b"no type", "no type"),
        (b"smtp; \xff\xfe", ""),
        (b"", ""),
        (b"x" * 9000, ""),
    ],
)
def test_the_servers_words_are_a_short_line_of_what_can_be_shown(said: bytes, shown: str) -> None:
    at = BLOCK.index(b"Diagnostic-Code")
    found = failure(report(BLOCK[:at] + b"Diagnostic-Code: " + said + b"\r\n"))
    assert found is not None
    assert found.diagnostic == shown


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        # Programs that answer, and bounces in a server's own words.
        (b"Auto-Submitted: auto-replied\r\nSubject: Vacation\r\n\r\nI am away", "NO_REPORT"),
        (b"Subject: failure notice\r\n\r\nHi. <ani@example.am>: 550 no such user", "NO_REPORT"),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + report() + b"\r\n--b--",
            "NO_REPORT",
        ),
        (b"", "NO_REPORT"),
        (report(kind=b"multipart/report; report-type=disposition-notification; boundary=b/1"), "NO_REPORT"),
        (report(kind=b"multipart/report; boundary=b/1"), "NO_REPORT"),
        # Parts that are not where they belong.
        (report(parts=[]), "REPORT_MALFORMED"),
        (report(parts=[status_part(b"Reporting-MTA: r\r\n\r\n" + BLOCK)]), "REPORT_MALFORMED"),
        (report(parts=[b"\r\ntext", RETURNED, status_part(BLOCK)]), "REPORT_MALFORMED"),
        (report(parts=[b"\r\ntext", b"Content-Type: message/rfc822\r\n\r\n" + report()]), "REPORT_MALFORMED"),
        (report(kind=b"multipart/report; report-type=delivery-status"), "BOUNDARY_MALFORMED"),
        (report(kind=b"multipart/report; report-type=delivery-status; boundary=other"), "BOUNDARY_BROKEN"),
        # Fields that are missing, twice, or of no known meaning.
        (report(about=b"Arrival-Date: now\r\n"), "REPORT_MALFORMED"),
        (report(parts=[b"\r\ntext", status_part(b"Reporting-MTA: r\r\n")]), "REPORT_MALFORMED"),
        (report(parts=[b"\r\ntext", status_part(b"")]), "HEADER_MALFORMED"),
        (report(BLOCK.replace(b"Final-Recipient", b"Finally")), "REPORT_MALFORMED"),
        (report(BLOCK.replace(b"rfc822; ani@", b"ani@")), "REPORT_MALFORMED"),
        (changed(b"Status: 5.1.1", b"Status: 3.1.1"), "REPORT_MALFORMED"),
        (changed(b"Status: 5.1.1", b"Status: 5.1"), "REPORT_MALFORMED"),
        (changed(b"Status: 5.1.1", "Status: 5.1.\u0661".encode()), "REPORT_MALFORMED"),
        (changed(b"Status: 5.1.1\r\n", b""), "REPORT_MALFORMED"),
        (changed(b"Action: failed", b"Action: failed, really"), "REPORT_MALFORMED"),
        (changed(b"Action: failed\r\n", b""), "REPORT_MALFORMED"),
        (changed(b"Action: failed", b"Action: delivered\r\nAction: failed"), "FIELD_REPEATED"),
        (changed(b"Action: failed", b"Action failed"), "HEADER_MALFORMED"),
        # Too much.
        (report(*[BLOCK] * 21), "REPORT_MALFORMED"),
        (report(BLOCK + b"X: " + b"x" * STATUS_BYTES), "TOO_LARGE"),
        (report(BLOCK + b"".join(b"X-%d: x\r\n" % n for n in range(300))), "HEADER_TOO_LONG"),
        (changed(b"mx.example.am", b"mx\x00"), "NUL"),
        (report(header=b"X: \n"), "BARE_LINE_END"),
    ],
)
def test_whatever_is_not_surely_a_report_is_none(mail: bytes, reason: str) -> None:
    assert refused(mail) == reason


def test_no_more_of_a_mail_is_looked_at_than_a_report_takes() -> None:
    mail = report()
    # Not even the form of lines is asked for so far behind.
    assert failure(mail + b"x\r\n" * READ_BYTES + b"bare\n") is not None
    padded = mail.replace(b"\r\n\r\n", b"\r\n\r\n" + b"x\r\n" * READ_BYTES, 1)
    assert refused(padded) == "BOUNDARY_BROKEN"


def test_what_was_sent_may_be_of_any_form_behind_the_report() -> None:
    bomb = b"Content-Type: multipart/mixed; boundary=\r\nContent-Transfer-Encoding: \xff\r\n\r\n\x00"
    assert failure(report(parts=[b"\r\n\xff text", status_part(b"Reporting-MTA: r\r\n\r\n" + BLOCK), bomb]))


_PIECES = st.sampled_from(
    [
        *(
            b"--b/1\r\n",
            b"--b/1--\r\n",
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"\x00",
            b"\xff",
            b";",
            b":",
            b" ",
            b"=?",
        ),
        *(
            BLOCK,
            b"Action: delivered\r\n",
            b"Status: 2.0.0\r\n",
            b"Content-Type: message/delivery-status\r\n",
        ),
        *(b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: multipart/report\r\n", b"boundary*0=b"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    at=st.lists(st.tuples(st.integers(0, len(report())), st.integers(0, 40), _PIECES), max_size=5),
)
def test_whatever_comes_is_read_or_refused(at: list[tuple[int, int, bytes]]) -> None:
    mail = report()
    for place, dropped, piece in at:
        mail = mail[:place] + piece + mail[place + dropped :]
    try:
        found = failure(mail)
    except Malformed:
        return
    if found is not None:
        assert found.diagnostic.isprintable()
        assert len(found.diagnostic) <= DIAGNOSTIC_CHARACTERS
        assert b"failed" in mail.lower()


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_are_a_failure_by_chance(mail: bytes) -> None:
    with pytest.raises(Malformed):
        read_report(mail)
