"""`python -m scripts.story`: what `scripts/demo` runs."""

import os
import signal
import sys


def start() -> int:
    """Plays the story; returns the exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Importing takes a second, in which Ctrl-C has nothing to put in order.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from scripts.story.playing import main

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return main()


if __name__ == "__main__":
    sys.exit(start())
