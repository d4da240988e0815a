"""``namak log status``: how far the log is, who vouches for it, and what it waits for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import N_, _
from namak.v1 import evidence_pb2


async def status(run: Run) -> ExitCode:
    """Shows the log's shards; ends as unavailable where one does not run well, or no message is
    accepted for want of witnesses."""
    async with run.client() as post:
        found = await post.evidence.log_status()
    shards, stopped = found.shards, found.HasField("outage_begin_time")
    run.screen.result(_document(found))
    run.screen.table(
        (N_("SHARD"), N_("SIZE"), N_("PUBLISHED"), N_("PENDING"), N_("UNWITNESSED"), N_("STATE")),
        [_row(item, stopped=stopped) for item in shards],
    )
    for item in shards:
        run.screen.lines(_vouching(item))
        if item.state in _LACKING:
            run.screen.lines(_lacking(item, found, datetime.now(UTC)))
        run.screen.lines(_stamped(item.origin, each) for each in item.timestamping)
        if item.given_up_evidence_id:
            run.screen.line(
                _(
                    "The key of {origin} is lost. It ends with entry {size}; {count} entries behind that are"
                    " logged again in a later shard."
                ).format(origin=item.origin, size=item.tree_size, count=item.relogged_entries)
            )
    if not found.leading and any(item.state in _WAITING for item in shards):
        run.screen.line(
            _(
                "The part of the server that answered does not lead the log. What keeps them away, only the"
                " one that leads it knows."
            )
        )
    if stopped:
        run.screen.line(
            _(
                "No message has been accepted since {time}: the log's witnesses have been away for too long."
            ).format(time=shapes.when(found.outage_begin_time, present=True))
        )
    return ExitCode.OK if all(item.healthy for item in shards) and not stopped else ExitCode.UNAVAILABLE


_LACKING = (evidence_pb2.LogShard.STATE_WAITS_FOR_WITNESSES, evidence_pb2.LogShard.STATE_IN_DEBT)
_WAITING = (*_LACKING, evidence_pb2.LogShard.STATE_WAITS_FOR_TIMESTAMPS)

_STATES: Mapping[int, str] = {
    evidence_pb2.LogShard.STATE_WAITS_FOR_TIMESTAMPS: N_("waits for timestamps"),
    evidence_pb2.LogShard.STATE_WAITS_FOR_WITNESSES: N_("waits for witnesses"),
    evidence_pb2.LogShard.STATE_IN_DEBT: N_("without witnesses for too long"),
}

_WITNESS_TROUBLES: Mapping[int, str] = {
    evidence_pb2.WitnessingState.TROUBLE_UNREACHED: N_("It has not answered since {time}."),
    evidence_pb2.WitnessingState.TROUBLE_REFUSES: N_("It has refused to cosign since {time}."),
    evidence_pb2.WitnessingState.TROUBLE_WRONG: N_("What it answers is no good cosignature, since {time}."),
    evidence_pb2.WitnessingState.TROUBLE_DISAGREES: N_(
        "ALARM: it knows another history of the log than the post has, since {time}."
    ),
    evidence_pb2.WitnessingState.TROUBLE_LACKS_LOG: N_("It does not follow this shard, asked since {time}."),
}

_TROUBLES: Mapping[int, str] = {
    evidence_pb2.TimestampingState.TROUBLE_UNREACHED: N_("It does not answer."),
    evidence_pb2.TimestampingState.TROUBLE_REFUSES: N_("It refuses timestamps."),
    evidence_pb2.TimestampingState.TROUBLE_WRONG: N_("What it answers is no good timestamp."),
}


def _document(found: evidence_pb2.GetLogStatusResponse) -> Mapping[str, object]:
    limit = found.debt_limit.ToTimedelta().total_seconds() if found.HasField("debt_limit") else None
    return {
        "debt_limit_seconds": limit,
        "leading": found.leading,
        "outage_begin_time": _time_in(found, "outage_begin_time"),
        "shards": [_shard(item) for item in found.shards],
    }


def _shard(item: evidence_pb2.LogShard) -> Mapping[str, object]:
    return {
        "origin": item.origin,
        "log_vkey": item.log_vkey,
        "tree_size": item.tree_size,
        "root_hash": item.root_hash.hex(),
        "publish_time": _time_in(item, "publish_time"),
        "pending_entries": item.pending_entries,
        "healthy": item.healthy,
        "state": _name(evidence_pb2.LogShard.State, item.state, "STATE_"),
        "witnessed_tree_size": item.witnessed_tree_size,
        "witness_time": _time_in(item, "witness_time"),
        "unwitnessed_entries": item.unwitnessed_entries,
        "oldest_unwitnessed_time": _time_in(item, "oldest_unwitnessed_time"),
        "witnesses_needed": item.witnesses_needed,
        "witnesses_cosigned": item.witnesses_cosigned,
        "witnessing": [_witnessing(each) for each in item.witnessing],
        "timestamping": [_stamping(each) for each in item.timestamping],
        "freeze_time": _time_in(item, "freeze_time"),
        "successor": item.successor,
        "announcement_evidence_id": item.announcement_evidence_id,
        "given_up_evidence_id": item.given_up_evidence_id,
        "relogged_entries": item.relogged_entries,
    }


def _time_in(message: Message, field: str) -> str | None:
    return shapes.time_of(getattr(message, field), message.HasField(field))


def _row(item: evidence_pb2.LogShard, *, stopped: bool) -> Sequence[str]:
    return (
        item.origin,
        str(item.tree_size),
        shapes.when(item.publish_time, item.HasField("publish_time")),
        str(item.pending_entries),
        str(item.unwitnessed_entries),
        _state(item, stopped=stopped),
    )


def _witnessing(state: evidence_pb2.WitnessingState) -> Mapping[str, object]:
    return {
        "witness": state.witness,
        "tree_size": state.tree_size,
        "cosign_time": _time_in(state, "cosign_time"),
        "trouble": _name(evidence_pb2.WitnessingState.Trouble, state.trouble, "TROUBLE_"),
        "trouble_begin_time": _time_in(state, "trouble_begin_time"),
    }


def _vouching(shard: evidence_pb2.LogShard) -> Iterator[str]:
    """Tells of each witness; nothing of a shard that needs none any more."""
    if shard.HasField("freeze_time") and shard.witnessed_tree_size == shard.tree_size:
        return
    for each in shard.witnessing:
        if each.HasField("cosign_time"):
            said = _("{witness} has cosigned {size} of {all} entries of {origin}, last at {time}.").format(
                witness=each.witness,
                size=each.tree_size,
                all=shard.tree_size,
                origin=shard.origin,
                time=shapes.when(each.cosign_time),
            )
        else:
            said = _("{witness} has cosigned nothing of {origin} that is known.").format(
                witness=each.witness, origin=shard.origin
            )
        if each.trouble in _WITNESS_TROUBLES:
            since = shapes.when(each.trouble_begin_time)
            said = f"{said} {_(_WITNESS_TROUBLES[each.trouble]).format(time=since)}"
        yield said


def _lacking(
    shard: evidence_pb2.LogShard, found: evidence_pb2.GetLogStatusResponse, now: datetime
) -> Iterator[str]:
    """Tells what a shard without its quorum has, and how long it may be so."""
    if found.leading:
        yield _(
            "{origin}: {cosigned} of {needed} witnesses that are needed have cosigned the newest."
        ).format(origin=shard.origin, cosigned=shard.witnesses_cosigned, needed=shard.witnesses_needed)
    stopped = found.HasField("outage_begin_time")
    if shard.HasField("oldest_unwitnessed_time") and found.HasField("debt_limit") and not stopped:
        since = shard.oldest_unwitnessed_time.ToDatetime(UTC)
        ends = since + found.debt_limit.ToTimedelta()
        minutes = max(0, int((ends - now).total_seconds() // 60))
        yield _(
            "Its evidence has waited since {since}. Unless they cosign before, no message is accepted from"
            " {ends} on: {hours} h {minutes} min are left."
        ).format(
            since=shapes.when(shard.oldest_unwitnessed_time),
            ends=ends.strftime("%Y-%m-%d %H:%M:%S UTC"),
            hours=minutes // 60,
            minutes=minutes % 60,
        )


def _name(kind: Any, value: int, prefix: str) -> str | None:
    """Returns a value's name; None for none, and for those that this version does not know."""
    return str(kind.Name(value)).removeprefix(prefix) if value and value in kind.values() else None


def _stamping(state: evidence_pb2.TimestampingState) -> Mapping[str, object]:
    return {
        "authority": state.authority,
        "tree_size": state.tree_size,
        "gen_time": _time_in(state, "gen_time"),
        "trouble": evidence_pb2.TimestampingState.Trouble.Name(state.trouble).removeprefix("TROUBLE_")
        if state.trouble in _TROUBLES
        else None,
    }


def _stamped(origin: str, state: evidence_pb2.TimestampingState) -> str:
    if state.HasField("gen_time"):
        said = _("{authority} has stamped {size} entries of {origin}, at {time}.").format(
            authority=state.authority,
            size=state.tree_size,
            origin=origin,
            time=shapes.when(state.gen_time, present=True),
        )
    else:
        said = _("{authority} has stamped nothing of {origin} yet.").format(
            authority=state.authority, origin=origin
        )
    return f"{said} {_(_TROUBLES[state.trouble])}" if state.trouble in _TROUBLES else said


def _state(shard: evidence_pb2.LogShard, *, stopped: bool) -> str:
    if not shard.healthy:
        return _("not healthy")
    if stopped:
        return _("accepts nothing new")
    return _(_STATES[shard.state]) if shard.state in _STATES else _("healthy")
