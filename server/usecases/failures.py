"""What may be told of a failure in the log of operation."""

import traceback


def frames_of(failure: BaseException) -> list[str]:
    """Returns where it happened, without its own text: a database puts the row's values in there."""
    return traceback.format_tb(failure.__traceback__)
