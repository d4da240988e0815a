"""The client's configuration: one TOML file, every problem in it told at once, before any socket opens."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from namak.errors import ConfigurationError

T = TypeVar("T")

ENVIRONMENT = "NAMAK_CONFIG"
"""The environment variable that names the file, when no option does."""

DEFAULT_TIMEOUT = 60.0
"""Seconds for one call with all its tries."""

_LANGUAGES = ("hy", "ru", "en", "kk", "az")
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Signing:
    """Where the holder's signing key is: a card or token behind a PKCS#11 module."""

    module: Path
    """The PKCS#11 module, a shared library."""
    token: str
    """The token's label."""
    label: str
    """The private key's label on the token."""
    certificate: Path
    """The signing certificate in PEM, followed by its issuers up to, and without, the root."""
    config: Path | None = None
    """SoftHSM's configuration file, for a software token."""
    pin_file: Path | None = None
    """A file whose first line is the PIN; without it, the PIN is asked for."""


@dataclass(frozen=True, slots=True)
class CardFiles:
    """What ``[signing]`` says, of which tools for cards need no more than they use; empty is not said."""

    module: Path | None = None
    token: str = ""
    label: str = ""
    certificate: Path | None = None
    config: Path | None = None
    pin_file: Path | None = None


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """What a verifier trusts, by file; got from elsewhere, never from what is verified."""

    log_policy: Path | None = None
    """A C2SP tlog-policy: the logs, and the witnesses if any."""
    citizen_roots: Path | None = None
    """The root certificates of citizens' signing certificates, PEM."""
    seal_roots: Path | None = None
    """The authorities of the seals on delivery certificates, PEM."""
    tsa_roots: Path | None = None
    """The roots of time-stamping authorities, PEM."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that a client needs to know to connect, and where signing and trust come from."""

    address: str
    """Host and port of the post, for example ``post.example.am:443``."""
    ca: Path
    """The certificate authorities of the server, PEM."""
    certificate: Path
    """The caller's certificate, PEM, followed by its issuers."""
    key: Path
    """The private key of the certificate, PEM."""
    timeout: float = DEFAULT_TIMEOUT
    """Seconds for one call with all its tries."""
    server_name: str | None = None
    """The name in the server's certificate, when it is not the host of the address."""
    signing: Signing | None = None
    """Where the signing key is, for those who confirm."""
    trust: TrustFiles = field(default_factory=TrustFiles)
    """What ``verify`` trusts."""
    acting_as: str | None = None
    """The organisation that an administrator acts for, by identifier or code, when no option names one."""
    lang: str | None = None
    """The language of the command ``namak``, and of what the post tells the person: hy, ru, en, kk or az."""

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Reads the file named, or found as :func:`find_config` says.

        Raises :class:`ConfigurationError` with every problem: unknown and missing keys, wrong values, missing
        files.
        """
        source = find_config(path)
        reader = _Reader(source, read_config(source))
        result = cls(
            address=reader.required("address", _address, ""),
            ca=reader.required("ca", reader.file, Path()),
            certificate=reader.required("certificate", reader.file, Path()),
            key=reader.required("key", reader.file, Path()),
            timeout=reader.optional("timeout", parse_duration, DEFAULT_TIMEOUT),
            server_name=reader.optional("server_name", _text, None),
            signing=_signing(reader.section("signing")),
            trust=_trust(reader.section("trust")),
            acting_as=reader.optional("acting_as", _text, None),
            lang=reader.optional("lang", _language, None),
        )
        reader.finish()
        return result


def load_trust(path: Path | None = None) -> TrustFiles:
    """Reads only ``[trust]`` of the file: verifying needs no connection, so it needs no connection's
    settings.
    """
    source = find_config(path)
    reader = _Reader(source, read_config(source))
    result = _trust(reader.section("trust"))
    reader.finish(only="trust")
    return result


def load_card(path: Path | None = None) -> CardFiles:
    """Reads only ``[signing]`` of the file, and takes it where it is incomplete: options may say the rest."""
    source = find_config(path)
    reader = _Reader(source, read_config(source))
    section = reader.section("signing")
    if section is None:
        return CardFiles()
    section.optional("prompt", _truth, None)
    result = CardFiles(
        module=section.optional("module", reader.file, None),
        token=section.optional("token", _text, ""),
        label=section.optional("label", _text, ""),
        certificate=section.optional("certificate", reader.file, None),
        config=section.optional("config", reader.file, None),
        pin_file=section.optional("pin_file", reader.file, None),
    )
    reader.finish(only="signing")
    return result


def find_config(path: Path | None = None) -> Path:
    """Returns the file to read: the one named, else ``NAMAK_CONFIG``, else ./namak.toml, else the user's
    own.
    """
    if path is not None:
        return path
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    places = (Path("namak.toml"), Path.home() / ".config" / "namak" / "namak.toml")
    for place in places:
        if place.is_file():
            return place
    looked = " nor ".join(str(place) for place in places)
    raise ConfigurationError("no configuration", [f"neither {looked} exists, and {ENVIRONMENT} names none"])


def read_config(path: Path) -> Mapping[str, object]:
    """Returns the file's content as TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise ConfigurationError(str(path), [f"can't be read: {problem.strerror}"]) from problem
    except ValueError as problem:  # neither TOML nor UTF-8
        raise ConfigurationError(str(path), [f"is not TOML: {problem}"]) from problem


def parse_duration(value: object) -> float:
    """Returns seconds from a text such as ``500ms``, ``30s`` or ``2m``. Raises ValueError."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError('must be a time with its unit, for example "30s", more than zero')
    return float(match[1]) * _SECONDS[match[2]]


def _signing(reader: "_Reader | None") -> Signing | None:
    if reader is None:
        return None
    prompt = reader.optional("prompt", _truth, None)
    pin_file = reader.optional("pin_file", reader.file, None)
    if prompt and pin_file is not None:
        reader.problem("prompt", "can't be true when pin_file is given")
    if prompt is False and pin_file is None:
        reader.problem("prompt", "can't be false without pin_file")
    return Signing(
        module=reader.required("module", reader.file, Path()),
        token=reader.required("token", _text, ""),
        label=reader.required("label", _text, ""),
        certificate=reader.required("certificate", reader.file, Path()),
        config=reader.optional("config", reader.file, None),
        pin_file=pin_file,
    )


def _trust(reader: "_Reader | None") -> TrustFiles:
    if reader is None:
        return TrustFiles()
    return TrustFiles(
        log_policy=reader.optional("log_policy", reader.file, None),
        citizen_roots=reader.optional("citizen_roots", reader.file, None),
        seal_roots=reader.optional("seal_roots", reader.file, None),
        tsa_roots=reader.optional("tsa_roots", reader.file, None),
    )


class _Reader:
    """Takes known keys out of a table and collects what is wrong; what is left over at the end is unknown."""

    def __init__(
        self, source: Path, table: Mapping[str, object], prefix: str = "", problems: list[str] | None = None
    ) -> None:
        self._source = source
        self.left = dict(table)
        self._prefix = prefix
        self._problems = [] if problems is None else problems
        self._sections: list[_Reader] = []

    def problem(self, key: str, text: str) -> None:
        """Notes what is wrong with a key."""
        self._problems.append(f"{self._prefix}{key} {text}")

    def required(self, key: str, parse: Callable[[object], T], otherwise: T) -> T:
        """Returns the key's value; ``otherwise`` only stands in until :meth:`finish` refuses the file."""
        if key not in self.left:
            self.problem(key, "is missing")
            return otherwise
        return self.optional(key, parse, otherwise)

    def optional(self, key: str, parse: Callable[[object], T], otherwise: T) -> T:
        """Returns the key's value, or ``otherwise`` when it is absent."""
        if key not in self.left:
            return otherwise
        try:
            return parse(self.left.pop(key))
        except ValueError as problem:
            self.problem(key, str(problem))
            return otherwise

    def section(self, key: str) -> "_Reader | None":
        """Returns a reader of a sub-table, or None when it is absent."""
        table = self.left.pop(key, None)
        if table is None:
            return None
        if not isinstance(table, dict):
            self.problem(key, "must be a table")
            return None
        reader = _Reader(self._source, table, f"{self._prefix}{key}.", self._problems)
        self._sections.append(reader)
        return reader

    def file(self, value: object) -> Path:
        """Returns the path of an existing file; a relative one counts from the configuration's own
        directory.
        """
        path = self._source.parent / Path(_text(value)).expanduser()
        if not path.is_file():
            raise ValueError(f"names no file: {path}")
        return path.absolute()

    def finish(self, only: str = "") -> None:
        """Raises :class:`ConfigurationError` if anything was wrong (with the keys that begin with
        ``only``).
        """
        for reader in (self, *self._sections):
            for key in reader.left:
                reader.problem(key, "is unknown")
        found = [text for text in self._problems if text.startswith(only)]
        if found:
            raise ConfigurationError(str(self._source), found)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text, not empty")
    return value


def _truth(value: object) -> bool | None:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _language(value: object) -> str:
    text = _text(value)
    if text not in _LANGUAGES:
        raise ValueError(f"must be one of {', '.join(_LANGUAGES)}")
    return text


def _address(value: object) -> str:
    text = _text(value)
    host, _, port = text.rpartition(":")
    if not host or "/" in text or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError('must be host and port, for example "post.example.am:443"')
    return text


def files_of(connection: Connection) -> Sequence[bytes]:
    """Returns the contents of ``certificate``, ``key`` and ``ca``. Raises :class:`ConfigurationError`."""
    contents: list[bytes] = []
    problems: list[str] = []
    for name, path in (
        ("certificate", connection.certificate),
        ("key", connection.key),
        ("ca", connection.ca),
    ):
        try:
            contents.append(path.read_bytes())
        except OSError as problem:
            problems.append(f"{name} can't be read: {path}: {problem.strerror}")
    if problems:
        raise ConfigurationError("the connection's files", problems)
    return contents
