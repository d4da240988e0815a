"""Processes that work for another one end with it, however it ends."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """Has this process, which `multiprocessing` started, end when the one that started it is gone.

    A pool's process waits for work on a pipe whose other end it holds itself: of one that was killed it would
    never hear, and stay for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="waits for the parent's end", daemon=True).start()
