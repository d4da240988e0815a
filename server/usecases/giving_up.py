"""Going on where a shard's key is lost (docs/keys.md, "When a shard's key is lost").

The key's last signed checkpoint stands for ever. What was recorded beyond it has no receipt, and by that key
never gets one: so the shard ends at that checkpoint, and those leaves are logged again, the same evidence in
the shard that takes leaves now. That this was done, and from which leaf on, is an act: evidence.

Where the shard still takes leaves, the next one is opened with it. No announcement by the old key leads to
the new one, for there is nobody to sign it. The new shard's first leaf names the act by which the old one was
given up instead, and that names the last signed checkpoint.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import EvidenceError
from namak.evidence.lost_key import LOST_ACT, GivenUp
from namak.evidence.note import Verifier, open_note, parse_note
from namak.evidence.succession import OPENING_ACT, Opening
from namak.evidence.tree import EMPTY_ROOT
from server.domain.administration import CommandLine, Snapshot, log_shard_resource
from server.domain.caller import Operator
from server.domain.facts import Fact
from server.domain.log_shards import GivenUpShard, RegisteredShard, ShardTrees
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Entropy, Transaction
from server.usecases.rotation import (
    AnnounceShard,
    RotationRefused,
    check_announcement,
    check_unused,
    unknown_shard,
)

_Done = GivenUp | None
_Change = Callable[[Transaction], Awaitable[Changed[_Done]]]
_Keep = Callable[[Transaction, Fact], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class GiveUpShard:
    """Gives up a former shard: who asks, and its name."""

    by: Operator | CommandLine
    origin: str


class LostKeys:
    """Gives up shards."""

    def __init__(self, administration: Administration, entropy: Entropy) -> None:
        self._administration = administration
        self._entropy = entropy

    async def give_up(self, command: GiveUpShard) -> _Done:
        """Gives up what a frozen shard's key never signed; returns what was recorded, None where it was given
        up before.

        MUST be called only when it is certain that the key is lost, and that nothing beyond the published
        checkpoint was signed: that is what guards are for.

        Raises:
            RotationRefused: the shard still takes leaves, is published to its end, or is none of this log.
            ServiceUnavailable: the database does not answer.
        """

        async def change(tx: Transaction) -> Changed[_Done]:
            end = await tx.log_shards.lock(command.origin)
            shards = await tx.log_shards.all()
            old = next((shard for shard in shards if shard.origin == command.origin), None)
            trees = await tx.log_shards.trees(command.origin)
            if end is None or old is None or trees is None:
                raise RotationRefused(unknown_shard(command.origin, shards))
            following = next((shard for shard in shards if shard.origin == end.successor), None)
            if following is None or end.frozen_at is None:
                raise RotationRefused(
                    f"{old.origin} still takes leaves: `hsm rotate --key-lost` ends it, with the next shard"
                )
            if trees.given_up:
                return Changed(None, log_shard_resource(old.origin), None, None, None)
            if trees.published_size == trees.size:
                raise RotationRefused(f"{old.origin} is published to its end: nobody needs its key any more")
            after = (following.origin, following.vkey)
            return _given_up(old, trees, after, keep=_ended(old, trees))

        return await self._carry_out(command.by, (command.origin,), change)

    async def go_on(self, command: AnnounceShard) -> _Done:
        """Gives up the shard that takes leaves, and opens the next one; returns what was recorded, None where
        that was done before.

        MUST be called only as `give_up`. The request id is not looked at: again changes nothing.

        Raises:
            RotationRefused: as `ShardRotation.announce`.
            ServiceUnavailable: the database does not answer.
        """
        check_announcement(command)

        async def change(tx: Transaction) -> Changed[_Done]:
            # Locked before anything is looked at: a leader appends and publishes nothing from here on.
            end = await tx.log_shards.lock(command.origin)
            shards = await tx.log_shards.all()
            old = next((shard for shard in shards if shard.origin == command.origin), None)
            trees = await tx.log_shards.trees(command.origin)
            if end is None or old is None or trees is None:
                raise RotationRefused(unknown_shard(command.origin, shards))
            if end.successor is None:
                await check_unused(tx, command, shards)
                after = (command.successor, command.vkey)
                return _given_up(old, trees, after, then=partial(_opened, old, trees, command))
            following = shards[old.position :][:1]
            if trees.given_up and [(each.origin, each.vkey) for each in following] == [
                (command.successor, command.vkey)
            ]:
                return Changed(None, log_shard_resource(old.origin), None, None, None)
            raise RotationRefused(f"{old.origin} has a successor already: {end.successor}")

        return await self._carry_out(command.by, (command.origin, command.successor, command.vkey), change)

    async def _carry_out(
        self, by: Operator | CommandLine, content: tuple[str, ...], change: _Change
    ) -> _Done:
        async def again(tx: Transaction, _: UUID) -> None:
            """Nothing is claimed: a repetition finds that it was done."""

        act = Act(LOST_ACT, by, None, content, self._entropy.new_id())
        return await self._administration.carry_out(act, change, again)


def _given_up(
    old: RegisteredShard,
    trees: ShardTrees,
    following: tuple[str, str],
    *,
    keep: _Keep | None = None,
    then: Callable[[Fact], Changed[None]] | None = None,
) -> Changed[_Done]:
    signed = _signed(old, trees)
    act = GivenUp(
        origin=old.origin,
        vkey=old.vkey,
        signed_size=signed.size,
        signed_root=signed.root.hex(),
        witnessed_size=trees.witnessed_size,
        size=trees.size,
        root=trees.root.hex(),
        successor=following[0],
        successor_vkey=following[1],
    )
    before: Snapshot = {"origin": old.origin, "log_vkey": old.vkey}
    return Changed(act, log_shard_resource(old.origin), None, before, act.fields, keep=keep, then=then)


def _ended(old: RegisteredShard, trees: ShardTrees) -> _Keep:
    async def keep(tx: Transaction, fact: Fact) -> None:
        await tx.log_shards.give_up(_shard(old, trees, fact))

    return keep


def _opened(old: RegisteredShard, trees: ShardTrees, command: AnnounceShard, given_up: Fact) -> Changed[None]:
    """Returns what follows from the act: the new shard is there with its first leaf, and the old one ends."""
    opening = Opening(command.successor, command.vkey, old.origin, old.vkey, given_up.entry.hex())

    async def keep(tx: Transaction, fact: Fact) -> None:
        await tx.log_shards.add(
            RegisteredShard(
                origin=command.successor,
                position=old.position + 1,
                vkey=command.vkey,
                predecessor=old.origin,
                announcement=given_up.id,
                announced_at=given_up.recorded_at,
                opening=fact.id,
            )
        )
        await tx.log_shards.give_up(_shard(old, trees, given_up))

    resource = log_shard_resource(command.successor)
    return Changed(None, resource, None, None, opening.fields, keep=keep, name=OPENING_ACT)


def _shard(old: RegisteredShard, trees: ShardTrees, act: Fact) -> GivenUpShard:
    signed = _signed(old, trees)
    return GivenUpShard(
        *(old.origin, signed.size, signed.root, trees.size, trees.root), act.id, act.recorded_at
    )


def _signed(old: RegisteredShard, trees: ShardTrees) -> Checkpoint:
    """Returns the last signed tree. Raises RotationRefused: it is not by the shard's key."""
    if trees.note is None:
        return Checkpoint(old.origin, 0, EMPTY_ROOT)
    try:
        note = parse_note(trees.note)
        open_note(note, [Verifier.parse(old.vkey)])
        return Checkpoint.parse(note.text)
    except EvidenceError as error:
        raise RotationRefused(
            f"the newest checkpoint of {old.origin} is not one that its key signed"
        ) from error
