"""The receipt by which a shard that is complete leads to the next one, for everybody (docs/receipts.md)."""

import hashlib

import structlog

from namak.evidence import EvidenceError
from namak.evidence.administrative_act import AdministrativeAct
from namak.evidence.tiles import inclusion_proof, tiles_for_inclusion
from namak.evidence.tlog_proof import TlogProof
from namak.evidence.tree import leaf_hash, verify_inclusion
from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import Announcements, LogReader, WitnessedTrees

_log = structlog.get_logger(__name__)


class Successions:
    """Makes the receipts, on every replica and in the process that hands out files."""

    def __init__(self, reader: LogReader, witnessed: WitnessedTrees, announcements: Announcements) -> None:
        self._reader = reader
        self._witnessed = witnessed
        self._announcements = announcements

    async def receipt(self, origin: str) -> bytes | None:
        """Returns the receipt of the announcement under the shard's last checkpoint, a witnessed one where
        there is one; None where the shard is not complete.

        Evidence is not for everybody. This one is, for it says nothing but which key comes next; one that
        names a caller's address or certificate, as no command of ours makes it, is given out to nobody here.

        Raises:
            ServiceUnavailable: the database does not answer, or contradicts itself; alarmed.
        """
        document = await self._announcements.of(origin)
        if document is None or not _is_public(document):
            return None
        witnessed = (await self._witnessed.freshest([origin])).get(origin)
        newest = (await self._reader.newest([origin])).get(origin)
        if newest is None:
            return None
        is_last = witnessed is not None and witnessed.size == newest.size
        note = witnessed.note if witnessed is not None and is_last else newest.note
        index = newest.size - 1
        entry = hashlib.sha256(document).digest()
        if list(await self._reader.entries(origin, index, 1)) != [entry]:
            # A server of the release before may have led at that moment: it leads on by no proof.
            return None
        rows = await self._reader.tiles({(origin, tile) for tile in tiles_for_inclusion(index, newest.size)})
        tiles = {tile: row for (_, tile), row in rows.items()}
        try:
            hashes = tuple(inclusion_proof(tiles, index, newest.size))
            verify_inclusion(index, newest.size, leaf_hash(entry), hashes, newest.root)
        except EvidenceError as error:
            cause = type(error).__name__
            _log.critical("ALARM: the log contradicts itself", origin=origin, cause=cause, size=newest.size)
            raise ServiceUnavailable("log") from error
        return TlogProof(document, index, hashes, note).encode()


def _is_public(document: bytes) -> bool:
    details = AdministrativeAct.parse(document).details
    return details.acted_from is None and details.actor.certificate is None and details.actor.person is None
