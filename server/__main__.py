"""`python -m server`: the command `namak-server`."""

from server.cli.app import app


def main() -> None:
    """Runs the command."""
    app(prog_name="namak-server")


if __name__ == "__main__":
    main()
