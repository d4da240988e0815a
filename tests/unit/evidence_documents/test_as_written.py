"""Evidence read piece by piece, against the reader of the whole document."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence import as_written
from namak.evidence.as_written import document_as_written
from namak.evidence.details import ConfirmationDetails
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.events import READING_CONFIRMED
from namak.evidence.failures import MalformedEvidence
from namak.evidence.recorded import recorded
from tests.unit.evidence_documents.documents import ONE_OF_EACH, OUTSIDE, PAPER, TEXTS, documents
from tests.unit.parsers.mutations import damaged

ALL = [*ONE_OF_EACH, *OUTSIDE, PAPER, *TEXTS]
DELIVERY = str(ONE_OF_EACH[0].delivery_id).encode()
OF_DELIVERIES = [document for document in ALL if document.event.of_delivery]
ACCEPTANCE, CONSIGNMENT = ONE_OF_EACH[0], ONE_OF_EACH[2]
CONFIRMATION = next(each for each in ALL if each.event == READING_CONFIRMED)


def strictly(data: bytes) -> EvidenceDocument | str:
    try:
        return EvidenceDocument.parse(data)
    except MalformedEvidence as wrong:
        return wrong.detail


def either_way(data: bytes) -> EvidenceDocument | str:
    try:
        found = recorded(data)
    except MalformedEvidence as wrong:
        return wrong.detail
    assert isinstance(found, RecordedFact)
    assert found.data == data
    return found.document


@pytest.mark.parametrize("document", OF_DELIVERIES, ids=lambda each: each.event.name)
def test_what_the_server_writes_of_a_delivery_is_read_by_pieces(document: EvidenceDocument) -> None:
    assert document_as_written(document.encode()) == document


@given(documents())
def test_every_document_is_the_one_that_was_written(document: EvidenceDocument) -> None:
    data = document.encode()

    assert document_as_written(data) == (document if document.event.of_delivery else None)
    assert either_way(data) == document


@pytest.mark.parametrize("document", [each for each in ALL if each not in OF_DELIVERIES])
def test_what_is_of_no_delivery_is_read_as_a_whole(document: EvidenceDocument) -> None:
    assert document_as_written(document.encode()) is None
    assert either_way(document.encode()) == document


@settings(max_examples=300)
@given(st.sampled_from(OF_DELIVERIES).flatmap(lambda document: damaged(document.encode())))
def test_damaged_bytes_say_what_they_say_as_a_whole_or_nothing(data: bytes) -> None:
    assert document_as_written(data) in (None, strictly(data))


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b',"cms":"', b',"cms":"AA==","cms":"'),
        (b',"cms":"', b',"revocation":[],"cms":"'),
        (b',"cms":"', b',"cms":"\\u0041'),
        (b',"cms":"', b',"cms":"","x":"'),
        (b'","revocation":', b'","x":1,"revocation":'),
        (b'","revocation":', b'","revocation":[],"revocation":'),
        (b'"revocation":[', b'"revocation":[{"crlDigest":""},'),
        (b"]}}", b"],}}"),
        (b"]}}", b'],"x":1}}'),
        (b"]}}", b"]}} "),
    ],
)
def test_a_confirmation_is_cut_only_where_the_whole_is_read_so(found: bytes, instead: bytes) -> None:
    written = CONFIRMATION.encode()
    assert document_as_written(written) == strictly(written)
    assert written.count(found) == 1

    changed = written.replace(found, instead)

    assert document_as_written(changed) in (None, strictly(changed))
    assert either_way(changed) == strictly(changed)


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b',"right":"', b',"right":"0","right":"'),
        (b',"right":"', b',"cms":"AA==","right":"'),
        (b',"right":"', b',"salt":"AA==","right":"'),
        (b',"right":"', b',"x":1,"right":"'),
        (b',"right":"', b',"right":"\\u0041'),
        (b'"revocation":[', b'"right":"","revocation":['),
        (b'"}]', b'"},{"a":[1,"right":"2"]}]'),
        (b'0"}}', b'0",}}'),
        (b'0"}}', b'0"} }'),
    ],
)
def test_one_for_somebody_else_is_cut_only_so_too(found: bytes, instead: bytes) -> None:
    details = CONFIRMATION.details
    assert isinstance(details, ConfirmationDetails)
    document = replace(CONFIRMATION, details=replace(details, right="0" * 64))
    written = document.encode()
    assert document_as_written(written) == document
    assert written.count(found) == 1

    changed = written.replace(found, instead)

    assert document_as_written(changed) in (None, strictly(changed))
    assert either_way(changed) == strictly(changed)


MEMBERS = [
    *(b'"cms":"AA=="', b'"revocation":[]', b'"revocation":[{"crl":'),
    *(b'"version":"namak-evidence/1"', b'"EvidenceIssuerPolicyID":["namak:am:1"]', b'"Extensions":{}'),
    *(b'"Extensions":{"salt":', b'"RecipientDetails":{"Identifier":"5001950016@e-citizen.am"}'),
    *(
        b'"EventReasons":[{"Code":"X"}]',
        b'"a":{"b":',
        b'"Size":1',
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"},{",
        b"\\",
    ),
]
PLACES = [
    b'"EvidenceIssuerPolicyID":',
    b'"RecipientDetails":',
    b'"Extensions":',
    b'"salt":',
    b'"Size":',
    b"}}",
]


@settings(max_examples=300)
@given(
    st.sampled_from(OF_DELIVERIES),
    st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(MEMBERS)), min_size=1, max_size=3),
    st.sampled_from([b",", b"", b" "]),
)
def test_what_is_slipped_in_at_a_cut_is_seen_as_in_the_whole(
    document: EvidenceDocument, slipped: list[tuple[bytes, bytes]], between: bytes
) -> None:
    data = document.encode()
    for place, member in slipped:
        data = data.replace(place, member + between + place, 1)

    assert document_as_written(data) in (None, strictly(data))
    assert either_way(data) == strictly(data)


def _in_file_name(data: bytes) -> bytes:
    name = json.dumps(',"Extensions":{"salt":""},"RecipientDetails":').encode()[1:-1]
    return data.replace("ծանուցում.pdf".encode(), name)


def _in_organisation(data: bytes) -> bytes:
    return data.replace(b"State Revenue Committee", rb",\"RecipientDetails\":{},\"Extensions\":{}}")


@pytest.mark.parametrize("change", [_in_file_name, _in_organisation])
def test_what_looks_like_a_cut_inside_a_name_is_none(change: Callable[[bytes], bytes]) -> None:
    for document in OF_DELIVERIES:
        data = change(document.encode())

        assert data != document.encode()
        assert document_as_written(data) == strictly(data) != document


@pytest.mark.parametrize("end", [b"", b"]", b" ", b"\n", b"},", b"}}"])
def test_only_a_brace_ends_a_document(end: bytes) -> None:
    for document in OF_DELIVERIES:
        data = document.encode()[:-1] + end

        assert document_as_written(data) is None
        assert either_way(data) == strictly(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b'"EventTime":"', b'"EventTime": "'),
        lambda data: json.dumps(json.loads(data), ensure_ascii=True, separators=(",", ":")).encode(),
        lambda data: json.dumps(json.loads(data), indent=1).encode(),
        lambda data: json.dumps(dict(reversed(json.loads(data).items()))).encode(),
    ],
)
def test_another_spelling_of_the_document_is_evidence_all_the_same(change: Callable[[bytes], bytes]) -> None:
    for document in OF_DELIVERIES:
        if isinstance(strictly(change(document.encode())), EvidenceDocument):
            assert either_way(change(document.encode())) == document


def test_a_phone_gets_no_delivery() -> None:
    phone = CONSIGNMENT.encode().replace(b"5001950015@e-citizen.am", b"+37491123456")
    text = replace(TEXTS[0], recipient=CONSIGNMENT.recipient).encode()
    delivery = text.replace(b'"UserContentInfo"', b'"MessageIdentifier":"%b","UserContentInfo"' % DELIVERY)

    assert delivery != text
    assert document_as_written(phone) is document_as_written(delivery) is None
    assert "MessageIdentifier" in str(either_way(delivery))
    assert "RecipientDetails" in str(either_way(phone))


def test_what_one_document_says_stands_in_no_other() -> None:
    others = [
        replace(CONSIGNMENT, recipient=replace(CONSIGNMENT.recipient, identifier="5001950016@e-citizen.am")),
        replace(CONSIGNMENT, sender=replace(CONSIGNMENT.sender, identifier="others@src.am")),
        replace(CONSIGNMENT, parts=CONSIGNMENT.parts[:1]),
        replace(CONSIGNMENT, policy_id="namak:kz:1"),
    ]
    for document in [CONSIGNMENT, *others, ACCEPTANCE, *others, CONSIGNMENT]:
        assert document_as_written(document.encode()) == document


def test_what_is_too_long_to_be_kept_or_to_be_evidence() -> None:
    letter = CONSIGNMENT.parts[1]
    letters = [replace(letter, identifier=str(number), file_name="𐍈" * 200) for number in range(1, 1000)]
    long = replace(CONSIGNMENT, parts=(CONSIGNMENT.parts[0], *letters))
    data = long.encode()
    too_long = data.replace(b"{", b"{" + b" " * 1024 * 1024, 1)
    spaces = b" " * 600 * 1024
    hidden = (
        CONSIGNMENT.encode().replace(b'"SubmissionTime"', spaces + b'"SubmissionTime"')[:-1] + spaces + b"}"
    )

    assert document_as_written(data) == long
    assert document_as_written(too_long) is document_as_written(hidden) is None
    assert either_way(hidden) == f"document: has {len(hidden)} bytes, more than 1048576"


@pytest.mark.parametrize(("bytes_kept", "is_kept"), [(4096, True), (64, False)])
def test_what_documents_have_in_common_is_kept_where_it_is_short(
    bytes_kept: int, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is kept of strangers' documents, of up to a megabyte each, is bounded."""
    monkeypatch.setattr(as_written, "_KEPT_BYTES", bytes_kept)
    data = ACCEPTANCE.encode()

    first, again = document_as_written(data), document_as_written(data)

    assert first is not None
    assert again is not None
    assert (first.sender is again.sender, first.recipient is again.recipient) == (is_kept, is_kept)
