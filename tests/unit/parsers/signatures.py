"""The formats that are DER: signatures, certificates, revocation lists, answers of authorities on time."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509

from namak.evidence.certificate import load_certificate
from namak.evidence.cms_signature import check_signature
from namak.evidence.der import check_der
from namak.evidence.errors import (
    EvidenceError,
    InvalidTimestamp,
    MalformedTimestamp,
    TimestampNotGranted,
)
from namak.evidence.failures import CertificateUntrusted, SignatureInvalid
from namak.evidence.revocation import load_list
from namak.evidence.signature import check_confirmation_signature
from namak.evidence.timestamp import TimestampTrust, check_timestamp, token_from
from namak.evidence.timestamp_file import timestamp_file
from tests.signing.authority import STAMPING, Authority
from tests.signing.authority import named as name_of
from tests.signing.stamping import StampingAuthority
from tests.unit.evidence_documents.world import Story
from tests.unit.parsers.parsers import Parser

_AT = datetime(2026, 11, 21, 20, 10, tzinfo=UTC)


class NoList(Exception):
    """What stands for a revocation list that is none."""


@cache
def signatures() -> tuple[Parser, ...]:
    """Returns the formats; made when first asked for, since keys take a while."""
    story = Story()
    statement, details = story.statement().encode(), story.confirmation_details()
    roots, lists = [story.world.root.der], story.world.crls()

    def confirmed(data: bytes) -> object:
        return check_confirmation_signature(data, statement, roots=roots, crls=lists, at=_AT)

    return (
        Parser("DER", details.cms, check_der, (SignatureInvalid,)),
        Parser("signature", details.cms, lambda data: check_signature(data, statement), (SignatureInvalid,)),
        Parser("confirmation", details.cms, confirmed, (EvidenceError,)),
        Parser("certificate", story.world.card.der, load_certificate, (CertificateUntrusted,)),
        Parser("revocation list", lists[0], _list, (NoList,)),
        _answer(),
    )


def _answer() -> Parser:
    root = Authority("Root of time")
    stamping = StampingAuthority(root.issue(name_of("Time of the court"), STAMPING), _AT)
    note = b"the note of a checkpoint"
    token = stamping.token(hashlib.sha256(note).digest(), "sha256")
    trust = TimestampTrust((x509.load_der_x509_certificate(root.der),))
    return Parser(
        "answer of an authority",
        timestamp_file(token),
        lambda data: check_timestamp(token_from(data), note, trust),
        (MalformedTimestamp, TimestampNotGranted, InvalidTimestamp),
    )


def _list(data: bytes) -> Any:
    read: Callable[[bytes], Any] = load_list
    found = read(data)
    if found is None:
        raise NoList("these bytes are no revocation list")
    return found


NAMES = ("DER", "signature", "confirmation", "certificate", "revocation list", "answer of an authority")
