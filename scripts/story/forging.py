"""What a dishonest operator could do with the log's key: enter forged evidence into a log and sign for it.

The receipts made here are perfect as far as the log goes. A verifier must refuse them for what they hold.
"""

import dataclasses
import uuid
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.details import ConfirmationDetails, EffectDetails
from namak.evidence.document import EvidenceDocument, entry_of
from namak.evidence.note import Verifier, note_from, signature_line
from namak.evidence.signature import build_confirmation_signature
from namak.evidence.tiles import extend, inclusion_proof
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash
from server.dev.pki import Identity
from server.dev.world import LOG_KEY, ORIGIN, World
from server.hsm.pkcs11 import Pkcs11LogSigner, TokenKey

NOBODYS_SIGNATURE = b"\x30\x00"
"""An empty ASN.1 sequence where a signature should be."""


async def logged(world: World, documents: Sequence[bytes]) -> list[bytes]:
    """Returns receipts of the documents in a log of their own, signed with the true log's key."""
    entries = [entry_of(document) for document in documents]
    tree = extend({}, 0, [leaf_hash(entry) for entry in entries])
    text = Checkpoint(ORIGIN, tree.new_size, tree.root).text()
    verifier = Verifier(ORIGIN, world.log_public_key)
    token = world.log_token
    signer = await Pkcs11LogSigner.open(
        TokenKey(token.module, token.label, LOG_KEY, token.pin_file, token.environment)
    )
    try:
        note = note_from(text, [signature_line(ORIGIN, verifier.key_id, await signer.sign(text))])
    finally:
        await signer.close()
    return [
        TlogProof(document, index, tuple(inclusion_proof(tree.changed, index, len(entries))), note).encode()
        for index, document in enumerate(documents)
    ]


def signed_by(identity: Identity, confirmation: bytes) -> bytes:
    """Returns the confirmation as it would be had somebody else signed the very same statement."""
    details = _details(confirmation)
    key = identity.key
    if key is None:
        raise ValueError("the forger's key is in a token")
    certificate, *chain = (one.public_bytes(Encoding.DER) for one in (identity.certificate, *identity.chain))
    cms = build_confirmation_signature(
        details.statement.encode(), certificate, chain, lambda data: key.sign(data, ec.ECDSA(SHA256()))
    )
    return _with_signature(confirmation, cms)


def signed_by_nobody(confirmation: bytes) -> bytes:
    """Returns the confirmation without a signature."""
    return _with_signature(confirmation, NOBODYS_SIGNATURE)


def effect_of(effect: bytes, fact: bytes) -> bytes:
    """Returns the effect as it would be had it followed from another fact."""
    document = EvidenceDocument.parse(effect)
    if not isinstance(document.details, EffectDetails):
        raise TypeError("not the evidence of an effect")
    details = dataclasses.replace(document.details, fact=entry_of(fact).hex())
    return dataclasses.replace(document, evidence_id=uuid.uuid4(), details=details).encode()


def _details(confirmation: bytes) -> ConfirmationDetails:
    details = EvidenceDocument.parse(confirmation).details
    if not isinstance(details, ConfirmationDetails):
        raise TypeError("not the evidence of a confirmation")
    return details


def _with_signature(confirmation: bytes, cms: bytes) -> bytes:
    document = EvidenceDocument.parse(confirmation)
    details = dataclasses.replace(_details(confirmation), cms=cms)
    return dataclasses.replace(document, evidence_id=uuid.uuid4(), details=details).encode()
