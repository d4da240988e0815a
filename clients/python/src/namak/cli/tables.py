"""Tables that keep what is copied from them whole: identifiers, addresses and times are never broken."""

import re
import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from namak.cli.screen import console

_GAP = 2
_LEAST = 16
# Columns that a text gets at least before the table gives way to paragraphs.
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d UTC)?")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints on standard output, as wide as that is: as a table, or as paragraphs where that is too narrow.

    Where standard output is no terminal, the table is as wide as its rows.
    """
    out = console(sys.stdout)
    natural = [
        max(cell_len(columns[place]), *(cell_len(row[place]) for row in rows))
        if rows
        else cell_len(columns[place])
        for place in range(len(columns))
    ]
    flexible = [any(_breaks(row[place]) for row in rows) for place in range(len(columns))]
    gaps = _GAP * (len(columns) - 1)
    if not sys.stdout.isatty():
        out.width = sum(natural) + gaps + 1
    least = sum(
        min(width, _LEAST) if gives else width for width, gives in zip(natural, flexible, strict=True)
    )
    if least + gaps > out.width:
        _paragraphs(columns, rows)
        return
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column, gives, width in zip(columns, flexible, natural, strict=True):
        table.add_column(
            column, overflow="fold", no_wrap=not gives, min_width=min(width, _LEAST) if gives else width
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def _paragraphs(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    width = max(cell_len(column) for column in columns)
    for number, row in enumerate(rows):
        if number:
            sys.stdout.write("\n")
        for column, cell in zip(columns, row, strict=True):
            if cell:
                sys.stdout.write(f"{column}{' ' * (width - cell_len(column))}  {cell}\n")
    sys.stdout.flush()


def _breaks(cell: str) -> bool:
    return " " in cell and _TIME.fullmatch(cell) is None
