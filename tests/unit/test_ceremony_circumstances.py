"""What a protocol says of the settings that it was made with."""

from pathlib import Path

from server.ceremony.machine import circumstances


def test_a_variable_that_names_the_settings_file_is_no_override(tmp_path: Path) -> None:
    settings = tmp_path / "namak-server.toml"
    settings.touch()
    environment = {"NAMAK_SERVER_CONFIG": str(settings), "NAMAK_LOG__ORIGIN": "log.example.am/2026"}
    assert circumstances(settings, environment, "Asia/Yerevan").overridden == ("NAMAK_LOG__ORIGIN",)
