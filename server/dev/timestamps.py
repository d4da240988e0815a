"""The time-stamping authority of a development world, under a root of its own.

Its time is the machine's: once a world's clock was put forward (`dev later`), its tokens are of another time
than the server's, which takes none of them and says so.
"""

import json
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.dev.authority import Purpose, private_pem, write_private, write_whole
from server.dev.beside import BesideProcess, Start
from server.dev.pki import DevelopmentPki
from server.dev.process import started
from server.dev.timestamp_server import openssl
from server.dev.world import World

NAME: Final = "office-of-time"
"""What the server's settings call it, and the files of its tokens."""

POLICY: Final = "1.3.6.1.4.1.99999.3161"

_STAMPING: Final = Purpose(digital_signature=True, extended=(ExtendedKeyUsageOID.TIME_STAMPING,))
_CONFIGURATION: Final = f"""[tsa]
serial = serial
signer_digest = sha256
default_policy = {POLICY}
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
ess_cert_id_chain = no
"""


def timestamp_directory(world: Path) -> Path:
    """Returns where a world's authority is."""
    return world / "timestamps"


def make_timestamp_authority(world: World) -> Path:
    """Makes the authority and its certificate, and the lists that tell that it and the seal's are not
    revoked; returns its directory. Raises `OpensslMissing`.
    """
    openssl()
    directory = timestamp_directory(world.directory)
    directory.mkdir()
    root = world.pki.timestamp_authority()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = root.issue(DevelopmentPki.office("Office of Time"), key.public_key(), _STAMPING)
    root.write_crl()
    world.pki.seal_authority().write_crl()
    write_private(directory / "key.pem", private_pem(key))
    write_whole(directory / "own.pem", certificate.public_bytes(Encoding.PEM))
    write_whole(world.tsa_roots, root.certificate.public_bytes(Encoding.PEM))
    (directory / "serial").write_text("01\n", encoding="ascii")
    (directory / "openssl.cnf").write_text(_CONFIGURATION, encoding="ascii")
    return directory


def with_timestamps(settings: Path, world: World, url: str) -> None:
    """Adds to settings that the authority at this address is asked, as often as it may be, and that seals are
    kept for the long term.
    """
    authority = ", ".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in (("name", NAME), ("url", url), ("roots", str(world.tsa_roots)))
    )
    with settings.open("a", encoding="utf-8") as file:
        file.write(f'\n[timestamps]\nauthorities = [{{ {authority} }}]\ninterval = "1s"\n')
        roots, lists = (
            json.dumps(str(path), ensure_ascii=False) for path in (world.seal_roots, _lists(world))
        )
        file.write(f"\n[seal.long_term]\nroots = {roots}\nrevocation_lists = {lists}\n")


def _lists(world: World) -> Path:
    return world.pki.seal_authority().crl_path.parent


class TimestampProcess(BesideProcess):
    """The authority as it runs."""

    @classmethod
    async def start(
        cls, directory: Path, *, listen: str = "127.0.0.1:0", within: float = 180.0, start: Start = started
    ) -> Self:
        """Starts the authority of a directory and waits until it listens. `start` does what `started` does.

        Raises `ServerFailed`.
        """
        words = ("server.dev.timestamp_server", str(directory), "--listen", listen)
        return await cls.run("authority", words, directory, within=within, start=start)
