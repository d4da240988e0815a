"""Signs a committed tree and publishes its checkpoint: sign, guard, publish, in this order."""

import asyncio

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import InvalidSignature
from namak.evidence.note import note_from, signature_line
from namak.evidence.tiles import tiles_for_root
from server.transparency.guard import SignedTree, check_extends, tiles_to_check
from server.transparency.ports import Head, LeaderSession
from server.transparency.shard import Shard
from server.transparency.steps import OnStep, Step
from server.transparency.troubles import SignatureRefused
from server.usecases.ports import Clock


async def publish(session: LeaderSession, shard: Shard, head: Head, *, clock: Clock, on_step: OnStep) -> None:
    """Signs the committed tree of `head` outside any transaction, guards the note, and makes it public.

    Whoever repeats it for the same tree makes the same bytes: Ed25519 signatures are deterministic.

    Raises:
        LogTrouble: the tree may not be signed, or what the key gave is no signature.
        GuardMoved, HeadMoved: another leader was faster.
        HsmUnavailable, HsmKeyChanged: by the key.
    """
    guarded = await check_committed(session, shard, head)
    tree = await sign(shard, Checkpoint(head.origin, head.integrated_size, head.root))
    await on_step(Step.SIGNED)
    await shard.guard.advance(guarded, tree)
    await on_step(Step.GUARDED)
    await session.publish(head, tree.note, clock.now())
    await on_step(Step.PUBLISHED)
    await session.announce()


async def check_committed(session: LeaderSession, shard: Shard, head: Head) -> SignedTree | None:
    """Checks that the committed tree of `head` is sound and extends the guarded one, which it returns.

    Raises:
        LogTrouble: it may not be signed.
    """
    # Nearly always the guard holds what was published last, and these are all the tiles.
    likely = tiles_for_root(head.integrated_size) | tiles_for_root(head.published_size)
    guarded, tiles = await asyncio.gather(shard.guard.read(), session.tiles(head.origin, likely))
    if others := tiles_to_check(guarded, head) - likely:
        tiles = {**tiles, **await session.tiles(head.origin, others)}
    check_extends(guarded, head, tiles)
    return guarded


async def sign(shard: Shard, checkpoint: Checkpoint) -> SignedTree:
    """Signs a checkpoint and verifies the signature before anybody sees it: keys break, too.

    Raises:
        SignatureRefused: the signature does not verify under the shard's public key.
    """
    text = checkpoint.text()
    signature = await shard.signer.sign(text)
    try:
        shard.verifier.verify(text, signature)
    except InvalidSignature as error:
        raise SignatureRefused(origin=checkpoint.origin, size=checkpoint.size) from error
    line = signature_line(shard.origin, shard.verifier.key_id, signature)
    return SignedTree(checkpoint, note_from(text, [line]))
