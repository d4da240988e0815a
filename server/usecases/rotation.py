"""Going over to another shard of the log (docs/keys.md, "A new year's shard").

What announces the next shard is an administrative act: evidence, and the last leaf of the shard that ends.
So the old key, and the old shard's witnesses, vouch for the new key. The log's leader freezes the shard when
it gives the announcement its leaf (`server.transparency.integrator`); whatever stands behind it in the queue
goes into the new one. Nothing waits meanwhile.

With the announcement, in one transaction, the act is recorded that opens the new shard: its first leaf, which
names the announcement. So the new shard's first checkpoint comes by itself, however quiet the post is, and
shows that somebody can lead it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from namak.evidence.details import REQUEST_ID_FORM
from namak.evidence.errors import EvidenceError
from namak.evidence.note import Verifier
from namak.evidence.succession import ACT, OPENING_ACT, Opening
from server.domain.administration import CommandLine, Snapshot, log_shard_resource
from server.domain.caller import Operator
from server.domain.facts import Fact
from server.domain.log_shards import RegisteredShard, is_origin
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Entropy, Transaction


class RotationRefused(ValueError):
    """The shard is not announced; the text says why, for the person at the terminal. Nothing has happened."""


@dataclass(frozen=True, slots=True)
class AnnounceShard:
    """Announces the shard that comes after the current one.

    Attributes:
        by: who asks.
        request_id: the caller's; None where there is none. Announcing the same shard again changes nothing
            either way.
        origin: the shard that is to end, as the caller knows it: the current one.
        successor: the shard that comes next; never used before.
        vkey: its verifier key, of that name, and no other shard's.
    """

    by: Operator | CommandLine
    request_id: str | None
    origin: str
    successor: str
    vkey: str


@dataclass(frozen=True, slots=True)
class AnnouncedShard:
    """A shard that is announced, and the one that it comes after.

    Attributes:
        announcement: the evidence that says so: the last leaf of `origin` once that is frozen.
        frozen_at: when `origin` was frozen; None while the log's leader has not come that far. It takes a
            leader about 0.1 s.
        opening: the evidence that is to be the first leaf of `successor`; None where the release before
            announced it.
    """

    origin: str
    vkey: str
    successor: str
    successor_vkey: str
    announcement: UUID
    announced_at: datetime
    frozen_at: datetime | None
    opening: UUID | None = None


class ShardRotation:
    """Announces shards, and tells which there are."""

    def __init__(self, administration: Administration, entropy: Entropy) -> None:
        self._administration = administration
        self._entropy = entropy

    async def announce(self, command: AnnounceShard) -> AnnouncedShard:
        """Announces the next shard, and records that as evidence, in one transaction.

        Any replica's leader whose settings have the new shard's key, as `[log.next]` or already as `[log]`,
        goes over to it by itself; call it when at least one has. It is repeated without harm: the same shard
        after the same one is announced once.

        Raises:
            RotationRefused: `origin` is not the current shard, has a successor already, or is unknown because
                no leader of this release has run yet; the new name or key can't be used, or was used before.
            RequestIdReused: the request id stands for something else.
            ServiceUnavailable: the database does not answer.
        """
        check_announcement(command)

        async def change(tx: Transaction) -> Changed[None]:
            # Locked before anything is looked at: from here on the leader appends nothing.
            end = await tx.log_shards.lock(command.origin)
            shards = await tx.log_shards.all()
            old = next((shard for shard in shards if shard.origin == command.origin), None)
            if end is None or old is None:
                raise RotationRefused(unknown_shard(command.origin, shards))
            if end.successor is None:
                await check_unused(tx, command, shards)
                return _change(old, command)
            if any((shard.origin, shard.vkey) == _next(command) for shard in shards[old.position :][:1]):
                # Announced before: once is enough.
                return Changed(None, log_shard_resource(old.origin), None, None, None)
            raise RotationRefused(f"{old.origin} has a successor already: {end.successor}")

        async def again(tx: Transaction, _: UUID) -> None:
            """What came of it is read below."""

        content = (command.origin, *_next(command))
        act = Act(ACT, command.by, command.request_id, content, self._entropy.new_id())
        await self._administration.carry_out(act, change, again)
        return await self.announced(command.by, command.successor)

    async def shards(self, by: Operator | CommandLine) -> Sequence[RegisteredShard]:
        """Returns the log's shards, the oldest first; none before a leader of this release has begun.

        Raises `ServiceUnavailable`.
        """
        async with self._administration.reading(by) as tx:
            return await tx.log_shards.all()

    async def announced(self, by: Operator | CommandLine, successor: str) -> AnnouncedShard:
        """Returns how far a rotation has come.

        Raises:
            RotationRefused: no such shard was announced.
            ServiceUnavailable: the database does not answer.
        """
        async with self._administration.reading(by) as tx:
            shards = {shard.origin: shard for shard in await tx.log_shards.all()}
            shard = shards.get(successor)
            if shard is None or shard.announcement is None or shard.announced_at is None:
                raise RotationRefused(f"{successor} was not announced")
            old = shards[shard.predecessor or ""]
            end = await tx.log_shards.end(old.origin)
        return AnnouncedShard(
            origin=old.origin,
            vkey=old.vkey,
            successor=shard.origin,
            successor_vkey=shard.vkey,
            announcement=shard.announcement,
            announced_at=shard.announced_at,
            frozen_at=None if end is None else end.frozen_at,
            opening=shard.opening,
        )


def _next(command: AnnounceShard) -> tuple[str, str]:
    return command.successor, command.vkey


def _change(old: RegisteredShard, command: AnnounceShard) -> Changed[None]:
    before: Snapshot = {"origin": old.origin, "log_vkey": old.vkey}
    after: Snapshot = {**before, "successor": command.successor, "successor_vkey": command.vkey}
    opened = partial(_opened, old, command)
    return Changed(None, log_shard_resource(old.origin), None, before, after, then=opened)


def _opened(old: RegisteredShard, command: AnnounceShard, announcement: Fact) -> Changed[None]:
    """Returns what follows from the announcement: the new shard is there, and its first leaf is recorded."""
    opening = Opening(command.successor, command.vkey, old.origin, old.vkey, announcement.entry.hex())

    async def keep(tx: Transaction, fact: Fact) -> None:
        await tx.log_shards.add(
            RegisteredShard(
                origin=command.successor,
                position=old.position + 1,
                vkey=command.vkey,
                predecessor=old.origin,
                announcement=announcement.id,
                announced_at=announcement.recorded_at,
                opening=fact.id,
            )
        )

    resource = log_shard_resource(command.successor)
    return Changed(None, resource, None, None, opening.fields, keep=keep, name=OPENING_ACT)


def check_announcement(command: AnnounceShard) -> None:
    """Checks what can be checked without the database. Raises RotationRefused."""
    if command.request_id is not None and not REQUEST_ID_FORM.fullmatch(command.request_id):
        raise RotationRefused("a request id is 1 to 64 letters, digits and . _ : -")
    if not is_origin(command.successor):
        raise RotationRefused(f"{command.successor!r} is no name of a shard, such as log.example.am/2027")
    try:
        verifier = Verifier.parse(command.vkey)
    except EvidenceError as error:
        raise RotationRefused(f"the new shard's verifier key: {error}") from error
    if verifier.name != command.successor:
        raise RotationRefused(f"the verifier key is that of {verifier.name}, not of {command.successor}")


async def check_unused(tx: Transaction, command: AnnounceShard, shards: Sequence[RegisteredShard]) -> None:
    """Checks that neither the name nor the key has been any shard's: a name is one tree's for ever.

    Raises RotationRefused.
    """
    if await tx.log_shards.end(command.successor) is not None:
        raise RotationRefused(f"{command.successor} was used before: a shard needs a name of its own")
    public_key = Verifier.parse(command.vkey).public_key
    for shard in shards:
        if Verifier.parse(shard.vkey).public_key == public_key:
            raise RotationRefused(f"the key is that of {shard.origin}: a shard needs a key of its own")


def unknown_shard(origin: str, shards: Sequence[RegisteredShard]) -> str:
    """Returns in words that this is none of the log's shards."""
    if not shards:
        return "the database knows no shard yet: start a server of this release first"
    return f"{origin} is no shard of this log; it has {', '.join(shard.origin for shard in shards)}"
