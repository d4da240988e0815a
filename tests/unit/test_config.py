"""The server's settings: what is read, and how what is wrong is told."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from namak.evidence.note import vkey
from server.bootstrap_citizens import revocation_of
from server.config import ConfigurationError, Settings, load
from server.gateways.certificate_status.fetching import Place
from server.gateways.certificate_status.settings import Revocation
from server.usecases.certificate_status import Purpose

GOOD = """
[server]
certificate = "server.pem"
key = "server.key.pem"
client_authorities = "clients.pem"

[log]
origin = "log.e-citizen.am/2026"
guard = "guard/checkpoint.note"

[log.key]
module = "module.so"
token = "namak-log"
pin_file = "pin"

[citizens]
roots = "roots.pem"
revocation_lists = "lists"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("server.pem", "server.key.pem", "clients.pem", "module.so", "pin", "roots.pem"):
        (tmp_path / name).touch()
    (tmp_path / "lists").mkdir()
    return tmp_path


def loaded(place: Path, content: str = GOOD, environment: Mapping[str, str] | None = None) -> Settings:
    path = place / "namak-server.toml"
    path.write_text(content, encoding="utf-8")
    return load(path, environment or {})


def problems(place: Path, content: str = GOOD, environment: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        loaded(place, content, environment)
    return str(refused.value)


def test_what_is_left_out_has_a_default_and_paths_are_relative_to_the_file(place: Path) -> None:
    settings = loaded(place)
    assert settings.database.url == "embedded"
    assert settings.server.default_deadline == timedelta(seconds=30)
    assert settings.log.guard == place / "guard/checkpoint.note"


def test_the_environment_overrides_the_file(place: Path) -> None:
    environment = {"NAMAK_SERVER_DRAIN": "500ms", "NAMAK_DATABASE_URL": "postgresql://db/namak"}
    settings = loaded(place, GOOD.replace("[log]", '[database]\nurl = "embedded"\n\n[log]', 1), environment)
    assert settings.server.drain == timedelta(milliseconds=500)
    assert settings.database.url == "postgresql://db/namak"


def test_dns_servers_are_a_list_in_the_file_and_stand_between_commas_in_the_environment(place: Path) -> None:
    assert loaded(place).dns.servers == ()
    listed = f'{GOOD}\n[dns]\nservers = ["127.0.0.1:53", "[::1]:5353"]\ntimeout = "500ms"\n'
    assert loaded(place, listed).dns.servers == ("127.0.0.1:53", "[::1]:5353")
    assert loaded(place, listed).dns.timeout == timedelta(milliseconds=500)
    settings = loaded(place, environment={"NAMAK_DNS_SERVERS": "127.0.0.1:53, [::1]:5353"})
    assert settings.dns.servers == ("127.0.0.1:53", "[::1]:5353")


def test_all_problems_are_told_at_once(place: Path) -> None:
    told = problems(
        place, GOOD.replace("server.pem", "missing.pem").replace("[log]", "surplus = 1\n\n[log]", 1)
    )
    assert "server.certificate" in told
    assert "server.surplus" in told


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"NAMAK_SERVER_DRAIN": "10"}, "server.drain"),
        ({"NAMAK_SERVER_LISTEN": "post.example.am"}, "server.listen"),
        ({"NAMAK_SERVER_HEALTH_LISTEN": "0.0.0.0:8444"}, "loopback"),
        ({"NAMAK_SERVER_DEFAULT_DEADLINE": "0s"}, "default_deadline"),
        ({"NAMAK_SERVER_MAX_DEADLINE": "29s"}, "max_deadline"),
        ({"NAMAK_DATABASE_POOL_SIZE": "1"}, "database.pool_size"),
        ({"NAMAK_LOG_ORIGIN": "log.e-citizen.am"}, "log.origin"),
        ({"NAMAK_LIMITS_REFUSALS_PER_MINUTE": "0"}, "limits.refusals_per_minute"),
        ({"NAMAK_DNS_SERVERS": "127.0.0.1"}, "dns.servers"),
        ({"NAMAK_DNS_SERVERS": "localhost:53"}, "127.0.0.1:53"),
        ({"NAMAK_DNS_TIMEOUT": "0s"}, "timeout must be"),
        ({"NAMAK_DNS_TIMEOUT": "21s"}, "timeout must be"),
    ],
)
def test_refuses_what_would_not_work(place: Path, environment: Mapping[str, str], named: str) -> None:
    assert named in problems(place, environment=environment)


def test_a_log_key_in_a_file_is_for_development_only(place: Path) -> None:
    in_token = 'module = "module.so"\ntoken = "namak-log"\npin_file = "pin"'
    in_file = GOOD.replace(in_token, 'file = "pin"')
    assert "development" in problems(place, in_file)
    assert loaded(place, f"development = true\n{in_file}").log.key.file == place / "pin"


def test_a_log_key_is_in_one_place(place: Path) -> None:
    both = GOOD.replace('token = "namak-log"', 'token = "namak-log"\nfile = "pin"')
    assert "either" in problems(place, f"development = true\n{both}")
    assert "needed" in problems(place, GOOD.replace('token = "namak-log"\n', ""))


NEXT = """
[log.next]
origin = "log.e-citizen.am/2027"
guard = "guard/2027.note"

[log.next.key]
module = "module.so"
token = "namak-log"
label = "namak-log-2027"
pin_file = "pin"
"""
FORMER = f'''
[[log.former]]
origin = "log.e-citizen.am/2025"
vkey = "{vkey("log.e-citizen.am/2025", bytes(31) + bytes([9]))}"
'''

NEXT_AS_FORMER = f'''
[[log.former]]
origin = "log.e-citizen.am/2027"
vkey = "{vkey("log.e-citizen.am/2027", bytes(31) + bytes([9]))}"
'''


def test_a_log_may_have_former_shards_and_a_next_one(place: Path) -> None:
    log = loaded(place, GOOD + NEXT + FORMER).log

    assert [shard.verifier.name for shard in log.former] == ["log.e-citizen.am/2025"]
    assert log.next is not None
    assert log.next.guard == place / "guard/2027.note"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (GOOD + NEXT.replace("2027", "2026"), "must all differ"),
        (GOOD + NEXT + FORMER.replace("2025", "2024", 1), "vkey is the key of"),
        (GOOD + NEXT + NEXT_AS_FORMER, "must all differ"),
        (GOOD + FORMER + FORMER, "must all differ"),
        (GOOD + FORMER.replace("2025+", "2025-"), "vkey: "),
        (GOOD + FORMER.replace("log.e-citizen.am/2025", "2025", 1), "log.former.0.origin"),
        (GOOD + NEXT.replace("guard/2027", "guard/checkpoint"), "a guard of its own"),
        (GOOD + NEXT.replace('label = "namak-log-2027"\n', ""), "a key of its own"),
        (GOOD + NEXT.replace("module.so", "nowhere.so"), "does not exist"),
        (
            GOOD + NEXT.partition("[log.next.key]")[0] + '[log.next.key]\nfile = "pin"\n',
            "development",
        ),
    ],
)
def test_shards_that_would_not_work_are_refused(place: Path, content: str, problem: str) -> None:
    assert problem in problems(place, content)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ('url = "ftp://registers.am/v1"', "https address"),
        ('url = "https://registers.am/v1"', "authorities is needed"),
        ('url = "http://registers.am/v1"', "only be on loopback"),
        ('url = "https://me:secret@registers.am/v1"', "the number is put behind it"),
        ('url = "https://registers.am/v1?of="', "the number is put behind it"),
        ('url = "https://registers.am/v1"\nauthorities = "roots.pem"', "must know who asks"),
        (
            'url = "https://registers.am/v1"\nauthorities = "roots.pem"\ncertificate = "server.pem"',
            "given together",
        ),
        ('token_file = "nowhere"', "does not exist"),
    ],
)
def test_a_register_that_can_t_be_asked_safely_is_refused(place: Path, section: str, problem: str) -> None:
    assert problem in problems(place, f"{GOOD}\n[registers.persons]\n{section}\n")


def test_a_register_may_be_asked_by_certificate_or_by_token_or_near_by(place: Path) -> None:
    by_token = 'url = "https://registers.am/v1"\nauthorities = "roots.pem"\ntoken_file = "pin"'
    near_by = 'url = "http://127.0.0.1:8080/v1"'
    for section in (by_token, near_by):
        assert loaded(place, f"{GOOD}\n[registers.entities]\n{section}\n").registers.entities.url


@pytest.mark.parametrize("wrong", ['timeout = "2m"', 'connect_timeout = "6s"', 'rest = "0s"', "attempts = 9"])
def test_the_times_of_registers_have_limits(place: Path, wrong: str) -> None:
    assert "registers" in problems(place, f"{GOOD}\n[registers]\n{wrong}\n")


MOBILE_ID = (
    'url = "https://mobile-id.az/mid-api"\nauthorities = "roots.pem"\n'
    'relying_party_file = "pin"\nrelying_party_name = "E-POST"'
)


def test_the_mobile_id_service_is_asked_as_the_settings_say(place: Path) -> None:
    assert loaded(place).mobile_id.url == ""
    environment = {"NAMAK_MOBILE_ID_LANGUAGES": "ENG, AZE", "NAMAK_MOBILE_ID_SESSION": "90s"}
    settings = loaded(place, f"{GOOD}\n[mobile_id]\n{MOBILE_ID}\n", environment).mobile_id
    assert settings.relying_party_file == place / "pin"
    assert settings.languages == ("ENG", "AZE")
    assert settings.session == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        (MOBILE_ID.replace("https", "http"), "https address"),
        (MOBILE_ID.replace("/mid-api", "/mid-api?a=b"), "end with its path"),
        (MOBILE_ID.replace("https://", "https://me:secret@"), "end with its path"),
        (MOBILE_ID.replace('authorities = "roots.pem"', ""), "are needed"),
        (MOBILE_ID.replace('relying_party_file = "pin"', ""), "are needed"),
        (MOBILE_ID.replace("E-POST", ""), "are needed"),
        ('authorities = "nowhere.pem"', "does not exist"),
        ('session = "10m"', "30s to 5m"),
        ('poll = "0s"', "1s to 1m"),
        ('timeout = "2m"', "100ms to 1m"),
    ],
)
def test_a_mobile_id_service_that_can_t_be_asked_safely_is_refused(
    place: Path, section: str, problem: str
) -> None:
    assert problem in problems(place, f"{GOOD}\n[mobile_id]\n{section}\n")


@pytest.mark.parametrize("code", ["am", "kz", "az"])
def test_one_setting_chooses_the_jurisdiction(place: Path, code: str) -> None:
    assert loaded(place, f'profile = "{code}"\n{GOOD}').profile == code
    assert loaded(place, environment={"NAMAK_PROFILE": code}).profile == code


@pytest.mark.parametrize("code", ["ge", "AM", ""])
def test_an_unknown_jurisdiction_is_told_with_those_there_are(place: Path, code: str) -> None:
    told = problems(place, f'profile = "{code}"\n{GOOD}')
    assert "profile: Input should be 'am', 'kz' or 'az'" in told


def test_revocation_is_known_from_files_alone_unless_hosts_are_set(place: Path) -> None:
    assert loaded(place).revocation.hosts == ()
    section = (
        'hosts = ["crl.example.am", "ocsp.example.am:8080"]\nresponder = "http://ocsp.example.am:8080/a"'
    )
    settings = loaded(place, f"{GOOD}\n[revocation]\n{section}\naccept_unknown = ['signature']\n")
    taken = revocation_of(settings)
    assert taken.places == {Place("crl.example.am", 80), Place("ocsp.example.am", 8080)}
    assert taken.responder == "http://ocsp.example.am:8080/a"
    assert taken.accept_unknown == {Purpose.SIGNATURE}
    assert revocation_of(loaded(place)) == Revocation()


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ('hosts = ["http://crl.example.am"]', "no host"),
        ('hosts = ["crl.example.am/path"]', "no host"),
        ('hosts = ["me@crl.example.am"]', "no host"),
        ('hosts = ["crl.example.am:port"]', "no host"),
        ('lists = ["http://crl.example.am/a.crl"]', "must stand in hosts"),
        ('hosts = ["crl.example.am"]\nlists = ["http://crl.example.am:81/a.crl"]', "must stand in hosts"),
        ('hosts = ["crl.example.am"]\nlists = ["ldap://crl.example.am/a"]', "no http or https"),
        ('hosts = ["a.am"]\nresponder = "http://b.am/"', "must stand in hosts"),
        ('require = "none"', "revocation.require"),
        ('accept_unknown = ["everything"]', "revocation.accept_unknown"),
        ('nonce = "never"', "revocation.nonce"),
        ('timeout = "1m"', "100ms to 20s"),
        ('list_timeout = "1s"', "timeout to 10m"),
        ('retry = "10m"', "at most refresh"),
        ('longest_answer = "1m"', "refresh to 168h"),
        ("longest_list_mib = 0", "revocation.longest_list_mib"),
    ],
)
def test_revocation_that_can_t_be_asked_about_safely_is_refused(
    place: Path, section: str, problem: str
) -> None:
    assert problem in problems(place, f"{GOOD}\n[revocation]\n{section}\n")


@pytest.mark.parametrize(
    "setting",
    [
        *("WITNESSES_INTERVAL", "WITNESSES_RENEWAL", "WITNESSES_RETRY_LONGEST", "WITNESSES_DEBT_LIMIT"),
        *("TIMESTAMPS_INTERVAL", "TIMESTAMPS_TIMEOUT", "JOBS_GRACE", "JOBS_SILENT", "PRINTING_LEASE"),
        *("INBOUND_MAIL_IDLE", "INBOUND_MAIL_TRANSFER", "SIGNATURES_TIMEOUT", "DNS_TIMEOUT"),
        *("MOBILE_ID_SESSION", "MOBILE_ID_POLL", "MOBILE_ID_TIMEOUT"),
    ],
)
def test_the_bounds_that_a_refused_duration_is_told_may_be_set(place: Path, setting: str) -> None:
    told = problems(place, environment={f"NAMAK_{setting}": "10000h"})
    bounds = re.search(r"must be (\w+) to (\w+)$", told)
    assert bounds is not None, told
    for bound in bounds.groups():
        loaded(place, environment={f"NAMAK_{setting}": bound})
