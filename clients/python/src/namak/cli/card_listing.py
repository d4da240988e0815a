"""``namak token list``: slots, tokens, certificates with their keys, and the chains that can be seen."""

from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.cards.chain import ChainEnd, SeenChain
from namak.cards.choice import validity_problem
from namak.cards.contents import (
    CardCertificate,
    KeyPresence,
    Purpose,
    SlotSeen,
    TokenSeen,
    read_slots,
    read_token,
)
from namak.cards.module import KeyPlace
from namak.cards.outcomes import PinState, card_error
from namak.certificate_names import full_name
from namak.cli.app import Run
from namak.cli.cards import CardInUse, CardOptions, card_in_use, chain_of
from namak.cli.codes import ExitCode
from namak.cli.pins import pin_for
from namak.cli.reasons import advice_for, headline_of
from namak.cli.screen import Screen, error_document
from namak.cli.texts import N_, _

_PURPOSES: Mapping[Purpose, str] = {
    Purpose.AUTHENTICATION: N_("for signing in"),
    Purpose.SIGNING: N_("for signing"),
    Purpose.AUTHORITY: N_("an authority's"),
    Purpose.OTHER: N_("for neither signing nor signing in"),
}
_KEYS: Mapping[KeyPresence, str] = {
    KeyPresence.PRESENT: N_("its key is there"),
    KeyPresence.MISSING: N_("its key is MISSING"),
    KeyPresence.HIDDEN: N_("whether its key is there shows only with the PIN (--pin)"),
}
_PINS: Mapping[PinState, str] = {
    PinState.UNTRIED: N_("no wrong tries"),
    PinState.COUNTED: N_("a wrong PIN was given since the last right one"),
    PinState.FINAL_TRY: N_("ONE try is left"),
    PinState.LOCKED: N_("locked: only the PUK helps"),
    PinState.NOT_SET: N_("none is set"),
    PinState.TO_BE_CHANGED: N_("it must be changed"),
}
_VALIDITY: Mapping[str | None, str] = {
    None: N_("valid from {start} until {end}"),
    "CARD_CERTIFICATE_EXPIRED": N_("EXPIRED: valid from {start} until {end}"),
    "CARD_CERTIFICATE_NOT_YET_VALID": N_("NOT YET VALID: valid from {start} until {end}"),
}
_ENDS: Mapping[ChainEnd, str] = {
    ChainEnd.TRUSTED_ROOT: N_("the chain ends at a root that you trust"),
    ChainEnd.OTHER_ROOT: N_("the chain ends at a root that is not among those you named"),
    ChainEnd.ISSUER_MISSING: N_("MISSING: the certificate of {issuer}"),
    ChainEnd.TOO_LONG: N_("the chain is too long to be honest"),
}


def token_list(run: Run, options: CardOptions, *, with_pin: bool) -> ExitCode:
    """Lists what the module shows; with the PIN of one token also its private keys."""
    card = card_in_use(run, options)
    place = KeyPlace(card.place.module, options.token, config=card.place.config)
    slots = list(read_slots(place.module, place.config))
    if not slots:
        raise card_error("READER_MISSING", str(place.module))
    if with_pin:
        token = read_token(place)
        pin = pin_for(run.screen, token, card.pin_file)
        opened = read_token(place, pin, final_try=token.at_final_try)
        slots = [_replaced(slot, opened) for slot in slots]
    elif options.token:
        wanted = read_token(place)
        slots = [slot for slot in slots if slot.token is not None and slot.token.serial == wanted.serial]
    now = datetime.now(UTC)
    run.screen.result(
        {"module": str(place.module), "slots": [_slot_document(slot, card, now) for slot in slots]}
    )
    for slot in slots:
        _show_slot(run.screen, slot, card, now)
    problems = [slot.problem for slot in slots if slot.problem is not None]
    if any(slot.token is not None for slot in slots):
        return ExitCode.OK
    if run.options.as_json:
        return ExitCode.CARD
    return run.screen.trouble(problems[0] if problems else card_error("TOKEN_MISSING"))


def _replaced(slot: SlotSeen, opened: TokenSeen) -> SlotSeen:
    same = slot.token is not None and (slot.token.slot, slot.token.serial) == (opened.slot, opened.serial)
    return SlotSeen(slot.description, opened) if same else slot


def _show_slot(screen: Screen, slot: SlotSeen, card: CardInUse, now: datetime) -> None:
    screen.line(_("Slot: {name}").format(name=slot.description))
    if slot.problem is not None:
        screen.line(f"  {headline_of(slot.problem)} [{slot.problem.reason}]")
        screen.line(f"  {advice_for(slot.problem)}")
    elif slot.token is None:
        screen.line("  " + _("no card"))
    else:
        _show_token(screen, slot.token, card, now)


def _show_token(screen: Screen, token: TokenSeen, card: CardInUse, now: datetime) -> None:
    made = " ".join(text for text in (token.manufacturer, token.model) if text)
    screen.line(
        "  "
        + _("Token: {name}, serial number {serial}, {made}").format(
            name=token.label or "-", serial=token.serial or "-", made=made or "-"
        )
    )
    screen.line("  " + _("PIN: {state}").format(state=_(_PINS[token.pin])))
    if token.has_pin_pad:
        screen.line("  " + _("The PIN is typed on the reader."))
    for each in token.certificates:
        _show_certificate(screen, each, token, card, now)
    for key in token.lone_keys:
        name = key.label or key.key_id.hex()
        screen.line("    " + _("{name}: a key WITHOUT a certificate").format(name=name))
    if not token.certificates and not token.keys:
        screen.line("    " + _("no certificates"))


def _show_certificate(
    screen: Screen, each: CardCertificate, token: TokenSeen, card: CardInUse, now: datetime
) -> None:
    name = each.label or each.key_id.hex() or "-"
    if each.certificate is None:
        screen.line("    " + _("{name}: not readable as a certificate").format(name=name))
        return
    purposes = ", ".join(_(_PURPOSES[purpose]) for purpose in sorted(each.purposes))
    screen.line(f"    {name}: {full_name(each.certificate.subject)}")
    screen.line(f"      {purposes}; {_validity(each.certificate, now)}")
    if Purpose.AUTHORITY not in each.purposes:
        key_id = _("key id {id}").format(id=each.key_id.hex())
        screen.line(f"      {_(_KEYS[each.key])} ({key_id})")
        _show_chain(screen, chain_of(each.certificate, token, card), now)


def _show_chain(screen: Screen, chain: SeenChain, now: datetime) -> None:
    for depth, issuer in enumerate(chain.certificates[1:]):
        screen.line(f"      {'  ' * depth}↑ {full_name(issuer.subject)}; {_validity(issuer, now)}")
    screen.line("      " + _(_ENDS[chain.end]).format(issuer=chain.missing))


def _validity(certificate: x509.Certificate, now: datetime) -> str:
    return _(_VALIDITY[validity_problem(certificate, now)]).format(
        start=certificate.not_valid_before_utc.date(), end=certificate.not_valid_after_utc.date()
    )


def _slot_document(slot: SlotSeen, card: CardInUse, now: datetime) -> Mapping[str, object]:
    token = slot.token
    return {
        "slot": slot.description,
        "problem": None if slot.problem is None else error_document(slot.problem),
        "token": None
        if token is None
        else {
            "label": token.label,
            "serial": token.serial,
            "manufacturer": token.manufacturer,
            "model": token.model,
            "pin": str(token.pin),
            "has_pin_pad": token.has_pin_pad,
            "certificates": [_certificate_document(each, token, card, now) for each in token.certificates],
            "keys_without_certificate": [
                {"label": key.label, "id": key.key_id.hex()} for key in token.lone_keys
            ],
        },
    }


def _certificate_document(
    each: CardCertificate, token: TokenSeen, card: CardInUse, now: datetime
) -> Mapping[str, object]:
    if each.certificate is None:
        return {"label": each.label, "id": each.key_id.hex(), "subject": None}
    chain = chain_of(each.certificate, token, card)
    return {
        "label": each.label,
        "id": each.key_id.hex(),
        "key": str(each.key),
        "purposes": sorted(each.purposes),
        "problem": validity_problem(each.certificate, now),
        **described(each.certificate),
        "pem": each.certificate.public_bytes(Encoding.PEM).decode("ascii"),
        "chain": chain_document(chain),
    }


def chain_document(chain: SeenChain) -> Mapping[str, object]:
    """Returns a chain for programs."""
    return {
        "issuers": [described(issuer) for issuer in chain.certificates[1:]],
        "end": str(chain.end),
        "missing": chain.missing,
    }


def described(certificate: x509.Certificate) -> Mapping[str, object]:
    """Returns whose certificate it is and when it is valid, for programs."""
    return {
        "subject": certificate.subject.rfc4514_string(),
        "start_time": certificate.not_valid_before_utc.isoformat().replace("+00:00", "Z"),
        "expire_time": certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z"),
        "sha256": certificate.fingerprint(SHA256()).hex(),
    }
