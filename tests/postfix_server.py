"""A mail server that others wrote: Debian's Postfix, unpacked and not installed, on loopback only.

It runs from a directory of its own, and is ended by its process. `scripts/setup --with-others` unpacks it.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.dev.pki import Identity
from tests.ports import free_port

WITHIN = 60.0
_OWNER, _GROUP = "daemon", "mail"
"""Accounts that every Debian has. Postfix asks for one that is not root's, and for another's group."""
_MAIN = """
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {place}/etc
mail_owner = {owner}
setgid_group = {group}
default_privs = nobody
import_environment = MAIL_CONFIG LANG=C {libraries}
export_environment = MAIL_CONFIG LANG=C {libraries}
maillog_file = {place}/log
maillog_file_prefixes = /
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.post.example.am
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
notify_classes =
smtp_dns_support_level = disabled
smtp_connection_cache_on_demand = no
smtp_host_lookup = native
smtpd_peername_lookup = no
transport_maps = inline:{{ {transports} }}
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {key}, {certificate}
smtp_tls_CAfile = {authority}
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtpd_tls_loglevel = 1
smtp_tls_policy_maps = inline:{{ {{ [127.0.0.1]:{secured} = secure match=localhost }} }}
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_OWNED = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "trace")


@dataclass(frozen=True)
class Relay:
    """The running server: where it takes mail, and what it wrote into its log."""

    port: int
    log: Path


def missing() -> str:
    """Says what is missing for it; nothing where it can run."""
    if _root() is None:
        return "Debian's Postfix is not there; scripts/setup --with-others unpacks it"
    return "" if os.geteuid() == 0 else "Postfix is started by root only"


def _root() -> Path | None:
    for root in (Path(sys.prefix) / "postfix", Path("/")):
        if (root / "usr/lib/postfix/sbin/master").exists():
            return root
    return None


@contextlib.asynccontextmanager
async def running(
    place: Path, identity: Identity, authority: Path, ports: Mapping[str, int], *, secured: int
) -> AsyncIterator[Relay]:
    """Meanwhile relays mail that comes over TLS to these domains' servers on loopback.

    To the port `secured` mail goes over TLS only, to a server whom the authority calls localhost.
    """
    port = await asyncio.to_thread(_lay_out, place, identity, authority, ports, secured)
    root = _root()
    assert root is not None
    # A process group of its own, which it ends with itself.
    master = await asyncio.create_subprocess_exec(
        root / "usr/lib/postfix/sbin/master",
        *("-c", place / "etc", "-d"),
        env={"PATH": os.defpath, "MAIL_LOGTAG": "postfix", "LD_LIBRARY_PATH": _libraries(root)},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(WITHIN):
            while not await _listens(port):
                assert master.returncode is None, _logged(place)
                await asyncio.sleep(0.05)
        yield Relay(port, place / "log")
    finally:
        if master.returncode is None:
            master.terminate()
        await asyncio.wait_for(master.wait(), WITHIN)


def _lay_out(place: Path, identity: Identity, authority: Path, ports: Mapping[str, int], secured: int) -> int:
    root = _root()
    assert root is not None
    assert identity.key_path is not None
    for name in ("etc", "data", "queue", "queue/pid", "queue/maildrop", "queue/public"):
        (place / name).mkdir()
    for name in _OWNED:
        (place / "queue" / name).mkdir(mode=0o700)
    owner = pwd.getpwnam(_OWNER).pw_uid
    for name in ("data", *(f"queue/{each}" for each in _OWNED)):
        os.chown(place / name, owner, -1)
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        shutil.chown(place / "queue" / name, _OWNER, _GROUP)
        (place / "queue" / name).chmod(mode)
    port = free_port()
    main = _MAIN.format(
        place=place,
        root=root if root != Path("/") else "",
        owner=_OWNER,
        group=_GROUP,
        libraries=f"LD_LIBRARY_PATH={_libraries(root)}",
        transports=" ".join(f"{{ {domain} = smtp:[127.0.0.1]:{at} }}" for domain, at in ports.items()),
        key=identity.key_path,
        certificate=identity.cert_path,
        authority=authority,
        secured=secured,
    )
    (place / "etc/main.cf").write_text(main, encoding="utf-8")
    (place / "etc/master.cf").write_text(_MASTER.format(port=port), encoding="utf-8")
    return port


def _libraries(root: Path) -> str:
    found = sorted(str(each) for each in (root / "usr/lib").glob("*-linux-gnu"))
    return ":".join([str(root / "usr/lib/postfix"), *found])


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _logged(place: Path) -> str:
    log = place / "log"
    return log.read_text(encoding="utf-8") if log.exists() else "Postfix ended without a word"
