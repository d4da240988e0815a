"""Questions about the log, between the wire and the use case."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from namak.evidence.tiles import WIDTH
from namak.v1 import evidence_pb2 as pb
from server.services.following_wire import log_origin
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.log_ports import AuthorityState
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
        shards=[
            pb.LogShard(
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
            )
            for shard in state.shards
        ],
    )


def _authority(state: AuthorityState) -> pb.TimestampingState:
    return pb.TimestampingState(
        authority=state.authority,
        tree_size=state.size,
        gen_time=time_to_proto(state.at),
        trouble=_TROUBLES.get(state.trouble or "", pb.TimestampingState.TROUBLE_UNSPECIFIED),
    )


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
