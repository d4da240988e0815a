"""What the database's driver raises by itself, without an answer of the database."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import asyncpg
import pytest

from server.domain.refusals import ServiceUnavailable
from server.storage.failures import answering, driving


@pytest.mark.parametrize("told", [answering, driving])
def test_a_driver_that_lost_count_of_its_connection_is_unavailable(
    told: Callable[[], AbstractContextManager[None]],
) -> None:
    with pytest.raises(ServiceUnavailable), told():
        raise asyncpg.InternalClientError("got result for unknown protocol state 3")
