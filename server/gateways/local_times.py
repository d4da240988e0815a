"""Times as people read them in what leaves the post: by the jurisdiction's clocks, with their zone."""

from datetime import datetime
from zoneinfo import ZoneInfo


def local_time(at: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """Returns day, time and offset from UTC, `01.02.2026 16:05 (UTC+04:00)`: a deadline hangs on it, and
    readers may be elsewhere.
    """
    local = at.astimezone(zone)
    clock = "%H:%M:%S" if seconds else "%H:%M"
    return f"{local.strftime(f'%d.%m.%Y {clock}')} (UTC{local.isoformat()[-6:]})"
