"""The database's URL for libpq."""

import pytest

from server.workers.connection_string import libpq_url


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("postgresql://namak@db.example:5432/post", "postgresql://namak@db.example:5432/post"),
        ("postgresql+asyncpg://a:p%40ss@h/n", "postgresql://a:p%40ss@h/n"),
        (
            "postgresql://postgres:@/postgres?host=/var/lib/x",
            "postgresql://postgres:@/postgres?host=%2Fvar%2Flib%2Fx",
        ),
        ("postgresql://h/n?ssl=require", "postgresql://h/n?sslmode=require"),
    ],
)
def test_names_what_asyncpg_and_libpq_name_otherwise(given: str, read: str) -> None:
    assert libpq_url(given) == read
