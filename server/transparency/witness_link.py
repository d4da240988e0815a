"""One witness, as the log sees it: what it saw last, how it is asked, and when to leave it alone."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from namak.evidence import EvidenceError
from namak.evidence.cosignature import cosignature_time
from namak.evidence.note import NoteSignature, parse_note
from namak.evidence.tlog_policy import PolicyWitness, TlogPolicy
from namak.evidence.tlog_witness import SIZE_TYPE, AddCheckpoint, cosignature_from, parse_size_body
from server.transparency.troubles import Trouble, Watchman
from server.usecases.ports import Clock
from server.usecases.records import PublishedCheckpoint
from server.usecases.witness_ports import WitnessAnswer, WitnessClient, WitnessUnreached

_COSIGNED: Final = 200
_UNKNOWN_LOG: Final = 404
_CONFLICT: Final = 409
_INCONSISTENT: Final = 422
_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500

QUESTIONS: Final = 3
"""How often a witness is asked about one checkpoint: once, with the size that it then told, and once more
should another replica have asked in between.
"""


@dataclass(frozen=True, slots=True)
class WitnessTerms:
    """Whom to ask, and how. Times are in seconds.

    Attributes:
        policy: the witnesses and the quorum; those without a URL can't be asked.
        client: asks them.
        interval: at most one checkpoint in this time is sent to them.
        renewal: where a shard stands still, its checkpoint is cosigned anew after so long: whoever follows it
            wants to know that there is nothing newer. None for never.
        retry_first, retry_longest: for how long a witness that failed is left alone; twice as long each time.
        tolerance: a cosignature's time may differ from ours by so much. A witness whose clock is behind would
            make evidence that nobody believes, since nothing may be seen before it happened.
    """

    policy: TlogPolicy
    client: WitnessClient
    interval: float = 1.0
    renewal: float | None = None
    retry_first: float = 1.0
    retry_longest: float = 60.0
    tolerance: float = 60.0


class History(Protocol):
    """What the log knows of itself. Methods raise `ServiceUnavailable`."""

    async def proof(self, old: int, tree: PublishedCheckpoint) -> Sequence[bytes]:
        """Returns the proof that a tree begins with its first `old` leaves, checked."""
        ...

    async def published_size(self, origin: str) -> int:
        """Returns the size of the newest published tree."""
        ...


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What a witness cosigned: the tree's size, and the time in the cosignature in POSIX seconds."""

    size: int
    time: int


class _Failed(Exception):
    """A witness gave no cosignature."""

    def __init__(self, trouble: Trouble, **fields: str | int) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.fields = fields


class _Behind(Exception):
    """The witness has seen a newer checkpoint of ours already: there is nothing to ask about this one."""


class WitnessLink:
    """Asks one witness, one question at a time.

    Attributes:
        cosigned: what it cosigned last, as far as it was asked here.
        failing_since: since when it gives none; None while it does.
    """

    def __init__(
        self,
        witness: PolicyWitness,
        terms: WitnessTerms,
        history: History,
        clock: Clock,
        now: Callable[[], float],
    ) -> None:
        """Takes the witness, and a clock in seconds that nobody sets, for pauses."""
        if witness.url is None:
            raise ValueError("a witness without a URL can't be asked")
        self.witness = witness
        self._url = witness.url.decode("utf-8")
        self._terms = terms
        self._history = history
        self._clock = clock
        self._now = now
        self._seen = 0
        self.cosigned: Cosigned | None = None
        self.failing_since: datetime | None = None
        self._failures = 0
        self._retry_at = 0.0
        self.watchman = Watchman(f"log witness {witness.verifier.name}")

    @property
    def name(self) -> bytes:
        """Its name in the policy."""
        return self.witness.name

    @property
    def ready(self) -> bool:
        """Whether it may be asked now."""
        return self._now() >= self._retry_at

    async def cosignature(self, tree: PublishedCheckpoint) -> NoteSignature | None:
        """Asks for a cosignature and returns it, verified; None where there is none, which is logged.

        Raises:
            ServiceUnavailable: our own database does not answer.
        """
        try:
            signature = await self._asked(tree)
        except _Behind:
            return None
        except WitnessUnreached as unreached:
            self._fails(Trouble.WITNESS_UNREACHED, {"cause": unreached.cause})
        except _Failed as failed:
            self._fails(failed.trouble, failed.fields)
        else:
            self._failures, self._retry_at, self.failing_since = 0, 0.0, None
            self.watchman.ends()
            return signature
        return None

    def _fails(self, trouble: Trouble, fields: Mapping[str, str | int]) -> None:
        self.watchman.begins(trouble, {"witness": self.witness.verifier.name, **fields})
        self.failing_since = self.failing_since or self._clock.now()
        pause = min(self._terms.retry_first * 2**self._failures, self._terms.retry_longest)
        # Spread at random, or all replicas of all logs would come at once.
        self._retry_at = self._now() + pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        self._failures = min(self._failures + 1, 30)

    async def _asked(self, tree: PublishedCheckpoint) -> NoteSignature:
        for _ in range(QUESTIONS):
            old = min(self._seen, tree.size)
            hashes = tuple(await self._history.proof(old, tree))
            request = AddCheckpoint(old, hashes, tree.note).encode()
            answer = await self._terms.client.add_checkpoint(self._url, request)
            if answer.status == _COSIGNED:
                signature = self._checked(answer, tree)
                self._seen = tree.size
                self.cosigned = Cosigned(tree.size, cosignature_time(signature))
                return signature
            if answer.status != _CONFLICT:
                raise self._refused(answer, old)
            self._seen = await self._told(answer, tree, old)
        raise _Failed(Trouble.WITNESS_WRONG, cause="it names another size each time")

    def _checked(self, answer: WitnessAnswer, tree: PublishedCheckpoint) -> NoteSignature:
        """Returns the cosignature, verified over exactly our checkpoint, its time compared with ours."""
        try:
            text = parse_note(tree.note).text
            signature = cosignature_from(answer.body, text, self.witness.verifier)
        except EvidenceError as error:
            raise _Failed(Trouble.WITNESS_WRONG, cause=error.reason) from None
        ahead = cosignature_time(signature) - self._clock.now().timestamp()
        if abs(ahead) > self._terms.tolerance:
            raise _Failed(Trouble.WITNESS_WRONG, cause="its clock differs from ours", seconds=round(ahead))
        return signature

    def _refused(self, answer: WitnessAnswer, old: int) -> _Failed:
        if answer.status == _INCONSISTENT and old > 0:
            # We have checked the proof: the tree of that size that it recorded is not ours.
            return _Failed(Trouble.WITNESS_DISAGREES, cause="it recorded another tree of this size", size=old)
        trouble = Trouble.WITNESS_REFUSES
        if answer.status == _TOO_MANY or answer.status >= _SERVER_ERRORS:
            trouble = Trouble.WITNESS_UNREACHED
        elif answer.status == _UNKNOWN_LOG:
            trouble = Trouble.WITNESS_LACKS_LOG
        return _Failed(trouble, cause=f"status {answer.status}")

    async def _told(self, answer: WitnessAnswer, tree: PublishedCheckpoint, old: int) -> int:
        """Returns the size that a conflict names, if the log can go on from there."""
        try:
            if answer.media_type != SIZE_TYPE:
                raise _Failed(Trouble.WITNESS_WRONG, cause="its conflict names no size")
            size = parse_size_body(answer.body)
        except EvidenceError as error:
            raise _Failed(Trouble.WITNESS_WRONG, cause=error.reason) from None
        if size == old:
            raise _Failed(Trouble.WITNESS_WRONG, cause="its conflict names the size that it was asked with")
        cosigned = 0 if self.cosigned is None else self.cosigned.size
        if size < cosigned:
            # What it forgot it may cosign again, and otherwise.
            fields = {"size": size, "cosigned": cosigned}
            raise _Failed(Trouble.WITNESS_DISAGREES, cause="it forgot what it cosigned", **fields)
        if size > tree.size:
            published = await self._history.published_size(tree.origin)
            if size > published:
                # It has seen a tree that we do not have: this database was put back, or two logs are one.
                raise _Failed(
                    Trouble.WITNESS_DISAGREES,
                    cause="it recorded a larger tree",
                    size=size,
                    published=published,
                )
            raise _Behind
        return size
