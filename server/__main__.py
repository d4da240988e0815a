"""`python -m server`: the command `namak-server`."""

from server.cli import app


def main() -> None:
    """Runs the command."""
    app()


if __name__ == "__main__":
    main()
