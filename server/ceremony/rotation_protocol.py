"""The protocol of a log that went over to its next shard: the same whenever it is printed."""

import hashlib
from datetime import datetime

from server.ceremony import protocol
from server.ceremony.machine import Circumstances, in_zone
from server.ceremony.making import Tried
from server.ceremony.paper import Digest, Field, Paragraph, Piece, Section, Verbatim, set_out
from server.ceremony.published_policy import published_policy
from server.ceremony.turn import Published, Turn, Witness


def of_rotation(turn: Turn, next_key: Tried | None, around: Circumstances, written: datetime) -> str:
    """Returns the protocol.

    Raises:
        EvidenceError: a stored checkpoint is not signed by its shard's key.
        OSError: the PKCS#11 module can't be read.
    """
    sections = [_done(turn, around, written), _ended(turn, around), _begun(turn, around)]
    if next_key is not None:
        sections += [protocol.token(next_key), protocol.key(next_key, "The new key", timed=False)]
    policy = published_policy(turn.line or (turn.vkey, turn.successor_vkey), turn.policy)
    sections.append(
        Section(
            "For those who verify",
            (
                Paragraph(
                    "The log policy (C2SP tlog-policy) to publish, whole: each shard's key up to the new one,"
                    " and the witnesses with the quorum that the settings ask for."
                ),
                Verbatim(policy),
            ),
        )
    )
    return set_out("PROTOCOL: THE LOG GOES OVER TO ANOTHER SHARD", sections, around.names)


def _done(turn: Turn, around: Circumstances, written: datetime) -> Section:
    steps: list[Piece] = [Field("Announced", in_zone(turn.announced_at, around.zone))]
    if turn.frozen_at is not None:
        steps.append(Field("Old shard ended", in_zone(turn.frozen_at, around.zone)))
    if turn.last is not None:
        steps.append(Field("Last tree published", in_zone(turn.last.at, around.zone)))
    if turn.witnessed is not None:
        steps.append(Field("Last tree witnessed", in_zone(turn.witnessed.at, around.zone)))
    if turn.first is not None:
        steps.append(Field("New shard began", in_zone(turn.first.at, around.zone)))
    return Section(
        "What was done",
        (
            Paragraph(
                f"The log went over from the shard {turn.origin} to the shard {turn.successor}, which has a"
                " key of its own."
            ),
            *steps,
            Field("Protocol written", in_zone(written, around.zone)),
            *protocol.surroundings(around),
        ),
    )


def _ended(turn: Turn, around: Circumstances) -> Section:
    pieces: list[Piece] = [
        Field("Origin", turn.origin),
        *protocol.line("Verifier key (vkey)", turn.vkey),
        Paragraph(""),
        Paragraph(
            "Its last leaf is the evidence that announces the next shard and its key: signed with the old"
            " key, under the old shard's last tree."
        ),
        Field("Announcement", f"evidence {turn.announcement}"),
        Field("  index of the leaf", "" if turn.last_leaf is None else str(turn.last_leaf)),
    ]
    if turn.last is not None:
        pieces += _tree("Last checkpoint", turn.last, turn.vkey, around)
    if turn.witnessed is not None:
        pieces += [
            Field("Witnessed", in_zone(turn.witnessed.at, around.zone)),
            *(piece for each in turn.witnesses for piece in _cosigner(each, around)),
            Paragraph(""),
            Verbatim(turn.witnessed.note.decode()),
        ]
    elif not turn.wants_witnesses:
        pieces.append(Paragraph("The settings name no witnesses: nobody but the post vouches for this end."))
    return Section("The shard that ended", tuple(pieces))


def _cosigner(witness: Witness, around: Circumstances) -> tuple[Piece, ...]:
    who = f"{witness.name}, {in_zone(witness.at, around.zone)}"
    return (Field("  cosigned by", who), *protocol.line("    with the key", witness.vkey))


def _begun(turn: Turn, around: Circumstances) -> Section:
    pieces: list[Piece] = [
        Field("Origin", turn.successor),
        *protocol.line("Verifier key (vkey)", turn.successor_vkey),
        Paragraph(""),
    ]
    if turn.opening is not None:
        pieces += [
            Paragraph(
                "It begins with the evidence that it goes on from the old shard, which names the announcement"
                " by its SHA-256."
            ),
            Field("Opening", f"evidence {turn.opening}"),
            Field("  index of the leaf", "" if turn.first_leaf is None else str(turn.first_leaf)),
        ]
    if turn.first is None:
        pieces.append(
            Paragraph(
                "NOT COMPLETE. It has no leaf yet, and nothing shows that a server can lead it: its first"
                " checkpoint comes with the first fact, and then the same command prints it here."
            )
        )
    else:
        pieces += _tree("First checkpoint", turn.first, turn.successor_vkey, around)
    return Section("The shard that began", tuple(pieces))


def _tree(name: str, tree: Published, vkey: str, around: Circumstances) -> list[Piece]:
    checkpoint = tree.verified(vkey)
    return [
        Field(name, in_zone(tree.at, around.zone)),
        Field("  size", "1 leaf" if checkpoint.size == 1 else f"{checkpoint.size} leaves"),
        Digest("  root", checkpoint.root.hex()),
        Digest("  SHA-256 of the note", hashlib.sha256(tree.note).hexdigest()),
        Paragraph(""),
        Verbatim(tree.note.decode()),
        Paragraph(""),
    ]
