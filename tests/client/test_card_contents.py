"""What lies on a token, with the PIN and without, and which certificate of it is used."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from namak.cards.chain import ChainEnd, seen_chain
from namak.cards.choice import choose_certificate, validity_problem
from namak.cards.contents import (
    CardCertificate,
    CardKey,
    KeyPresence,
    Purpose,
    TokenSeen,
    purposes_of,
    read_slots,
    read_token,
)
from namak.cards.module import KeyPlace
from namak.cards.outcomes import PinState
from namak.errors import CardError
from server.dev.tokens import SoftToken, TokenStore
from tests.client.cards import ERROR_STATE, NORMAL, Issuer, ToldToken, der, told_library

ROOT = Issuer("Citizens' root")
BELOW = Issuer("Citizens' authority", ROOT)
DAY = timedelta(days=1)


def certificate(
    *, signing: bool = False, authentication: bool = False, start: timedelta = -DAY, end: timedelta = DAY
) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return BELOW.issue("ANI", key, signing=signing, authentication=authentication, start=start, end=end)


SIGNING = certificate(signing=True)
AUTHENTICATION = certificate(authentication=True)


def on_card(
    found: x509.Certificate | None, key_id: bytes = b"\x01", key: KeyPresence = KeyPresence.PRESENT
) -> CardCertificate:
    return CardCertificate("sign", key_id, found, key)


def token_with(*certificates: CardCertificate, keys: tuple[CardKey, ...] = ()) -> TokenSeen:
    return TokenSeen(
        "Reader", "card", "0001", "Test", "T1", PinState.UNTRIED, has_pin_pad=False,
        certificates=certificates, keys=keys,
    )  # fmt: skip


def reason(token: TokenSeen, purpose: Purpose = Purpose.SIGNING, wanted: str = "") -> str:
    with pytest.raises(CardError) as caught:
        choose_certificate(token, purpose, wanted)
    return caught.value.reason


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """A card with a key to sign, one to sign in, one whose private half is gone, and one without a
    certificate.
    """
    token = TokenStore.create(tmp_path_factory.mktemp("card")).new_token("citizen", "4321")
    for label in ("sign", "auth"):
        key = token.generate_card_key(label)
        issued = BELOW.issue("ANI", key, signing=label == "sign", authentication=label == "auth")
        token.store_certificate(label, label, der(issued))
    lost = token.generate_card_key("lost")
    token.store_certificate("lost", "lost", der(BELOW.issue("ANI", lost, signing=True)))
    token.delete_private_key("lost")
    token.generate_card_key("bare")
    token.store_certificate("authority", "authority", der(BELOW.certificate()))
    return token


def place_of(token: SoftToken) -> KeyPlace:
    return KeyPlace(token.module, token.label, config=token.configuration)


@pytest.mark.hsm
def test_without_the_pin_certificates_are_seen_and_keys_are_hidden(card: SoftToken) -> None:
    found = read_token(place_of(card))
    assert {each.label for each in found.certificates} == {"sign", "auth", "lost", "authority"}
    assert {each.key for each in found.certificates} == {KeyPresence.HIDDEN}
    assert found.keys == ()


@pytest.mark.hsm
def test_with_the_pin_it_is_seen_which_keys_are_there(card: SoftToken) -> None:
    found = read_token(place_of(card), "4321")
    keys = {each.label: each.key for each in found.certificates}
    assert keys == {
        "sign": KeyPresence.PRESENT,
        "auth": KeyPresence.PRESENT,
        "lost": KeyPresence.MISSING,
        "authority": KeyPresence.MISSING,
    }
    assert [key.label for key in found.lone_keys] == ["bare"]
    purposes = {each.label: each.purposes for each in found.certificates}
    assert purposes["sign"] == purposes["lost"] == {Purpose.SIGNING}
    assert purposes["auth"] == {Purpose.AUTHENTICATION}
    assert purposes["authority"] == {Purpose.AUTHORITY}


@pytest.mark.hsm
def test_the_certificate_for_each_purpose_is_chosen_from_a_real_token(card: SoftToken) -> None:
    found = read_token(place_of(card), "4321")
    assert choose_certificate(found, Purpose.SIGNING)[0].label == "sign"
    assert choose_certificate(found, Purpose.AUTHENTICATION)[0].label == "auth"
    assert reason(found, wanted="lost") == "KEY_MISSING"
    assert reason(found, wanted="bare") == "KEY_WITHOUT_CERTIFICATE"
    assert reason(found, wanted="auth") == "CARD_CERTIFICATE_PURPOSE"


@pytest.mark.hsm
def test_listing_gives_the_token_no_pin_and_shows_slots_without_token(card: SoftToken) -> None:
    slots = read_slots(card.module, card.configuration)
    assert [slot.token.label if slot.token else None for slot in slots] == ["citizen", None]
    (seen, _empty) = (slot.token for slot in slots)
    assert seen is not None
    assert seen.pin is PinState.UNTRIED
    assert seen.serial


def test_a_token_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = ToldToken(flags=NORMAL | ERROR_STATE)
    monkeypatch.setattr(
        pkcs11, "lib", told_library(broken, pkcs11.TokenNotRecognised(), None, ToldToken("whole"))
    )
    path = tmp_path / "module.so"
    path.touch()
    slots = read_slots(path)
    assert [slot.problem.reason if slot.problem else None for slot in slots] == [
        "TOKEN_UNREADABLE",
        "TOKEN_UNREADABLE",
        None,
        None,
    ]
    assert [slot.token.label if slot.token else None for slot in slots] == [None, None, None, "whole"]


def expired(days: int = 1) -> x509.Certificate:
    return certificate(signing=True, start=-DAY * (days + 2), end=-DAY * days)


@pytest.mark.parametrize(
    ("token", "outcome"),
    [
        (token_with(), "CARD_CERTIFICATE_MISSING"),
        (token_with(on_card(None)), "CARD_CERTIFICATE_MISSING"),
        (token_with(keys=(CardKey("sign", b"\x01"),)), "KEY_WITHOUT_CERTIFICATE"),
        (token_with(on_card(AUTHENTICATION)), "CARD_CERTIFICATE_PURPOSE"),
        (token_with(on_card(BELOW.certificate())), "CARD_CERTIFICATE_PURPOSE"),
        (token_with(on_card(SIGNING, key=KeyPresence.MISSING)), "KEY_MISSING"),
        (token_with(on_card(expired())), "CARD_CERTIFICATE_EXPIRED"),
        (
            token_with(on_card(certificate(signing=True, start=DAY, end=2 * DAY))),
            "CARD_CERTIFICATE_NOT_YET_VALID",
        ),
        (token_with(on_card(SIGNING), on_card(SIGNING, b"\x02")), "KEY_AMBIGUOUS"),
        (token_with(on_card(SIGNING), on_card(expired())), ""),
        (token_with(on_card(SIGNING, key=KeyPresence.HIDDEN)), ""),
        (token_with(on_card(AUTHENTICATION, b"\x02"), on_card(SIGNING)), ""),
    ],
)
def test_why_no_certificate_can_be_used_is_told(token: TokenSeen, outcome: str) -> None:
    if outcome:
        assert reason(token) == outcome
    else:
        assert choose_certificate(token, Purpose.SIGNING)[1] == SIGNING


@pytest.mark.parametrize("wanted", ["0a0b", "0A:0B"])
def test_a_certificate_is_named_by_its_identifier(wanted: str) -> None:
    token = token_with(on_card(SIGNING, b"\x0a\x0b"), on_card(SIGNING, b"\x02"))
    assert choose_certificate(token, Purpose.SIGNING, wanted)[0].key_id == b"\x0a\x0b"
    assert reason(token, wanted="0a") == "CARD_CERTIFICATE_MISSING"


def test_of_the_old_and_the_renewed_certificate_of_a_key_the_renewed_is_used() -> None:
    renewed = certificate(signing=True, end=2 * DAY)
    for pair in ((SIGNING, renewed), (renewed, SIGNING)):
        assert choose_certificate(token_with(*map(on_card, pair)), Purpose.SIGNING)[1] == renewed


@pytest.mark.parametrize(("offset", "problem"), [(0, None), (-2, "NOT_YET_VALID"), (2, "EXPIRED")])
def test_a_certificate_counts_from_its_first_moment_to_its_last(offset: int, problem: str | None) -> None:
    found = validity_problem(SIGNING, datetime.now(UTC) + offset * DAY)
    assert found == (problem and f"CARD_CERTIFICATE_{problem}")


def test_a_certificate_without_key_usage_is_for_nothing_that_counts() -> None:
    from tests.client.authority import Authority

    plain = x509.load_pem_x509_certificate(Authority().issue("plain").certificate)
    assert purposes_of(plain) == {Purpose.OTHER}
    assert purposes_of(certificate(signing=True, authentication=True)) == {
        Purpose.SIGNING,
        Purpose.AUTHENTICATION,
    }


def test_the_chain_is_seen_up_to_the_root_that_is_trusted() -> None:
    root, below = ROOT.certificate(), BELOW.certificate()
    chain = seen_chain(SIGNING, [below], [root])
    assert (chain.certificates, chain.end) == ((SIGNING, below, root), ChainEnd.TRUSTED_ROOT)
    assert chain.issuers == [below]
    assert chain.missing is None


def test_a_root_that_nobody_named_is_shown_as_such() -> None:
    chain = seen_chain(SIGNING, [ROOT.certificate(), BELOW.certificate()])
    assert chain.end is ChainEnd.OTHER_ROOT


Known = Callable[[], list[x509.Certificate]]


@pytest.mark.parametrize(
    ("known", "missing"),
    [
        (list, "CN=Citizens' authority"),
        (lambda: [ROOT.certificate()], "CN=Citizens' authority"),
        (lambda: [BELOW.certificate()], "CN=Citizens' root"),
        # The right name on another key.
        (lambda: [Issuer("Citizens' authority", ROOT).certificate()], "CN=Citizens' authority"),
    ],
)
def test_a_chain_that_breaks_off_names_who_is_missing(known: Known, missing: str) -> None:
    chain = seen_chain(SIGNING, known())
    assert chain.end is ChainEnd.ISSUER_MISSING
    assert chain.missing == missing


def test_authorities_that_vouch_for_each_other_make_no_endless_chain() -> None:
    one, other = Issuer("One"), Issuer("Other")
    crossed = [replace(one, above=other).certificate(), replace(other, above=one).certificate()]
    leaf = one.issue("ANI", ec.generate_private_key(ec.SECP256R1()).public_key(), signing=True)
    assert seen_chain(leaf, crossed).end is ChainEnd.TOO_LONG
