"""Checks notes under one policy, and each of them once: thousands of receipts stand under one checkpoint."""

from collections import OrderedDict
from typing import Final

from namak.evidence.tlog_policy import CheckedCheckpoint, TlogPolicy

MOST: Final = 4096
"""Notes that are kept at most, those last used."""

KEPT_BYTES: Final = 4096
"""A note of more bytes is checked each time: with three witnesses one has some 600."""


class CheckedNotes:
    """What a policy says of notes, kept by their exact bytes.

    Nothing in it hangs on when it is asked: a signature that verified once does so for ever. Notes that the
    policy refuses are not kept.
    """

    def __init__(self, policy: TlogPolicy, latest: int | None = None) -> None:
        """Takes the policy and the latest time that a cosignature may state, the same for all notes."""
        self._policy = policy
        self._latest = latest
        self._kept: OrderedDict[bytes, CheckedCheckpoint] = OrderedDict()

    def check_log_signature(self, note: bytes) -> CheckedCheckpoint:
        """Does what :meth:`~namak.evidence.tlog_policy.TlogPolicy.check_log_signature` does, and raises as
        it does.
        """
        if (checked := self._kept.get(note)) is not None:
            self._kept.move_to_end(note)
            return checked
        checked = self._policy.check_log_signature(note, latest=self._latest)
        if len(note) <= KEPT_BYTES:
            self._kept[note] = checked
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return checked
