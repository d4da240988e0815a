"""What PostgreSQL says of a plan that it ran."""

from typing import Any


def rows_read(explained: Any) -> float:
    """Returns how many rows were looked at in tables and indexes, from the decoded
    `EXPLAIN (ANALYZE, FORMAT JSON)`.
    """
    return _rows_read(explained[0]["Plan"])


def _rows_read(plan: dict[str, Any]) -> float:
    left_out = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    own = (plan["Actual Rows"] + left_out) * plan["Actual Loops"] if "Scan" in plan["Node Type"] else 0
    return float(own) + sum(_rows_read(each) for each in plan.get("Plans", ()))
