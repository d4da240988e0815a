"""What SMTP answers: codes (RFC 5321), enhanced codes (RFC 3463), and the reason as the API names it."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from server.domain.malformed import Malformed
from server.domain.reasons import Reason
from server.domain.refusals import Refused
from server.usecases.mail_intake import Undecided, is_passing
from server.usecases.submission import Accepted

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
        Reason.EVIDENCE_DEBT_EXCEEDED: "451 4.3.2",
        Reason.TOO_MANY_REFUSALS: "451 4.7.1",
    }
)
"""Of all other reasons: `451 4.3.0` for those that pass, `554 5.0.0` for those that don't."""

_AGAIN = "the outcome is unknown: send the mail again, nobody gets it twice"
WORDS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SENDER_NOT_PERMITTED: "the address of MAIL FROM is not registered for this sender",
        Reason.REQUEST_ID_REUSED: "this Message-ID was used for another mail",
        Reason.SERVICE_UNAVAILABLE: f"something that the post needs does not answer; {_AGAIN}",
        Reason.DEADLINE_EXCEEDED: f"time ran out; {_AGAIN}",
        Reason.INTERNAL: "internal error; tell the operator the Message-ID",
    }
)
"""What is said in other words than the API's: a mail client knows of no certificate and no request id."""

_ENHANCED: Mapping[str, str] = MappingProxyType(
    {"500": "5.5.2", "501": "5.5.4", "502": "5.5.1", "503": "5.5.1", "530": "5.7.0"}
)
_HAS_ENHANCED = re.compile(r"\d{3}[ -][245]\.\d{1,3}\.\d{1,3} ")

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
    text = WORDS.get(refused.reason, refused.text)
    kept = "" if refused.evidence_id is None else f" (evidence {refused.evidence_id})"
    return f"{code} {_line(f'{refused.reason.value}: {text}')}{kept}"


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


def of_accepted(accepted: Sequence[Accepted]) -> str:
    """Returns the answer for a mail that all its recipients have: a line for each."""
    told = [f"2.6.0 {_line(each.delivery.recipient)} has it as {each.delivery.id}" for each in accepted]
    return "\r\n".join([*(f"250-{text}" for text in told[:-1]), f"250 {told[-1]}"])


def with_enhanced_code(answer: str) -> str:
    """Returns an answer with the enhanced code that the library leaves out (RFC 2034, 4)."""
    code, _, text = answer.partition(" ")
    if code not in _ENHANCED or _HAS_ENHANCED.match(answer):
        return answer
    return f"{code} {_ENHANCED[code]} {text}"


def _line(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)[:_TEXT_OCTETS]
