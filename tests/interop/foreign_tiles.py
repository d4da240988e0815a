"""Audits a log's public files with `aics_tlog`, which nobody of this project wrote: run with it on the path.

    foreign_tiles.py VKEY WITNESS_VKEY PLACE

PLACE is a directory or an address. Prints size, tiles and bundles that were authenticated, and how many
witnesses cosigned.
"""

import sys

from aics_tlog import audit_tiles, parse_vkey  # type: ignore[import-not-found]
from aics_tlog.checkpoint import checkpoint_from_note, verify_checkpoint  # type: ignore[import-not-found]
from aics_tlog.note import parse_note  # type: ignore[import-not-found]
from aics_tlog.remote import HttpTileReader, tile_source_url  # type: ignore[import-not-found]


def main(vkey: str, witness: str, place: str) -> None:
    reader = HttpTileReader(tile_source_url(place), proxies={})
    note = parse_note(reader.read_checkpoint().decode("utf-8"))
    key = parse_vkey(vkey)
    result = verify_checkpoint(note, key, [parse_vkey(witness)], 1, expected_origin=key.name)
    if not result.ok:
        raise SystemExit(f"the checkpoint is refused: {result.error}")
    checkpoint, _ = checkpoint_from_note(note)
    report = audit_tiles(reader, checkpoint.size, checkpoint.root)
    sys.stdout.write(f"{report.size} {report.tiles} {report.bundles}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
