"""What the classes of all tables have in common."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, LargeBinary, Table, Text, Uuid
from sqlalchemy.orm import DeclarativeBase

from server.storage.metadata import METADATA


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Returns the constraint that a column holds one of the values."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def sha256(column: str) -> CheckConstraint:
    """Returns the constraint that a column holds 32 bytes."""
    return CheckConstraint(f"octet_length({column}) = 32", name=column)


def sha256_of(column: str, content: str) -> CheckConstraint:
    """Returns the constraint that a column holds the digest of another one."""
    return CheckConstraint(f"{column} = sha256({content})", name=column)


class Stored(DeclarativeBase):
    """A row; the types of the columns follow from those of the attributes."""

    metadata = METADATA
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        int: BigInteger,
        str: Text,
        UUID: Uuid,
    }


def table(row: type[Stored]) -> Table:
    """Returns the table of a class."""
    found = row.__table__
    assert isinstance(found, Table)
    return found
