"""Sealed certificates for tests, and what writes updates behind a seal: by tools, and byte by byte."""

import asyncio
import io
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from asn1crypto import cms, crl
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator import ValidationContext

from namak.client.signers import FileSigner
from namak.signatures.pdf_building import AsItIs
from tests.signing.authority import NOW, STAMPING, named
from tests.signing.authority import Authority as TimeAuthority
from tests.signing.stamping import StampingAuthority
from tests.unit.evidence_documents.pki import Authority

ROOT = Authority.root("Seal root")
CARD = ROOT.authority("Seal authority").card()
SEAL = FileSigner(CARD.key, CARD.der, tuple(CARD.chain))
TIME = TimeAuthority("Root of time")
STAMPS = StampingAuthority(TIME.issue(named("Time of the court"), STAMPING), NOW)
# Untyped in pyhanko.
_stamp: Any = DocumentTimestamp
_dictionary: Any = generic.DictionaryObject
_stream: Any = generic.StreamObject
_number: Any = generic.NumberObject


def unchanged(_: Any) -> None:
    """Leaves a field, or its value, as it is."""


def stamped(
    data: bytes,
    writer: Callable[..., Any] = AsItIs,
    field: Callable[[Any], None] = unchanged,
    value: Callable[[Any], None] = unchanged,
    picture: bytes | None = None,
) -> bytes:
    """Returns the file with a document timestamp over all of it; ``field`` and ``value`` change what their
    names say, ``picture`` is what the field's picture draws, where it has one.
    """
    made = writer(io.BytesIO(data))
    names = {str(each.get_object()["/T"]) for each in made.root["/AcroForm"]["/Fields"]}
    name = next(f"Stamp{number}" for number in range(100) if f"Stamp{number}" not in names)
    spec = SigFieldSpec(sig_field_name=name, on_page=0)
    embedding: Any = PdfCMSEmbedder(new_field_spec=spec).write_cms(field_name=name, writer=made)
    holder = next(embedding).get_object()
    field(holder)
    if picture is not None:
        holder[generic.pdf_name("/AP")] = _dictionary(
            {generic.pdf_name("/N"): made.add_object(_drawn(picture))}
        )
    placeholder = _stamp(bytes_reserved=16384)
    value(placeholder)
    embedding.send(SigObjSetup(sig_placeholder=placeholder))
    prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    embedding.send(STAMPS.token(prepared.document_digest, "sha256"))
    return bytes(output.getvalue())


def _drawn(content: bytes) -> Any:
    """Returns a picture of no size (ISO 32000-2, 8.10)."""
    name = generic.pdf_name
    members = {name("/Type"): name("/XObject"), name("/Subtype"): name("/Form")}
    box = generic.ArrayObject([_number(0)] * 4)
    return _stream({**members, name("/BBox"): box}, stream_data=content)


def updated(data: bytes, change: Callable[[Any], object], kind: Callable[..., Any] = AsItIs) -> bytes:
    """Returns the file with one update more, which a writer of updates made."""
    writer: Any = kind(io.BytesIO(data))
    change(writer)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


class _Stamper(TimeStamper):
    """Gives pyhanko tokens of an authority whose clock the tests set."""

    def __init__(self, authority: StampingAuthority) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._authority = authority

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
        return cms.ContentInfo.load(self._authority.token(message_digest, md_algorithm))


def archived(data: bytes, authority: StampingAuthority = STAMPS, time: TimeAuthority = TIME) -> bytes:
    """Returns the file as pyhanko keeps it for the archive (PAdES B-LTA): with the material about the latest
    timestamp, and a further timestamp over it all.
    """
    file = io.BytesIO(data)
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(time.der)],
        crls=[crl.CertificateList.load(time.crl(at=authority.time - timedelta(hours=1)))],
        moment=authority.time,
        allow_fetching=False,
        revocation_mode="require",
    )
    made = PdfTimeStamper(_Stamper(authority)).async_update_archival_timestamp_chain(
        PdfFileReader(file), context, in_place=True
    )
    asyncio.run(made)
    return file.getvalue()


def objects_of(data: bytes) -> dict[int, bytes]:
    """Returns the newest bytes of every object, by number, as they would be written again."""
    reader: Any = PdfFileReader(io.BytesIO(data), strict=True)
    found = {}
    for number in range(1, int(reader.trailer["/Size"])):
        reference = generic.Reference(number, 0, reader)
        if reader.xrefs.get_historical_ref(reference, reader.xrefs.total_revisions - 1) is None:
            continue
        written = io.BytesIO()
        reader.get_object(reference).write_to_stream(written, None, reference)
        found[number] = written.getvalue()
    return found


def last_start(data: bytes) -> int:
    """Returns where the file says that its newest cross-references stand."""
    return int(re.findall(rb"startxref\s+([0-9]+)", data)[-1])


def with_update(
    data: bytes,
    objects: Mapping[int, bytes],
    *,
    previous: int | None = None,
    trailer: Mapping[str, bytes | None] | None = None,
    rows: Callable[[dict[int, bytes]], list[tuple[int, bytes]]] | None = None,
    between: bytes = b"",
) -> bytes:
    """Returns the file with an update of these objects, written as the arguments say: ``trailer`` has other
    members, or none for None, ``rows`` makes of the rows of the table those that are written.
    """
    reader = PdfFileReader(io.BytesIO(data), strict=False)
    body, places = data, {}
    for number, content in objects.items():
        places[number] = b"%010d 00000 n" % len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content) + between
    written = rows(places) if rows else sorted(places.items())
    table = b"".join(b"%d 1\n%s \n" % row for row in written) or b"0 1\n0000000000 65535 f \n"
    size = max([int(reader.trailer["/Size"]), *(number + 1 for number in objects)])
    first = _hex(reader.trailer["/ID"][0])
    members: dict[str, bytes | None] = {
        "/Size": b"%d" % size,
        "/Root": _reference(reader, "/Root"),
        "/Info": _reference(reader, "/Info"),
        "/ID": b"[%s<00>]" % first,
        "/Prev": b"%d" % (last_start(data) if previous is None else previous),
        **(trailer or {}),
    }
    told = b" ".join(b"%s %s" % (key.encode(), value) for key, value in members.items() if value is not None)
    return body + b"xref\n%strailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (table, told, len(body))


def _reference(reader: PdfFileReader, key: str) -> bytes:
    found: Any = reader.trailer.raw_get(key)
    return b"%d 0 R" % found.idnum


def _hex(value: Any) -> bytes:
    return b"<%s>" % value.original_bytes.hex().encode()
