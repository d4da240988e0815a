"""The protocol of a shard that is given up, since its key is lost."""

from collections.abc import Sequence
from datetime import datetime

from namak.evidence.lost_key import GivenUp
from server.ceremony import protocol
from server.ceremony.machine import Circumstances
from server.ceremony.paper import Digest, Field, Paragraph, Piece, Section, set_out


def of_loss(
    act: GivenUp,
    looked: Sequence[str],
    began: datetime,
    ended: datetime,
    around: Circumstances,
) -> str:
    """Returns the protocol; ``looked`` is where the key was looked for. Raises OSError: the settings can't be
    read.
    """
    again = act.size - act.signed_size
    words = (
        f"The shard {act.origin} was given up: its key is lost. It ends with the last checkpoint that the key"
        f" signed. {again} leaves that it never signed are logged again in {act.successor} or after it."
    )
    said: tuple[Piece, ...] = (
        Field("Origin", act.origin),
        *protocol.line("Verifier key (vkey)", act.vkey),
        Field("Last checkpoint", f"{act.signed_size} leaves"),
        Digest("  root", act.signed_root),
        Field("  witnessed up to", f"{act.witnessed_size} leaves"),
        Field("Never signed", f"{again} leaves, up to a tree of {act.size}"),
        Digest("  its root", act.root),
        *(Field("Key looked for in", each) for each in looked),
    )
    then: tuple[Piece, ...] = (
        Field("Origin", act.successor),
        *protocol.line("Verifier key (vkey)", act.successor_vkey),
        Paragraph(""),
        Paragraph(
            "No signature by the lost key leads to this key. Publish it by all ways that there are, signed by"
            " a person."
        ),
    )
    sections = [
        protocol.done(words, began, ended, around),
        Section("The shard that was given up", said),
        Section("The shard that comes after it", then),
    ]
    return set_out("PROTOCOL: A KEY IS LOST", sections, around.names)
