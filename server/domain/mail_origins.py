"""Where deliveries came from that came in by ordinary mail (ADMIN-6)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailChecks:
    """What is known of where a mail came from, besides what its acceptance rests on. Nothing hangs on it.

    Attributes:
        dkim, dkim_domain: what became of its signature (RFC 8601, 2.7.1), and the domain that signed.
        spf, spf_domain: whether the client may send for a domain (RFC 7208, 2.6), and that domain; empty
            where that is not looked at.
    """

    dkim: str = "none"
    dkim_domain: str = ""
    spf: str = ""
    spf_domain: str = ""


@dataclass(frozen=True, slots=True)
class MailOrigin:
    """Where a delivery came from that came in by mail.

    Attributes:
        message_id: the mail's, with its angle brackets; None where it had none.
        checks: None as long as they were not made.
    """

    message_id: str | None
    checks: MailChecks | None = None
