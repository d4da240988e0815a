"""When evidence was recorded: the operator's clock, bounded by independent ones over the checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cryptography import x509

from namak.evidence.errors import EvidenceError
from namak.evidence.report import Outcome, Receipt
from namak.evidence.times import format_time, stated_time
from namak.evidence.tlog_policy import CheckedCheckpoint, Witnessing

if TYPE_CHECKING:
    from namak.evidence.timestamp import CheckedTimestamp, TimestampTrust

    _Found = CheckedTimestamp | str

CLOCK_TOLERANCE: Final = timedelta(seconds=120)
"""An EventTime may be later than the first independent time over it by at most this."""

MOST_TIMESTAMPS: Final = 16
"""Of so many timestamps beside one receipt each is looked at."""

_NAME_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class IndependentTime:
    """By when a checkpoint existed, in POSIX seconds, and according to whom."""

    seconds: float
    by: str


class Timestamps:
    """Timestamps that lie beside receipts, checked by what the verifier trusts; each once, since thousands of
    receipts stand under one checkpoint.
    """

    def __init__(
        self,
        beside: Mapping[str, Mapping[str, bytes]],
        roots: Sequence[bytes],
        latest: int | None = None,
    ) -> None:
        """Takes the files beside each receipt, by name, and the authorities' roots (DER). Without roots
        nothing is looked at; with them the extra ``timestamps`` is needed. What states a later time than
        ``latest`` (POSIX seconds) does not count.
        """
        self._latest = latest
        self._beside = beside if roots else {}
        self._roots = roots
        self._trust: TimestampTrust | None = None
        self._checked: dict[tuple[bytes, bytes], _Found] = {}

    def check(self, receipt: Receipt, note: bytes) -> Sequence[IndependentTime]:
        """Checks what lies beside a receipt, says of each what it is, and returns those that count. None of
        them makes a receipt invalid: that one is wrong takes nothing from what others prove.
        """
        given = sorted(self._beside.get(receipt.name, {}).items())
        times: list[IndependentTime] = []
        for file, content in given[:MOST_TIMESTAMPS]:
            found = self._found(content, note)
            if isinstance(found, str):
                words = f"the timestamp {file} does not count: {found}"
                receipt.note("timestamp", Outcome.NOT_COUNTED, words)
                continue
            by = _one_line(found.authority)
            times.append(IndependentTime(found.gen_time.timestamp(), by))
            receipt.passed("timestamp", f"{by} stamped the checkpoint at {stated_time(found.gen_time)}")
        if (left := len(given) - MOST_TIMESTAMPS) > 0:
            receipt.note("timestamp", Outcome.NOT_COUNTED, f"{left} more timestamps were not looked at")
        return times

    def _found(self, content: bytes, note: bytes) -> "_Found":
        key = (content, note)
        if key not in self._checked:
            self._checked[key] = self._check(content, note)
        return self._checked[key]

    def _check(self, content: bytes, note: bytes) -> "_Found":
        # Only where there are some, since it takes an extra.
        from namak.evidence.timestamp import TimestampTrust, check_timestamp, token_from

        if self._trust is None:
            self._trust = TimestampTrust(tuple(x509.load_der_x509_certificate(each) for each in self._roots))
        try:
            found = check_timestamp(token_from(content), note, self._trust)
        except EvidenceError as wrong:
            return wrong.detail
        if self._latest is not None and found.gen_time.timestamp() > self._latest:
            return "it states a time yet to come"
        return found


def check_time(
    receipt: Receipt,
    checked: CheckedCheckpoint,
    event_time: datetime,
    stamped: Sequence[IndependentTime],
    debt_limit: timedelta,
) -> None:
    """Compares the operator's clock with the first independent one over the evidence; says both bounds."""
    times = [*_witnessed(checked.witnesses), *stamped]
    recorded = f"recorded at {format_time(event_time)}, as the operator says"
    if not times:
        receipt.note("time", Outcome.NOT_BOUNDED, f"{recorded}; time not bounded by independent time")
        return
    first = min(times, key=lambda each: each.seconds)
    lead = event_time.timestamp() - first.seconds
    bound = _bound(first.seconds)
    if event_time.timestamp() < bound:
        lead = min(lead, 0.0)
    apart = lead if lead > CLOCK_TOLERANCE.total_seconds() else event_time.timestamp() - bound
    said = f"{recorded}; in the log before {_told(bound)} according to {first.by}, {abs(apart):.0f} s"
    if lead > CLOCK_TOLERANCE.total_seconds():
        receipt.failed("time", f"{said} earlier: it can't have been recorded so late")
    elif lead < -debt_limit.total_seconds():
        receipt.note("time", Outcome.NOT_BOUNDED, f"{said} later: time not bounded")
    elif lead > 0:
        most = round(CLOCK_TOLERANCE.total_seconds())
        receipt.passed("time", f"{said} earlier, within the {most} s that clocks may differ")
    else:
        receipt.passed("time", f"{said} later")
    _tell_apart(receipt, first, times)


# Of witnesses and their times there are as many as checkpoints, and thousands of receipts under each.
@lru_cache(maxsize=256)
def _witnessed(witnesses: tuple[Witnessing, ...]) -> tuple[IndependentTime, ...]:
    return tuple(
        IndependentTime(float(each.time), _one_line(each.witness.decode("utf-8", errors="replace")))
        for each in witnesses
    )


def _tell_apart(receipt: Receipt, first: IndependentTime, times: Sequence[IndependentTime]) -> None:
    """Says so where the independent clocks are further apart than they may be: the first one decides, and who
    put it back would decide alone. They may also rightly differ, as where a witness was away for a while.
    """
    last = max(times, key=lambda each: each.seconds)
    apart = last.seconds - first.seconds
    if apart > CLOCK_TOLERANCE.total_seconds():
        receipt.note(
            "clocks",
            Outcome.NOTED,
            f"{len(times)} independent times stand over it, up to {apart:.0f} s apart: from "
            f"{_told(first.seconds)} according to {first.by}, which decides, to {_told(last.seconds)} "
            f"according to {last.by}",
        )


def _bound(seconds: float) -> float:
    """Returns before when it was, as `times.end_of_stated` says, of whatever number a witness states."""
    return seconds + 1 if seconds.is_integer() else seconds


@lru_cache(maxsize=256)
def _told(seconds: float) -> str:
    """Returns a time for people to read; of an absurd clock its number."""
    try:
        return stated_time(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return f"second {seconds:.0f}"


def _one_line(name: str) -> str:
    """Returns a name as it may be printed, whoever chose it."""
    return "".join(mark if mark.isprintable() else "?" for mark in name[:_NAME_CHARACTERS])
