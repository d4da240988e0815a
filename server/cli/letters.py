"""`namak-server letter`: how letters look on paper."""

from collections.abc import Sequence
from pathlib import Path

import typer

from server.cli import endings
from server.domain.deliveries import Part
from server.gateways.printing import samples
from server.gateways.printing.renderer import Renderer

_KINDS = {".txt": "text/plain", ".pdf": "application/pdf"}


def preview(languages: Sequence[str], files: Sequence[Path], output: Path) -> None:
    """Writes an invented letter, with the files as the message's parts where there are any."""
    for language in languages:
        if language not in samples.LANGUAGES:
            endings.fail(f"no language {language!r}; there are {', '.join(samples.LANGUAGES)}")
    with endings.told():
        parts = tuple(_part(each) for each in files)
        letter = samples.sample(*languages, parts=parts or None)
        with Renderer() as renderer:
            made = renderer.render(letter)
        output.write_bytes(made.pdf)
    sheets = "1 sheet" if made.sheets == 1 else f"{made.sheets} sheets"
    typer.echo(f"{output}: {made.pages} pages on {sheets}, SHA-256 {made.digest.hex()}")


def _part(file: Path) -> Part:
    kind = _KINDS.get(file.suffix.lower(), "application/octet-stream")
    return samples.part(file.name, kind, file.read_bytes())
