"""Whether a shard is complete, and which one comes next, as its own last leaf says."""

from dataclasses import replace

from namak.evidence.errors import EvidenceError, QuorumNotMet
from namak.evidence.succession import Succession, succession
from namak.evidence.tlog_policy import PolicyLog, TlogPolicy
from namak.monitor.alarms import Alarm, AlarmKind
from namak.monitor.sources import Source
from namak.monitor.state import KnownTree


async def ending(
    source: Source, policy: TlogPolicy, known: KnownTree, *, latest: int
) -> Succession | Alarm | None:
    """Returns what the last leaf of a shard that is complete proves; an alarm where what is shown for it
    does not count; None where the shard goes on. Cosignatures count up to the time ``latest``.

    Raises SourceUnreached.
    """
    receipt = await source.successor()
    if receipt is None:
        return None
    try:
        found = succession(receipt, policy, latest=latest)
    except QuorumNotMet:
        # Of the checkpoint itself that is told already.
        return None
    except EvidenceError as problem:
        return _alarm(source, known, problem.detail)
    if found.tree.origin != known.checkpoint.origin:
        return _alarm(source, known, f"it is of {found.tree.origin}")
    if found.tree.size > known.checkpoint.size:
        # Shown since the look began: the next one sees it.
        return None
    if found.tree != known.checkpoint:
        return _alarm(source, known, f"it announces the end at {found.tree.size} entries, and there are more")
    return found


def extended(policy: TlogPolicy, found: Succession) -> TlogPolicy:
    """Returns a policy that trusts the next shard's key, too; its witnesses and quorum are the same."""
    if any(log.verifier == found.verifier for log in policy.logs):
        return policy
    return replace(policy, logs=(*policy.logs, PolicyLog(found.verifier, None)))


def _alarm(source: Source, known: KnownTree, problem: str) -> Alarm:
    origin = known.checkpoint.origin
    return Alarm(AlarmKind.SUCCESSOR, origin, {"source": source.name, "origin": origin, "problem": problem})
