"""SoftHSM2 tokens, standing in for the log's HSM and for citizens' cards.

SoftHSM2 reads the path of its configuration from the environment (SOFTHSM2_CONF) when a process first uses
the module, and that names one directory of tokens. So one process sees one `TokenStore`: the log's token and
a citizen's card are separate stores for separate processes (the log's is named to the server's token process
only, by `server.hsm.pkcs11.TokenKey.environment`). This module too does all its work in child processes, so
that importing it, and making tokens of several stores, leaves the calling process free to use any.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util.ec import decode_ec_private_key, encode_named_curve_parameters
from pkcs11.util.x509 import decode_x509_certificate

from server.hsm.keygen import generate_log_key

_CONFIGURATION = "SOFTHSM2_CONF"
_SECONDS = 180

# scripts/setup looks in the same places.
_PLACES = (
    "/usr/lib/softhsm",
    "/usr/lib/*/softhsm",
    "/usr/lib64/softhsm",
    "/usr/lib64/pkcs11",
    "/usr/local/lib/softhsm",
)


class SoftHsmMissing(RuntimeError):
    """SoftHSM2 is not installed. On Debian and Ubuntu: apt-get install softhsm2."""


class TokenFailed(RuntimeError):
    """SoftHSM2 did not do what it was asked; its words follow."""


def softhsm_module() -> Path:
    """Returns the PKCS#11 module of SoftHSM2. Raises `SoftHsmMissing`."""
    for place in _PLACES:
        for module in Path("/").glob(f"{place[1:]}/libsofthsm2.so"):
            return module
    raise SoftHsmMissing(SoftHsmMissing.__doc__)


@dataclass(frozen=True)
class StoredKey:
    """A certificate (DER) with its key; None for a key that the token holds already, under this label."""

    label: str
    certificate: bytes
    key: ec.EllipticCurvePrivateKey | None = None


@dataclass(frozen=True)
class SoftToken:
    """One token with its PIN, which also stands in a file that only its owner may read."""

    module: Path
    configuration: Path
    """The value of SOFTHSM2_CONF for processes that use this token."""

    label: str
    pin: str
    pin_file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process that uses this token must have in its environment."""
        return {_CONFIGURATION: str(self.configuration)}

    def generate_log_key(self, label: str) -> bytes:
        """Makes an Ed25519 key pair, as in a real HSM, and returns the public key (32 bytes)."""
        return bytes.fromhex(self._in_child("ed25519", label))

    def generate_card_key(self, label: str) -> ec.EllipticCurvePublicKey:
        """Makes a P-256 key pair and returns the public key.

        SoftHSM2 signs with it by raw ECDSA only (Mechanism.ECDSA over a digest; r and s as 64 bytes).
        """
        return ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), bytes.fromhex(self._in_child("p256", label))
        )

    def generate_wary_key(self, label: str) -> ec.EllipticCurvePublicKey:
        """Makes a P-256 key pair that wants the PIN for every signature (CKA_ALWAYS_AUTHENTICATE), as the
        signing keys of many cards do, and returns the public key.
        """
        return ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), bytes.fromhex(self._in_child("wary p256", label))
        )

    def store_certificate(self, label: str, key_label: str, certificate: bytes) -> None:
        """Puts a certificate (DER) on the token, under the identifier of the key with that label."""
        self._in_child("certificate", label, key=key_label, certificate=certificate.hex())

    def store_keys(self, keys: Sequence[StoredKey]) -> None:
        """Puts keys with their certificates on the token, each pair under its label."""
        self._in_child(
            "keys",
            "",
            keys=json.dumps(
                [
                    {
                        "label": each.label,
                        "certificate": each.certificate.hex(),
                        "private": "" if each.key is None else _sec1(each.key).hex(),
                    }
                    for each in keys
                ]
            ),
        )

    def delete_private_key(self, label: str) -> None:
        """Takes a private key off the token; its public key and its certificates stay."""
        self._in_child("delete", label)

    def _in_child(self, kind: str, label: str, **more: str) -> str:
        request = {
            "kind": kind,
            "module": str(self.module),
            "token": self.label,
            "pin": self.pin,
            "key": label,
            "label": label,
            **more,
        }
        child = [sys.executable, "-P", "-m", "server.dev.tokens"]
        return _run(child, self.environment, given=json.dumps(request)).strip()


@dataclass(frozen=True)
class TokenStore:
    """A directory of SoftHSM2 tokens with its configuration."""

    directory: Path
    module: Path

    @classmethod
    def create(cls, directory: Path) -> Self:
        """Makes the store, or finds the one that was made there. Raises `SoftHsmMissing`."""
        store = cls(directory.resolve(), softhsm_module())
        tokens = store.directory / "tokens"
        tokens.mkdir(mode=0o700, parents=True, exist_ok=True)
        store.configuration.write_text(
            f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n",
            encoding="utf-8",
        )
        return store

    @property
    def configuration(self) -> Path:
        return self.directory / "softhsm2.conf"

    def new_token(self, label: str, pin: str) -> SoftToken:
        """Initialises a token with this label and user PIN. Raises `TokenFailed`; labels are not reused."""
        pin_file = self.directory / f"{label}.pin"
        tool = shutil.which("softhsm2-util", path=os.defpath + os.pathsep + os.environ.get("PATH", ""))
        if tool is None:
            raise SoftHsmMissing(SoftHsmMissing.__doc__)
        if pin_file.exists():
            raise TokenFailed(f"there is a token {label!r} already")
        with os.fdopen(os.open(pin_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(pin)
        _run(
            [tool, "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", f"so-{pin}"],
            {_CONFIGURATION: str(self.configuration)},
        )
        return self.token(label)

    def token(self, label: str) -> SoftToken:
        """Returns a token that was made before. Raises `TokenFailed` when there is none."""
        pin_file = self.directory / f"{label}.pin"
        try:
            pin = pin_file.read_text(encoding="utf-8")
        except FileNotFoundError as failure:
            raise TokenFailed(f"there is no token {label!r}") from failure
        return SoftToken(self.module, self.configuration, label, pin, pin_file)


def _run(command: list[str], environment: dict[str, str], given: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - our own Python, or softhsm2-util
        command,
        env={**os.environ, **environment},
        input=given,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise TokenFailed((done.stderr or done.stdout).strip())
    return done.stdout


def _open(request: dict[str, str]) -> Any:
    """Returns a session in which the token can be written to."""
    token = pkcs11.lib(request["module"]).get_token(token_label=request["token"])
    return token.open(user_pin=request["pin"], rw=True)


def _store_certificate(request: dict[str, str]) -> bytes:
    with _open(request) as session:
        session.create_object(_certificate(request["label"], request["key"], request["certificate"]))
    return b""


def _certificate(label: str, key_label: str, certificate: str) -> dict[Attribute, Any]:
    attributes = {**decode_x509_certificate(bytes.fromhex(certificate)), Attribute.LABEL: label}
    return {**attributes, Attribute.TOKEN: True, Attribute.ID: key_label.encode()}


def _store_keys(request: dict[str, str]) -> bytes:
    with _open(request) as session:
        for each in json.loads(request["keys"]):
            label = each["label"]
            if each["private"]:
                session.create_object(
                    {
                        **decode_ec_private_key(bytes.fromhex(each["private"])),
                        **dict.fromkeys((Attribute.TOKEN, Attribute.PRIVATE, Attribute.SENSITIVE), True),
                        Attribute.EXTRACTABLE: False,
                        Attribute.SIGN: True,
                        Attribute.LABEL: label,
                        Attribute.ID: label.encode(),
                    }
                )
            session.create_object(_certificate(label, label, each["certificate"]))
    return b""


def _sec1(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _delete_private_key(request: dict[str, str]) -> bytes:
    with _open(request) as session:
        session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=request["key"]).destroy()
    return b""


def _generate_p256(request: dict[str, str]) -> bytes:
    """Makes the key pair in this process and returns the public point, uncompressed (SEC 1, 2.3.3)."""
    with _open(request) as session:
        if list(session.get_objects({Attribute.LABEL: request["key"]})):
            raise TokenFailed(f"the token holds a key {request['key']!r} already")
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        wary = {Attribute.ALWAYS_AUTHENTICATE: True} if request["kind"].startswith("wary") else {}
        public, _ = parameters.generate_keypair(
            mechanism=Mechanism.EC_KEY_PAIR_GEN,
            store=True,
            label=request["key"],
            id=request["key"].encode(),
            capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY,
            private_template=wary,
        )
        point: Any = public[Attribute.EC_POINT]
        # SoftHSM2 wraps the point's 65 bytes in a DER OCTET STRING.
        return bytes(point[-65:])


def _child() -> None:
    """Does in a process of its own what `SoftToken` asks, on standard input, and prints the public key."""
    request = json.load(sys.stdin)
    if request["kind"] == "ed25519":
        made = generate_log_key(
            module=Path(request["module"]), token=request["token"], key=request["key"], pin=request["pin"]
        )
    else:
        steps = {"certificate": _store_certificate, "delete": _delete_private_key, "keys": _store_keys}
        made = steps.get(request["kind"], _generate_p256)(request)
    sys.stdout.write(made.hex())


if __name__ == "__main__":
    _child()
