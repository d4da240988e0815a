"""The mobile-id service as the settings name it."""

from pathlib import Path

import pytest

from server.bootstrap_mobile_id import mobile_id
from server.config import Settings
from server.jurisdictions.az import AZ
from tests.fakes.clock import HeldClock
from tests.unit.test_config import GOOD, MOBILE_ID, loaded, place

__all__ = ["place"]


def set_up(place: Path, section: str = f"[mobile_id]\n{MOBILE_ID}\n") -> Settings:
    return loaded(place, f"{GOOD}\n{section}")


def test_there_is_none_without_an_address(place: Path) -> None:
    assert mobile_id(set_up(place, ""), AZ, HeldClock()) is None


@pytest.mark.parametrize("content", ["", "de305d54", "not a uuid at all, but 36 characters long"])
def test_a_file_without_a_uuid_is_told_by_its_name_and_not_by_its_content(place: Path, content: str) -> None:
    settings = set_up(place)
    (place / "pin").write_text(content, "utf-8")

    with pytest.raises(ValueError, match="pin holds no UUID") as error:
        mobile_id(settings, AZ, HeldClock())

    assert content not in str(error.value) or not content


def test_authorities_that_are_none_are_refused(place: Path) -> None:
    settings = set_up(place)
    (place / "pin").write_text("DE305D54-75B4-431B-ADB2-EB6B9E546014\n", "utf-8")

    with pytest.raises(OSError, match=r"."):
        mobile_id(settings, AZ, HeldClock())
