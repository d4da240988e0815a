"""What is read off at the moment of a scrape: from values of the domain to figures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from server.domain.jobs import KINDS, Backlog
from server.domain.outages import Outage
from server.metrics import catalogue
from server.metrics.catalogue import Measure
from server.transparency.troubles import Condition
from server.usecases.log_queries import LogState

OTHER: Final = "other"
"""What another release's kinds of jobs go by: a database tells any name."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a gauge shows: one value, and those of its labels in their order."""

    measure: Measure
    value: float
    labels: tuple[str, ...] = ()


def of_log(state: LogState, now: datetime) -> Iterator[Reading]:
    """Reads what `GetLogStatus` tells."""
    if state.debt_limit is not None:
        yield Reading(catalogue.DEBT_LIMIT, state.debt_limit.total_seconds())
    for shard in state.shards:
        origin = (shard.origin,)
        yield Reading(catalogue.DEBT, shard.unwitnessed, origin)
        yield Reading(catalogue.DEBT_AGE, _age(shard.unwitnessed_since, now), origin)
        yield Reading(catalogue.PENDING, shard.pending, origin)
        stages = {
            "integrated": shard.integrated_size,
            "published": shard.size,
            "witnessed": shard.witnessed_size,
        }
        for stage, size in stages.items():
            yield Reading(catalogue.TREE, size, (shard.origin, stage))
        if shard.published_at is not None:
            yield Reading(catalogue.CHECKPOINT_AGE, _age(shard.published_at, now), origin)
        for stamp in state.timestamps.get(shard.origin, ()):
            yield Reading(catalogue.STAMPED, stamp.size, (shard.origin, stamp.authority))
            if stamp.at is not None:
                yield Reading(catalogue.STAMP_AGE, _age(stamp.at, now), (shard.origin, stamp.authority))


def of_outage(outage: Outage | None, now: datetime) -> Iterator[Reading]:
    """Reads whether submissions are accepted."""
    yield Reading(catalogue.OUTAGE, outage is not None)
    yield Reading(catalogue.OUTAGE_AGE, _age(None if outage is None else outage.began_at, now))


def of_parts(conditions: Mapping[str, Condition | None]) -> Iterator[Reading]:
    """Reads how the log's parts are."""
    for part, condition in conditions.items():
        yield Reading(catalogue.PART_WELL, condition is None, (part,))
        if condition is not None:
            alarm = "yes" if condition.alarming else "no"
            yield Reading(catalogue.TROUBLE, 1, (part, condition.kind.value, alarm))


def of_jobs(backlogs: Sequence[Backlog], now: datetime) -> Iterator[Reading]:
    """Reads what there is to do: of every kind of this release, and of all others together."""
    known = {kind.name for kind in KINDS}
    of_kind: dict[str, list[Backlog]] = {name: [] for name in (*sorted(known), OTHER)}
    for backlog in backlogs:
        of_kind[backlog.kind if backlog.kind in known else OTHER].append(backlog)
    for kind, found in of_kind.items():
        counts = {
            "due": sum(each.due for each in found),
            "later": sum(each.later for each in found),
            "running": sum(each.running for each in found),
            "dead": sum(each.dead for each in found),
        }
        for state, count in counts.items():
            yield Reading(catalogue.JOBS, count, (kind, state))
        oldest = min((each.oldest for each in found if each.oldest is not None), default=None)
        yield Reading(catalogue.JOBS_AGE, _age(oldest, now), (kind,))


def families(readings: Iterable[Reading]) -> Iterator[Metric]:
    """Puts readings into the library's form, those of one measure together."""
    made: dict[str, GaugeMetricFamily] = {}
    for reading in readings:
        measure = reading.measure
        if len(reading.labels) != len(measure.labels):
            raise ValueError(f"{measure.name} has {len(measure.labels)} labels")
        family = made.get(measure.name)
        if family is None:
            labels = [label.name for label in measure.labels]
            family = GaugeMetricFamily(measure.name, measure.says, labels=labels, unit=measure.unit)
            made[measure.name] = family
        family.add_metric(reading.labels, float(reading.value))
    yield from made.values()


def _age(since: datetime | None, now: datetime) -> float:
    # What another machine's clock dates ahead of ours is new.
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
