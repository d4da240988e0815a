"""Prints `docs/metrics.md` from what is measured."""

from server.metrics.catalogue import MEASURES, Kind, Measure

_HEAD = """# Metrics

Printed from `server/metrics/catalogue.py` by `scripts/generate`; don't edit. How they are switched on, and
what to be woken by, stands in [alarms.md](alarms.md#metrics).

Names are without what their kind appends: `_total` of a counter, `_info`, and `_bucket`, `_sum` and `_count`
of a histogram. Ages and times are in seconds, sizes in leaves of the log. Labels have the values of the
release and of the settings; none names a person, an address, an organisation or a call. A gauge from the
database is the same in all processes: take its `max`, never its `sum`. Besides, each process has the
library's own `process_*`, `python_info` and `python_gc_*`.

| metric | kind | what it tells | labels | of |
|---|---|---|---|---|
"""

_KINDS = {Kind.INFO: "gauge, always 1"}


def page() -> str:
    """Returns the page."""
    return _HEAD + "".join(
        f"| `{each.name}` | {_KINDS.get(each.kind, each.kind.value)} | {each.says} | {_labels(each)} "
        f"| {', '.join(f'`{command}`' for command in each.processes)} |\n"
        for each in MEASURES
    )


def _labels(measure: Measure) -> str:
    return "; ".join(f"`{label.name}`: {label.values}" for label in measure.labels) or "none"
