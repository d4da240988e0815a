"""What may be done to the rows of a log of 700 leaves (trees of 100, 550 and 700), and what is to be told."""

from collections.abc import Mapping

from tests.integration.transparency.conftest import ORIGIN

DAMAGES: Mapping[str, tuple[str, set[str]]] = {
    "a leaf is gone": (
        "DELETE FROM log_entries WHERE leaf_index = 300",
        {"leaf-missing", "unqueued"},
    ),
    "a leaf is another": (
        "UPDATE log_entries SET entry = sha256('x') WHERE leaf_index = 300",
        {"entry-wrong", "leaf-wrong"},
    ),
    "a leaf stands behind the end": (
        (
            "INSERT INTO log_entries (origin, leaf_index, entry, evidence_id)"
            " SELECT origin, 5000, entry, gen_random_uuid() FROM log_entries WHERE leaf_index = 0"
        ),
        {"leaf-beyond"},
    ),
    "a leaf is another, and so is its tile elsewhere": (
        (
            "WITH changed AS (UPDATE log_entries SET entry = sha256('x') WHERE leaf_index = 300)"
            r" UPDATE log_tiles SET hashes = overlay(hashes PLACING '\x0000' FROM 330) WHERE tile_index = 1"
        ),
        {"entry-wrong", "root-wrong", "head-wrong", "tile-disputed"},
    ),
    "a full tile is another": (
        r"UPDATE log_tiles SET hashes = overlay(hashes PLACING '\x0000' FROM 330) WHERE tile_index = 1",
        {"tile-wrong"},
    ),
    "the last tile is another": (
        r"UPDATE log_tiles SET hashes = overlay(hashes PLACING '\x0000' FROM 10) WHERE tile_index = 2",
        {"tile-wrong"},
    ),
    "a full tile is narrow": (
        "UPDATE log_tiles SET hashes = substr(hashes, 1, 64) WHERE tile_index = 1",
        {"tile-narrow"},
    ),
    "the last tile is narrow": (
        "UPDATE log_tiles SET hashes = substr(hashes, 1, 64) WHERE tile_index = 2",
        {"tile-narrow"},
    ),
    "the last tile is wide": (
        "UPDATE log_tiles SET hashes = hashes || sha256('x') WHERE tile_index = 2",
        {"tile-wide"},
    ),
    "an upper tile is gone": ("DELETE FROM log_tiles WHERE level = 1", {"tile-missing"}),
    "a lower tile is gone": ("DELETE FROM log_tiles WHERE tile_index = 1", {"tile-missing"}),
    "a tile stands behind the end": (
        f"INSERT INTO log_tiles VALUES ('{ORIGIN}', 2, 0, sha256('x'))",
        {"tile-beyond"},
    ),
    "a root is another": (
        "UPDATE log_trees SET root = sha256('x') WHERE size = 100",
        {"root-wrong", "note-root-wrong"},
    ),
    "a tree is gone": ("DELETE FROM log_trees WHERE size = 100", {"note-tree-unknown"}),
    "the last tree is gone": (
        "DELETE FROM log_trees WHERE size = 700",
        {"tree-missing", "note-tree-unknown", "guard-differs"},
    ),
    "a tree is larger than the head": (
        f"INSERT INTO log_trees VALUES ('{ORIGIN}', 5000, sha256('x'), now())",
        {"tree-beyond"},
    ),
    "the head has another root": ("UPDATE log_heads SET root = sha256('x')", {"head-wrong"}),
    "the head is gone": (
        "DELETE FROM log_heads",
        {"head-missing", "leaf-beyond", "tree-beyond", "tile-beyond", "checkpoint-beyond", "guard-ahead"},
    ),
    "the head was put back": (
        (
            "UPDATE log_heads SET integrated_size = 100, published_size = 100,"
            " root = (SELECT root FROM log_trees WHERE size = 100)"
        ),
        {"leaf-beyond", "tree-beyond", "tile-beyond", "tile-wide", "checkpoint-beyond", "guard-ahead"},
    ),
    "evidence is gone": (
        "DELETE FROM evidence WHERE id = (SELECT evidence_id FROM log_entries WHERE leaf_index = 300)",
        {"evidence-missing"},
    ),
    "evidence is another": (
        (
            "UPDATE evidence SET document = 'other'"
            " WHERE id = (SELECT evidence_id FROM log_entries WHERE leaf_index = 300)"
        ),
        {"entry-wrong", "digest-wrong"},
    ),
    "evidence and leaf are another": (
        (
            "WITH changed AS (UPDATE evidence SET document = 'other', entry = sha256('other')"
            " WHERE id = (SELECT evidence_id FROM log_entries WHERE leaf_index = 300))"
            " UPDATE log_entries SET entry = sha256('other') WHERE leaf_index = 300"
        ),
        {"leaf-wrong"},
    ),
    "a digest is another": (
        (
            "UPDATE evidence SET entry = sha256('x')"
            " WHERE id = (SELECT evidence_id FROM log_entries WHERE leaf_index = 300)"
        ),
        {"digest-wrong"},
    ),
    "evidence has a leaf in another shard too": (
        (
            "INSERT INTO log_entries (origin, leaf_index, entry, evidence_id)"
            " SELECT 'log.example.am/other', 0, entry, evidence_id FROM log_entries WHERE leaf_index = 300"
        ),
        {"logged-twice", "head-missing", "leaf-beyond"},
    ),
    "evidence left the queue": (
        "DELETE FROM log_queue WHERE position = (SELECT min(position) FROM log_queue)",
        {"unqueued"},
    ),
    "evidence is queued again": (
        (
            "INSERT INTO log_queue (evidence_id, entry) SELECT evidence_id, entry FROM log_entries"
            " WHERE leaf_index = 300"
        ),
        {"queued-and-logged"},
    ),
    "nobody's evidence is queued": (
        "INSERT INTO log_queue (evidence_id, entry) VALUES (gen_random_uuid(), sha256('x'))",
        {"queued-wrong"},
    ),
    "what is queued is another": ("UPDATE log_queue SET entry = sha256('x')", {"queued-wrong"}),
    "the newest checkpoint is gone": (
        "DELETE FROM log_checkpoints WHERE size = 700",
        {"checkpoint-missing"},
    ),
    "checkpoints are larger than what is published": (
        "UPDATE log_heads SET published_size = 100",
        {"checkpoint-beyond"},
    ),
    "a note is none": ("UPDATE log_checkpoints SET note = 'x' WHERE size = 550", {"note-unreadable"}),
    "a note stands in another's place": (
        (
            "UPDATE log_checkpoints SET note = (SELECT note FROM log_checkpoints WHERE size = 700)"
            " WHERE size = 550"
        ),
        {"note-misplaced"},
    ),
    "a signature is another": (
        (
            "UPDATE log_checkpoints SET note = overlay(note PLACING 'AAAAAAAA' FROM length(note) - 20)"
            " WHERE size = 550"
        ),
        {"signature-wrong"},
    ),
    "what witnesses cosigned is not published": (
        "DELETE FROM log_checkpoints WHERE size = 100",
        {"cosigned-unpublished"},
    ),
    "a cosignature is another": (
        "UPDATE log_witnessed SET note = overlay(note PLACING 'AAAAAAAA' FROM length(note) - 20)",
        {"signature-wrong"},
    ),
    "a cosignature is gone, and a later tree has its own": (
        "UPDATE log_witnessed SET note = (SELECT note FROM log_checkpoints WHERE size = 100)",
        {"before-quorum"},
    ),
    "a cosignature is gone, and there is no later one": (
        (
            "DELETE FROM log_rewitnessed;"
            "UPDATE log_witnessed SET note = (SELECT note FROM log_checkpoints WHERE size = 100)"
        ),
        {"below-quorum"},
    ),
    "a cosignature anew is another": (
        "UPDATE log_rewitnessed SET note = overlay(note PLACING 'AAAAAAAA' FROM length(note) - 20)",
        {"signature-wrong"},
    ),
    "a cosignature anew is gone": (
        "UPDATE log_rewitnessed SET note = (SELECT note FROM log_checkpoints WHERE size = 550)",
        {"below-quorum"},
    ),
    "what is cosigned anew is another tree": ("UPDATE log_rewitnessed SET size = 700", {"note-misplaced"}),
    "what is cosigned anew is not published": (
        "UPDATE log_rewitnessed SET size = 551",
        {"cosigned-unpublished", "note-misplaced"},
    ),
}
"""What is done to the rows, and what must be told of it."""

FIFTH = "mailbox_id = (SELECT mailbox_id FROM mailbox_heads WHERE sequence = 5)"

MAILBOX_DAMAGES: Mapping[str, tuple[str, set[str]]] = {
    "a link is gone": (f"DELETE FROM mailbox_links WHERE sequence = 2 AND {FIFTH}", {"link-missing"}),
    "the last link is gone": (
        f"DELETE FROM mailbox_links WHERE sequence = 5 AND {FIFTH}",
        {"chain-head-wrong"},
    ),
    "all links are gone": (f"DELETE FROM mailbox_links WHERE {FIFTH}", {"link-missing"}),
    "a nonce is another": (
        f"UPDATE mailbox_links SET nonce = sha256('x') WHERE sequence = 2 AND {FIFTH}",
        {"link-wrong"},
    ),
    "a link follows from another": (
        f"UPDATE mailbox_links SET previous = sha256('x') WHERE sequence = 2 AND {FIFTH}",
        {"link-wrong"},
    ),
    "a consignment is gone": (
        (
            "DELETE FROM evidence WHERE delivery_id ="
            f" (SELECT delivery_id FROM mailbox_links WHERE sequence = 2 AND {FIFTH})"
        ),
        {"link-wrong"},
    ),
    "a delivery has another place": (
        f"UPDATE deliveries SET sequence = 50 WHERE sequence = 2 AND {FIFTH}",
        {"link-wrong"},
    ),
    "a head is another": (f"UPDATE mailbox_heads SET link = sha256('x') WHERE {FIFTH}", {"chain-head-wrong"}),
    "a head was put back": (
        f"UPDATE mailbox_heads SET sequence = 4 WHERE {FIFTH}",
        {"chain-head-wrong"},
    ),
    "a head is gone": (f"DELETE FROM mailbox_heads WHERE {FIFTH}", {"chain-head-wrong"}),
}

TOKEN_DAMAGES: Mapping[str, tuple[str, set[str]]] = {
    "its note is gone": ("DELETE FROM log_witnessed", {"timestamp-stray"}),
    "its note is another": ("UPDATE log_witnessed SET note = note || 'x'", {"timestamp-stray"}),
    "it is of another size": ("UPDATE log_timestamps SET size = 7 WHERE size = 5", {"timestamp-stray"}),
    "it is over another note": (
        (
            "UPDATE log_timestamps SET note_digest = sha256(note) FROM log_checkpoints c"
            " WHERE c.size = 5 AND log_timestamps.size = 5"
        ),
        {"timestamp-wrong"},
    ),
    "it is another authority's": (
        "UPDATE log_timestamps SET authority = 'registry' WHERE size = 5",
        {"timestamp-wrong"},
    ),
    "it is damaged": (
        r"UPDATE log_timestamps SET token = overlay(token PLACING '\x00000000' FROM 40) WHERE size = 5",
        {"timestamp-wrong"},
    ),
    "it is none": ("UPDATE log_timestamps SET token = 'x' WHERE size = 5", {"timestamp-wrong"}),
    "its time is another": (
        "UPDATE log_timestamps SET gen_time = gen_time + interval '1 second' WHERE size = 5",
        {"timestamp-time-wrong"},
    ),
    "it is from before its note": (
        "UPDATE log_witnessed SET witnessed_at = witnessed_at + interval '1 hour'",
        {"timestamp-time-wrong"},
    ),
    "it was stored long after": (
        "UPDATE log_timestamps SET stored_at = stored_at + interval '1 hour' WHERE size = 5",
        {"timestamp-time-wrong"},
    ),
}
"""What may be done to two tokens: of `court` over the cosigned note of 5 leaves, and the log's own of 9."""

SHARD_DAMAGES: Mapping[str, tuple[str, set[str]]] = {
    "a key is another": (
        "UPDATE log_shards SET vkey = '{other}' WHERE origin = '{next}'",
        {"shard-key-wrong", "opening-wrong"},
    ),
    "a key is of another name": (
        "UPDATE log_shards SET vkey = replace(vkey, '{next}', 'x') WHERE origin = '{next}'",
        {"shard-key-wrong", "opening-wrong"},
    ),
    "a key is none": (
        "UPDATE log_shards SET vkey = 'x' WHERE origin = '{next}'",
        {"shard-key-wrong", "opening-wrong"},
    ),
    "the newest checkpoint has another signature": (
        (
            "UPDATE log_checkpoints SET note = overlay(note PLACING 'AAAAAAAA' FROM length(note) - 20)"
            " WHERE origin = '{next}'"
        ),
        {"shard-key-wrong"},
    ),
    "an announcement is gone": (
        "DELETE FROM evidence WHERE id = (SELECT announcement FROM log_shards WHERE origin = '{next}')",
        {"shard-key-wrong", "opening-wrong"},
    ),
    "an announcement is of another shard": (
        (
            "UPDATE evidence SET document = (SELECT document FROM evidence WHERE id ="
            " (SELECT announcement FROM log_shards WHERE origin = '{later}'))"
            " WHERE id = (SELECT announcement FROM log_shards WHERE origin = '{next}')"
        ),
        {"shard-key-wrong", "opening-wrong"},
    ),
    "an announcement names another key": (
        (
            "UPDATE evidence SET document = convert_to(replace(convert_from(document, 'UTF8'), '{vkey}',"
            " '{other}'), 'UTF8')"
            " WHERE id = (SELECT announcement FROM log_shards WHERE origin = '{next}')"
        ),
        {"shard-key-wrong", "opening-wrong"},
    ),
    "an announcement's leaf is gone": (
        (
            "DELETE FROM log_entries WHERE evidence_id ="
            " (SELECT announcement FROM log_shards WHERE origin = '{next}')"
        ),
        {"announcement-missing"},
    ),
    "an announcement stands in the shard that it announces": (
        (
            "UPDATE log_entries SET origin = '{next}', leaf_index = 1000 WHERE evidence_id ="
            " (SELECT announcement FROM log_shards WHERE origin = '{next}')"
        ),
        {"announcement-missing"},
    ),
    "an opening is gone": (
        "DELETE FROM evidence WHERE id = (SELECT opening FROM log_shards WHERE origin = '{next}')",
        {"opening-wrong"},
    ),
    "an opening is of another shard": (
        (
            "UPDATE evidence SET document = (SELECT document FROM evidence WHERE id ="
            " (SELECT opening FROM log_shards WHERE origin = '{later}'))"
            " WHERE id = (SELECT opening FROM log_shards WHERE origin = '{next}')"
        ),
        {"opening-wrong"},
    ),
    "an opening names another announcement": (
        (
            "UPDATE evidence SET document = convert_to(regexp_replace(convert_from(document, 'UTF8'),"
            " '\"announcement\":\"[0-9a-f]+\"', '\"announcement\":\"' || repeat('0', 64) || '\"'), 'UTF8')"
            " WHERE id = (SELECT opening FROM log_shards WHERE origin = '{next}')"
        ),
        {"opening-wrong"},
    ),
    "a server of the release before gave an opening another leaf": (
        (
            "UPDATE log_entries SET leaf_index = 1000 WHERE evidence_id ="
            " (SELECT opening FROM log_shards WHERE origin = '{next}')"
        ),
        {"opening-not-first"},
    ),
    "a server of the release before took an opening along with the announcement": (
        (
            "UPDATE log_entries SET origin = '{origin}', leaf_index = 1000 WHERE evidence_id ="
            " (SELECT opening FROM log_shards WHERE origin = '{next}')"
        ),
        {"opening-not-first"},
    ),
    "a frozen shard took another leaf": (
        "UPDATE log_heads SET integrated_size = integrated_size + 1 WHERE origin = '{origin}'",
        {"announcement-not-last", "shard-unpublished"},
    ),
    "a frozen shard took a leaf later": (
        (
            "WITH grown AS (UPDATE log_heads SET integrated_size = integrated_size + 1"
            " WHERE origin = '{origin}' RETURNING *)"
            " INSERT INTO log_trees SELECT origin, integrated_size, root, frozen_at + interval '1 hour'"
            " FROM grown"
        ),
        {"announcement-not-last", "shard-unpublished"},
    ),
    "a server of the release before took a leaf more": (
        (
            "WITH grown AS (UPDATE log_heads SET integrated_size = integrated_size + 1,"
            " published_size = published_size + 1 WHERE origin = '{origin}' RETURNING *)"
            " INSERT INTO log_trees SELECT origin, integrated_size, root, frozen_at - interval '1 s'"
            " FROM grown"
        ),
        {"announcement-followed"},
    ),
    "a frozen shard was never published": (
        "UPDATE log_heads SET published_size = 0 WHERE origin = '{origin}'",
        {"shard-unpublished"},
    ),
    "a shard thawed": (
        "UPDATE log_heads SET frozen_at = NULL WHERE origin = '{origin}'",
        {"shard-order-wrong"},
    ),
    "a shard has another place": (
        "UPDATE log_shards SET position = 7 WHERE origin = '{later}'",
        {"shard-order-wrong"},
    ),
    "a shard is gone": ("DELETE FROM log_shards WHERE origin = '{later}'", {"shard-order-wrong"}),
    "a shard comes after another": (
        "UPDATE log_shards SET predecessor = 'x' WHERE origin = '{later}'",
        {"shard-order-wrong"},
    ),
    "a head names another successor": (
        "UPDATE log_heads SET successor = 'x' WHERE origin = '{origin}'",
        {"shard-order-wrong"},
    ),
    "a head names another announcement": (
        "UPDATE log_heads SET announcement = gen_random_uuid() WHERE origin = '{origin}'",
        {"shard-order-wrong"},
    ),
}
"""What may be done to three shards that follow each other."""
