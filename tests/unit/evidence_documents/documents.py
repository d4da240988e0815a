"""Evidence documents for tests: one story of one delivery, and arbitrary documents for property tests."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

from hypothesis import strategies as st

from namak.evidence import events
from namak.evidence.details import (
    AccessDetails,
    ConfirmationDetails,
    ConsignmentDetails,
    Details,
    EffectDetails,
    InlineList,
    NamedList,
    SignInDetails,
    SubmissionDetails,
    WithdrawalDetails,
)
from namak.evidence.details_outside import (
    LetterHandedOverDetails,
    LetterPostedDetails,
    LetterPrintedDetails,
    LetterRefusedDetails,
    LetterReturnedDetails,
    NoticeDetails,
    NudgeDetails,
    NudgeFailureDetails,
)
from namak.evidence.details_paper import PaperDetails
from namak.evidence.details_sms import (
    SmsAcceptedDetails,
    SmsDeliveredDetails,
    SmsFailedDetails,
    SmsSentDetails,
)
from namak.evidence.document import EvidenceDocument, Issuer, Part, Recipient, Sender, subject_part
from namak.evidence.events import Event
from tests.unit.evidence_documents.papers import any_paper_details, paper_details

DELIVERY = UUID("0192f0c3-0000-7000-8000-000000000001")
START = datetime(2026, 11, 21, 20, 0, 0, 123456, tzinfo=UTC)
DIGEST = hashlib.sha256(b"some evidence").hexdigest()

LETTER = Part(
    identifier="1",
    media_type="application/pdf",
    size=9,
    digest=hashlib.sha256(b"the tax.\n").digest(),
    file_name="ծանուցում.pdf",
)


def document(
    event: Event, details: Details, *, after: timedelta = timedelta(0), number: int = 1
) -> EvidenceDocument:
    """Returns evidence of ``event``, recorded ``after`` the submission."""
    return EvidenceDocument(
        evidence_id=UUID(int=0x0192F0C4_0000_7000_8000_000000000000 + number),
        event=event,
        event_time=START + after,
        policy_id="namak:am:1",
        issuer=Issuer("e-citizen.am", "Էլեկտրոնային քաղաքացի"),
        sender=Sender("notices@src.am", "01234567", "State Revenue Committee"),
        recipient=Recipient("5001950015@e-citizen.am"),
        submission_time=START,
        parts=(subject_part("Ծանուցում հարկի մասին"), LETTER),
        salt=number.to_bytes(16, "big"),
        notification_policy="am-2015@1",
        details=details,
        delivery_id=DELIVERY if event.of_delivery else None,
        reason="MAILBOX_UNKNOWN" if event.has_reason else None,
    )


SUBMITTED = SubmissionDetails("2026.11-a:1", ip_address("127.0.0.1"))

ONE_OF_EACH: tuple[EvidenceDocument, ...] = (
    document(events.SUBMISSION_ACCEPTANCE, SUBMITTED, number=1),
    document(events.SUBMISSION_REJECTION, SUBMITTED, number=2),
    document(events.CONTENT_CONSIGNMENT, ConsignmentDetails(bytes(range(32))), number=3),
    document(events.CONTENT_ACCESS_TRACKING, AccessDetails(DIGEST), number=4),
    document(
        events.READING_CONFIRMED,
        ConfirmationDetails(DIGEST, DIGEST, "line\nline\n", b"cms", (InlineList(b"crl"), NamedList(DIGEST))),
        number=5,
    ),
    document(events.NOTIFICATION_EFFECTED, EffectDetails(DIGEST, "POST-2", START), number=6),
    document(events.WITHDRAWN, WithdrawalDetails(DIGEST), number=7),
    document(events.HOLDER_SIGNED_IN, SignInDetails(DIGEST, "CERTIFICATE", DIGEST), number=8),
)

OUTSIDE: tuple[EvidenceDocument, ...] = (
    document(events.CONSIGNMENT_NOTIFICATION, NudgeDetails(DIGEST, channel="EMAIL"), number=11),
    document(
        events.CONSIGNMENT_NOTIFICATION_FAILURE,
        NudgeFailureDetails(DIGEST, "NUDGE", channel="SMS", cause="UNREACHABLE"),
        number=12,
    ),
    document(events.RELAY_TO_NON_ERDS, NudgeDetails(DIGEST, channel="SMS"), number=13),
    document(
        events.RELAY_TO_NON_ERDS_FAILURE,
        NudgeFailureDetails(DIGEST, channel="EMAIL", cause="BOUNCED"),
        number=14,
    ),
    document(events.LETTER_PRINTED, LetterPrintedDetails(DIGEST, "LETTER", START, file=DIGEST), number=15),
    document(events.LETTER_POSTED, LetterPostedDetails(DIGEST, tracking="RR123456785AM"), number=16),
    document(
        events.LETTER_HANDED_OVER,
        LetterHandedOverDetails(DIGEST, None, START, "RR123456785AM", "Ա. Աբգարյան", DIGEST),
        number=17,
    ),
    document(events.LETTER_REFUSED, LetterRefusedDetails(DIGEST, cause="REFUSED"), number=18),
    document(events.LETTER_RETURNED, LetterReturnedDetails(DIGEST, cause="NOT_AT_HOME"), number=19),
    document(
        events.NOTICE_PUBLISHED, NoticeDetails(DIGEST, "NOTICE", file=DIGEST, place="azdarar.am"), number=20
    ),
)
"""One of each of what happens outside the post."""

PAPER = document(events.RECEIVED_FROM_NON_ERDS, paper_details(), number=21)
"""A letter that came on paper."""

_ACCEPTED = SmsAcceptedDetails("2026.11-a:1", ip_address("127.0.0.1"), 2, DIGEST)
TEXTS: tuple[EvidenceDocument, ...] = tuple(
    replace(each, recipient=Recipient("+37491123456"))
    for each in (
        document(events.SMS_ACCEPTED, _ACCEPTED, number=30),
        document(events.SMS_SENT, SmsSentDetails(DIGEST), number=31),
        document(events.SMS_DELIVERED, SmsDeliveredDetails(DIGEST, START), number=32),
        document(events.SMS_FAILED, SmsFailedDetails(DIGEST, "EXPIRED", START), number=33),
    )
)
"""One of each of a sender's own short messages."""

_lines = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60)
_file_names = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/\\"),
    min_size=1,
    max_size=60,
)
_addresses = st.builds(
    "{}@{}".format,
    st.from_regex(r"[a-z0-9.+-]{1,40}", fullmatch=True),
    st.sampled_from(["e-citizen.am", "փոստ.հայ"]),
)
_times = st.datetimes(timezones=st.just(UTC))
_sizes = st.integers(0, 2**63 - 1)
_sha256 = st.binary(min_size=32, max_size=32)
_hex_digests = _sha256.map(bytes.hex)
# IPv4 inside IPv6 is written as IPv4.
_client_addresses = st.ip_addresses().filter(lambda address: getattr(address, "ipv4_mapped", None) is None)
_request_ids = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)

_steps = st.none() | st.from_regex(r"[A-Z][A-Z0-9]{0,9}(-[A-Z0-9]{1,9}){0,2}", fullmatch=True)
_reported = st.none() | _times
_channels = st.sampled_from(["EMAIL", "SMS"])
_causes = st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True)
_tracking = st.from_regex(r"[A-Z0-9][A-Z0-9 -]{0,20}", fullmatch=True)

_phones = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
_segments = st.integers(0, 255)

_DETAILS: dict[type[Details], st.SearchStrategy[Details]] = {
    SubmissionDetails: st.builds(SubmissionDetails, _request_ids, _client_addresses),
    ConsignmentDetails: st.builds(ConsignmentDetails, _sha256),
    AccessDetails: st.builds(AccessDetails, _hex_digests, st.none() | _hex_digests),
    ConfirmationDetails: st.builds(
        ConfirmationDetails,
        _hex_digests,
        _hex_digests,
        st.lists(_lines, min_size=1, max_size=4).map("\n".join),
        st.binary(min_size=1, max_size=200),
        st.lists(
            st.one_of(
                st.builds(InlineList, st.binary(min_size=1, max_size=200)), st.builds(NamedList, _hex_digests)
            ),
            min_size=1,
            max_size=8,
        ).map(tuple),
        st.none() | _hex_digests,
    ),
    SmsAcceptedDetails: st.builds(
        SmsAcceptedDetails, _request_ids, _client_addresses, _segments, st.none() | _hex_digests
    ),
    SmsSentDetails: st.builds(SmsSentDetails, _hex_digests),
    SmsDeliveredDetails: st.builds(SmsDeliveredDetails, _hex_digests, _times),
    SmsFailedDetails: st.builds(SmsFailedDetails, _hex_digests, _causes, _reported),
    EffectDetails: st.builds(
        EffectDetails, _hex_digests, st.from_regex(r"[A-Z]{1,9}-[0-9]{1,3}", fullmatch=True), _times
    ),
    WithdrawalDetails: st.builds(WithdrawalDetails, _hex_digests),
    SignInDetails: st.builds(
        SignInDetails, _hex_digests, st.sampled_from(["CERTIFICATE", "MOBILE_ID"]), _hex_digests
    ),
    NudgeDetails: st.builds(NudgeDetails, _hex_digests, _steps, _reported, channel=_channels),
    NudgeFailureDetails: st.builds(
        NudgeFailureDetails, _hex_digests, _steps, _reported, channel=_channels, cause=_causes
    ),
    LetterPrintedDetails: st.builds(LetterPrintedDetails, _hex_digests, _steps, _reported, file=_hex_digests),
    LetterPostedDetails: st.builds(LetterPostedDetails, _hex_digests, _steps, _reported, tracking=_tracking),
    LetterHandedOverDetails: st.builds(
        LetterHandedOverDetails,
        _hex_digests,
        _steps,
        _reported,
        st.none() | _tracking,
        st.none() | _lines,
        st.none() | _hex_digests,
    ),
    LetterRefusedDetails: st.builds(
        LetterRefusedDetails,
        _hex_digests,
        _steps,
        _reported,
        st.none() | _tracking,
        st.none() | _causes,
        st.none() | _hex_digests,
    ),
    LetterReturnedDetails: st.builds(
        LetterReturnedDetails, _hex_digests, _steps, _reported, st.none() | _tracking, st.none() | _causes
    ),
    NoticeDetails: st.builds(
        NoticeDetails, _hex_digests, _steps, _reported, file=_hex_digests, place=st.none() | _lines
    ),
    PaperDetails: any_paper_details(_hex_digests, _lines, _times, _tracking),
}


@st.composite
def documents(draw: st.DrawFn) -> EvidenceDocument:
    """Draws any document that the format permits."""
    template = draw(st.sampled_from([*ONE_OF_EACH, *OUTSIDE, PAPER, *TEXTS]))
    letters = [
        Part(str(number), "application/x-any", draw(_sizes), draw(_sha256), draw(_file_names))
        for number in range(1, draw(st.integers(0, 3)) + 1)
    ]
    return replace(
        template,
        evidence_id=draw(st.uuids()),
        event_time=draw(_times),
        issuer=Issuer(draw(_lines), draw(_lines)),
        sender=Sender(draw(_addresses), draw(_lines), draw(_lines)),
        recipient=Recipient(draw(_addresses if template not in TEXTS else _addresses | _phones)),
        submission_time=draw(_times),
        parts=(subject_part(draw(_lines)), *letters),
        salt=draw(st.binary(min_size=16, max_size=16)),
        details=draw(_DETAILS[type(template.details)]),
        delivery_id=draw(st.uuids()) if template.event.of_delivery else None,
    )
