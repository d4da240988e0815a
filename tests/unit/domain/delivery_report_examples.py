"""Reports as mail servers write them."""

BLOCK = (
    b"Final-Recipient: rfc822; ani@example.am\r\n"
    b"Original-Recipient: rfc822;ani@example.am\r\n"
    b"Action: failed\r\n"
    b"Status: 5.1.1\r\n"
    b"Remote-MTA: dns; mx.example.am\r\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 <ani@example.am>:\r\n    User unknown\r\n"
)
ABOUT_MAIL = b"Reporting-MTA: dns; relay.post.example.am\r\nArrival-Date: Sun, 22 Nov 2026 10:00:00 +0400\r\n"
RETURNED = b"Content-Type: text/rfc822-headers\r\n\r\nSubject: \xff\x00 anything\r\n"


def status_part(blocks: bytes, kind: bytes = b"message/delivery-status", more: bytes = b"") -> bytes:
    return b"Content-Type: %b\r\n%b\r\n%b" % (kind, more, blocks)


def report(
    *blocks: bytes,
    about: bytes = ABOUT_MAIL,
    parts: list[bytes] | None = None,
    kind: bytes = b'multipart/report; report-type=delivery-status; boundary="b/1"',
    header: bytes = b"",
) -> bytes:
    """Returns a report of these recipients; `parts` take the place of all three of it."""
    if parts is None:
        parts = [
            b"\r\nThis is the mail system.\r\n",
            status_part(b"\r\n".join([about, *(blocks or (BLOCK,))])),
            RETURNED,
        ]
    body = b"".join(b"--b/1\r\n" + part + b"\r\n" for part in parts)
    return (
        b"From: MAILER-DAEMON@example.am\r\nTo: x\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\n"
        + header
        + b"Content-Type: "
        + kind
        + b"\r\n\r\npreamble\r\n"
        + body
        + b"--b/1--\r\n"
    )
