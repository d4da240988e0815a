"""A confirmation's signature made in two steps, by a signer that is given digests only."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from namak.evidence.failures import CertificateUntrusted, SignatureInvalid
from namak.evidence.signature import draft_signature
from tests.unit.evidence_documents.citizens import CARD, ISSUER, RSA_1024, RSA_2048, STATEMENT, check
from tests.unit.evidence_documents.pki import Card

NONCE = bytes(range(16))
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def sign_digest(card: Card, digest: bytes, algorithm: str) -> bytes:
    """What a phone does: it never sees the content."""
    prehashed = utils.Prehashed(HASHES[algorithm])
    if isinstance(card.key, rsa.RSAPrivateKey):
        return card.key.sign(digest, padding.PKCS1v15(), prehashed)
    return card.key.sign(digest, ec.ECDSA(prehashed))


@pytest.mark.parametrize("algorithm", sorted(HASHES))
@pytest.mark.parametrize(
    "card",
    [CARD, ISSUER.card(key=ec.generate_private_key(ec.SECP384R1())), ISSUER.card(key=RSA_2048)],
    ids=["p256", "p384", "rsa"],
)
def test_a_signature_over_the_draft_s_digest_makes_a_confirmation(card: Card, algorithm: str) -> None:
    draft = draft_signature(STATEMENT, card.der, algorithm)

    cms = draft.finished(sign_digest(card, draft.digest_value, algorithm), card.chain)

    signer = check(cms)
    assert signer.person.number == "5001950015"
    assert signer.person.certificate == card.der
    assert signer.digest_algorithm == algorithm


def test_a_draft_is_made_again_from_the_same_content_and_certificate_and_from_no_other() -> None:
    draft = draft_signature(STATEMENT, CARD.der)

    assert draft == draft_signature(STATEMENT, CARD.der)
    digests = {
        draft.digest_value,
        draft_signature(STATEMENT + b" ", CARD.der).digest_value,
        draft_signature(STATEMENT, ISSUER.card().der).digest_value,
        draft_signature(STATEMENT, CARD.der, "sha512").digest_value,
    }
    assert len(digests) == 4


def test_with_a_random_identifier_the_digest_follows_from_content_and_certificate_no_more() -> None:
    plain = draft_signature(STATEMENT, CARD.der)
    draft = draft_signature(STATEMENT, CARD.der, identifier=NONCE)

    cms = draft.finished(sign_digest(CARD, draft.digest_value, "sha256"), CARD.chain)

    assert check(cms).person.certificate == CARD.der
    assert NONCE in cms
    assert draft == draft_signature(STATEMENT, CARD.der, identifier=NONCE)
    other = draft_signature(STATEMENT, CARD.der, identifier=bytes(16))
    assert len({plain.digest_value, draft.digest_value, other.digest_value}) == 3


def test_what_is_signed_is_not_the_content_s_own_digest() -> None:
    signature = sign_digest(CARD, hashlib.sha256(STATEMENT).digest(), "sha256")

    with pytest.raises(SignatureInvalid):
        draft_signature(STATEMENT, CARD.der).finished(signature, CARD.chain)


@pytest.mark.parametrize("signature", [b"", b"\x30\x00", bytes(64), b"\xff" * 72])
def test_what_is_no_signature_makes_none(signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        draft_signature(STATEMENT, CARD.der).finished(signature, CARD.chain)


def test_the_signature_of_another_s_key_makes_none() -> None:
    draft = draft_signature(STATEMENT, CARD.der)
    signature = sign_digest(ISSUER.card(), draft.digest_value, "sha256")

    with pytest.raises(SignatureInvalid):
        draft.finished(signature, CARD.chain)


def test_there_is_no_draft_for_a_weak_key_or_an_old_digest() -> None:
    with pytest.raises(CertificateUntrusted):
        draft_signature(STATEMENT, ISSUER.card(key=RSA_1024).der)
    with pytest.raises(ValueError, match="sha1"):
        draft_signature(STATEMENT, CARD.der, "sha1")
