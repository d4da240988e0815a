"""How one shard of a log leads to the next: its last leaf names the next shard's key.

The leaf is the evidence of the administrative act that announced the successor. Who trusts the old shard's
key, and the quorum of its witnesses, can so read the next one's from a receipt; nothing else that comes with
it is believed. The next shard begins with an act that names the announcement, and so leads back; shards that
were announced before there were such acts have none. ``docs/receipts.md`` is normative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from namak.evidence.administrative_act import AdministrativeAct, Fields
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.document import entry_of
from namak.evidence.errors import EvidenceError, InvalidProof
from namak.evidence.note import Verifier
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash, verify_inclusion

SUCCESSOR_FILE: Final = "successor.tlog-proof"
"""The name of the receipt beside the public files of a shard that is complete."""

MAX_BYTES: Final = 256 * 1024
"""Such a receipt is far shorter: a note and an act."""

ACT: Final = "hsm rotate"
"""The act that announces the next shard: the last leaf of the one before it."""

OPENING_ACT: Final = "shard opening"
"""The act that the same command records with it: the first leaf of the shard that is announced."""

RESOURCE_KIND: Final = "LOG_SHARD"
"""What both are acts on: the one on the shard that ends, the other on the shard that begins."""


@dataclass(frozen=True, slots=True)
class Succession:
    """What the receipt proves.

    ``tree`` is the last one of the shard that ended, ``verifier`` the key of the shard that comes next, by
    whose name its checkpoints begin, and ``announced_at`` when that was recorded.
    """

    tree: Checkpoint
    verifier: Verifier
    vkey: str
    announced_at: datetime

    @property
    def policy_line(self) -> str:
        """The line by which a C2SP tlog-policy trusts the next shard."""
        return f"log {self.vkey}"


def succession(receipt: bytes, policy: TlogPolicy, *, latest: int | None = None) -> Succession:
    """Returns which shard comes next, if the receipt proves it under the keys and the quorum of a policy.

    Cosignatures that state a later time than ``latest`` (POSIX seconds) do not count; without it all do.

    Raises :class:`EvidenceError`: what :meth:`TlogProof.verify` raises; :class:`MalformedEvidence` where it
    is of something else; :class:`InvalidProof` where the announcement is not the last leaf of its tree, or
    not about the shard that it stands in.
    """
    if len(receipt) > MAX_BYTES:
        raise InvalidProof(f"it is longer than {MAX_BYTES} bytes")
    proof = TlogProof.parse(receipt)
    data = proof.extra or b""
    tree = policy.check(proof.checkpoint, latest=latest).checkpoint
    verify_inclusion(proof.index, tree.size, leaf_hash(entry_of(data)), proof.hashes, tree.root)
    if proof.index != tree.size - 1:
        raise InvalidProof(f"the announcement is not the last of {tree.size} leaves")
    act = AdministrativeAct.parse(data)
    details = act.details
    if (details.act, details.resource.kind) != (ACT, RESOURCE_KIND):
        raise InvalidProof("it announces no shard")
    after = details.after or {}
    if details.resource.identifier != tree.origin or _text(after, "origin") != tree.origin:
        raise InvalidProof("the announcement is about another shard than that in which it stands")
    vkey = _text(after, "successor_vkey")
    try:
        verifier = Verifier.parse(vkey)
    except EvidenceError as error:
        raise InvalidProof(f"the next shard's verifier key: {error.detail}") from None
    if verifier.name != _text(after, "successor") or verifier.name == tree.origin:
        raise InvalidProof("the next shard's verifier key is of another name")
    trusted = [log.verifier for log in policy.logs]
    if verifier not in trusted and any(
        verifier.name == other.name or verifier.public_key == other.public_key for other in trusted
    ):
        raise InvalidProof("you trust another key of the next shard's name, or its key under another name")
    return Succession(tree, verifier, vkey, act.event_time)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the act says that opens a shard: which one, with which key; after which one, with which key; and
    the hex SHA-256 of the evidence that announced it.
    """

    origin: str
    vkey: str
    predecessor: str
    predecessor_vkey: str
    announcement: str

    @property
    def fields(self) -> Mapping[str, str]:
        """What the act has as ``after``; as ``before`` it has nothing."""
        return {
            "origin": self.origin,
            "log_vkey": self.vkey,
            "predecessor": self.predecessor,
            "predecessor_vkey": self.predecessor_vkey,
            "announcement": self.announcement,
        }

    @classmethod
    def of(cls, act: AdministrativeAct) -> "Opening | None":
        """Returns what an act says that opens a shard; None for any other act, and for one that lacks some of
        it.
        """
        details = act.details
        if (details.act, details.resource.kind, details.before) != (OPENING_ACT, RESOURCE_KIND, None):
            return None
        after = details.after or {}
        names = ("origin", "log_vkey", "predecessor", "predecessor_vkey", "announcement")
        values = [value for name in names if isinstance(value := after.get(name), str)]
        found = cls(*values) if len(values) == len(names) else None
        return found if found is not None and details.resource.identifier == found.origin else None


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise InvalidProof(f"the announcement does not name {name}")
    return value
