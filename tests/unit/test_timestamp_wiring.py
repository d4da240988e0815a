"""The settings of time-stamping: what could never be stamped is told before anything starts."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from server.bootstrap_timestamps import RootsUnusable, timestamp_terms
from server.config_timestamps import TimestampsSettings


def authority(**changed: Any) -> dict[str, Any]:
    # Any file that is there.
    return {"name": "tsa", "url": "https://tsa.example/tsr", "roots": __file__, **changed}


def settings(*authorities: dict[str, Any], **more: Any) -> TimestampsSettings:
    return TimestampsSettings.model_validate({"authorities": list(authorities), **more})


async def test_without_authorities_nobody_is_asked() -> None:
    async with timestamp_terms(TimestampsSettings()) as terms:
        assert terms is None


@pytest.mark.parametrize("content", [b"", b"none", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
async def test_roots_that_hold_no_certificate_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    path.write_bytes(content)
    with pytest.raises(RootsUnusable, match=r"authority 'tsa': roots .*roots\.pem: there are no certific"):
        async with timestamp_terms(settings(authority(roots=str(path)))):
            pass


async def test_roots_that_cannot_be_read_are_told_with_the_authority(tmp_path: Path) -> None:
    with pytest.raises(RootsUnusable, match=rf"'tsa': roots {tmp_path} can't be read: Is a directory"):
        async with timestamp_terms(settings(authority(roots=str(tmp_path)))):
            pass


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("tsa.example", "'tsa.example' alone is no authority"),
        ({"name": "tsa", "url": "https://tsa.example/"}, "'tsa' has no roots: name is only what"),
        ({"url": "https://tsa.example/", "roots": ""}, "authority 'https://tsa.example/' has no roots"),
        (authority(roots="absent"), "absent does not exist"),
    ],
)
def test_a_name_is_told_from_roots(wrong: object, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TimestampsSettings.model_validate({"authorities": [wrong]})


@pytest.mark.parametrize(
    "wrong",
    [
        *({"name": ""}, {"name": "Court"}, {"name": "a/b"}, {"name": "a" * 64}, {"roots": "absent"}),
        *({"url": "ftp://a/"}, {"url": "a.example"}, {"url": "http:///x"}, {"url": "http://u@a/"}),
        *({"policy": "1"}, {"policy": "3.1"}, {"policy": "1.02"}, {"policy": "x"}, {"price": "1"}),
    ],
)
def test_a_wrong_authority_is_told(wrong: dict[str, Any]) -> None:
    assert settings(authority(policy="1.2.3")).authorities[0].name == "tsa"
    with pytest.raises(ValidationError):
        settings(authority(**wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"interval": "500ms"}, {"interval": "25h"}, {"timeout": "2m"}, {"retry_longest": "0s"}),
        *({"quorum": 0}, {"quorum": 2}),
    ],
)
def test_wrong_times_and_numbers_are_told(wrong: dict[str, Any]) -> None:
    assert settings(quorum=1).quorum == 1
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_two_authorities_have_two_names() -> None:
    settings(authority(), authority(name="other"))
    with pytest.raises(ValidationError, match="one name"):
        settings(authority(), authority(url="https://other.example/"))
