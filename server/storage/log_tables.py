"""The log's tables: entries, tiles, trees, checkpoints and heads, all keyed by the shard's origin.

The queue into the log is `log_queue`, which belongs to the evidence tables: a fact and its queue row are one
transaction.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from server.storage.metadata import METADATA

log_entries = Table(
    "log_entries",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    # A fact is in the log exactly once, whatever its shard.
    Column("evidence_id", Uuid, nullable=False, unique=True),
    # Whose deliveries the fact is about; null where the release before wrote it, or where nobody's.
    Column("organisation_id", Uuid),
    # A sender follows its own facts from any place of the log on.
    Index(None, "organisation_id", "origin", "leaf_index"),
    CheckConstraint("leaf_index >= 0", name="leaf_index"),
    CheckConstraint("octet_length(entry) = 32", name="entry"),
    comment="Leaves: the SHA-256 of each fact's evidence, by their dense index from 0. Insert-only.",
)

log_tiles = Table(
    "log_tiles",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("tile_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    CheckConstraint("level BETWEEN 0 AND 63", name="level"),
    CheckConstraint("tile_index >= 0", name="tile_index"),
    CheckConstraint(
        "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0", name="hashes"
    ),
    comment="C2SP tiles: up to 256 joined hashes. A row grows until it is full;"
    " its prefixes are the narrower tiles.",
)

log_trees = Table(
    "log_trees",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("integrated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("size > 0", name="size"),
    CheckConstraint("octet_length(root) = 32", name="root"),
    comment="Committed trees. A size has one root for ever; only these are signed. Insert-only.",
)

log_checkpoints = Table(
    "log_checkpoints",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("size > 0", name="size"),
    comment="Published checkpoints: the signed note as the log alone signed it. Insert-only.",
)

log_heads = Table(
    "log_heads",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("integrated_size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("published_size", BigInteger, nullable=False),
    # Which shard comes after it, and the evidence that says so. They stand here, too, so that whoever locks
    # the head reads them with the lock.
    Column("successor", Text),
    Column("announcement", Uuid),
    # When its last leaf was added; a trigger keeps it as it is from then on.
    Column("frozen_at", DateTime(timezone=True)),
    CheckConstraint("octet_length(root) = 32", name="root"),
    CheckConstraint("0 <= published_size AND published_size <= integrated_size", name="sizes"),
    CheckConstraint("frozen_at IS NULL OR successor IS NOT NULL", name="frozen"),
    comment="How far each shard has come; both sizes move forward only, by compare-and-set.",
)

log_shards = Table(
    "log_shards",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("position", Integer, nullable=False, unique=True),
    Column("vkey", Text, nullable=False, unique=True),
    Column("predecessor", Text, unique=True),
    # The evidence that announced it; null where the settings named it when there was no such table yet.
    Column("announcement", Uuid),
    Column("announced_at", DateTime(timezone=True)),
    # The evidence that is its first leaf; null too where the release before announced it.
    Column("opening", Uuid),
    CheckConstraint("position > 0", name="position"),
    CheckConstraint("(position = 1) = (predecessor IS NULL)", name="predecessor"),
    CheckConstraint("(announcement IS NULL) = (announced_at IS NULL)", name="announced"),
    comment="The log's shards in their order, with their verifier keys; what announced one is evidence,"
    " and the last leaf of the one before it. Insert-only.",
)

log_given_up = Table(
    "log_given_up",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("unsigned_size", BigInteger, nullable=False),
    Column("unsigned_root", LargeBinary, nullable=False),
    # The act that says so: it stands in a later shard.
    Column("evidence_id", Uuid, nullable=False, unique=True),
    Column("given_up_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("0 <= size AND size <= unsigned_size", name="sizes"),
    CheckConstraint("octet_length(root) = 32", name="root"),
    CheckConstraint("octet_length(unsigned_root) = 32", name="unsigned_root"),
    comment="Shards whose key is lost: the last tree that it signed, and the one that it never signed."
    " Insert-only.",
)

log_unsigned = Table(
    "log_unsigned",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
    Column("evidence_id", Uuid, nullable=False),
    CheckConstraint("leaf_index >= 0", name="leaf_index"),
    CheckConstraint("octet_length(entry) = 32", name="entry"),
    comment="Leaves that a shard had beyond the last tree that its key signed; each stands in a later"
    " shard. Insert-only.",
)

log_witnessed = Table(
    "log_witnessed",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("witnessed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("size > 0", name="size"),
    comment="Published checkpoints that the quorum of witnesses cosigned: the note with the log's signature"
    " and theirs. Insert-only.",
)

log_rewitnessed = Table(
    "log_rewitnessed",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("witnessed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("size > 0", name="size"),
    comment="Of each shard that stands still the newest witnessed checkpoint, cosigned again and again"
    " for the time alone; the first cosignatures over each tree stay in log_witnessed.",
)

log_timestamps = Table(
    "log_timestamps",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("authority", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note_digest", LargeBinary, primary_key=True),
    Column("token", LargeBinary, nullable=False),
    Column("gen_time", DateTime(timezone=True), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
    # The first stamped tree over a leaf, whoever stamped it.
    Index(None, "origin", "size", "note_digest"),
    CheckConstraint("size > 0", name="size"),
    CheckConstraint("octet_length(note_digest) = 32", name="note_digest"),
    comment="RFC 3161 tokens (DER) over the notes of checkpoints: over the witnessed ones where there are"
    " witnesses. Insert-only.",
)

INSERT_ONLY = (
    *(log_entries, log_trees, log_checkpoints, log_witnessed, log_timestamps, log_shards),
    *(log_given_up, log_unsigned),
)
"""Tables whose rows are never changed nor deleted; the migration puts a trigger on each that refuses it. Of a
shard that is given up, leaves and trees that were never published may go: they stand in a later one.
"""
