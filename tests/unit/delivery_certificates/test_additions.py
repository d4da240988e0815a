"""What is appended behind a certificate's seal: what keeps it for the long term may be, nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file

from namak.client.signing import sign_pdf
from namak.delivery_certificate.verify import VerifiedCertificate, verify_certificate
from namak.evidence.report import Outcome, Verdict
from tests.delivery_certificates import MADE
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.delivery_certificates.sealing import ROOT, SEAL, archived, stamped, updated

ALTERED = "the seal does not hold: the file was altered after it was sealed"
# Untyped in pyhanko.
_dictionary: Any = generic.DictionaryObject
_number: Any = generic.NumberObject
_boolean: Any = generic.BooleanObject
_name, _text = generic.pdf_name, generic.pdf_string


def verify(told: Told, pdf: bytes) -> VerifiedCertificate:
    return verify_certificate("c.pdf", pdf, told.story.world.trust(), [ROOT.der], MADE + timedelta(days=1))


def seal_of(found: VerifiedCertificate) -> tuple[Outcome, str]:
    (check,) = [check for check in found.file.checks if check.name == "seal"]
    return check.outcome, check.words


def is_refused(found: VerifiedCertificate) -> bool:
    first = found.file.checks[0]
    return first.outcome is Outcome.FAILED or seal_of(found) == (Outcome.FAILED, ALTERED)


def page_of(writer: Any) -> Any:
    return writer.find_page_for_modification(0)[0].get_object()


def annotated(writer: Any) -> None:
    note = _dictionary(
        {
            _name("/Type"): _name("/Annot"),
            _name("/Subtype"): _name("/Text"),
            _name("/Rect"): generic.ArrayObject([_number(0)] * 4),
            _name("/Contents"): _text("He was never notified"),
        }
    )
    page = page_of(writer)
    page["/Annots"].append(writer.add_object(note))
    writer.update_container(page["/Annots"])


def other_page(writer: Any) -> None:
    stream = writer.add_object(generic.StreamObject(stream_data=b"q Q"))
    page_of(writer)[_name("/Contents")] = stream


def attached(writer: Any) -> None:
    embedded = EmbeddedFileObject.from_file_data(writer, data=b"forged", mime_type="text/plain")
    embed_file(writer, FileSpec(file_spec_string="zz", file_name="zz", embedded_data=embedded))


def orphan(writer: Any) -> None:
    writer.add_object(generic.StreamObject(stream_data=b"whatever anybody likes"))


def titled(writer: Any) -> None:
    other = writer.add_object(_dictionary({_name("/Title"): _text("Never notified")}))
    writer.set_info(other)


def opening(writer: Any) -> None:
    writer.root[_name("/PageMode")] = _name("/UseAttachments")
    writer.update_root()


def field_with(**more: Any) -> Callable[[Any], None]:
    """Returns what adds a signature's field that shows nowhere, with whatever else stands in it."""

    def change(writer: Any) -> None:
        reference, _ = writer.find_page_for_modification(0)
        page, form = reference.get_object(), writer.root["/AcroForm"]
        kinds = {"FT": _name("/Sig"), "Type": _name("/Annot"), "Subtype": _name("/Widget"), "F": _number(132)}
        rest = {"T": _text("Never notified"), "Rect": generic.ArrayObject([_number(0)] * 4), "P": reference}
        members = {**kinds, **rest, **more}
        field = writer.add_object(_dictionary({_name(f"/{key}"): each for key, each in members.items()}))
        for holder, key in ((form, "/Fields"), (page, "/Annots")):
            holder[key].append(field)
            writer.update_container(holder[key])

    return change


def with_inline_note(writer: Any) -> None:
    note = {"/Type": _name("/Annot"), "/Subtype": _name("/Text"), "/Contents": _text("Never notified")}
    page = page_of(writer)
    rectangle = generic.ArrayObject([_number(0)] * 4)
    page["/Annots"].append(_dictionary({_name(k): v for k, v in {**note, "/Rect": rectangle}.items()}))
    writer.update_container(page["/Annots"])


def form_with(key: str, value: Any) -> Callable[[Any], None]:
    def change(writer: Any) -> None:
        writer.root["/AcroForm"][_name(key)] = value
        writer.update_container(writer.root["/AcroForm"])

    return change


_SCRIPT = _dictionary({_name("/S"): _name("/JavaScript"), _name("/JS"): _text("app.alert('never')")})
_OTHER = _dictionary({_name("/Type"): _name("/Sig"), _name("/Reason"): _text("Never notified")})
FORMS = {
    "an empty field": field_with(),
    "a script": field_with(A=_SCRIPT),
    "a script when the page is opened": field_with(AA=_dictionary({_name("/PO"): _SCRIPT})),
    "words": field_with(TU=_text("Never notified")),
    "a value that is no timestamp": field_with(V=_OTHER),
    "a note in the page itself": with_inline_note,
    "new appearances": form_with("/NeedAppearances", _boolean(True)),
    "another font": form_with("/DA", _text("/Helv 0 Tf")),
}


UPDATES = [annotated, other_page, attached, orphan, titled, opening]
SUFFIXES = [
    b"\n",
    b"\n%hello\n",
    b"%%EOF\n",
    b"\nstartxref\n0\n%%EOF\n",
    b"\n9999 0 obj\n<<>>\nendobj\n",
    bytes(9),
]


def test_what_is_sealed_passes_at_every_level(told: Told, sealed: bytes, kept: bytes) -> None:
    with_timestamp = kept[: kept.rindex(b"%%EOF", 0, kept.rindex(b"startxref")) + 6]
    assert b"/DSS" not in with_timestamp
    once = archived(kept)
    for pdf in (sealed, with_timestamp, kept, stamped(kept), stamped(sealed), once, stamped(archived(once))):
        found = verify(told, pdf)
        assert (seal_of(found)[0], found.verdict) == (Outcome.PASSED, Verdict.VALID), seal_of(found)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bytes_behind_the_last_revision_are_told(
    told: Told, sealed: bytes, kept: bytes, suffix: bytes
) -> None:
    for pdf in (sealed, kept):
        assert b"startxref" in pdf[-64:]
        found = verify(told, pdf + suffix)
        assert found.verdict is Verdict.INVALID
        # Some of it makes the file one that no strict reader reads.
        assert is_refused(found)


@pytest.mark.parametrize("change", UPDATES, ids=lambda change: change.__name__)
def test_an_update_that_changes_anything_else_is_told(
    told: Told, sealed: bytes, kept: bytes, change: Callable[[Any], object]
) -> None:
    for pdf in (sealed, kept):
        found = verify(told, updated(pdf, change))
        assert (seal_of(found), found.verdict) == ((Outcome.FAILED, ALTERED), Verdict.INVALID)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_has_more_than_timestamps_is_told(
    told: Told, sealed: bytes, kept: bytes, form: str
) -> None:
    for pdf in (sealed, kept, stamped(kept)):
        found = verify(told, updated(pdf, FORMS[form]))
        assert found.verdict is Verdict.INVALID
        assert seal_of(found)[0] is Outcome.FAILED
        assert "altered after it was sealed" in seal_of(found)[1]


def acts(holder: Any) -> None:
    holder[_name("/AA")] = _dictionary({_name("/PO"): _SCRIPT})


def speaks(holder: Any) -> None:
    holder[_name("/Reason")] = _text("Never notified")


def seal_acts(writer: Any) -> None:
    field = writer.root["/AcroForm"]["/Fields"][0]
    acts(field)
    writer.update_container(field)


def test_neither_a_timestamp_nor_the_seal_may_act_or_speak(told: Told, sealed: bytes, kept: bytes) -> None:
    altered = [
        pdf
        for whole in (sealed, kept)
        for pdf in (
            *(stamped(whole, field=acts), stamped(whole, field=speaks), stamped(whole, value=speaks)),
            updated(whole, seal_acts),
        )
    ]
    for pdf in altered:
        found = verify(told, pdf)
        assert found.verdict is Verdict.INVALID
        assert seal_of(found)[0] is Outcome.FAILED


def test_further_signatures_and_comments_among_updates_are_told(
    told: Told, sealed: bytes, kept: bytes
) -> None:
    start = kept.index(b" 0 obj", kept.rindex(b"%%EOF", 0, kept.rindex(b"startxref")))
    line = kept.rindex(b"\n", 0, start) + 1
    altered = [
        sign_pdf(sealed, SEAL, at=MADE),
        sign_pdf(kept, SEAL, at=MADE),
        updated(kept, lambda writer: writer.add_object(_text("hidden"))),
        kept[:line] + b"% Never notified\n" + kept[line:],
    ]
    for pdf in altered:
        found = verify(told, pdf)
        assert found.verdict is Verdict.INVALID
        assert is_refused(found)
