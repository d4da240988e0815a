"""What a development world needs for letters and notices: settings, and a clock to put forward."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CLOCK: Final = "clock"
"""The file beside the settings that says how far the world's clock is ahead."""
_NUMBERS: Final = ("10000000-10009999",)


def with_paper_and_notices(settings: Path, return_address: tuple[str, ...], notices: str) -> None:
    """Adds to settings what letters and notices need; `notices` is where the post's own feed listens."""
    text = settings.read_text(encoding="utf-8")
    sections: Mapping[str, Mapping[str, object]] = {
        "printing": {"numbers": _NUMBERS, "return_address": return_address, "processes": 1},
        "notices": {"feed_url": f"http://{notices}", "feed_listen": notices},
    }
    added = "".join(
        f"\n[{name}]\n"
        + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
        for name, values in sections.items()
    )
    clock = f"development_clock = {json.dumps(str(settings.with_name(CLOCK)), ensure_ascii=False)}\n"
    settings.write_text(clock + text + added, encoding="utf-8")
