"""Which shards the log has, and whether this replica's settings fit them: checked before it leads."""

from collections.abc import Collection, Mapping, Sequence

from namak.evidence.note import Verifier, vkey
from server.domain.log_shards import AnnouncementUnreadable, RegisteredShard, in_order
from server.transparency.ports import Head, LeaderSession, OrderContradicted, SignedByAnother
from server.transparency.shard import Shard
from server.transparency.troubles import (
    AnnouncementDamaged,
    OriginUnknown,
    ShardKeyDiffers,
    ShardOrderDiffers,
    ShardUnlisted,
    cause_of,
)
from server.usecases.ports import Clock


class ConfiguredShards:
    """The shards as this replica's settings have them."""

    def __init__(
        self, shards: Sequence[Shard], former: Sequence[Verifier], keys_lost: Collection[str] = ()
    ) -> None:
        """Takes those that it has keys for, that of `[log]` first, and the keys of those before it, the
        oldest first; and those of them whose key is gone before all of them was signed.
        """
        self.keys_lost = frozenset(keys_lost)
        self.origin = shards[0].origin
        self.keys: Mapping[str, Shard] = {shard.origin: shard for shard in shards}
        self.verifiers: Mapping[str, Verifier] = {
            verifier.name: verifier for verifier in (*former, *(shard.verifier for shard in shards))
        }
        self.chain: Sequence[RegisteredShard] = in_order(
            [(each.name, vkey(each.name, each.public_key)) for each in (*former, shards[0].verifier)]
        )
        """The shards up to that of `[log]`, for a database that knows none yet."""


async def settled(session: LeaderSession, configured: ConfiguredShards, clock: Clock) -> Sequence[Head]:
    """Returns the heads of the shards that the database knows, the oldest first; enters those of the settings
    where it knows none yet.

    Raises:
        LogTrouble: the settings do not fit; nothing may be integrated.
    """
    shards = await session.shards()
    if not shards:
        check_all_listed(configured, await session.heads())
        try:
            await session.register(configured.chain, clock.now())
        except SignedByAnother as other:
            raise ShardKeyDiffers(origin=other.shard.origin, vkey=other.shard.vkey) from other
        except OrderContradicted as other:
            raise ShardOrderDiffers(origin=other.origin, follows=other.follows) from other
        except AnnouncementUnreadable as damaged:
            raise AnnouncementDamaged(evidence=str(damaged.evidence_id), **cause_of(damaged)) from damaged
        shards = await session.shards()
    check_settings(configured, shards)
    heads = {head.origin: head for head in await session.heads()}
    return [heads[shard.origin] for shard in shards]


def check_all_listed(configured: ConfiguredShards, heads: Collection[Head]) -> None:
    """Checks that no shard is forgotten, before the database takes over the settings' list.

    Raises:
        ShardUnlisted: there are leaves of another one.
    """
    listed = {shard.origin for shard in configured.chain}
    for head in heads:
        if head.integrated_size and head.origin not in listed:
            raise ShardUnlisted(origin=head.origin, size=head.integrated_size)


def check_settings(configured: ConfiguredShards, shards: Sequence[RegisteredShard]) -> None:
    """Checks that the settings speak of this log.

    Raises:
        OriginUnknown: `[log].origin` is none of its shards.
        ShardKeyDiffers: the settings have another key for one of them.
    """
    known = {shard.origin: shard for shard in shards}
    if configured.origin not in known:
        raise OriginUnknown(origin=configured.origin, newest=shards[-1].origin)
    for origin, verifier in configured.verifiers.items():
        if origin in known and known[origin].vkey != vkey(origin, verifier.public_key):
            raise ShardKeyDiffers(origin=origin, vkey=known[origin].vkey)
