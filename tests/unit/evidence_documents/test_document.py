import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from namak.evidence import events
from namak.evidence.details import AccessDetails, ConfirmationDetails, InlineList, NamedList, revocation_list
from namak.evidence.document import EvidenceDocument, RecordedFact, entry_of
from namak.evidence.failures import MalformedEvidence
from tests.unit.evidence_documents.documents import (
    DIGEST,
    LETTER,
    ONE_OF_EACH,
    SUBMITTED,
    document,
    documents,
)
from tests.unit.evidence_documents.plain_writing import doubtful_documents, written_plainly

ACCEPTANCE, REJECTION, CONSIGNMENT, ACCESS, CONFIRMATION, EFFECT, WITHDRAWAL, _ = ONE_OF_EACH


@given(documents())
def test_comes_back_as_it_was_written(document: EvidenceDocument) -> None:
    assert EvidenceDocument.parse(document.encode()) == document


@given(documents())
def test_writes_the_same_bytes_every_time(document: EvidenceDocument) -> None:
    data = document.encode()

    assert EvidenceDocument.parse(data).encode() == data


@given(doubtful_documents())
def test_writes_it_plainly_if_a_reader_would_give_it_back_and_else_nothing(
    document: EvidenceDocument,
) -> None:
    data = written_plainly(document)

    if _comes_back(document, data):
        assert document.encode() == data
    else:
        with pytest.raises(MalformedEvidence):
            document.encode()


def _comes_back(document: EvidenceDocument, data: bytes) -> bool:
    try:
        return EvidenceDocument.parse(data) == document
    except MalformedEvidence:
        return False


def test_writes_nothing_that_is_too_long_to_be_read() -> None:
    letters = tuple(replace(LETTER, identifier=str(number), file_name="𐍈" * 200) for number in range(1, 1000))
    longest = replace(CONFIRMATION, parts=(*CONFIRMATION.parts[:1], *letters))
    assert isinstance(longest.details, ConfirmationDetails)
    too_long = replace(longest, details=replace(longest.details, statement="𐍈" * 40_000))

    assert EvidenceDocument.parse(longest.encode()) == longest
    with pytest.raises(MalformedEvidence, match="bytes"):
        too_long.encode()


def test_writes_the_fields_that_the_format_names_in_their_order() -> None:
    assert CONSIGNMENT.encode().decode() == (
        '{"version":"namak-evidence/1","EvidenceIdentifier":"0192f0c4-0000-7000-8000-000000000003",'
        '"ERDSEventId":"http://uri.etsi.org/19522/Event/ContentConsignment",'
        '"EventTime":"2026-11-21T20:00:00.123456Z","EvidenceIssuerPolicyID":["namak:am:1"],'
        '"EvidenceIssuerDetails":{"Identifier":"e-citizen.am","Name":"Էլեկտրոնային քաղաքացի"},'
        '"SenderDetails":{"Identifier":"notices@src.am","OrganisationCode":"01234567",'
        '"OrganisationName":"State Revenue Committee"},'
        '"RecipientDetails":{"Identifier":"5001950015@e-citizen.am"},'
        '"SubmissionTime":"2026-11-21T20:00:00.123456Z",'
        '"MessageIdentifier":"0192f0c3-0000-7000-8000-000000000001","UserContentInfo":{"PartsInfo":['
        '{"PartIdentifier":"subject","MediaType":"text/plain;charset=utf-8","Size":40,"Digest":'
        '{"Algorithm":"SHA-256","Value":"SUBJECT"}},{"PartIdentifier":"1","MediaType":"application/pdf",'
        '"FileName":"ծանուցում.pdf","Size":9,"Digest":{"Algorithm":"SHA-256","Value":"LETTER"}}]},'
        '"Extensions":{"salt":"AAAAAAAAAAAAAAAAAAAAAw==","notificationPolicy":"am-2015@1",'
        '"mailboxLink":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}'
    ).replace("SUBJECT", _base64_sha256("Ծանուցում հարկի մասին".encode())).replace(
        "LETTER", _base64_sha256(b"the tax.\n")
    )


def test_a_rejection_has_a_reason_and_no_delivery() -> None:
    written = json.loads(REJECTION.encode())

    assert written["EventReasons"] == [{"Code": "MAILBOX_UNKNOWN"}]
    assert "MessageIdentifier" not in written


def test_the_entry_and_the_digest_are_those_of_the_stored_bytes() -> None:
    data = json.dumps(json.loads(ACCESS.encode()), indent=1).encode()

    fact = RecordedFact.parse(data)

    assert fact.document == ACCESS
    assert fact.entry == entry_of(data) == hashlib.sha256(data).digest()
    assert fact.digest == hashlib.sha256(data).hexdigest()
    assert fact.digest != hashlib.sha256(ACCESS.encode()).hexdigest()


def test_times_are_written_in_utc_whatever_zone_they_came_in() -> None:
    yerevan = timezone(timedelta(hours=4))
    moved = replace(ACCESS, event_time=datetime(2026, 11, 22, 0, 0, 0, 5, tzinfo=yerevan))

    written = json.loads(moved.encode())

    assert written["EventTime"] == "2026-11-21T20:00:00.000005Z"


def test_a_list_over_64_kib_is_named_by_its_digest() -> None:
    assert revocation_list(bytes(65536)) == InlineList(bytes(65536))
    assert revocation_list(bytes(65537)) == NamedList(hashlib.sha256(bytes(65537)).hexdigest())


def _base64_sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


Change = Callable[[dict[str, Any]], object]


def _set(*path_and_value: Any) -> Change:
    *path, last, value = path_and_value

    def change(written: Any) -> None:
        for key in path:
            written = written[key]
        written[last] = value

    return change


def _drop(*path: Any) -> Change:
    *path_to, last = path

    def change(written: Any) -> None:
        for key in path_to:
            written = written[key]
        del written[last]

    return change


_PARTS = ("UserContentInfo", "PartsInfo")

REFUSED: dict[str, tuple[EvidenceDocument, Change]] = {
    "another version": (ACCESS, _set("version", "namak-evidence/2")),
    "an unknown key": (ACCESS, _set("Surplus", 1)),
    "a missing key": (ACCESS, _drop("EventTime")),
    "an unknown event": (ACCESS, _set("ERDSEventId", "https://namak.am/event/Invented")),
    "an event under the other owner's uri": (
        CONFIRMATION,
        _set("ERDSEventId", "http://uri.etsi.org/19522/Event/ReadingConfirmed"),
    ),
    "an event that is not issued yet": (ACCESS, _set("ERDSEventId", "https://namak.am/event/HolderSignedIn")),
    "an event that is no text": (ACCESS, _set("ERDSEventId", 1)),
    "a reason where none belongs": (ACCESS, _set("EventReasons", [{"Code": "MAILBOX_UNKNOWN"}])),
    "no reason where one belongs": (REJECTION, _drop("EventReasons")),
    "two reasons": (REJECTION, _set("EventReasons", [{"Code": "A"}, {"Code": "B"}])),
    "a reason in words": (REJECTION, _set("EventReasons", 0, "Code", "no such mailbox")),
    "a delivery where there is none": (REJECTION, _set("MessageIdentifier", str(ACCESS.delivery_id))),
    "no delivery": (ACCESS, _drop("MessageIdentifier")),
    "an upper-case uuid": (ACCESS, _set("EvidenceIdentifier", "0192F0C4-0000-7000-8000-00000000000A")),
    "a uuid in braces": (ACCESS, _set("EvidenceIdentifier", "{0192f0c4-0000-7000-8000-000000000003}")),
    "a time without decimals": (ACCESS, _set("EventTime", "2026-11-21T20:00:00Z")),
    "a time with an offset": (ACCESS, _set("EventTime", "2026-11-21T20:00:00.123456+00:00")),
    "a day that is not": (ACCESS, _set("EventTime", "2026-02-30T20:00:00.123456Z")),
    "a time in other digits": (ACCESS, _set("EventTime", "٢٠٢٦-11-21T20:00:00.123456Z")),
    "a time as a number": (ACCESS, _set("EventTime", 1_795_000_000)),
    "two policies": (ACCESS, _set("EvidenceIssuerPolicyID", ["namak:am:1", "namak:am:1"])),
    "a policy that is not ours": (ACCESS, _set("EvidenceIssuerPolicyID", ["other:am:1"])),
    "a sender without organisation": (ACCESS, _drop("SenderDetails", "OrganisationName")),
    "a recipient with more": (ACCESS, _set("RecipientDetails", "Name", "X")),
    "an address of two lines": (ACCESS, _set("RecipientDetails", "Identifier", "a@b\nc")),
    "no address": (ACCESS, _set("SenderDetails", "Identifier", "notices")),
    "a name with a control character": (ACCESS, _set("EvidenceIssuerDetails", "Name", "a\u0085b")),
    "a lone surrogate": (ACCESS, _set("EvidenceIssuerDetails", "Name", "\ud800")),
    "an empty name": (ACCESS, _set("EvidenceIssuerDetails", "Name", "")),
    "an issuer that is a list": (ACCESS, _set("EvidenceIssuerDetails", [])),
    "no parts": (ACCESS, _set(*_PARTS, [])),
    "parts that are an object": (ACCESS, _set(*_PARTS, {})),
    "a first part that is not the subject": (ACCESS, _drop(*_PARTS, 0)),
    "a subject with a file name": (ACCESS, _set(*_PARTS, 0, "FileName", "a")),
    "a part without a file name": (ACCESS, _drop(*_PARTS, 1, "FileName")),
    "a part out of order": (ACCESS, _set(*_PARTS, 1, "PartIdentifier", "2")),
    "a path as file name": (ACCESS, _set(*_PARTS, 1, "FileName", "../a")),
    "a negative size": (ACCESS, _set(*_PARTS, 1, "Size", -1)),
    "a size beyond 63 bits": (ACCESS, _set(*_PARTS, 1, "Size", 2**63)),
    "a size that is true": (ACCESS, _set(*_PARTS, 1, "Size", True)),
    "a size as text": (ACCESS, _set(*_PARTS, 1, "Size", "9")),
    "a broken size": (ACCESS, _set(*_PARTS, 1, "Size", 9.0)),
    "another digest algorithm": (ACCESS, _set(*_PARTS, 1, "Digest", "Algorithm", "SHA-1")),
    "a short digest": (ACCESS, _set(*_PARTS, 1, "Digest", "Value", "AAAA")),
    "a short salt": (ACCESS, _set("Extensions", "salt", "AAAA")),
    "base64 without padding": (ACCESS, _set("Extensions", "salt", "AAAAAAAAAAAAAAAAAAAAAw")),
    "base64 with stray bits": (ACCESS, _set("Extensions", "salt", "AAAAAAAAAAAAAAAAAAAAAx==")),
    "base64 with a line end": (ACCESS, _set("Extensions", "salt", "AAAAAAAAAAAAAAAAAAAAAw==\n")),
    "a policy without version": (ACCESS, _set("Extensions", "notificationPolicy", "am-2015")),
    "a missing extension": (CONFIRMATION, _drop("Extensions", "cms")),
    "a surplus extension": (ACCESS, _set("Extensions", "cms", "AAAA")),
    "another event's extensions": (
        ACCESS,
        _set("Extensions", dict(json.loads(EFFECT.encode())["Extensions"])),
    ),
    "an upper-case digest": (ACCESS, _set("Extensions", "consignment", DIGEST.upper())),
    "a request id with a space": (ACCEPTANCE, _set("Extensions", "requestId", "a b")),
    "an ip address with leading zeros": (ACCEPTANCE, _set("Extensions", "submittedFrom", "127.0.0.01")),
    "a long ipv6 address": (ACCEPTANCE, _set("Extensions", "submittedFrom", "0:0:0:0:0:0:0:1")),
    "an ipv6 address with a zone": (ACCEPTANCE, _set("Extensions", "submittedFrom", "fe80::1%eth0")),
    "an ipv4 address inside ipv6": (ACCEPTANCE, _set("Extensions", "submittedFrom", "::ffff:102:304")),
    "a time at 24:00": (ACCESS, _set("EventTime", "2026-11-21T24:00:00.000000Z")),
    "a short mailbox link": (CONSIGNMENT, _set("Extensions", "mailboxLink", "AAAA")),
    "no revocation lists": (CONFIRMATION, _set("Extensions", "revocation", [])),
    "a list both whole and named": (CONFIRMATION, _set("Extensions", "revocation", 0, "crlDigest", DIGEST)),
    "an empty signature": (CONFIRMATION, _set("Extensions", "cms", "")),
    "a statement with a carriage return": (CONFIRMATION, _set("Extensions", "statement", "a\r\n")),
    "a rule in lower case": (EFFECT, _set("Extensions", "rule", "post-2")),
}


@pytest.mark.parametrize(("document", "change"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(document: EvidenceDocument, change: Change) -> None:
    written = json.loads(document.encode())
    change(written)

    with pytest.raises(MalformedEvidence):
        EvidenceDocument.parse(json.dumps(written).encode())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "ERDSEventId"),
        (b"null", "ERDSEventId"),
        (b"\xef\xbb\xbf" + ACCESS.encode(), "not JSON"),
        (ACCESS.encode() + b"{}", "not JSON"),
        (
            ACCESS.encode().replace(b'{"version"', b'{"version":"namak-evidence/1","version"'),
            "same key twice",
        ),
        (ACCESS.encode().replace(b'"Size":9', b'"Size":9,"Size":9'), "same key twice"),
        (ACCESS.encode().replace(b'"Size":9', b'"Size":NaN'), "not a whole number"),
        (ACCESS.encode().replace(b'"Size":9', b'"Size":-0'), "not a whole number"),
        (ACCESS.encode().replace(b'"Size":9', b'"Size":' + b"9" * 5000), "digits"),
        (ACCESS.encode().replace("Էլ".encode(), b"\xff"), "not UTF-8"),
        (b"[" * 500_000, "nested too deeply"),
        (ACCESS.encode() + b" " * 2**20, "bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_bytes_that_are_not_one_json_object(data: bytes, why: str) -> None:
    with pytest.raises(MalformedEvidence, match=why):
        EvidenceDocument.parse(data)


def test_does_not_write_what_it_would_not_read() -> None:
    broken = [
        replace(ACCESS, salt=b"short"),
        replace(ACCESS, delivery_id=None),
        replace(REJECTION, reason=None),
        replace(ACCESS, reason="MAILBOX_UNKNOWN"),
        replace(ACCESS, event=events.NOTIFICATION_EFFECTED),
        replace(ACCESS, event=events.by_name["HolderSignedIn"]),
        replace(ACCESS, details=AccessDetails("no digest")),
        replace(ACCESS, parts=()),
        replace(ACCESS, issuer=replace(ACCESS.issuer, name="\ud800")),
    ]

    for wrong in broken:
        with pytest.raises(MalformedEvidence):
            wrong.encode()


def test_a_refusal_says_where() -> None:
    written = json.loads(ACCESS.encode())
    written["UserContentInfo"]["PartsInfo"][1]["Digest"]["Algorithm"] = "MD5"

    with pytest.raises(
        MalformedEvidence, match=r"document\.UserContentInfo\.PartsInfo\[1\]\.Digest\.Algorithm"
    ):
        EvidenceDocument.parse(json.dumps(written).encode())


def test_a_truth_value_is_no_size_even_after_a_document_with_that_size() -> None:
    written = document(events.SUBMISSION_ACCEPTANCE, SUBMITTED).encode()
    one = written.replace(b'"Size":9,', b'"Size":1,')
    assert EvidenceDocument.parse(one).parts[1].size == 1
    with pytest.raises(MalformedEvidence, match="whole number"):
        EvidenceDocument.parse(one.replace(b'"Size":1,', b'"Size":true,'))
    assert EvidenceDocument.parse(written).parts[1].size == 9
