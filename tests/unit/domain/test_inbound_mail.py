import hashlib
import re
from collections.abc import Sequence
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain import addresses, limits
from server.domain.inbound_mail import MAIL_BYTES, ORIGINAL_NAME, InboundMail, read_mail
from server.domain.malformed import Malformed
from server.domain.mime_fields import HEADER_BYTES, HEADER_FIELDS, decoded
from server.domain.mime_parts import NESTING
from server.jurisdictions import PROFILES

AM = PROFILES["am"]
SENDER = "notices@src.am"
HEAD = b"From: notices@src.am\r\nSubject: Notice\r\nMessage-ID: <1@src.am>\r\n"


def read(mail: bytes, sender: str = SENDER) -> InboundMail:
    return read_mail(mail, sender, AM)


def refusal(mail: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        read(mail)
    return caught.value.reason


def content(found: InboundMail) -> list[tuple[str, str, bytes]]:
    return [(part.info.name, part.info.media_type, part.content) for part in found.parts[:-1]]


def multipart(*entities: bytes, boundary: bytes = b"b") -> bytes:
    inside = b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in entities)
    return (
        b"Content-Type: multipart/mixed; boundary="
        + boundary
        + b"\r\n\r\n"
        + inside
        + b"--"
        + boundary
        + b"--\r\n"
    )


def written(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=policy.SMTP)


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = Address("Պետական եկամուտների կոմիտե, ՊԵԿ", addr_spec=SENDER)
    message["To"] = "5001950015@e-citizen.am"
    message["Subject"] = "Ծանուցում հարկային պարտավորության մասին, որը պետք է վճարել մինչև ամսի վերջ"
    message["Message-ID"] = "<2@src.am>"
    message.set_content("Հարգելի քաղաքացի։\n")
    message.add_attachment(b"%PDF-1.7\x00\xff", "application", "pdf", filename="ծանուցագիր № 1.pdf")
    return message


def test_a_mail_of_an_ordinary_client_gives_its_subject_and_parts_and_the_original() -> None:
    mail = written(letter())
    found = read(mail)
    assert found.sender == SENDER
    assert found.subject == letter()["Subject"]
    assert [name for name, _, _ in content(found)] == ["text-1.txt", "ծանուցագիր № 1.pdf"]
    text, attachment = content(found)
    assert text[1:] == ("text/plain; charset=utf-8", "Հարգելի քաղաքացի։\r\n".encode())
    assert attachment[1:] == ("application/pdf", b"%PDF-1.7\x00\xff")
    original = found.parts[-1]
    assert (original.info.name, original.info.media_type) == (ORIGINAL_NAME, "message/rfc822")
    assert original.content == mail
    assert found.original_sha256 == original.info.digest == hashlib.sha256(mail).digest()
    assert not found.automatic


def test_all_forms_of_one_text_are_parts() -> None:
    message = letter()
    message.clear_content()
    message.set_content("plain\n")
    message.add_alternative("<p>rich</p>\n", subtype="html")
    assert [name for name, _, _ in content(read(written(message)))] == ["text-1.txt", "text-2.html"]


def test_an_empty_text_before_an_attachment_is_left_out() -> None:
    mail = HEAD + multipart(
        b"Content-Type: text/plain\r\n\r\n\r\n", b"Content-Type: text/csv; name=a.csv\r\n\r\n1,2"
    )
    assert content(read(mail)) == [("a.csv", "text/csv", b"1,2")]
    assert refusal(HEAD + b"\r\n \r\n") == "EMPTY"


def test_the_same_mail_is_the_same_submission_and_another_one_is_not() -> None:
    one, again = read(HEAD + b"\r\nA\r\n"), read(HEAD + b"\r\nA\r\n")
    other = read(HEAD + b"\r\nB\r\n")
    to, elsewhere = "5001950015@e-citizen.am", "22335588@e-citizen.am"
    assert one.submission_to(to, receipts=True) == again.submission_to(to, receipts=True)
    assert (
        one.submission_to(to, receipts=True).request_id == other.submission_to(to, receipts=True).request_id
    )
    assert one.submission_to(to, receipts=True).digest() != other.submission_to(to, receipts=True).digest()
    assert (
        one.submission_to(to, receipts=True).request_id
        != one.submission_to(elsewhere, receipts=True).request_id
    )
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", one.submission_to(to, receipts=True).request_id)


def test_a_mail_without_message_id_is_known_by_its_bytes() -> None:
    bare = HEAD.replace(b"Message-ID: <1@src.am>\r\n", b"")
    one, same, other = (read(bare + body) for body in (b"\r\nA", b"\r\nA", b"\r\nB"))
    ids = [each.submission_to("1@x", receipts=True).request_id for each in (one, same, other)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"From: other@src.am\r\n", "SENDERS_DIFFER"),
        (b"From: notices@src.am\r\nSender: clerk@src.am\r\n", "SENDERS_DIFFER"),
        (b"From: notices@src.am, other@src.am\r\n", "ADDRESS_MALFORMED"),
        (b"From: all: notices@src.am;\r\n", "ADDRESS_MALFORMED"),
        (b"From: notices@src.am <x@evil.am>\r\n", "ADDRESS_MALFORMED"),
        (b'From: "notices@src.am" <x@evil.am>\r\n', "SENDERS_DIFFER"),
        (b"From: <notices@src.am> <x@evil.am>\r\n", "ADDRESS_MALFORMED"),
        (b"From: notices@src.am\r\nFrom: notices@src.am\r\n", "FIELD_REPEATED"),
        (b"From: notices@src.am\r\nFROM : x@evil.am\r\n", "FIELD_REPEATED"),
        (b"X: y\r\n", "SENDER_MISSING"),
        (b"From: \xff@src.am\r\n", "BAD_ENCODING"),
        ("From: ծանուցում@src.am\r\n".encode(), "ADDRESS_MALFORMED"),
        (b"From: \r\n", "ADDRESS_MALFORMED"),
        (b"From: notices@gmail.com\r\n", "FOREIGN_DOMAIN"),
    ],
)
def test_who_it_is_from_must_be_one_and_the_envelope_s(header: bytes, reason: str) -> None:
    assert refusal(header + b"Subject: s\r\n\r\nText") == reason


@pytest.mark.parametrize(
    "written_as",
    [
        "notices@src.am",
        "<NOTICES@SRC.AM>",
        '"Notices, tax" <notices@src.am>',
        "=?utf-8?B?1LE=?= (a (b) c) <notices@src.am>",
        "Կոմիտե <notices@src.am>",
        'A "b \\" <x@y.am>" c <notices@src.am>',
    ],
)
def test_the_sender_is_found_behind_any_name(written_as: str) -> None:
    assert read(f"From: {written_as}\r\nSubject: s\r\n\r\nText".encode()).sender == SENDER


def test_a_domain_in_letters_of_its_own_is_the_same_as_its_a_labels() -> None:
    written_as = "a@կառավարություն.հայ"
    sender = addresses.sender_address(written_as, AM)
    assert sender.isascii()
    for one in (written_as, sender):
        assert read(f"From: {one}\r\nSubject: s\r\n\r\nText".encode(), sender).sender == sender


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (HEAD + b"\r\nText\n.\nMAIL FROM:<x@y>\r\n", "BARE_LINE_END"),
        (HEAD + b"\r\nText\r.\r", "BARE_LINE_END"),
        (HEAD + b"\r\nText\n\r\n", "BARE_LINE_END"),
        (HEAD + b"\r\nText\x00", "NUL"),
        (HEAD + b"\r\n" + b"x" * 999, "LINE_TOO_LONG"),
        (HEAD + b"\r\n" + b"x\r\n" * MAIL_BYTES, "TOO_LARGE"),
        (HEAD + b"X: " + b"y\r\n " * (HEADER_BYTES // 3) + b"z\r\n\r\nText", "HEADER_TOO_LONG"),
        (HEAD + b"X: y\r\n" * HEADER_FIELDS + b"\r\nText", "HEADER_TOO_LONG"),
        (HEAD + b"Sender: " + b"y\r\n " * 5000 + b"z\r\n\r\nText", "FIELD_TOO_LONG"),
        (HEAD + b"no colon\r\n\r\nText", "HEADER_MALFORMED"),
        (b" folded\r\n" + HEAD + b"\r\nText", "HEADER_MALFORMED"),
        (b"From: notices@src.am\r\n\r\nText", "EMPTY"),
        (HEAD.replace(b"Notice", b"x" * 251) + b"\r\nText", "TOO_LONG"),
        (HEAD.replace(b"Notice", b"=?utf-8?B?4oCuZ3BqLmV4ZQ==?=") + b"\r\nText", "CONTROL_CHARACTER"),
        (HEAD.replace(b"Notice", b"=?utf-8?B?/w==?=") + b"\r\nText", "BAD_ENCODING"),
        (HEAD.replace(b"Notice", b"=?utf-8?Q?=?=") + b"\r\nText", "BAD_ENCODING"),
        (HEAD.replace(b"Notice", b"=?x-own?Q?a?=") + b"\r\nText", "BAD_ENCODING"),
        (HEAD.replace(b"<1@src.am>", b"<1@src.am> <2@src.am>") + b"\r\nText", "MESSAGE_ID_MALFORMED"),
        (HEAD + b"Content-Type: text\r\n\r\nText", "MEDIA_TYPE_MALFORMED"),
        (HEAD + b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nText", "FIELD_REPEATED"),
        (HEAD + b"Content-Type: text/plain; a=1; a=2\r\n\r\nText", "PARAMETER_MALFORMED"),
        (HEAD + b'Content-Type: text/plain; a="1\r\n\r\nText', "PARAMETER_MALFORMED"),
        (HEAD + b"Content-Type: message/external-body; access-type=url\r\n\r\nText", "CONTENT_ELSEWHERE"),
        (HEAD + b"Content-Transfer-Encoding: base64\r\n\r\nQQ", "BAD_ENCODING"),
        (HEAD + b"Content-Transfer-Encoding: base64\r\n\r\nQQ==QQ==", "BAD_ENCODING"),
        (HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=XY", "BAD_ENCODING"),
        (HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nText", "BAD_ENCODING"),
        (HEAD + b"\r\n\xd4\xb1", "BAD_ENCODING"),
        (HEAD + b"Content-Type: multipart/mixed\r\n\r\nText", "BOUNDARY_MALFORMED"),
        (HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\nText", "BOUNDARY_BROKEN"),
        (HEAD + multipart(b"\r\nText").replace(b"--b--", b"--b"), "BOUNDARY_BROKEN"),
        (HEAD + multipart(b"\r\nText") + b"--b\r\n\r\nMore\r\n--b--", "BOUNDARY_BROKEN"),
        (HEAD + multipart(b"\r\nText").replace(b"--b\r\n", b"--b\r\n--b\r\n"), "BOUNDARY_BROKEN"),
        (HEAD + multipart(*[b"\r\nText"] * limits.PARTS), "TOO_MANY_PARTS"),
        (HEAD + multipart(*[b"\r\n"] * 5000), "TOO_MANY_PARTS"),
        (HEAD + b"Content-Type: text/plain; name=../../etc/passwd\r\n\r\nText", "NOT_A_FILE_NAME"),
        (HEAD + b'Content-Disposition: attachment; filename="a\\\\b.exe"\r\n\r\nT', "NOT_A_FILE_NAME"),
        (HEAD + b"Content-Disposition: attachment; filename*=utf-8''..%2Fx\r\n\r\nT", "NOT_A_FILE_NAME"),
        (HEAD + b"Content-Disposition: attachment; filename*=utf-8''a%00b\r\n\r\nT", "CONTROL_CHARACTER"),
        (
            HEAD + b"Content-Disposition: attachment; filename*0=a; filename*2=b\r\n\r\nT",
            "PARAMETER_MALFORMED",
        ),
        (HEAD + b"Content-Disposition: attachment; filename*=a\r\n\r\nT", "PARAMETER_MALFORMED"),
        (HEAD + b"Content-Disposition: attachment; filename*=utf-8''%f\r\n\r\nT", "BAD_ENCODING"),
        (HEAD + b'Content-Disposition: attachment; filename=""\r\n\r\nT', "EMPTY"),
        (HEAD + b"Auto-Submitted: auto-replied\r\n\r\nI am away", "AUTOMATIC_REPLY"),
        (HEAD + b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n", "AUTOMATIC_REPLY"),
    ],
)
def test_what_is_ambiguous_or_too_much_is_refused(mail: bytes, reason: str) -> None:
    assert refusal(mail) == reason


def test_multiparts_nest_only_so_deeply() -> None:
    entity = b"\r\nText"
    for depth in range(NESTING):
        entity = multipart(entity, boundary=b"b%d" % depth)
    assert content(read(HEAD + entity)) == [("text-1.txt", "text/plain", b"Text")]
    assert refusal(HEAD + multipart(entity, boundary=b"more")) == "NESTED_TOO_DEEPLY"


def test_names_in_every_known_form_are_read() -> None:
    forms = {
        b"filename*=utf-8''%D5%A1.pdf": "ա.pdf",
        b"filename*0*=utf-8'hy'%D5; filename*1*=%A1; filename*2=.pdf": "ա.pdf",
        b"filename=\"a.pdf\"; filename*=utf-8''%D5%A1.pdf": "ա.pdf",
        b'filename="=?utf-8?Q?=D5=A1.pdf?="': "ա.pdf",
        b'filename="a \\"b\\".pdf";': 'a "b".pdf',
        'filename="ա.pdf"'.encode(): "ա.pdf",
    }
    for form, name in forms.items():
        mail = HEAD + b"Content-Disposition: attachment; " + form + b"\r\n\r\nT"
        assert content(read(mail))[0][0] == name


def test_encoded_words_join_across_a_character_that_is_cut_in_two() -> None:
    assert decoded("=?utf-8?B?1Q==?= =?utf-8?B?oQ==?= b =?koi8-r?Q?=C1_x?=") == "ա b а x"


def test_a_program_that_writes_says_so() -> None:
    assert read(HEAD + b"Auto-Submitted: auto-generated\r\n\r\nText").automatic
    assert read(HEAD + b"Precedence: Bulk\r\n\r\nText").automatic
    for header in (b"Auto-Submitted: no\r\n", b"Precedence: first-class\r\n"):
        mail = read(HEAD + header + b"\r\nText")
        assert mail.submission_to("1@x", receipts=True).receipts_by_mail
        assert not mail.submission_to("1@x", receipts=False).receipts_by_mail
    generated = read(HEAD + b"Auto-Submitted: auto-generated\r\n\r\nText")
    assert not generated.submission_to("1@x", receipts=True).receipts_by_mail


@settings(max_examples=60, deadline=None)
@given(
    contents=st.lists(st.binary(min_size=1, max_size=300).filter(bytes.strip), min_size=1, max_size=4),
    names=st.lists(
        st.text("aբ гz .-_'\"%*=?", min_size=1, max_size=30).filter(str.strip), min_size=4, max_size=4
    ),
)
def test_what_the_standard_library_writes_comes_out_byte_for_byte(
    contents: Sequence[bytes], names: Sequence[str]
) -> None:
    message = letter()
    message.clear_content()
    for data, name in zip(contents, names, strict=False):
        message.add_attachment(data, "application", "octet-stream", filename="n" + name.strip())
    assert [data for _, _, data in content(read(written(message)))] == list(contents)


_PIECES = st.sampled_from(
    [
        *(HEAD, b"\r\n", b"\r\n\r\n", b"--b", b"--b--", b"Content-Type: multipart/mixed; boundary=b\r\n"),
        *(b"Content-Type: text/plain; charset=", b"name*0*=utf-8''%D5", b"=?utf-8?Q?", b"?=", b"\x00", b"\n"),
        *(b"Content-Transfer-Encoding: base64\r\n", b"Content-Disposition: a; filename*=", b";", b'"', b"("),
        *(b"=", b"From: ", b"<", b">", b"@", b"\xff", b"Sender:", b"Subject: ", b" ", b"\t", b"\\"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.binary(max_size=8)), max_size=40), st.booleans())
def test_no_input_gives_anything_but_a_mail_or_the_one_refusal(pieces: list[bytes], begun: bool) -> None:
    mail = (HEAD if begun else b"") + b"".join(pieces)
    try:
        found = read(mail)
    except Malformed:
        return
    assert found.parts[-1].content == mail
    assert 2 <= len(found.parts) <= limits.PARTS
    assert sum(part.info.size for part in found.parts) <= limits.CONTENT_BYTES
