"""Citizens, their authorities and lists, and what is checked of their signatures, for several tests."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from namak.evidence.signature import (
    Signer,
    build_confirmation_signature,
    check_confirmation_signature,
    check_personal_certificate,
)
from tests.unit.evidence_documents.pki import NOW, Authority, Card

STATEMENT = "Հավաստում եմ\n".encode()

ROOT = Authority.root("Citizen root")
ISSUER = ROOT.authority("Citizen authority")
AGENCIES = Authority.root("Agency root")
CARD = ISSUER.card()
LISTS = (ROOT.crl(), ISSUER.crl())
RSA_2048 = rsa.generate_private_key(65537, 2048)
RSA_1024 = rsa.generate_private_key(65537, 1024)
SIGNATURE = build_confirmation_signature(STATEMENT, CARD.der, CARD.chain, CARD.sign)


def signed_by(card: Card, content: bytes = STATEMENT) -> bytes:
    return build_confirmation_signature(content, card.der, card.chain, card.sign)


def check(
    cms: bytes = SIGNATURE,
    content: bytes = STATEMENT,
    *,
    crls: tuple[bytes, ...] = LISTS,
    roots: tuple[bytes, ...] = (ROOT.der,),
    **others: Any,
) -> Signer:
    return check_confirmation_signature(
        cms, content, roots=roots, crls=crls, at=others.pop("at", NOW), **others
    )


def new_citizens() -> tuple[Authority, Authority, Card]:
    """Returns a root, an authority and a card of their own, for tests that revoke."""
    root = Authority.root("Citizen root")
    issuer = root.authority("Citizen authority")
    return root, issuer, issuer.card()


def personal(card: Card, crls: tuple[bytes, ...] = LISTS, roots: tuple[bytes, ...] = (ROOT.der,)) -> str:
    return check_personal_certificate(card.der, card.chain, roots, crls, NOW).number
