"""The server's settings: one TOML file, with environment variables over it, read once.

`NAMAK_<SECTION>_<KEY>` overrides `key` in `[section]`, for example `NAMAK_DATABASE_URL`. Unknown keys are
refused, and every problem is told at once, before any socket opens. Secrets stand in files; the settings hold
their paths. Durations are texts with units (`500ms`, `30s`, `10m`), sizes numbers of what their keys name
(`memory_mib`). Nothing else in the server reads the environment.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, model_validator

from server.config_inbound_mail import InboundMailSettings
from server.config_jobs import JobSettings
from server.config_log import LogSettings
from server.config_mail import MailSettings
from server.config_metrics import MetricsSettings
from server.config_notices import NoticeSettings
from server.config_printing import PrintingSettings
from server.config_revocation import RevocationSettings
from server.config_seal import CertificateSettings, SealSettings
from server.config_signatures import SignatureSettings
from server.config_sms import SmsSettings
from server.config_timestamps import TimestampsSettings
from server.config_values import (
    LISTED,
    LOOPBACK_HOSTS,
    Address,
    Duration,
    ExistingPath,
    LoopbackAddress,
    NewPath,
    Section,
    within,
)
from server.config_witnesses import WitnessesSettings


class ConfigurationError(Exception):
    """The settings can't be used; the text lists every problem, a line each."""


class ServerSettings(Section):
    """Where and how the server listens."""

    listen: Address = "127.0.0.1:8443"
    """Address of the gRPC listener (mTLS). Port 0 takes a free one."""
    health_listen: LoopbackAddress = "127.0.0.1:8444"
    """Address of the health listener: plain, so it must be a loopback address."""
    certificate: ExistingPath
    """PEM file: the server's certificate and the authorities up to its root. Re-read when it changes."""
    key: ExistingPath
    """PEM file: the server's private key."""
    client_authorities: ExistingPath
    """PEM file: the roots of all client certificates: agencies', the operator's, citizens'."""
    processes: int = Field(default=1, ge=1, le=64)
    """Processes that serve side by side on the one address, each a whole server with limits and connections
    of its own. `serve --processes` goes before it.
    """
    max_concurrent_calls: int = Field(default=1000, ge=1)
    """Calls served at once by each process, half of them one caller's at most; above it the answer is
    OVERLOADED.
    """
    default_deadline: Duration = timedelta(seconds=30)
    """Deadline of a call that states none."""
    max_deadline: Duration = timedelta(minutes=5)
    """Longest deadline; a longer one is cut to it."""
    drain: Duration = timedelta(seconds=10)
    """How long calls under way may take to finish when the server stops."""

    @model_validator(mode="after")
    def _calls_have_time(self) -> "ServerSettings":
        if not timedelta(0) < self.default_deadline <= self.max_deadline:
            raise ValueError("default_deadline must be more than 0s and at most max_deadline")
        return self


class DatabaseSettings(Section):
    """Where the records are kept."""

    url: str = "embedded"
    """`postgresql://USER@HOST:PORT/NAME` (15 or newer), or `embedded` for the PostgreSQL that comes with the
    server.
    """
    directory: NewPath = Path("database")
    """Where the embedded PostgreSQL keeps its files, beside the settings by default."""
    pool_size: int = Field(default=10, ge=2, le=500)
    """Connections at most, besides four for submissions, up to seven of the log, three for those who follow
    it, and one that asks whether the database answers.
    """


class CitizenSettings(Section):
    """The authorities that issue personal certificates."""

    roots: ExistingPath
    """PEM file: the citizen roots. Only a path to one of these makes a holder."""
    intermediates: ExistingPath | None = None
    """PEM file: the authorities below the roots."""
    revocation_lists: ExistingPath
    """Directory of their revocation lists (DER or PEM, `*.crl` and `*.crl.pem`). Re-read when it changes."""


class DnsSettings(Section):
    """Whom to ask about host names of senders, and for the records that prove domains."""

    servers: Annotated[tuple[Address, ...], LISTED] = ()
    """Addresses of resolvers, `IP:PORT`, asked in their order; none means those that the system asks. Give
    ones that you trust, near by, for example one on the machine itself that checks DNSSEC.
    """
    timeout: Annotated[Duration, within("100ms", "20s")] = timedelta(seconds=3)
    """How long one look-up takes at most, 100 ms to 20 s."""

    @model_validator(mode="after")
    def _servers_are_addresses(self) -> "DnsSettings":
        if any(server.startswith("localhost") for server in self.servers):
            raise ValueError("a server is IP:PORT, such as 127.0.0.1:53, and no name")
        return self


class RegisterSettings(Section):
    """One of the state's registers."""

    url: str = ""
    """Its address, below which the numbers are: `https://registers.example.am/v1/persons`. Without one there
    is no such register, and what depends on it waits.
    """
    authorities: ExistingPath | None = None
    """PEM file: the roots that its certificate must lead to. Those of the system do not count."""
    certificate: ExistingPath | None = None
    """PEM file: the certificate that the server shows it, with its issuers."""
    key: ExistingPath | None = None
    """PEM file: that certificate's key."""
    token_file: ExistingPath | None = None
    """File that holds a bearer token, instead of a certificate or beside it."""

    @model_validator(mode="after")
    def _is_safe_to_ask(self) -> "RegisterSettings":
        if not self.url:
            return self
        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("url must be an https address")
        if address.query or address.fragment or address.username or address.password:
            raise ValueError("url must end with its path: the number is put behind it")
        if address.scheme == "https" and self.authorities is None:
            raise ValueError("authorities is needed: the roots that the register's certificate must lead to")
        if address.scheme == "http" and address.hostname not in LOOPBACK_HOSTS:
            raise ValueError("without https a register may only be on loopback")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are given together")
        if self.certificate is None and self.token_file is None and address.scheme == "https":
            raise ValueError(
                "certificate and key, or token_file, are needed: the register must know who asks"
            )
        return self


class RegistersSettings(Section):
    """The state's registers of persons and of entities (BOX-10). Files are read again when they change."""

    persons: RegisterSettings = RegisterSettings()
    """The register of persons."""
    entities: RegisterSettings = RegisterSettings()
    """The register of entities."""
    timeout: Annotated[Duration, within("100ms", "1m")] = timedelta(seconds=5)
    """How long one question takes at most, repetitions and all; 100 ms to 1 min."""
    connect_timeout: Duration = timedelta(seconds=2)
    """How long a connection may take to come about."""
    attempts: int = Field(default=3, ge=1, le=5)
    """How often a register is asked at most for one answer, where it does not answer or fails."""
    failures: int = Field(default=5, ge=1)
    """After so many failed questions in a row a register is left alone."""
    rest: Duration = timedelta(seconds=30)
    """For so long, then one question tries again."""
    keep: Duration = timedelta(minutes=10)
    """How long answers are kept, in memory only. Each says how old it is, and whoever needs a fresher one
    asks anew. `0s` keeps none.
    """
    kept_answers: int = Field(default=10_000, ge=1)
    """How many are kept of each register at most."""

    @model_validator(mode="after")
    def _has_time(self) -> "RegistersSettings":
        if not timedelta(0) < self.connect_timeout <= self.timeout:
            raise ValueError("connect_timeout must be more than 0s and at most timeout")
        if self.rest <= timedelta(0):
            raise ValueError("rest must be more than 0s")
        return self


class MobileIdSettings(Section):
    """The mobile-id service, where holders sign in and sign with their phones (SIGN-1)."""

    url: str = ""
    """Its address with the path before `authentication`: `https://mobile-id.example.az/mid-api`. Without one
    nobody is offered mobile id.
    """
    authorities: ExistingPath | None = None
    """PEM file: the authorities that vouch for its certificate. No others count, nor those of the system."""
    relying_party_file: ExistingPath | None = None
    """File that holds what the service knows the operator by, a UUID. It is a secret."""
    relying_party_name: str = Field(default="", max_length=100)
    """The name that it gave the operator; phones show it."""
    languages: Annotated[tuple[str, ...], LISTED] = ("ENG",)
    """The languages of its own words on phones, as it names them, in three letters; others get ENG."""
    session: Annotated[Duration, within("30s", "5m")] = timedelta(minutes=2)
    """How long a holder has to enter the PIN, 30 s to 5 min."""
    poll: Annotated[Duration, within("1s", "1m")] = timedelta(seconds=20)
    """How long the service is asked to wait with one answer, 1 s to 1 min."""
    timeout: Annotated[Duration, within("100ms", "1m")] = timedelta(seconds=10)
    """How long any other answer may take, 100 ms to 1 min."""

    @model_validator(mode="after")
    def _is_safe_to_ask(self) -> "MobileIdSettings":
        if not self.url:
            return self
        address = urlsplit(self.url)
        if address.scheme != "https" or not address.hostname:
            raise ValueError("url must be an https address")
        if address.query or address.fragment or address.username or address.password:
            raise ValueError("url must end with its path")
        if self.authorities is None or self.relying_party_file is None or not self.relying_party_name:
            raise ValueError("authorities, relying_party_file and relying_party_name are needed with a url")
        return self


class LimitSettings(Section):
    """Limits of use."""

    refusals_per_minute: int = Field(default=600, ge=1)
    """Refused submissions of one organisation that are recorded within a minute; beyond, nothing is recorded.
    """


class Settings(Section):
    """Everything the server needs to know before it starts."""

    profile: Literal["am", "kz", "az"] = "am"
    """The jurisdiction: `namak-server profile show` tells what each decides."""
    development: bool = False
    """Permits what only a developer's machine may do: loopback networks for senders, and a log key in a file.
    """
    development_clock: NewPath | None = None
    """Development only: file that says by how many seconds the clock is ahead (`namak-server dev later`)."""
    server: ServerSettings
    database: DatabaseSettings = DatabaseSettings()
    log: LogSettings
    citizens: CitizenSettings
    revocation: RevocationSettings = RevocationSettings()
    dns: DnsSettings = DnsSettings()
    registers: RegistersSettings = RegistersSettings()
    mobile_id: MobileIdSettings = MobileIdSettings()
    signatures: SignatureSettings = SignatureSettings()
    mail: MailSettings = MailSettings()
    notices: NoticeSettings = NoticeSettings()
    sms: SmsSettings = SmsSettings()
    jobs: JobSettings = JobSettings()
    inbound_mail: InboundMailSettings = InboundMailSettings()
    printing: PrintingSettings = PrintingSettings()
    seal: SealSettings = SealSettings()
    certificate: CertificateSettings = CertificateSettings()
    limits: LimitSettings = LimitSettings()
    witnesses: WitnessesSettings = WitnessesSettings()
    timestamps: TimestampsSettings = TimestampsSettings()
    metrics: MetricsSettings = MetricsSettings()

    @model_validator(mode="after")
    def _file_keys_are_for_development(self) -> "Settings":
        if self.log.has_key_in_file and not self.development:
            raise ValueError("a log key in a file is for development only: put it into a PKCS#11 token")
        if self.development_clock is not None and not self.development:
            raise ValueError("development_clock is for development only")
        return self


@dataclass(frozen=True, slots=True)
class Written:
    """Settings as written, the environment's among them, unchecked: keys by section, and the file."""

    content: Mapping[str, Any]
    path: Path

    def but(self, section: str, **changed: Any) -> "Written":
        """Returns the same with keys of a section set to something else."""
        return replace(self, content={**self.content, section: {**self.content.get(section, {}), **changed}})

    def without(self, section: str) -> "Written":
        """Returns the same without a section."""
        return replace(self, content={name: each for name, each in self.content.items() if name != section})

    def checked(self) -> Settings:
        """Returns the settings; relative paths are relative to the file.

        Raises ConfigurationError: something is wrong; the text lists all problems.
        """
        try:
            return Settings.model_validate(self.content, context={"directory": self.path.resolve().parent})
        except ValidationError as error:
            problems = [
                f"  {'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors()
            ]
            raise ConfigurationError("\n".join([f"{self.path}:", *problems])) from error


def read(path: Path, environment: Mapping[str, str]) -> Written:
    """Reads a TOML file and the environment. Raises ConfigurationError: the file can't be read."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such file") from error
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    _overlay(content, environment)
    return Written(content, path)


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """Returns the settings of a TOML file and the environment. Raises ConfigurationError: all problems."""
    return read(path, environment).checked()


def _overlay(content: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, field in Settings.model_fields.items():
        variable = f"NAMAK_{name.upper()}"
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            if variable in environment:
                content[name] = environment[variable]
            continue
        for key in section.model_fields:
            if (override := environment.get(f"{variable}_{key.upper()}")) is not None:
                content.setdefault(name, {})[key] = override
