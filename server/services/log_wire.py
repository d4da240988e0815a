"""Questions about the log, between the wire and the use case."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from namak.evidence.tiles import WIDTH
from namak.v1 import evidence_pb2 as pb
from server.domain.log_standing import Standing
from server.services.following_wire import log_origin
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.log_ports import AuthorityState, ShardState, WitnessState
from server.usecases.log_queries import AskConsistency, AskTile, ConsistencyProof, LogState, Tile

_HIGHEST_LEVEL = 5


def consistency_from_proto(request: pb.GetConsistencyProofRequest) -> AskConsistency:
    problems = Problems()
    command = AskConsistency(
        _origin(problems, request.origin),
        _from_zero(problems, "first_size", request.first_size),
        _from_zero(problems, "second_size", request.second_size),
    )
    problems.raise_if_any()
    return command


def tile_from_proto(request: pb.GetTileRequest) -> AskTile:
    problems = Problems()
    level: int | None = None
    match request.WhichOneof("kind"):
        case "level":
            level = request.level
            if not 0 <= level <= _HIGHEST_LEVEL:
                problems.add("level", "LEVEL_OUT_OF_RANGE", f"must be from 0 to {_HIGHEST_LEVEL}")
        case "entries":
            if not request.entries:
                problems.add("entries", "KIND_MISSING", "must be true, or give a level instead")
        case _:
            problems.add("kind", "KIND_MISSING", "one of level and entries must be given")
    if not 0 <= request.width < WIDTH:
        problems.add("width", "WIDTH_OUT_OF_RANGE", f"must be from 1 to {WIDTH - 1}, or 0 for a full tile")
    command = AskTile(
        _origin(problems, request.origin),
        level,
        _from_zero(problems, "index", request.index),
        request.width or WIDTH,
    )
    problems.raise_if_any()
    return command


def consistency_to_proto(proof: ConsistencyProof) -> pb.GetConsistencyProofResponse:
    return pb.GetConsistencyProofResponse(
        origin=proof.origin, second_size=proof.second_size, hashes=proof.hashes
    )


def tile_to_proto(tile: Tile) -> pb.GetTileResponse:
    return pb.GetTileResponse(tile=tile.data, path=tile.path)


def status_to_proto(state: LogState) -> pb.GetLogStatusResponse:
    limit = state.debt_limit
    return pb.GetLogStatusResponse(
        debt_limit=None if limit is None else Duration(seconds=limit // timedelta(seconds=1)),
        outage_begin_time=time_to_proto(state.outage_began_at),
        leading=state.leading,
        shards=[_shard(shard, state) for shard in state.shards],
    )


def _shard(shard: ShardState, state: LogState) -> pb.LogShard:
    witnesses = state.witnesses.get(shard.origin)
    return pb.LogShard(
        origin=shard.origin,
        log_vkey=shard.vkey,
        tree_size=shard.size,
        root_hash=shard.root,
        publish_time=time_to_proto(shard.published_at),
        pending_entries=shard.pending,
        healthy=shard.healthy,
        witnessed_tree_size=shard.witnessed_size,
        witness_time=time_to_proto(shard.witnessed_at),
        unwitnessed_entries=shard.unwitnessed,
        oldest_unwitnessed_time=time_to_proto(shard.unwitnessed_since),
        timestamping=[_authority(each) for each in state.timestamps.get(shard.origin, ())],
        freeze_time=time_to_proto(shard.frozen_at),
        successor=shard.successor or "",
        announcement_evidence_id="" if shard.announcement is None else str(shard.announcement),
        given_up_evidence_id="" if shard.given_up is None else str(shard.given_up),
        relogged_entries=shard.relogged,
        state=_STATES[shard.standing],
        witnessing=[] if witnesses is None else [_witness(each) for each in witnesses.states],
        witnesses_needed=0 if witnesses is None else witnesses.needed,
        witnesses_cosigned=0 if witnesses is None else witnesses.cosigned or 0,
    )


def _witness(state: WitnessState) -> pb.WitnessingState:
    return pb.WitnessingState(
        witness=state.witness,
        tree_size=state.size,
        cosign_time=time_to_proto(state.at),
        trouble=_WITNESS_TROUBLES.get(state.trouble or "", pb.WitnessingState.TROUBLE_UNSPECIFIED),
        trouble_begin_time=time_to_proto(state.troubled_since),
    )


def _authority(state: AuthorityState) -> pb.TimestampingState:
    return pb.TimestampingState(
        authority=state.authority,
        tree_size=state.size,
        gen_time=time_to_proto(state.at),
        trouble=_TROUBLES.get(state.trouble or "", pb.TimestampingState.TROUBLE_UNSPECIFIED),
    )


_STATES = {
    Standing.WELL: pb.LogShard.STATE_WELL,
    Standing.WAITS_FOR_TIMESTAMPS: pb.LogShard.STATE_WAITS_FOR_TIMESTAMPS,
    Standing.WAITS_FOR_WITNESSES: pb.LogShard.STATE_WAITS_FOR_WITNESSES,
    Standing.IN_DEBT: pb.LogShard.STATE_IN_DEBT,
    Standing.NOT_HEALTHY: pb.LogShard.STATE_NOT_HEALTHY,
}

_WITNESS_TROUBLES = {
    "WITNESS_UNREACHED": pb.WitnessingState.TROUBLE_UNREACHED,
    "WITNESS_REFUSES": pb.WitnessingState.TROUBLE_REFUSES,
    "WITNESS_WRONG": pb.WitnessingState.TROUBLE_WRONG,
    "WITNESS_DISAGREES": pb.WitnessingState.TROUBLE_DISAGREES,
    "WITNESS_LACKS_LOG": pb.WitnessingState.TROUBLE_LACKS_LOG,
}

_TROUBLES = {
    "AUTHORITY_UNREACHED": pb.TimestampingState.TROUBLE_UNREACHED,
    "AUTHORITY_REFUSES": pb.TimestampingState.TROUBLE_REFUSES,
    "AUTHORITY_WRONG": pb.TimestampingState.TROUBLE_WRONG,
}


def _origin(problems: Problems, origin: str) -> str:
    return problems.text("origin", origin, log_origin) if origin else ""


def _from_zero(problems: Problems, field: str, value: int) -> int:
    if value < 0:
        problems.add(field, "NEGATIVE", "must not be negative")
        return 0
    return value
