"""Decides what is cosigned: exactly what C2SP tlog-witness asks for, in its order.

The tree is recorded, on the disk, before anything is signed; so no cosignature can leave of which a later
start does not know, whenever the process is killed. Whoever asks again for a tree that was recorded gets its
cosignature then.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import (
    COSIGNATURE,
    CosignatureVerifier,
    cosigned_message,
    timestamped_signature,
)
from namak.evidence.errors import InvalidProof, InvalidSignature, MalformedWitnessing
from namak.evidence.note import NoteSignature, note_from, open_note, signature_line, vkey
from namak.evidence.tlog_witness import AddCheckpoint
from namak.evidence.tree import EMPTY_ROOT, verify_consistency
from namak.witness.answers import Answer, Status, in_words, other_size
from namak.witness.clock import ClockUnsound, WitnessClock
from namak.witness.keys import KeyUnusable, WitnessKey
from namak.witness.state import State, StateUnusable, Tree

_log: Final = logging.getLogger("namak.witness")


class Step(StrEnum):
    """What was just done; between any two the process may die."""

    CHECKED = "checked"
    """The tree may be recorded; the transaction is open."""
    WRITTEN = "written"
    """The tree is written, the transaction is open."""
    RECORDED = "recorded"
    """The tree is on the disk; nothing was signed."""
    SIGNED = "signed"
    """The cosignature exists in memory only."""
    KEPT = "kept"
    """The cosigned note is kept for those who monitor; the answer has not left."""


OnStep = Callable[[Step], None]
"""Is called after each step, before the next one: for tests of crashes."""


def unobserved(step: Step) -> None:
    """Observes nothing."""


class KeyChanged(Exception):
    """The key is not the one that the witness was made with."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request whose checkpoint a trusted key of the log signed, with those signatures."""

    request: AddCheckpoint
    checkpoint: Checkpoint
    text: bytes
    signatures: tuple[NoteSignature, ...]


class _Refused(Exception):
    """What the witness answers instead of a cosignature."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status.name)
        self.answer = answer


class Witness:
    """One witness. For one thread at a time; several processes may share the state."""

    def __init__(
        self, state: State, key: WitnessKey, clock: WitnessClock, on_step: OnStep = unobserved
    ) -> None:
        """Takes the state and the key that it was made with.

        Raises :class:`KeyChanged` for another key.
        """
        identity = state.identity()
        if key.public_key != identity.public_key:
            raise KeyChanged("the key is not the one that this witness was made with")
        self._state = state
        self._key = key
        self._clock = clock
        self._on_step = on_step
        self._verifier = CosignatureVerifier(identity.name, identity.public_key)

    @property
    def vkey(self) -> str:
        """The verifier key that policies name."""
        return vkey(self._verifier.name, self._verifier.public_key, COSIGNATURE)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answers a request to cosign."""
        try:
            return self._add_checkpoint(body)
        except _Refused as refused:
            return refused.answer
        except (KeyUnusable, StateUnusable, ClockUnsound) as trouble:
            _log.error("nothing is cosigned: %s", trouble)
            return in_words(Status.UNAVAILABLE, "the witness can't cosign now")

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """Returns the newest cosigned note of the log whose origin's SHA-256 in hexadecimal is this.

        Raises :class:`StateUnusable`.
        """
        for origin in self._state.origins():
            if hashlib.sha256(origin.encode()).hexdigest() == origin_hash:
                tree = self._state.tree(origin)
                return None if tree is None else tree.cosigned
        return None

    def _add_checkpoint(self, body: bytes) -> Answer:
        asked = self._asked(body)
        tree = self._recorded(asked)
        self._on_step(Step.RECORDED)
        signature = self._key.sign(cosigned_message(asked.text, tree.time))
        timestamped = timestamped_signature(tree.time, signature)
        try:
            # Keys break; and what leaves is what was recorded.
            self._verifier.verify(asked.text, timestamped)
        except InvalidSignature:
            raise KeyUnusable("the key gave a signature that does not verify") from None
        self._on_step(Step.SIGNED)
        line = signature_line(self._verifier.name, self._verifier.key_id, timestamped)
        self._state.keep_cosigned(tree, note_from(asked.text, [*_lines(asked.signatures), line]))
        self._on_step(Step.KEPT)
        _log.info("cosigned %s: %d leaves", tree.origin, tree.size)
        return Answer(Status.COSIGNED, line)

    def _asked(self, body: bytes) -> _Asked:
        """Reads a request and checks who signed its checkpoint."""
        try:
            request = AddCheckpoint.parse(body)
        except MalformedWitnessing as error:
            raise _Refused(in_words(Status.MALFORMED, error.detail)) from None
        note, checkpoint = request.parsed()
        keys = self._state.keys_of(checkpoint.origin)
        if not keys:
            raise _Refused(in_words(Status.UNKNOWN_LOG, "this witness does not follow the log"))
        try:
            signatures = open_note(note, keys)
        except InvalidSignature as error:
            raise _Refused(in_words(Status.UNSIGNED, error.detail)) from None
        if len({(each.name, each.key_id) for each in signatures}) != len(signatures):
            raise _Refused(in_words(Status.UNSIGNED, "a key of the log signed twice"))
        if request.old_size > checkpoint.size:
            raise _Refused(in_words(Status.MALFORMED, "the old size is larger than the checkpoint's"))
        return _Asked(request, checkpoint, note.text, signatures)

    def _recorded(self, asked: _Asked) -> Tree:
        """Records the tree, if it may be cosigned, and returns it with the time to state."""
        checkpoint = asked.checkpoint
        with self._state.writing():
            before = self._state.tree(checkpoint.origin)
            if before is None or not _is_fork(before, checkpoint):
                size, root, last = (before.size, before.root, before.time) if before else (0, EMPTY_ROOT, 0)
                _check(asked, size, root)
                note = note_from(asked.text, _lines(asked.signatures))
                now = self._clock.now(last)
                tree = Tree(checkpoint.origin, checkpoint.size, checkpoint.root, now, note, None)
                self._on_step(Step.CHECKED)
                self._state.record(tree)
                self._on_step(Step.WRITTEN)
                return tree
        raise self._fork(before, asked)

    def _fork(self, before: Tree, asked: _Asked) -> _Refused:
        """Keeps the proof that the log forked, and returns the refusal."""
        _log.critical("ALARM: the log %s signed two trees of %d leaves", before.origin, before.size)
        note = note_from(asked.text, _lines(asked.signatures))
        self._state.record_fork(before, note, before.time)
        if asked.request.old_size != before.size:
            return _Refused(other_size(before.size))
        return _Refused(in_words(Status.INCONSISTENT, "the log signed another tree of this size before"))


def _is_fork(before: Tree, checkpoint: Checkpoint) -> bool:
    return checkpoint.size == before.size and checkpoint.root != before.root


def _check(asked: _Asked, size: int, root: bytes) -> None:
    """Checks the request against the recorded tree."""
    checkpoint = asked.checkpoint
    if asked.request.old_size != size:
        raise _Refused(other_size(size))
    try:
        verify_consistency(size, root, checkpoint.size, checkpoint.root, asked.request.hashes)
    except InvalidProof as error:
        raise _Refused(in_words(Status.INCONSISTENT, error.detail)) from None


def _lines(signatures: tuple[NoteSignature, ...]) -> list[bytes]:
    return [signature_line(each.name, each.key_id, each.signature) for each in signatures]
