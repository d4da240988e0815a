"""The index over a list's entries against what asn1crypto and cryptography read in the same bytes."""

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.gateways.certificate_status.list_layout import ListUnusable, lay_out, list_der
from server.gateways.certificate_status.revocation_list import RevocationList
from server.gateways.certificate_status.revoked_serials import MAX_SERIAL_OCTETS, RevokedSerials
from tests.integration.gateways.authorities import (
    HOUR,
    NOW,
    Entry,
    authority_wish,
    issue,
    make_list,
    subject_of,
)

ISSUER = issue(authority_wish("Lists"))
WHOLE = make_list(ISSUER, (Entry(5), Entry(2**150)))

reasons = st.none() | st.sampled_from(sorted(x509.ReasonFlags, key=lambda flag: flag.value))
# From before UTCTime's century to where GeneralizedTime takes over (RFC 5280, 5.1.2.4).
dates = st.integers(-599_000_000, 3_780_000_000).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
invalid_since = st.booleans().map(lambda wanted: ((x509.InvalidityDate(NOW), False),) if wanted else ())
entries = st.builds(Entry, st.integers(1, 2**159 - 1), dates, reasons, invalid_since)


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=40, unique_by=lambda entry: entry.serial), st.integers(1, 2**159 - 1))
def test_finds_exactly_what_other_readers_find(revoked: list[Entry], stranger: int) -> None:
    der = make_list(ISSUER, tuple(revoked))
    read = RevocationList.read(der)
    other = x509.load_der_x509_crl(der)

    assert len(read) == len(revoked)
    for serial in (*(entry.serial for entry in revoked), stranger):
        found, expected = read.find(serial), other.get_revoked_certificate_by_serial_number(serial)
        if expected is None:
            assert found is None
            continue
        assert found is not None
        assert found.since == expected.revocation_date_utc
        try:
            assert found.reason is expected.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except x509.ExtensionNotFound:
            assert found.reason is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-(2**200), 2**200), dates), max_size=30))
@example([(-128, NOW), (128, NOW), (127, NOW), (0, NOW), (-1, NOW), (-(2**63), NOW), (2**63, NOW)])
def test_finds_any_number_that_asn1crypto_writes_the_earliest_first(
    revoked: list[tuple[int, datetime]],
) -> None:
    written = b"".join(
        asn1_crl.RevokedCertificate(
            {"user_certificate": serial, "revocation_date": asn1_x509.Time({"general_time": date})}
        ).dump()
        for serial, date in revoked
    )
    # As in a list, the entries do not stand at the very beginning of the bytes.
    serials = RevokedSerials(b"\x00" + written, 1, 1 + len(written))

    assert len(serials) == len(revoked)
    for serial, _ in revoked:
        found = serials.find(serial)
        assert found is not None
        assert found.since == min(date for other, date in revoked if other == serial)
    assert serials.find(2**201) is None


def test_reads_a_list_without_entries_and_one_in_pem() -> None:
    der = make_list(ISSUER)
    pem = x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)

    assert len(RevocationList.read(der)) == 0
    assert list_der(b"\n" + pem) == list_der(der) == der


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_do_not_verify(data: st.DataObject) -> None:
    der = bytearray(WHOLE)
    places = st.integers(0, len(der) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=3, unique=True)):
        der[place] ^= data.draw(st.integers(1, 255))
    try:
        read = RevocationList.read(bytes(der))
    except ListUnusable:
        return
    assert read.unfit_for(ISSUER.certificate, ISSUER.certificate) is not None


@pytest.mark.parametrize("cut", [0, 1, 2, 20, 100])
def test_a_list_that_is_cut_off_is_refused(cut: int) -> None:
    der = make_list(ISSUER, (Entry(5),))

    with pytest.raises(ListUnusable):
        RevocationList.read(der[: len(der) - 1 - cut])
    with pytest.raises(ListUnusable, match="after the list"):
        RevocationList.read(der + bytes(cut + 1))


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("3004 02 02 0005", "serial number"),
        ("3013 02020005 170d3235303130313030303030305a", "longer than it has to be"),
        ("3013 0202ff85 170d3235303130313030303030305a", "longer than it has to be"),
        ("3011 020105 170d3235303130313030303030305a 0500", "date|more than it may|cut off"),
        ("3010 020105 170b32353031303130303030305a 00", "without a date"),
        ("30 80 020105 170d3235303130313030303030305a 0000", "minimal|cut off"),
        ("3113 0202 0105 170d3235303130313030303030305a", "serial number"),
    ],
)
def test_an_entry_that_is_not_der_makes_the_list_unusable(entry: str, why: str) -> None:
    der = b"\x00" + bytes.fromhex(entry)

    with pytest.raises(ListUnusable, match=why):
        RevokedSerials(der, 1, len(der))


def test_a_serial_number_of_absurd_size_makes_the_list_unusable() -> None:
    octets = MAX_SERIAL_OCTETS + 1
    body = bytes([0x02, octets]) + b"\x01" * octets + bytes.fromhex("170d3235303130313030303030305a")
    der = bytes([0x00, 0x30, len(body)]) + body

    with pytest.raises(ListUnusable, match="another size"):
        RevokedSerials(der, 1, len(der))


def test_a_certificate_revoked_at_a_date_that_is_none_counts_as_revoked_for_ever() -> None:
    der = b"\x00" + bytes.fromhex("3013 02020105 170d") + b"259901000000Z"

    found = RevokedSerials(der, 1, len(der)).find(0x0105)

    assert found is not None
    assert found.since < NOW - timedelta(days=500_000)


def test_an_indirect_list_is_refused_by_its_entries_and_by_its_extension() -> None:
    other = x509.CertificateIssuer([x509.DirectoryName(subject_of("Another"))])
    by_entry = make_list(ISSUER, (Entry(5, others=((other, True),)),))
    point = x509.IssuingDistributionPoint(
        full_name=None,
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=True,
        only_contains_attribute_certs=False,
    )
    by_extension = make_list(ISSUER, extensions=((point, True),))

    for der in (by_entry, by_extension):
        with pytest.raises(ListUnusable, match="indirect"):
            RevocationList.read(der)


def test_a_delta_list_and_one_with_an_unknown_critical_extension_are_refused() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")

    with pytest.raises(ListUnusable, match="delta"):
        RevocationList.read(make_list(ISSUER, extensions=((x509.DeltaCRLIndicator(1), True),)))
    with pytest.raises(ListUnusable, match="critical extension"):
        RevocationList.read(make_list(ISSUER, extensions=((unknown, True),)))


def test_the_layout_leaves_the_signed_bytes_as_they_came() -> None:
    der = make_list(ISSUER, (Entry(5), Entry(6)), issued=NOW - HOUR)

    begin, end = lay_out(der).signed

    assert der[begin:end] == x509.load_der_x509_crl(der).tbs_certlist_bytes
