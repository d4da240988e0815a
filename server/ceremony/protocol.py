"""The protocol of a ceremony: what of it goes into the file. It never holds a PIN."""

import base64
import hashlib
from datetime import datetime

from server.ceremony import attributes
from server.ceremony.machine import Circumstances, digest_of, in_zone
from server.ceremony.making import Tried
from server.ceremony.paper import Digest, Field, Paragraph, Piece, Section, Verbatim, set_out
from server.ceremony.purposes import Purpose
from server.ceremony.shard_key import raw_ed25519, verifier_key
from server.hsm.token_contents import fingerprint


def of_key(tried: Tried, around: Circumstances) -> str:
    """Returns the protocol of a key that was made, or found. Raises OSError: the module can't be read."""
    if tried.new:
        did = f"A key was made in a token: {tried.key.words}. Then it signed, and the signature verified."
        title = "PROTOCOL: A KEY IS MADE"
    else:
        did = (
            f"A key was found in its token: {tried.key.words}. It was made earlier; this protocol tells"
            " nothing of when and how. It signed, and the signature verified."
        )
        title = "PROTOCOL: A KEY IS FOUND"
    sections = [
        done(did, tried.began, tried.ended, around),
        token(tried),
        key(tried, "The key"),
    ]
    if tried.request:
        sections.append(_request(tried.request))
    return set_out(title, sections, around.names)


def done(words: str, began: datetime, ended: datetime, around: Circumstances) -> Section:
    """What was done, when and where."""
    return Section(
        "What was done",
        (
            Paragraph(words),
            Field("Begun", in_zone(began, around.zone)),
            Field("Ended", in_zone(ended, around.zone)),
            *surroundings(around),
        ),
    )


def surroundings(around: Circumstances) -> tuple[Piece, ...]:
    """Where, and with what."""
    return (
        Field("Time zone", around.zone.key),
        Field("Machine", around.machine),
        Field("System", around.system),
        Field("Account", around.account),
        Field("Release", around.release),
        Field("Settings", str(around.settings)),
        Digest("  SHA-256", around.settings_digest),
        *((Field("  overridden by", ", ".join(around.overridden)),) if around.overridden else ()),
    )


def token(tried: Tried) -> Section:
    """The token, and the module by which it was reached."""
    facts = tried.token
    where = tried.key.where
    module: tuple[Piece, ...] = ()
    if where is not None:
        module = (
            Field("PKCS#11 module", str(where.module.resolve())),
            Digest("  SHA-256", digest_of(where.module)),
            Field(
                "  says it is", f"{facts.library} ({facts.library_manufacturer}), PKCS#11 {facts.cryptoki}"
            ),
        )
    return Section(
        "The token",
        (
            Field("Label", facts.label),
            Field("Serial number", facts.serial),
            Field("Made by", facts.manufacturer),
            Field("Model", facts.model),
            Field("Hardware, firmware", f"{facts.hardware}, {facts.firmware}"),
            *module,
        ),
    )


def key(tried: Tried, title: str, *, timed: bool = True) -> Section:
    """The key, with all by which it can be told from others; with how long it took to sign, if asked."""
    took = f" in {tried.trial.took.total_seconds() * 1000:.0f} ms" if timed else ""
    private, public = tried.pair.private, tried.pair.public
    pieces: list[Piece] = [
        Field("For", tried.key.words),
        Field("Label (CKA_LABEL)", private.label),
        Field("Identifier (CKA_ID)", private.identifier.hex() or "none"),
        Field("Type", private.key_type),
        Field("Private key", attributes.told(private)),
        *(Field("Note", each.text) for each in tried.trial.findings),
        Field("Trial", f"signed{took}; the signature verified"),
        Digest("Public key, SHA-256", fingerprint(public.public_key)),
    ]
    if tried.key.purpose in (Purpose.LOG, Purpose.NEXT_LOG):
        verifier = verifier_key(tried.key, public.public_key)
        pieces += [
            Digest("Public key", raw_ed25519(public.public_key).hex()),
            *line("Verifier key (vkey)", verifier),
        ]
    pieces += [
        Paragraph(""),
        Verbatim(pem("PUBLIC KEY", public.public_key)),
    ]
    return Section(title, tuple(pieces))


def pem(name: str, der: bytes) -> str:
    """Returns PEM (RFC 7468)."""
    text = base64.b64encode(der).decode("ascii")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {name}-----", *lines, f"-----END {name}-----", ""])


def line(name: str, text: str) -> tuple[Piece, ...]:
    """A name with text of which every character counts, on a line of its own."""
    return (Field(name, ""), Verbatim(text))


def _request(request: bytes) -> Section:
    text = request.decode("ascii")
    return Section(
        "The request for its certificate (PKCS #10)",
        (Digest("The file's SHA-256", hashlib.sha256(request).hexdigest()), Paragraph(""), Verbatim(text)),
    )
