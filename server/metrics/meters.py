"""What is counted and timed while it happens."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from server.metrics import catalogue
from server.metrics.catalogue import Measure

T = TypeVar("T")

# When a series began tells nothing here, and would be as many series more.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Meters:
    """The counters of one process; each method takes about a microsecond."""

    def __init__(self, version: str, profile: str) -> None:
        """Counts from zero."""
        self.registry = CollectorRegistry()
        """What the page is made from, together with the process's own figures."""
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = Info(catalogue.BUILD.name, catalogue.BUILD.says, registry=self.registry)
        build.info({"version": version, "profile": profile})
        self._calls = self._made(Counter, catalogue.CALLS)
        self._call_seconds = self._made(Histogram, catalogue.CALL_SECONDS)
        self._signature_seconds = self._made(Histogram, catalogue.SIGNATURE_SECONDS)
        self._signature_failures = self._made(Counter, catalogue.SIGNATURE_FAILURES)
        self._checkpoints = self._made(Counter, catalogue.CHECKPOINTS)
        self._attempts = self._made(Counter, catalogue.JOB_ATTEMPTS)
        self._job_seconds = self._made(Histogram, catalogue.JOB_SECONDS)
        self._mails = self._made(Counter, catalogue.MAILS)
        self._log_requests = self._made(Counter, catalogue.LOG_REQUESTS)
        # The library finds a series by its labels anew each time, which takes longer than the counting.
        self._ended: dict[tuple[str, str, str], Callable[[], None]] = {}
        self._timed: dict[str, Callable[[float], None]] = {}

    def call_ended(self, method: str, code: str, reason: str, seconds: float | None) -> None:
        """See `CallMeter`."""
        key = (method, code, reason)
        if (count := self._ended.get(key)) is None:
            count = self._ended[key] = self._calls.labels(method.removeprefix("/"), code, reason).inc
        count()
        if seconds is not None:
            if (observe := self._timed.get(method)) is None:
                observe = self._timed[method] = self._call_seconds.labels(method.removeprefix("/")).observe
            observe(seconds)

    def signed(self, seconds: float) -> None:
        """Counts a signature of the log's key."""
        self._signature_seconds.observe(seconds)

    def not_signed(self, cause: str) -> None:
        """Counts a signature that the key did not give: `unavailable`, `key_changed` or `other`."""
        self._signature_failures.labels(cause).inc()

    def published(self) -> None:
        """Counts a checkpoint."""
        self._checkpoints.inc()

    def job_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """Counts an attempt at a job, of a kind of this release: `done`, `failed` or `interrupted`."""
        self._attempts.labels(kind, outcome).inc()
        self._job_seconds.labels(kind).observe(seconds)

    def mail_answered(self, answer: str) -> None:
        """Counts a mail by the code that an answer of ours begins with."""
        self._mails.labels(answer[:3]).inc()

    def log_answered(self, file: str, status: int) -> None:
        """Counts a question for a file of the log: `checkpoint`, `tile` or `none`."""
        self._log_requests.labels(file, str(status)).inc()

    def _made(self, what: Callable[..., T], measure: Measure) -> T:
        more: Mapping[str, Any] = {"buckets": measure.buckets} if measure.buckets else {}
        labels = [label.name for label in measure.labels]
        return what(measure.name, measure.says, labels, unit=measure.unit, registry=self.registry, **more)
