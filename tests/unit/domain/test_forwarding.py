"""Which addresses may be forwarded to, and what counts as a code."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from server.domain.fields import Malformed
from server.domain.forwarding import (
    TargetKind,
    VerificationCode,
    code_digest,
    email_target,
    masked_target,
    own_domain,
    phone_target,
)
from server.jurisdictions.am import AM

OWN = frozenset({"e-citizen.am", "post.example.am"})
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ani@Example.AM", "Ani@example.am"),
        ("ani+post@նամակ.հայ", "ani+post@xn--y9a3aq.xn--y9a3aq"),
        ("ani@note-citizen.am", "ani@note-citizen.am"),
    ],
)
def test_an_address_is_kept_in_canonical_form(given: str, kept: str) -> None:
    if "նամակ" in given:
        kept = "ani+post@" + "նամակ.հայ".encode("idna").decode()
    assert email_target(given, OWN) == kept


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "INVALID_ADDRESS"),
        ("ani", "INVALID_ADDRESS"),
        ("ani@example.am\r\nBcc: all@example.am", "INVALID_ADDRESS"),
        ("a@b@example.am", "INVALID_ADDRESS"),
        ("պ@example.am", "INVALID_ADDRESS"),
        ("5001950015@e-citizen.am", "OWN_DOMAIN"),
        ("5001950015@E-Citizen.AM", "OWN_DOMAIN"),
        ("bounces@in.post.example.am", "OWN_DOMAIN"),
        ("5001950015@e-citizen。am", "OWN_DOMAIN"),
        ("5001950015@\uff45-citizen.am", "OWN_DOMAIN"),
        ("5001950015@e-citizen.am.", "INVALID_ADDRESS"),
        ("5001950015@[127.0.0.1]", "INVALID_ADDRESS"),
        ('"5001950015"@e-citizen.am', "INVALID_ADDRESS"),
    ],
)
def test_an_address_that_is_none_or_the_post_s_own_is_refused(given: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        email_target(given, OWN)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "written", ["ՓՈՍՏ.ՀԱՅ", ".փոստ.հայ.", "փոստ。հայ", " Փոստ.հայ", "XN--P6AKBH1A.xn--y9a3aq"]
)
@pytest.mark.parametrize("address", ["ani@փոստ.հայ", "ani@box.փոստ.հայ", "ani@ՓՈՍՏ.հայ"])
def test_the_post_s_own_domain_is_known_however_the_operator_wrote_it(written: str, address: str) -> None:
    written = written.replace("XN--P6AKBH1A", "փոստ".encode("idna").decode().upper())
    with pytest.raises(Malformed) as refused:
        email_target(address, frozenset({own_domain(written)}))
    assert refused.value.reason == "OWN_DOMAIN"


def test_a_local_mobile_phone_is_kept_as_e164_writes_it() -> None:
    assert phone_target("+374 91 12-34-56", AM) == "+37491123456"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "INVALID_PHONE"),
        ("091123456", "INVALID_PHONE"),
        ("+3749112345678901", "INVALID_PHONE"),
        ("+37410555555", "NO_MOBILE_PHONE"),
        ("+77011234567", "FOREIGN_PHONE"),
        ("+994501234567", "FOREIGN_PHONE"),
        ("+37490012345", "PREMIUM_PHONE"),
    ],
)
def test_a_landline_a_costly_or_a_foreign_phone_is_refused_and_told_why(given: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        phone_target(given, AM)
    assert refused.value.reason == reason


def test_a_code_counts_for_its_time_and_its_tries() -> None:
    code = VerificationCode(b"salt", code_digest(b"salt", "012345"), NOW + timedelta(minutes=30), 1)

    assert code.counts(NOW)
    assert not code.counts(NOW + timedelta(minutes=30))
    assert not replace(code, tries_left=0).counts(NOW)
    assert code.is_met_by("012345")
    assert not code.is_met_by("12345")
    assert code_digest(b"other", "012345") != code.digest


def test_what_evidence_says_of_a_target_is_not_the_target() -> None:
    assert masked_target(TargetKind.EMAIL, "ani@example.am") == "a…@example.am"
    assert masked_target(TargetKind.PHONE, "+37491123456") == "…56"
