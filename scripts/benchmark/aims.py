"""What was aimed at, beside what was measured."""

from collections.abc import Mapping, Sequence

from scripts.benchmark.parts import Figures

AIMS: Mapping[str, float] = {
    "unary": 1000,
    "batch": 3000,
    "smtp": 300,
    "forward_notice": 200,
    "forward_whole": 200,
    "forward_signed": 200,
    "sign_in": 200,
    "letters": 10_000 / 60,
    "verify": 3000,
    "verify_command": 3000,
    "integration": 20_000,
}
"""At least so many a second, of the kinds of `WORDS`, on two cores."""

SMS_OFF_PERCENT = 2.0
FORWARDED_SHARE = 2 / 3
"""At least so much of the throughput is left when each mailbox has a target."""


def of_echo(figures: Figures, name: str) -> str:
    """Returns what share of the same run's echo a speed is."""
    speed, echo = figures.get(f"{name}_per_s"), figures.get("echo_per_s")
    return "" if speed is None or not echo else f"{speed / echo:.2f}"


def aim(figures: Figures, name: str) -> str:
    """Returns what was aimed at, and whether it was reached; nothing where there is no aim, or no figure."""
    speed = figures.get(f"{name}_per_s")
    if speed is None:
        return ""
    if name in AIMS:
        return _said(f"{AIMS[name]:,.0f}", speed >= AIMS[name])
    if (off := figures.get(f"{name}_off_percent")) is not None:
        return _said(f"± {SMS_OFF_PERCENT:g} %", abs(off) <= SMS_OFF_PERCENT)
    plain = figures.get(f"{name.replace('forwarded', 'plain')}_per_s")
    if name.startswith("submit_forwarded") and plain:
        return _said(f"{FORWARDED_SHARE * plain:,.0f}", speed >= FORWARDED_SHARE * plain)
    return ""


def sentences(figures: Figures) -> Sequence[str]:
    """Returns what no column holds."""
    said = []
    if (minute := figures.get("letters_a_minute")) is not None:
        said.append(
            f"Letters: {minute:,.0f} a minute with {figures['letters_processors']:.2f} processors "
            f"(the aim: 10,000 on two cores), {figures['letters_processor_ms']:.1f} ms of a processor each."
        )
    if (end := figures.get("worker_mib_at_end")) is not None:
        said.append(
            f"A worker's memory: {figures['worker_mib_after_a_fifth']:.1f} MiB after a fifth of "
            f"{figures['jobs_of_memory']:,.0f} jobs, {end:.1f} MiB at their end (the aim: flat)."
        )
    return said


def _said(what: str, reached: bool) -> str:
    return f"{what} {'reached' if reached else 'missed'}"
