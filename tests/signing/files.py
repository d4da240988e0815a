"""PDFs to be signed and to be tampered with, and the distribution's openssl."""

import io
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyhanko.pdf_utils.generic
import pyhanko.pdf_utils.writer
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.signing.authority import Holder

# The library's own types leave these open.
generic: Any = pyhanko.pdf_utils.generic
PageObject: Any = pyhanko.pdf_utils.writer.PageObject
PdfFileWriter: Any = pyhanko.pdf_utils.writer.PdfFileWriter

Change = Callable[[IncrementalPdfFileWriter], None]

OPENSSL = shutil.which("openssl") or ""


def pdf(text: str = "The application is granted.", *, form: bool = False) -> bytes:
    """Returns a PDF of one page, with a text field to fill in if there is to be a form."""
    writer = PdfFileWriter(stream_xrefs=False)
    content = writer.add_object(generic.StreamObject(stream_data=_drawn(text)))
    font = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Font"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Type1"),
            generic.pdf_name("/BaseFont"): generic.pdf_name("/Helvetica"),
        }
    )
    resources = generic.DictionaryObject(
        {generic.pdf_name("/Font"): generic.DictionaryObject({generic.pdf_name("/F1"): font})}
    )
    page = PageObject(contents=content, media_box=(0, 0, 595, 842), resources=resources)
    page_ref = writer.insert_page(page)
    if form:
        _add_field(writer, page_ref)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _drawn(text: str) -> bytes:
    return f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET".encode("ascii")


def _add_field(writer: Any, page: Any) -> None:
    name = generic.pdf_name
    field = writer.add_object(
        generic.DictionaryObject(
            {
                name("/Type"): name("/Annot"),
                name("/Subtype"): name("/Widget"),
                name("/FT"): name("/Tx"),
                name("/T"): generic.pdf_string("remark"),
                name("/V"): generic.pdf_string(""),
                name("/F"): generic.NumberObject(4),
                name("/P"): page,
                name("/Rect"): generic.ArrayObject(
                    generic.NumberObject(each) for each in (72, 600, 300, 620)
                ),
            }
        )
    )
    page.get_object()["/Annots"] = generic.ArrayObject([field])
    form = generic.DictionaryObject({name("/Fields"): generic.ArrayObject([field])})
    writer.root["/AcroForm"] = writer.add_object(form)


def changed(data: bytes, change: Change) -> bytes:
    """Returns the PDF with an incremental update."""
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(data))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def fill_in(writer: IncrementalPdfFileWriter) -> None:
    field = writer.root["/AcroForm"]["/Fields"][0]
    field["/V"] = generic.pdf_string("received")
    writer.update_container(field)


def replace_page_content(writer: IncrementalPdfFileWriter) -> None:
    """The page shows another text from now on: its content stream is replaced by an update."""
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(
        generic.StreamObject(stream_data=_drawn("The application is refused."))
    )
    writer.update_container(page)


def replace_content_object(writer: IncrementalPdfFileWriter) -> None:
    """A shadow attack: what the signed page refers to is defined again, and the page stays as it is."""
    reference = writer.root["/Pages"]["/Kids"][0].raw_get("/Contents")
    stream = generic.StreamObject(stream_data=_drawn("The application is refused."))
    writer.objects[(reference.generation, reference.idnum)] = stream


def replace_font(writer: IncrementalPdfFileWriter) -> None:
    """A shadow attack: what the signed text looks like is redefined."""
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Resources"]["/Font"]["/F1"]["/BaseFont"] = generic.pdf_name("/ZapfDingbats")
    writer.update_container(page["/Resources"]["/Font"]["/F1"])


def add_page(writer: Any) -> None:
    content = writer.add_object(generic.StreamObject(stream_data=_drawn("And a fine is due.")))
    writer.insert_page(PageObject(contents=content, media_box=(0, 0, 595, 842)))


def add_annotation(writer: IncrementalPdfFileWriter) -> None:
    """A note that lies over the text."""
    name = generic.pdf_name
    page = writer.root["/Pages"]["/Kids"][0]
    note = writer.add_object(
        generic.DictionaryObject(
            {
                name("/Type"): name("/Annot"),
                name("/Subtype"): name("/FreeText"),
                name("/Contents"): generic.pdf_string("refused"),
                name("/Rect"): generic.ArrayObject(
                    generic.NumberObject(each) for each in (72, 700, 400, 740)
                ),
            }
        )
    )
    annotations = list(page.get("/Annots", ()))
    page["/Annots"] = generic.ArrayObject([*annotations, note])
    writer.update_container(page)


def encrypted() -> bytes:
    """Returns a PDF that nobody reads without its password."""
    writer = PdfFileWriter()
    handler = StandardSecurityHandler.build_from_pw("owner", "user")
    writer._assign_security_handler(handler)
    stream = writer.add_object(generic.StreamObject(stream_data=_drawn("secret")))
    writer.insert_page(PageObject(contents=stream, media_box=(0, 0, 10, 10)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


_BOMB_BYTES = 200 * 1024 * 1024


def deflate_bomb() -> bytes:
    """Returns a small PDF whose cross-reference stream unpacks to hundreds of mebibytes."""
    return _with_xref_stream(zlib.compress(bytes(_BOMB_BYTES), 1), b"/FlateDecode", _BOMB_BYTES // 4)


def nested_bomb() -> bytes:
    """Returns a PDF whose cross-reference stream is packed twice: each layer a thousandfold."""
    inner = zlib.compress(bytes(_BOMB_BYTES), 1)
    return _with_xref_stream(zlib.compress(inner, 9), b"[/FlateDecode /FlateDecode]", _BOMB_BYTES // 4)


def _with_xref_stream(packed: bytes, filters: bytes, entries: int) -> bytes:
    begin = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    head = b"3 0 obj\n<< /Type /XRef /Size %d /W [1 2 1] /Root 1 0 R /Filter %s /Length %d >>\nstream\n"
    body = head % (entries, filters, len(packed)) + packed + b"\nendstream\nendobj\n"
    return begin + body + b"startxref\n%d\n%%%%EOF\n" % len(begin)


def deeply_nested(depth: int = 100_000) -> bytes:
    """Returns a PDF whose trailer holds arrays within arrays."""
    begin = b"%PDF-1.7\n"
    table = b"xref\n0 1\n0000000000 65535 f \n"
    trailer = b"trailer\n<< /Size 1 /Root " + b"[" * depth + b"]" * depth + b" >>\n"
    return begin + table + trailer + b"startxref\n%d\n%%%%EOF\n" % len(begin)


def openssl(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([OPENSSL, *map(str, arguments)], input=given, capture_output=True, check=False)


def signed_by_openssl(
    place: Path, holder: Holder, document: bytes, *options: str, cades: bool = True
) -> bytes:
    """Returns the detached signature that openssl makes, with the signer's certificate named in it."""
    (place / "key.pem").write_bytes(holder.key_pem)
    (place / "own.pem").write_bytes(holder.certificate.public_bytes(Encoding.PEM))
    (place / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in holder.chain))
    above = ("-certfile", place / "chain.pem") if holder.chain else ()
    made = openssl(
        *(
            "cms",
            "-sign",
            "-binary",
            "-outform",
            "DER",
            "-signer",
            place / "own.pem",
            "-inkey",
            place / "key.pem",
        ),
        *above,
        *(("-cades",) if cades else ()),
        *options,
        given=document,
    )
    assert made.returncode == 0, made.stderr.decode()
    return made.stdout
