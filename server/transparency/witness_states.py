"""How far each witness has cosigned each shard, for everybody who asks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import CosignatureVerifier, cosignature_time
from namak.evidence.note import line_start, parse_note
from server.transparency.cosigned_ports import CosignedNotes
from server.transparency.timestamping import Timestamping
from server.transparency.witness_link import Cosigned, WitnessLink, WitnessTerms
from server.transparency.witnessing import Witnessing
from server.usecases.log_ports import ShardWitnesses, WitnessState

_ANSWERS: Final = timedelta(seconds=10)
"""A witness answers by then, or is not waited for: twice the usual `timeout`."""

_NOTHING: Final = Cosigned(0, 0)


class WitnessStates:
    """Implements `WitnessView`; any replica serves it. Of troubles only the one that leads knows."""

    def __init__(
        self,
        notes: CosignedNotes,
        terms: WitnessTerms | None,
        work: Sequence[Witnessing | Timestamping],
        *,
        leading: Callable[[], bool],
    ) -> None:
        """Takes whom the settings name, and what asks them on this replica, of which there may come more."""
        self._notes = notes
        self._terms = terms
        self._work = work
        self._leading = leading

    async def states(self, origins: Collection[str]) -> Mapping[str, ShardWitnesses]:
        """See `WitnessView`."""
        terms = self._terms
        return {} if terms is None else {origin: await self._of(origin, terms) for origin in origins}

    async def _of(self, origin: str, terms: WitnessTerms) -> ShardWitnesses:
        keys = [each.verifier for each in terms.policy.witnesses if each.url is not None]
        stored = await self._stored(origin, keys)
        work = next(
            (each for each in self._work if isinstance(each, Witnessing) and each.origin == origin), None
        )
        asked = work if work is not None and self._leading() and not work.over else None
        links: Mapping[str, WitnessLink] = {}
        if asked is not None:
            links = {link.witness.verifier.name: link for link in asked.links}
        return ShardWitnesses(
            states=[_state(key, stored.get(key.name, _NOTHING), links.get(key.name)) for key in keys],
            needed=terms.policy.least_witnesses,
            cosigned=None if asked is None else asked.too_few,
            usual=timedelta(seconds=2 * terms.interval) + _ANSWERS,
        )

    async def _stored(self, origin: str, keys: Sequence[CosignatureVerifier]) -> Mapping[str, Cosigned]:
        starts = {line_start(key.name, key.key_id): key for key in keys}
        notes = await self._notes.last_with(origin, starts)
        return {starts[start].name: _cosigned(note, starts[start]) for start, note in notes.items()}


def _cosigned(data: bytes, key: CosignatureVerifier) -> Cosigned:
    """Reads a witness's line in a note; all of its lines were verified before it was stored."""
    note = parse_note(data)
    wanted = (key.name, key.key_id)
    times = [cosignature_time(each) for each in note.signatures if (each.name, each.key_id) == wanted]
    return Cosigned(Checkpoint.parse(note.text).size, max(times)) if times else _NOTHING


def _state(key: CosignatureVerifier, stored: Cosigned, link: WitnessLink | None) -> WitnessState:
    here = _NOTHING if link is None or link.cosigned is None else link.cosigned
    newest = max(stored, here, key=lambda each: (each.size, each.time))
    at = datetime.fromtimestamp(newest.time, UTC) if newest.time else None
    condition = None if link is None else link.watchman.condition
    if link is None or condition is None:
        return WitnessState(key.name, newest.size, at)
    return WitnessState(key.name, newest.size, at, condition.kind.value, link.failing_since)
