"""What SMTP answers: codes (RFC 5321), enhanced codes (RFC 3463), and the reason as the API names it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from server.domain.malformed import Malformed
from server.domain.reasons import Reason
from server.domain.refusals import Refused
from server.usecases.mail_intake import Undecided, is_passing

_TEXT_OCTETS = 400  # a reply's line has at most 512 (RFC 5321, 4.5.3.1.5)
_UNPRINTABLE = re.compile(r"[^ -~]")

CODES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SENDER_NOT_PERMITTED: "550 5.7.1",
        Reason.NETWORK_NOT_PERMITTED: "550 5.7.1",
        Reason.SENDER_SUSPENDED: "550 5.7.1",
        Reason.CONTRACT_NOT_IN_FORCE: "550 5.7.1",
        Reason.ROLE_NOT_PERMITTED: "550 5.7.1",
        Reason.CERTIFICATE_REVOKED: "550 5.7.1",
        Reason.MAILBOX_UNKNOWN: "550 5.1.1",
        Reason.MAILBOX_SUSPENDED: "550 5.2.1",
        Reason.MAILBOX_CLOSED: "550 5.2.1",
        Reason.MAILBOX_NOT_CONFIRMED: "550 5.2.1",
        Reason.REQUEST_ID_REUSED: "554 5.6.0",
        Reason.OVERLOADED: "451 4.3.2",
        Reason.TOO_MANY_REFUSALS: "451 4.7.1",
    }
)
"""Of all other reasons: `451 4.3.0` for those that pass, `554 5.0.0` for those that don't."""

_ADDRESSES = frozenset(
    {
        *("ADDRESS_MALFORMED", "DOMAIN_MALFORMED", "FOREIGN_DOMAIN", "MIXED_SCRIPT", "SCRIPT_NOT_PERMITTED"),
        *("DOMAIN_NOT_OFFICIAL", "NUMBER_MALFORMED"),
    }
)
_CONTENT_CODES: Mapping[str, str] = MappingProxyType(
    {"TOO_LARGE": "552 5.3.4", "SENDERS_DIFFER": "550 5.7.1", "AUTOMATIC_REPLY": "550 5.7.1"}
)


def of_refusal(refused: Refused) -> str:
    """Returns the answer to what a use case refuses."""
    code = CODES.get(refused.reason) or ("451 4.3.0" if is_passing(refused) else "554 5.0.0")
    kept = "" if refused.evidence_id is None else f" (evidence {refused.evidence_id})"
    return f"{code} {_line(f'{refused.reason.value}: {refused.text}')}{kept}"


def of_malformed(problem: Malformed) -> str:
    """Returns the answer to what can't be read."""
    usual = "553 5.1.3" if problem.reason in _ADDRESSES else "554 5.6.0"
    code = _CONTENT_CODES.get(problem.reason, usual)
    return f"{code} {_line(f'INVALID_FIELDS: {problem.reason}: {problem.text}')}"


def of_undecided(undecided: Undecided) -> str:
    """Returns the answer for recipients of whom some have the mail and others do not."""
    why = ", ".join(sorted({refused.reason.value for refused in undecided.refused}))
    told = f"{undecided.accepted} recipients have it, {len(undecided.refused)} do not: {why}"
    if undecided.passing:
        return f"451 4.5.0 {_line(f'send it again, nobody gets it twice; {told}')}"
    return f"554 5.5.0 {_line(told)}"


def _line(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)[:_TEXT_OCTETS]
