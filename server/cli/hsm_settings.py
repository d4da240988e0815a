"""Finds the keys that the settings name, for ceremonies: also that of a seal which has no certificate yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from server import config
from server.ceremony.purposes import ConfiguredKey, Purpose
from server.config_log import KeySettings
from server.config_seal import SealKeySettings
from server.hsm.token_link import TokenKey

_CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class KeySettingsRead:
    """The settings, and the keys that they name."""

    path: Path
    settings: config.Settings
    """Without the seal."""
    keys: tuple[ConfiguredKey, ...]

    def key(self, purpose: Purpose) -> ConfiguredKey | None:
        """Returns the key for a purpose; None where the settings name none."""
        return next((each for each in self.keys if each.purpose is purpose), None)


def read(path: Path, environment: Mapping[str, str]) -> KeySettingsRead:
    """Reads the settings. Raises `config.ConfigurationError`: all problems."""
    written = config.read(path, environment)
    settings = written.without("seal").checked()
    log = settings.log
    keys = [
        ConfiguredKey(
            Purpose.LOG, "[log.key]", _token(log.key), log.key.file, origin=log.origin, guard=log.guard
        )
    ]
    if (successor := log.next) is not None:
        keys.append(
            ConfiguredKey(
                Purpose.NEXT_LOG,
                "[log.next.key]",
                _token(successor.key),
                successor.key.file,
                origin=successor.origin,
                guard=successor.guard,
            )
        )
    seal = _seal(written)
    if seal is not None:
        keys.append(seal)
    return KeySettingsRead(path, settings, tuple(keys))


def _seal(written: config.Written) -> ConfiguredKey | None:
    content = dict(written.content.get("seal", {}))
    certificate = content.pop(_CERTIFICATE, None)
    content.pop("long_term", None)  # about certificates, not about the key
    directory = written.path.resolve().parent
    try:
        seal = SealKeySettings.model_validate(content, context={"directory": directory})
    except ValidationError as error:
        problems = [
            f"  {'.'.join(map(str, ('seal', *item['loc'])))}: {item['msg']}" for item in error.errors()
        ]
        raise config.ConfigurationError("\n".join([f"{written.path}:", *problems])) from error
    where = _token(seal)
    if where is None:
        return None
    file = None if certificate is None else directory / str(certificate)
    return ConfiguredKey(Purpose.SEAL, "[seal]", where, certificate=file)


def _token(key: KeySettings | SealKeySettings) -> TokenKey | None:
    if key.module is None or not key.token or key.pin_file is None:
        return None
    environment = {"SOFTHSM2_CONF": str(key.softhsm_config)} if key.softhsm_config else {}
    return TokenKey(key.module, key.token, key.label, key.pin_file, environment)
