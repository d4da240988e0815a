"""The rules for single fields of requests. Each returns the value in its canonical form or raises
`Malformed`.

They know nothing of where a field stands: the edge calls them one after another and tells all problems at
once, with paths.
"""

import hashlib
import hmac
import re

from server.domain import identifiers, limits
from server.domain.malformed import Malformed as Malformed
from server.domain.profile import Profile

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = r"\"[\x20\x21\x23-\x5b\x5d-\x7e]*\""
# RFC 9110, 8.3.1: type "/" subtype *( OWS ";" OWS name "=" value ).
_NOTIFICATION_POLICY = re.compile(r"[a-z]{2}-[a-z0-9-]{1,30}@[1-9][0-9]{0,5}", re.ASCII)
_MEDIA_TYPE = re.compile(rf"(?=[^/]{{1,50}}/){_WORD}/{_WORD}( *; *{_WORD}=({_WORD}|{_QUOTED}))*", re.ASCII)
# What breaks a line (Cc, Zl, Zp), and what cannot be written in UTF-8 (Cs).
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
# Turning the direction of writing makes a text read as another one: "gpj.exe" shows as "exe.jpg" (UTR 36,
# 2.6).
_DIRECTION_MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_REFUSED = re.compile(f"[{_CONTROL}{_DIRECTION_MARKS}]")


def request_id(text: str) -> str:
    """Checks a caller's identifier of a request: 1 to 64 characters of `A-Z a-z 0-9 . _ : -` (AIP-155)."""
    if not _REQUEST_ID.fullmatch(text):
        raise Malformed("REQUEST_ID_MALFORMED", "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -")
    return text


def line(text: str, limit: int) -> str:
    """Checks a text that people read on one line: 1 to `limit` characters, not all blank, without control
    characters.
    """
    if not text.strip():
        raise Malformed("EMPTY", "must not be empty")
    if len(text) > limit:
        raise Malformed("TOO_LONG", f"must have at most {limit} characters")
    if _REFUSED.search(text):
        raise Malformed(
            "CONTROL_CHARACTER",
            "must be on one line, without control characters and direction marks",
        )
    return text


def subject(text: str) -> str:
    """Checks a subject, which lists show before a message is opened."""
    return line(text, limits.SUBJECT_CHARACTERS)


def part_name(text: str) -> str:
    """Checks a part's file name. It can name no other directory than the one it is saved in."""
    line(text, limits.PART_NAME_CHARACTERS)
    if "/" in text or "\\" in text or text in {".", ".."}:
        raise Malformed("NOT_A_FILE_NAME", "must be a file name without / and \\")
    return text


def media_type(text: str) -> str:
    """Checks a media type: `type/subtype` in ASCII, perhaps with parameters (RFC 9110, 8.3.1)."""
    if len(text) > limits.MEDIA_TYPE_CHARACTERS:
        raise Malformed("TOO_LONG", f"must have at most {limits.MEDIA_TYPE_CHARACTERS} characters")
    if not _MEDIA_TYPE.fullmatch(text):
        raise Malformed("MEDIA_TYPE_MALFORMED", "must be type/subtype in ASCII, for example application/pdf")
    return text


def content(content: bytes, stated_sha256: bytes | None) -> bytes:
    """Checks one part's content against the digest that the sender states, if any; returns its SHA-256.

    The size of all parts together is for the caller to check (`limits.CONTENT_BYTES`).
    """
    if not content:
        raise Malformed("EMPTY", "must not be empty")
    digest = hashlib.sha256(content).digest()
    if stated_sha256 is not None and not hmac.compare_digest(stated_sha256, digest):
        raise Malformed("DIGEST_MISMATCH", "the stated digest is not that of the content")
    return digest


def organisation_code(text: str, profile: Profile) -> str:
    """Checks an entity's number: in Armenia the legal entity code, for a body that of its staff (POST-4)."""
    return identifiers.entity_number(text, profile, "CODE_MALFORMED")


def notification_policy(text: str) -> str:
    """Checks how a notification policy is named, `am-2025@2`; whether there is one, and who may use it, is
    another question.
    """
    if not _NOTIFICATION_POLICY.fullmatch(text):
        raise Malformed("POLICY_MALFORMED", "must be a policy with its version, for example am-2015@1")
    return text


def organisation_name(text: str) -> str:
    """Checks the name of an organisation as people know it."""
    return line(text, limits.ORGANISATION_NAME_CHARACTERS)


def document_reference(text: str) -> str:
    """Checks what names a document in the operator's files."""
    return line(text, limits.DOCUMENT_REFERENCE_CHARACTERS)


def portal_name(text: str) -> str:
    """Checks a portal's name. It stands in what people sign to sign in there, where a name has printable
    characters only (`namak.evidence.sign_in`): no space but the plain one, nothing of no width.
    """
    line(text, limits.PORTAL_NAME_CHARACTERS)
    if not text.isprintable():
        raise Malformed("NOT_PRINTABLE", "must have printable characters and plain spaces only")
    return text


def person_number(text: str, profile: Profile) -> str:
    """Checks a person's national number (POST-3)."""
    return identifiers.person_number(text, profile, "PERSON_NUMBER_MALFORMED")


def person_name(text: str) -> str:
    """Checks a person's name as the operator writes it down."""
    return line(text, limits.PERSON_NAME_CHARACTERS)
