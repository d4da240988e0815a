"""``python -m namak.witness``: the same as the command ``namak-witness``."""

from namak.witness.cli import main

if __name__ == "__main__":
    main()
