"""The store behind a seal: it grows by what tells of certificates, and loses nothing."""

import re

import pytest

from namak.delivery_certificate.additions.store import MOST_STREAMS
from namak.delivery_certificate.additions.updates import MOST_UPDATES
from namak.delivery_certificate.additions.whole import is_altered
from namak.evidence.report import Outcome
from namak.signatures.pdf_long_term import with_material
from namak.signatures.trust import RevocationMaterial
from tests.unit.delivery_certificates.conftest import Told
from tests.unit.delivery_certificates.sealing import TIME, archived, objects_of, with_update
from tests.unit.delivery_certificates.test_additions import ALTERED, seal_of, verify
from tests.unit.delivery_certificates.test_hidden_seals import number_of
from tests.unit.evidence_documents.pki import Authority

OTHER = Authority.root("Other root")


def streams(pdf: bytes, kind: bytes) -> list[bytes]:
    """Returns the references of a store's list."""
    found = re.search(rb"%s \[ ([^]]*) \]" % kind, objects_of(pdf)[number_of(pdf, b"/Certs [")])
    assert found is not None
    return re.findall(rb"[0-9]+ 0 R", found[1])


def with_store(pdf: bytes, was: bytes, now: bytes, more: dict[int, bytes] | None = None) -> bytes:
    """Returns the file with a store that says something else in one place, and with objects besides."""
    store = number_of(pdf, b"/Certs [")
    content = objects_of(pdf)[store]
    assert content.count(was) == 1
    return with_update(pdf, {store: content.replace(was, now), **(more or {})})


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %s>>\nstream\n%s\nendstream" % (len(content), more, content)


def free(pdf: bytes) -> int:
    """Returns a number that no object of the file has."""
    return max(objects_of(pdf)) + 10


@pytest.mark.parametrize("kind", [b"/Certs", b"/CRLs"])
def test_a_store_that_has_less_than_before_is_told(told: Told, kept: bytes, kind: bytes) -> None:
    for pdf in (kept, archived(kept)):
        for gone in streams(pdf, kind):
            found = verify(told, with_store(pdf, gone, b""))
            assert seal_of(found) == (Outcome.FAILED, ALTERED), gone


def test_a_store_that_is_gone_or_other_is_told(kept: bytes) -> None:
    root, store = number_of(kept, b"/DSS"), number_of(kept, b"/Certs [")
    objects, new = objects_of(kept), free(kept)
    first = int(streams(kept, b"/Certs")[0].split()[0])
    assert is_altered(with_update(kept, {root: re.sub(rb"/DSS [0-9]+ 0 R", b"", objects[root])}))
    assert is_altered(with_update(kept, {store: b"<< >>"}))
    assert is_altered(with_update(kept, {first: stream(OTHER.der)}))
    other = re.sub(rb"/DSS [0-9]+ 0 R", b"/DSS %d 0 R" % new, objects[root])
    assert is_altered(with_update(kept, {root: other, new: b"<< /Certs [ ] /CRLs [ ] >>"}))
    # The same in other words is the same.
    assert not is_altered(with_update(kept, {root: other, new: objects[store]}))


def test_more_of_the_same_is_none(kept: bytes) -> None:
    more = with_material(kept, [OTHER.der], RevocationMaterial((TIME.crl(),), ()))
    assert not is_altered(more)
    store = number_of(kept, b"/Certs [")
    assert is_altered(with_update(more, {store: objects_of(kept)[store]}))


def added(kept: bytes, content: bytes, where: bytes = b"/Certs [") -> bytes:
    new = free(kept)
    return with_store(kept, where, b"%s %d 0 R" % (where, new), {new: content})


def test_a_store_holds_nothing_but_certificates_lists_and_responses(kept: bytes) -> None:
    assert not is_altered(added(kept, stream(OTHER.der)))
    for content in (
        stream(b"He was never notified"),
        stream(b"0\x15He was never notified"),
        stream(OTHER.der + b" "),
        stream(OTHER.der, b"/Reason (Never notified) "),
        stream(b"", b"/F (elsewhere) "),
        b"(Never notified)",
    ):
        assert is_altered(added(kept, content)), content
    # A certificate is no list, and no response.
    assert is_altered(added(kept, stream(OTHER.der), b"/CRLs ["))
    new = free(kept)
    for member in (
        b"/OCSPs [ %d 0 R ]" % new,
        b"/Reason (Never notified)",
        b"/Type /Catalog",
        b"/VRI << /He#20was#20never#20notified << >> >>",
        b"/VRI << /%s << /TU (Never notified) >> >>" % (b"A" * 40),
        b"/VRI << /%s << /Reason (Never notified) >> >>" % (b"A" * 40),
    ):
        told = with_store(
            kept,
            b"/Certs [",
            member + b" /Certs [ %d 0 R" % new,
            {new: stream(OTHER.der)},
        )
        assert is_altered(told), member


def test_material_by_signature_is_kept_as_well(kept: bytes) -> None:
    new = free(kept)
    entry = b"/VRI << /%s << /Type /VRI /Cert [ %d 0 R ] /TU (D:20301231235959Z) >> >> " % (b"A" * 40, new)
    by_signature = with_store(kept, b"/Certs [", entry + b"/Certs [", {new: stream(OTHER.der)})
    assert not is_altered(by_signature)
    assert is_altered(with_store(by_signature, b"/Cert [ %d 0 R ]" % new, b""))


def test_the_work_on_a_store_is_bounded(kept: bytes) -> None:
    reference = streams(kept, b"/Certs")[0]
    many = b" ".join([b"/Certs [", *[reference] * MOST_STREAMS])
    assert is_altered(with_store(kept, b"/Certs [", many))
    pdf = kept
    for _ in range(MOST_UPDATES - 1):
        pdf = with_update(pdf, {})
    assert not is_altered(pdf)
    assert is_altered(with_update(pdf, {}))
