"""``python -m namak.cli``: the same as the command ``namak``."""

from namak.cli import main

main()
