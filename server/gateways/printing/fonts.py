"""The fonts that paper letters are set in: Noto Sans (SIL OFL 1.1), from the distribution's package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

PLACES: Final = (Path("/usr/share/fonts/truetype/noto"), Path("/usr/share/fonts/noto"))
"""Where Debian's `fonts-noto-core` lays them, and where Arch and Alpine do."""

FILES: Final = (
    "NotoSans-Regular.ttf",
    "NotoSans-Bold.ttf",
    "NotoSansArmenian-Regular.ttf",
    "NotoSansArmenian-Bold.ttf",
    "NotoSansGeorgian-Regular.ttf",
    "NotoSansSymbols-Regular.ttf",
    "NotoSansSymbols2-Regular.ttf",
    "NotoSansMath-Regular.ttf",
)
FAMILIES: Final = (
    "Noto Sans",
    "Noto Sans Armenian",
    "Noto Sans Georgian",
    "Noto Sans Symbols",
    "Noto Sans Symbols2",
    "Noto Sans Symbols 2",
    "Noto Sans Math",
)
"""In the order in which a character is looked for. A character that none has can't be printed. One of them
goes by either name, as its releases have it.
"""


class FontsMissing(OSError):
    """The fonts aren't on this machine. Without them letters would come out blank, so none is set."""

    def __init__(self) -> None:
        super().__init__("the fonts of paper letters are missing; install Debian's package fonts-noto-core")


def found(places: Sequence[Path] = PLACES) -> tuple[Path, ...]:
    """Returns the files. Raises `FontsMissing` unless all are there."""
    for place in places:
        files = tuple(place / name for name in FILES)
        if all(each.is_file() for each in files):
            return files
    raise FontsMissing


def lay_out(directory: Path) -> None:
    """Links the fonts, and no others, in a directory that Typst is to look in. Raises `FontsMissing`."""
    for each in found():
        (directory / each.name).symlink_to(each)
