"""Where figures may be told."""

import pytest
from pydantic import ValidationError

from server.config_metrics import MetricsSettings


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:9464",
        "localhost:0",
        "[::1]:9464",
        "10.0.0.7:9464",
        "172.31.0.1:1",
        "192.168.1.1:1",
        "[fd00::1]:1",
    ],
)
def test_near_addresses_will_do(address: str) -> None:
    assert MetricsSettings(listen=address).listen == address


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0:9464", "[::]:9464", "8.8.8.8:1", "172.32.0.1:1", "100.64.0.1:1", "[2001:db8::1]:1", "1.2:1"],
)
@pytest.mark.parametrize("key", ["listen", "work_listen", "smtp_listen", "log_listen"])
def test_others_must_be_asked_for(address: str, key: str) -> None:
    with pytest.raises(ValidationError, match=f"{key} must be a loopback or private address"):
        MetricsSettings.model_validate({key: address})

    assert getattr(MetricsSettings.model_validate({key: address, "public": True}), key) == address


def test_nothing_is_told_unless_it_is_asked_for() -> None:
    nowhere = MetricsSettings()

    assert (nowhere.listen, nowhere.work_listen, nowhere.smtp_listen, nowhere.log_listen) == (None,) * 4
    assert MetricsSettings.model_validate({"listen": ""}) == nowhere
