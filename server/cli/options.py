"""Options that most commands have."""

from pathlib import Path
from typing import Annotated

import typer

ENVIRONMENT = "NAMAK_SERVER_CONFIG"

Config = Annotated[
    Path, typer.Option("--config", envvar=ENVIRONMENT, help="The settings, a TOML file (docs/operations.md).")
]
