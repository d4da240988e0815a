"""What a check may find, how bad each is, and what to do then: printed into docs/log-operations.md."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Part(StrEnum):
    """What can be checked by itself, in the order of checking."""

    TREE = "tree"
    """Leaves without gaps, the tiles over them, and the root of every tree."""
    EVIDENCE = "evidence"
    """Every leaf has its evidence, every piece of evidence its leaf or its place in the queue."""
    CHECKPOINTS = "checkpoints"
    """Published and cosigned notes, their signatures and trees, and the guard."""
    SHARDS = "shards"
    """How shards follow each other: their order, their keys, and the announcement that ends each."""
    TOKENS = "tokens"
    """Time-stamps over notes: that they are over a stored one, by whom, and their time."""
    MAILBOXES = "mailboxes"
    """Every mailbox's chain of links, its consignments and its head."""
    EFFECTS = "effects"
    """Every delivery's facts, the legal effect that follows from them, and its state."""
    USAGE = "usage"
    """What is billed, against the evidence of acceptances, withdrawals and short messages."""
    SIGNATURES = "signatures"
    """The signatures of all confirmations, by the citizen roots: only where that is asked for."""


USUAL: frozenset[Part] = frozenset(Part) - {Part.SIGNATURES}
"""What is checked where nothing is named."""


COUNTED: Mapping[Part, tuple[str, ...]] = MappingProxyType(
    {
        Part.TREE: ("leaves", "trees", "tiles"),
        Part.EVIDENCE: ("evidence", "queued"),
        Part.CHECKPOINTS: ("checkpoints", "cosigned"),
        Part.SHARDS: ("shards",),
        Part.TOKENS: ("tokens",),
        Part.MAILBOXES: ("links", "mailboxes"),
        Part.EFFECTS: ("deliveries", "facts"),
        Part.USAGE: ("days", "billed"),
        Part.SIGNATURES: ("confirmations",),
    }
)
"""What each part counts, what there is most of first; `facts` and `billed` are pieces of evidence."""


class Gravity(StrEnum):
    """How bad a finding is."""

    GRAVE = "grave"
    """Evidence, or what was signed, is gone, changed, or nowhere proved."""
    MENDABLE = "mendable"
    """What is wrong can be derived or asked for again; the evidence is not touched."""
    NOTE = "note"
    """Nothing that anybody can mend or must: all that is proved stays so. The log is sound with it."""


class Kind(StrEnum):
    """What is wrong, by its name in the output."""

    HEAD_MISSING = "head-missing"
    HEAD_WRONG = "head-wrong"
    LEAF_MISSING = "leaf-missing"
    LEAF_WRONG = "leaf-wrong"
    LEAF_BEYOND = "leaf-beyond"
    TREE_MISSING = "tree-missing"
    TREE_BEYOND = "tree-beyond"
    ROOT_WRONG = "root-wrong"
    TILE_MISSING = "tile-missing"
    TILE_WRONG = "tile-wrong"
    TILE_DISPUTED = "tile-disputed"
    TILE_NARROW = "tile-narrow"
    TILE_WIDE = "tile-wide"
    TILE_BEYOND = "tile-beyond"
    EVIDENCE_MISSING = "evidence-missing"
    ENTRY_WRONG = "entry-wrong"
    DIGEST_WRONG = "digest-wrong"
    LOGGED_TWICE = "logged-twice"
    UNQUEUED = "unqueued"
    QUEUED_AND_LOGGED = "queued-and-logged"
    QUEUED_WRONG = "queued-wrong"
    CHECKPOINT_MISSING = "checkpoint-missing"
    CHECKPOINT_BEYOND = "checkpoint-beyond"
    NOTE_UNREADABLE = "note-unreadable"
    NOTE_MISPLACED = "note-misplaced"
    SIGNATURE_WRONG = "signature-wrong"
    NOTE_TREE_UNKNOWN = "note-tree-unknown"
    NOTE_ROOT_WRONG = "note-root-wrong"
    COSIGNED_UNPUBLISHED = "cosigned-unpublished"
    BELOW_QUORUM = "below-quorum"
    BEFORE_QUORUM = "before-quorum"
    GUARD_MISSING = "guard-missing"
    GUARD_DAMAGED = "guard-damaged"
    GUARD_BEHIND = "guard-behind"
    GUARD_AHEAD = "guard-ahead"
    GUARD_DIFFERS = "guard-differs"
    LINK_MISSING = "link-missing"
    LINK_WRONG = "link-wrong"
    CHAIN_HEAD_WRONG = "chain-head-wrong"
    SHARD_ORDER_WRONG = "shard-order-wrong"
    SHARD_KEY_WRONG = "shard-key-wrong"
    SHARD_UNPUBLISHED = "shard-unpublished"
    ANNOUNCEMENT_MISSING = "announcement-missing"
    ANNOUNCEMENT_NOT_LAST = "announcement-not-last"
    ANNOUNCEMENT_FOLLOWED = "announcement-followed"
    GIVEN_UP_WRONG = "given-up-wrong"
    GIVEN_UP_UNLOGGED = "given-up-unlogged"
    OPENING_WRONG = "opening-wrong"
    OPENING_NOT_FIRST = "opening-not-first"
    TIMESTAMP_STRAY = "timestamp-stray"
    TIMESTAMP_WRONG = "timestamp-wrong"
    TIMESTAMP_TIME_WRONG = "timestamp-time-wrong"
    FACT_UNREADABLE = "fact-unreadable"
    FACT_WRONG = "fact-wrong"
    FACT_STRAY = "fact-stray"
    ORIGIN_MISSING = "origin-missing"
    UNLINKED = "unlinked"
    NAMED_MISSING = "named-missing"
    EFFECT_MISSING = "effect-missing"
    EFFECT_OVERDUE = "effect-overdue"
    EFFECT_TWICE = "effect-twice"
    EFFECT_WRONG = "effect-wrong"
    EFFECT_GROUNDLESS = "effect-groundless"
    STATE_WRONG = "state-wrong"
    WITHDRAWAL_WRONG = "withdrawal-wrong"
    ACT_WRONG = "act-wrong"
    CONFIRMATION_WRONG = "confirmation-wrong"
    CONFIRMATION_UNSIGNED = "confirmation-unsigned"
    CONFIRMATION_UNTRUSTED = "confirmation-untrusted"
    CONFIRMATION_STATUS = "confirmation-status"
    USAGE_WRONG = "usage-wrong"
    USAGE_UNPROVED = "usage-unproved"


_G, _M, _N = Gravity.GRAVE, Gravity.MENDABLE, Gravity.NOTE

_KEEP = "change nothing; find out who wrote to the database, and look for what is gone in backups and mirrors"
_KEEP_TILE = (
    "change nothing, the tile least of all: it may be all that is left of the true entry; find out who wrote"
    " to the database, and look for the entry's evidence in backups and mirrors"
)
_TILE = (
    "if nothing grave is told of the shard, write the row anew from the entries; hand out no tiles until then"
)
_QUEUE = "stop the log's leader, and find out who wrote to the queue: what is put into it is logged for ever"
_KEYS = "see whether the key that was given is the shard's; if so, as for what is gone or changed"
_QUORUM = "see whether the policy was changed since; if not, ask the witnesses again"
_RAISED = "nothing, if the policy was changed since: such receipts verify by the policy of their time"
_ADOPT = "make sure that this is the log's newest state, then `namak-server log adopt-guard`"
_BEHIND = "the leader writes it with the next checkpoint; if not, see that it may write the file"
_AHEAD = "do not serve: bring the newer database back"
_LEADER = "see that a leader runs whose settings still have the shard's key: it signs and publishes it"
_LATE = (
    "nothing in the log: all receipts verify; give verifiers the next shard's key, for no receipt leads to it"
)
_NONE = "nothing: the announcement alone names the shard's key"
_AUTHORITY = (
    "see whether the authority's roots in the settings are those of its tokens; other tokens still count"
)
_EFFECT = "have it judged by somebody who may: what is recorded is never changed; tell those whom it concerns"
_ROOTS = (
    "see whether the citizen roots in the settings include those of that time; if so, as for what is unsigned"
)
_WORK = "see that `namak-server work` runs; it records the effect"
_STATE = "the evidence counts; set the row right by it, with a second person looking on"
_BILL = "send no bill of that day before `namak-server billing audit` says why"

KINDS: Mapping[Kind, tuple[Gravity, str, str]] = MappingProxyType(
    {
        Kind.HEAD_MISSING: (_G, "rows of a shard that has no head", _KEEP),
        Kind.HEAD_WRONG: (_G, "the head's root is not that of the entries", _KEEP),
        Kind.LEAF_MISSING: (_G, "there is no leaf of this index", _KEEP),
        Kind.LEAF_WRONG: (
            _G,
            "the entry is not the one of which the recorded root is; the tile still has its hash",
            _KEEP_TILE,
        ),
        Kind.LEAF_BEYOND: (_G, "leaves behind the end of the tree", _KEEP),
        Kind.TREE_MISSING: (_G, "the head's size is that of no recorded tree", _KEEP),
        Kind.TREE_BEYOND: (_G, "trees larger than the head", _KEEP),
        Kind.ROOT_WRONG: (_G, "the recorded root is not that of the entries", _KEEP),
        Kind.TILE_MISSING: (_M, "the tile is not there", _TILE),
        Kind.TILE_WRONG: (_M, "the tile is not what the entries give", _TILE),
        Kind.TILE_DISPUTED: (
            _G,
            "tile and entries differ, and no recorded root is that of either",
            _KEEP_TILE,
        ),
        Kind.TILE_NARROW: (_M, "the tile lacks hashes", _TILE),
        Kind.TILE_WIDE: (_M, "the tile has hashes behind the end of the tree", _TILE),
        Kind.TILE_BEYOND: (_M, "tiles behind the end of the tree", _TILE),
        Kind.EVIDENCE_MISSING: (_G, "the leaf's evidence is not there", _KEEP),
        Kind.ENTRY_WRONG: (_G, "the leaf is not the SHA-256 of its evidence", _KEEP),
        Kind.DIGEST_WRONG: (_G, "the digest beside the evidence is not that of its bytes", _KEEP),
        Kind.LOGGED_TWICE: (_G, "the evidence has more than one leaf", _KEEP),
        Kind.UNQUEUED: (_G, "the evidence is neither in the log nor queued for it", _KEEP),
        Kind.QUEUED_AND_LOGGED: (_G, "the evidence is in the log, and queued for it once more", _QUEUE),
        Kind.QUEUED_WRONG: (_G, "what is queued is not the SHA-256 of stored evidence", _QUEUE),
        Kind.CHECKPOINT_MISSING: (_G, "the published size has no checkpoint", _KEEP),
        Kind.CHECKPOINT_BEYOND: (_G, "checkpoints larger than the published size", _KEEP),
        Kind.NOTE_UNREADABLE: (_G, "the note is no checkpoint", _KEEP),
        Kind.NOTE_MISPLACED: (_G, "the note speaks of another log or size", _KEEP),
        Kind.SIGNATURE_WRONG: (
            _G,
            "a signature by a known key does not verify, or the log's is missing",
            _KEYS,
        ),
        Kind.NOTE_TREE_UNKNOWN: (_G, "no recorded tree has the note's size", _KEEP),
        Kind.NOTE_ROOT_WRONG: (_G, "the note's root is not that of the recorded tree", _KEEP),
        Kind.COSIGNED_UNPUBLISHED: (_G, "witnesses cosigned what was never published", _KEEP),
        Kind.BELOW_QUORUM: (_M, "the cosignatures are no quorum of the policy in the settings", _QUORUM),
        Kind.BEFORE_QUORUM: (
            _N,
            "the cosignatures are no quorum of the policy in the settings, and those of a later tree are",
            _RAISED,
        ),
        Kind.GUARD_MISSING: (_M, "there is no guard, though the log is published", _ADOPT),
        Kind.GUARD_DAMAGED: (_M, "the guard is no checkpoint of this log", _ADOPT),
        Kind.GUARD_BEHIND: (_M, "the guard holds less than is published", _BEHIND),
        Kind.GUARD_AHEAD: (
            _G,
            "the guard holds more than the database: it was put back, or lost commits",
            _AHEAD,
        ),
        Kind.GUARD_DIFFERS: (_G, "the guard holds another tree than the database", _AHEAD),
        Kind.LINK_MISSING: (_G, "places of a mailbox are missing", _KEEP),
        Kind.LINK_WRONG: (_G, "a link, its opening, its consignment or its delivery does not fit", _KEEP),
        Kind.CHAIN_HEAD_WRONG: (_G, "the mailbox's links do not end in its head", _KEEP),
        Kind.SHARD_ORDER_WRONG: (_G, "shards and heads do not follow each other", _KEEP),
        Kind.SHARD_KEY_WRONG: (
            _G,
            "the shard's key is not that of its notes, announcement or settings",
            _KEYS,
        ),
        Kind.SHARD_UNPUBLISHED: (_M, "the shard is frozen, and its last tree is not published", _LEADER),
        Kind.ANNOUNCEMENT_MISSING: (
            _G,
            "what announced the next shard is not in the one that it ended",
            _KEEP,
        ),
        Kind.ANNOUNCEMENT_NOT_LAST: (_G, "leaves came behind what announced the next shard", _KEEP),
        Kind.GIVEN_UP_WRONG: (
            _G,
            "a shard whose key is lost, and the act that gave it up, do not fit together",
            _KEEP,
        ),
        Kind.GIVEN_UP_UNLOGGED: (_G, "what a lost key never signed is logged in no later shard", _KEEP),
        Kind.OPENING_WRONG: (_G, "what opens a shard is gone, or speaks of other shards or keys", _KEEP),
        Kind.OPENING_NOT_FIRST: (
            _N,
            "what opens a shard is not its first leaf: a server of the release before led then",
            _NONE,
        ),
        Kind.ANNOUNCEMENT_FOLLOWED: (
            _N,
            "a server of the release before took leaves behind what announced the next shard",
            _LATE,
        ),
        Kind.TIMESTAMP_STRAY: (_G, "the token is over no stored note of that size", _KEEP),
        Kind.TIMESTAMP_WRONG: (_M, "the token does not verify: over the note, by that authority", _AUTHORITY),
        Kind.TIMESTAMP_TIME_WRONG: (
            _M,
            "the token's time does not fit the note's or its own record",
            _AUTHORITY,
        ),
        Kind.FACT_UNREADABLE: (_G, "the evidence can't be read", _KEEP),
        Kind.FACT_WRONG: (_G, "the evidence says something else than its row, or its delivery's", _KEEP),
        Kind.FACT_STRAY: (_G, "the evidence is of a delivery that is not there", _KEEP),
        Kind.ORIGIN_MISSING: (_G, "not one acceptance and one consignment of the delivery", _KEEP),
        Kind.UNLINKED: (_G, "no link of its mailbox's chain has the delivery", _KEEP),
        Kind.NAMED_MISSING: (
            _G,
            "it names evidence of the delivery that is not there with those bytes",
            _KEEP,
        ),
        Kind.EFFECT_MISSING: (_G, "the facts have a legal effect, and none is recorded", _EFFECT),
        Kind.EFFECT_OVERDUE: (_M, "an effect came by lapse of time, and is not recorded yet", _WORK),
        Kind.EFFECT_TWICE: (_G, "more than one effect is recorded", _EFFECT),
        Kind.EFFECT_WRONG: (_G, "the effect that is recorded is not the one that the facts have", _EFFECT),
        Kind.EFFECT_GROUNDLESS: (_G, "an effect is recorded, and the facts have none", _EFFECT),
        Kind.STATE_WRONG: (_M, "the delivery's state is not what its evidence says", _STATE),
        Kind.WITHDRAWAL_WRONG: (_G, "withdrawn twice, or after it was opened or notified", _EFFECT),
        Kind.ACT_WRONG: (_G, "an opening or confirmation and its evidence do not belong together", _KEEP),
        Kind.CONFIRMATION_WRONG: (
            _G,
            "the confirmation lacks a part, or its statement does not fit",
            _EFFECT,
        ),
        Kind.CONFIRMATION_UNSIGNED: (
            _G,
            "the confirmation is not signed, or not by its recipient",
            _EFFECT,
        ),
        Kind.CONFIRMATION_UNTRUSTED: (
            _M,
            "the signer's certificate is not good for signing by the citizen roots in the settings",
            _ROOTS,
        ),
        Kind.CONFIRMATION_STATUS: (
            _G,
            "the signer's certificate was revoked, or the revocation lists do not show that it was not",
            _EFFECT,
        ),
        Kind.USAGE_WRONG: (_M, "what is billed differs from the evidence", _BILL),
        Kind.USAGE_UNPROVED: (_G, "the evidence that is billed by is not what the log vouches for", _KEEP),
    }
)
"""How bad each is, what it is, and what to do then."""
