"""Settings of public notices that can't be meant are refused before anything starts, and why is said."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from server.bootstrap_notices import notice_actions, notice_handlers
from server.config import Settings
from server.config_notices import NoticeSettings
from server.jurisdictions.am import AM
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.test_config import loaded, place

__all__ = ["place"]

GOOD = {
    "site_url": "https://gazette.example.am/notices",
    "authorities": "ca.pem",
    "token_file": "token",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("ca.pem", "token", "key.pem"):
        (tmp_path / name).touch()
    return tmp_path


def checked(files: Path, **given: object) -> NoticeSettings:
    return NoticeSettings.model_validate(given, context={"directory": files})


@pytest.mark.parametrize(
    "given",
    [
        {},
        GOOD,
        {"site_url": "http://127.0.0.1:8099/notices"},
        {"feed_url": "https://notices.post.example.am"},
        {"feed_url": "https://post.example.am/notices/", "feed_listen": "[::1]:0", "feed_page": 1},
    ],
)
def test_what_can_be_meant_is_taken(files: Path, given: dict[str, object]) -> None:
    checked(files, **given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (GOOD | {"feed_url": "https://notices.post.example.am"}, "either site_url or feed_url"),
        (GOOD | {"site_url": "http://gazette.example.am/notices"}, "only be on loopback"),
        (GOOD | {"site_url": "ftp://gazette.example.am"}, "https address"),
        (GOOD | {"site_url": "https://"}, "https address"),
        (GOOD | {"site_url": "https://[::"}, "https address"),
        (GOOD | {"site_url": "https://a@gazette.example.am/"}, "end with its path"),
        (GOOD | {"site_url": "https://gazette.example.am/?id="}, "end with its path"),
        (GOOD | {"site_url": "https://gazette.example.am/Ծ"}, "ASCII"),
        (GOOD | {"site_url": "https://gazette.example.am/" + "a" * 400}, "400 characters"),
        (GOOD | {"site_public_url": "gazette"}, "site_public_url must be"),
        ({k: v for k, v in GOOD.items() if k != "authorities"}, "authorities is needed"),
        ({k: v for k, v in GOOD.items() if k != "token_file"}, "must know who asks"),
        (GOOD | {"certificate": "ca.pem"}, "given together"),
        (GOOD | {"token_file": "not-there"}, "does not exist"),
        (GOOD | {"timeout": "0s"}, "timeout must be 1s to 5m"),
        (GOOD | {"timeout": "6m"}, "timeout must be 1s to 5m"),
        (GOOD | {"connect_timeout": "31s"}, "at most timeout"),
        ({"feed_url": "javascript:alert(1)"}, "https address"),
        ({"feed_url": "http://post.example.am"}, "only be on loopback"),
        ({"feed_url": "https://post.example.am", "feed_listen": "0.0.0.0:8447"}, "loopback"),
        ({"feed_page": 0}, "greater than or equal to 1"),
        ({"site": "https://gazette.example.am"}, "Extra inputs"),
    ],
)
def test_what_can_not_be_meant_is_refused_and_says_why(
    files: Path, given: dict[str, object], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        checked(files, **given)


def with_notices(settings: Settings, notices: NoticeSettings) -> Settings:
    return settings.model_copy(update={"notices": notices})


def test_without_a_place_the_step_has_nobody_and_with_one_its_jobs_do(place: Path, files: Path) -> None:
    settings, uow = loaded(place), FakeUnitOfWork()
    assert notice_actions(settings) == {}
    assert notice_handlers(settings, AM, uow, None) == {}
    for given in ({"site_url": "http://127.0.0.1:8099"}, {"feed_url": "https://notices.post.example.am"}):
        configured = with_notices(settings, checked(files, **given))
        kinds = {kind.name for kind in notice_handlers(configured, AM, uow, None)}
        assert kinds == {"notices.publish", "notices.withdraw"}
        assert {kind.name for kind in notice_actions(configured).values()} == {"notices.publish"}


def test_files_that_can_not_be_used_are_told_at_the_start(place: Path, files: Path) -> None:
    settings = with_notices(loaded(place), checked(files, **GOOD))
    with pytest.raises((OSError, ValueError), match=r"token|certificate|NO_CERTIFICATE|no start line"):
        notice_handlers(settings, AM, FakeUnitOfWork(), None)
