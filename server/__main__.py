"""`python -m server`: the command `namak-server`."""

from namak.whole_help import with_whole_help
from server.cli.app import app


def main() -> None:
    """Runs the command."""
    with_whole_help(app)
    app(prog_name="namak-server")


if __name__ == "__main__":
    main()
