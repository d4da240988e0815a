"""Tokens of a real authority: we and `openssl` take the same ones, and of others nothing is believed."""

import hashlib
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.errors import EvidenceError, InvalidTimestamp, MalformedTimestamp, TimestampNotGranted
from namak.evidence.timestamp import (
    MAX_REPLY_BYTES,
    TimestampTrust,
    check_digest_timestamp,
    check_timestamp,
    digest_request,
    timestamp_request,
    token_from,
)
from tests.integration.timestamps.authority import (
    OPENSSL,
    OTHER_POLICY,
    POLICY,
    OpensslAuthority,
    resigned,
)

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl")
NOTE, NONCE = "log.example/2026\n7\nroot\n\n— log.example/2026 signature\n".encode(), 2**63 - 1
STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@dataclass(frozen=True)
class Given:
    """An authority, and what it answered about `NOTE`."""

    authority: OpensslAuthority
    reply: bytes

    @property
    def token(self) -> bytes:
        return token_from(self.reply)

    @property
    def trust(self) -> TimestampTrust:
        return TimestampTrust.from_pem(self.authority.roots.read_bytes())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Given:
    authority = OpensslAuthority.made(tmp_path_factory.mktemp("tsa") / "good")
    return Given(authority, authority.reply(timestamp_request(NOTE, NONCE)))


def test_a_token_is_taken_by_us_and_by_openssl(good: Given) -> None:
    checked = check_timestamp(good.token, NOTE, good.trust, nonce=NONCE)
    assert abs(checked.gen_time - datetime.now(UTC)) < timedelta(minutes=1)
    assert checked.authority == "CN=Authority"
    assert good.authority.verifies(good.token, NOTE)


def test_over_other_bytes_it_is_refused_by_us_and_by_openssl(good: Given) -> None:
    with pytest.raises(InvalidTimestamp, match="Mismatch between messages"):
        check_timestamp(good.token, NOTE + b"\n", good.trust)
    assert not good.authority.verifies(good.token, NOTE + b"\n")


def test_the_policy_that_is_asked_for_is_given_and_wanted(good: Given) -> None:
    trust = TimestampTrust(good.trust.roots, OTHER_POLICY)
    token = token_from(good.authority.reply(timestamp_request(NOTE, NONCE, OTHER_POLICY)))
    check_timestamp(token, NOTE, trust)
    with pytest.raises(InvalidTimestamp, match="Policy"):
        check_timestamp(good.token, NOTE, trust)
    check_timestamp(good.token, NOTE, TimestampTrust(good.trust.roots, POLICY))


@pytest.mark.parametrize("algorithm", ["sha512_256", "sha3_256"])
def test_a_digest_by_another_algorithm_is_not_taken_for_a_sha256(good: Given, algorithm: str) -> None:
    # Of the same length: by its bytes alone nobody could tell.
    digest = hashlib.sha256(NOTE).digest()
    query = tsp.TimeStampReq.load(digest_request(digest, NONCE))
    query["message_imprint"]["hash_algorithm"] = {"algorithm": algorithm}
    token = token_from(good.authority.reply(query.dump(force=True)))
    told = cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed
    imprint = told["message_imprint"]
    assert imprint["hashed_message"].native == digest
    assert imprint["hash_algorithm"]["algorithm"].native == algorithm
    with pytest.raises(InvalidTimestamp, match="Another hash algorithm"):
        check_digest_timestamp(token, digest, good.trust, nonce=NONCE)
    for_sha256 = token_from(good.authority.reply(digest_request(digest, NONCE)))
    assert check_digest_timestamp(for_sha256, digest, good.trust, nonce=NONCE).authority == "CN=Authority"


def test_an_answer_to_another_question_is_refused(good: Given) -> None:
    with pytest.raises(InvalidTimestamp, match="Nonce"):
        check_timestamp(good.token, NOTE, good.trust, nonce=NONCE - 1)


def test_an_authority_that_is_not_trusted_is_refused(good: Given, tmp_path: Path) -> None:
    # Its root has the same name, and another key.
    other = OpensslAuthority.made(tmp_path / "other")
    with pytest.raises(InvalidTimestamp, match="certificates"):
        check_timestamp(good.token, NOTE, TimestampTrust.from_pem(other.roots.read_bytes()))


def test_a_certificate_that_had_expired_at_the_tokens_time_is_refused(tmp_path: Path) -> None:
    expired = OpensslAuthority.made(tmp_path / "expired", valid=timedelta(days=-1))
    token = token_from(expired.reply(timestamp_request(NOTE, NONCE)))
    with pytest.raises(InvalidTimestamp, match="certificates"):
        check_timestamp(token, NOTE, TimestampTrust.from_pem(expired.roots.read_bytes()))


def test_tokens_that_name_their_certificate_the_old_way_are_taken(tmp_path: Path) -> None:
    authority = OpensslAuthority.made(tmp_path / "old", ess="sha1")
    token = token_from(authority.reply(timestamp_request(NOTE, NONCE)))
    check_timestamp(token, NOTE, TimestampTrust.from_pem(authority.roots.read_bytes()), nonce=NONCE)


@pytest.mark.parametrize(
    ("usages", "named", "told"),
    [
        ((STAMPING,), True, None),
        ((STAMPING,), False, "does not name the certificate"),
        ((ExtendedKeyUsageOID.CODE_SIGNING,), True, "not for time-stamping alone"),
        ((STAMPING, ExtendedKeyUsageOID.CODE_SIGNING), True, "not for time-stamping alone"),
        ((), True, "does not name what its key is for"),
    ],
)
def test_only_a_certificate_for_time_stamping_alone_may_sign(
    usages: tuple[ObjectIdentifier, ...], named: bool, told: str | None, good: Given
) -> None:
    token, root = resigned(good.token, usages, named=named)
    if told is None:
        check_timestamp(token, NOTE, TimestampTrust((root,)))
        return
    with pytest.raises(InvalidTimestamp, match=told):
        check_timestamp(token, NOTE, TimestampTrust((root,)))


@pytest.mark.parametrize("chain", [("between", "root"), ("root", "between")])
def test_a_chain_is_taken_in_whatever_order_it_is_sent(chain: tuple[str, ...], tmp_path: Path) -> None:
    authority = OpensslAuthority.made(tmp_path / "chain", chain=chain)
    trust = TimestampTrust.from_pem(authority.roots.read_bytes())
    token = token_from(authority.reply(timestamp_request(NOTE, NONCE)))
    assert len(cms.ContentInfo.load(token)["content"]["certificates"]) == 3
    for order in itertools.permutations(range(3)):
        info = cms.ContentInfo.load(token)
        held = list(info["content"]["certificates"])
        # Written as they are put: to `asn1crypto` the set is a list.
        mixed = token.replace(
            b"".join(each.dump() for each in held), b"".join(held[place].dump() for place in order)
        )
        assert check_timestamp(mixed, NOTE, trust, nonce=NONCE).authority == "CN=Authority"
    assert authority.verifies(token, NOTE)
    with pytest.raises(InvalidTimestamp, match="Mismatch between messages"):
        check_timestamp(token, NOTE + b"\n", trust)


def test_what_is_no_token_is_told_in_the_parsers_words(good: Given) -> None:
    time = good.token.index(b"\x18\x0f") + 2
    for wrong in (good.token[:time] + b"\xff" + good.token[time + 1 :], good.token + b"\x00", b"0"):
        with pytest.raises(MalformedTimestamp, match=r"^not a token: [ -~]{4,160}$"):
            check_timestamp(wrong, NOTE, good.trust)


def test_a_rejection_is_told_with_its_cause(good: Given) -> None:
    reply = good.authority.reply(timestamp_request(NOTE, NONCE, "1.2.3.4"))
    with pytest.raises(TimestampNotGranted, match="rejection unaccepted_policy"):
        token_from(reply)


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5])
def test_nothing_but_granted_is_granted(status: int, good: Given) -> None:
    reply = tsp.TimeStampResp.load(good.reply)
    reply["status"]["status"] = status
    with pytest.raises(TimestampNotGranted):
        token_from(reply.dump(force=True))


@pytest.mark.parametrize(
    "reply",
    [
        *(b"", b"\x30", b"\x30\x00", b"<html>", bytes(1000), b"\x30\x80" * 5000, b"\x30\x03\x02\x01\x00"),
        *(bytes.fromhex("30053003020100"), bytes.fromhex("3009300302010005000500")),
    ],
)
def test_what_is_no_answer_is_refused(reply: bytes) -> None:
    with pytest.raises(MalformedTimestamp):
        token_from(reply)


def test_megabytes_are_not_looked_at(good: Given) -> None:
    with pytest.raises(MalformedTimestamp, match="more than"):
        token_from(good.reply + bytes(MAX_REPLY_BYTES))
    with pytest.raises(MalformedTimestamp, match="more than"):
        check_timestamp(good.token + bytes(MAX_REPLY_BYTES), NOTE, good.trust)
    with pytest.raises(MalformedTimestamp):
        token_from(good.reply + b"\x00")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_answers_changed_at_random_say_the_same_or_nothing(data: st.DataObject, good: Given) -> None:
    reply = bytearray(good.reply)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(reply) - 1))
        if data.draw(st.booleans()):
            reply[place] = data.draw(st.integers(0, 255))
        else:
            del reply[place : place + data.draw(st.integers(1, 40))]
    try:
        checked = check_timestamp(token_from(bytes(reply)), NOTE, good.trust, nonce=NONCE)
    except EvidenceError:
        return
    assert checked == check_timestamp(good.token, NOTE, good.trust)


@pytest.mark.parametrize("pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_roots_that_are_none_are_told(pem: bytes) -> None:
    with pytest.raises(ValueError, match=r"(?i)pem|certificate"):
        TimestampTrust.from_pem(pem)


@pytest.mark.parametrize("nonce", [0, -1, 2**63])
def test_a_nonce_is_a_positive_number_that_everybody_reads(nonce: int) -> None:
    with pytest.raises(ValueError, match="nonce"):
        timestamp_request(NOTE, nonce)


def test_a_trusted_root_is_a_certificate(good: Given) -> None:
    assert [type(root) for root in good.trust.roots] == [x509.Certificate]
