"""What became of the last copy, nudge or code to each target, in its row."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, column, func, or_, select, update

from server.domain.forwarding import Result, TargetResult
from server.storage.forwarding_tables import ForwardingTargetRow
from server.storage.statements import among, array
from server.storage.stored import table

_DELIVERED = Result.DELIVERED.value
"""The reason of a SENT that is more than that (`server.storage.forwarding_tables`)."""
_TARGETS = table(ForwardingTargetRow)

_RESULTS = (
    func.unnest(
        array("keys", _TARGETS.c.id.type),
        array("results", _TARGETS.c.last_result.type),
        array("times", _TARGETS.c.last_at.type),
        array("reasons", _TARGETS.c.last_reason.type),
        array("diagnostics", _TARGETS.c.last_diagnostic.type),
        array("rows", _TARGETS.c.last_in_a_row.type),
    )
    .table_valued(
        column("id", _TARGETS.c.id.type),
        column("result", _TARGETS.c.last_result.type),
        column("at", _TARGETS.c.last_at.type),
        column("why", _TARGETS.c.last_reason.type),
        column("diagnostic", _TARGETS.c.last_diagnostic.type),
        column("in_a_row", _TARGETS.c.last_in_a_row.type),
    )
    .render_derived(name="given")
)
# Locked in sorted order first: two workers that met the same targets in different orders would wait for each
# other.
_LOCKED = (
    select(_TARGETS.c.id)
    .where(among(_TARGETS.c.id, "keys"))
    .order_by(_TARGETS.c.id)
    .with_for_update(key_share=True)
    .cte("locked")
)
SET_LAST = (
    update(_TARGETS)
    .where(
        _TARGETS.c.id == _LOCKED.c.id,
        _RESULTS.c.id == _LOCKED.c.id,
        or_(_TARGETS.c.last_at.is_(None), _TARGETS.c.last_at <= _RESULTS.c.at),
    )
    .values(
        last_result=_RESULTS.c.result,
        last_at=_RESULTS.c.at,
        last_reason=_RESULTS.c.why,
        last_diagnostic=_RESULTS.c.diagnostic,
    )
)
"""Leaves how many copies failed in a row: for what is no copy."""
SET_ALL_LAST = SET_LAST.values(last_in_a_row=_RESULTS.c.in_a_row)


def of_results(last: Mapping[UUID, TargetResult]) -> dict[str, list[object]]:
    """Returns the values of `SET_LAST` and `SET_ALL_LAST`."""
    kept = [_kept(each) for each in last.values()]
    return {
        "keys": list(last),
        "results": [each.result.value for each in kept],
        "times": [each.at for each in kept],
        "reasons": [each.why for each in kept],
        "diagnostics": [each.diagnostic for each in kept],
        "rows": [each.in_a_row for each in kept],
    }


def result_of(row: Row[Any]) -> TargetResult | None:
    """Returns what a target's row tells of the last that was sent to it."""
    if row.last_result is None:
        return None
    if row.last_reason == _DELIVERED:
        return TargetResult(Result.DELIVERED, row.last_at, in_a_row=row.last_in_a_row)
    return TargetResult(
        Result(row.last_result), row.last_at, row.last_reason, row.last_diagnostic, row.last_in_a_row
    )


def _kept(last: TargetResult) -> TargetResult:
    # DELIVERED is kept as SENT with that reason: the release before knows no other results.
    if last.result is Result.DELIVERED:
        return replace(last, result=Result.SENT, why=_DELIVERED)
    return last
