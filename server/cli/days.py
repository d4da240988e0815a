"""Days as options name them."""

from datetime import date

from server.cli.endings import fail


def day(option: str, text: str) -> date | None:
    """Returns the day, None for an empty text; what is none ends the command."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option} must be a day like 2026-11-30, not {text!r}")
