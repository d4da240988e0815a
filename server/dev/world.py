"""A whole development world in one directory: authorities, tokens, and everybody's settings.

Made at run time for the demo, for tests and for developers (`namak-server dev init`). Everything in it is
throwaway: the PINs stand in plain files and the HSM is SoftHSM.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.note import vkey
from server.dev.examples import EXAMPLES, Example
from server.dev.pki import Card, DevelopmentPki, Identity
from server.dev.tokens import SoftToken, StoredKey, TokenStore

ORIGIN = "log.e-citizen.am/2026"
LOG_KEY = "namak-log"
SEAL_KEY = "namak-seal"
CARD_KEY = "signing"
AUTHENTICATION_KEY = "authentication"
PORTAL_NAME = "portal.example"
PRINT_HOUSE_NAME = "Print House No. 1"
CITIZEN = EXAMPLES["am"].citizen
OTHER_CITIZEN = EXAMPLES["am"].other_citizen


class WorldExists(Exception):
    """The directory holds a world already, perhaps one that was not finished."""


@dataclass(frozen=True)
class World:
    """What `create` made, by name."""

    directory: Path
    pki: DevelopmentPki
    log_token: SoftToken
    log_public_key: bytes
    card_token: SoftToken
    other_card_token: SoftToken
    server: Identity
    operator: Identity
    agency: Identity
    other_agency: Identity
    portal: Identity
    clerk: Identity
    print_house: Identity
    stranger: Identity
    seal: Identity
    citizen: Card
    other_citizen: Card
    profile: str

    @classmethod
    def create(cls, directory: Path, profile: str = "am") -> Self:
        """Makes a new world in a directory that has none yet, of the jurisdiction with this code.

        Raises `WorldExists`, `SoftHsmMissing`.
        """
        example = EXAMPLES[profile]
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True)
        try:
            (directory / "world").mkdir()
        except FileExistsError as error:
            raise WorldExists(
                f"there is a world in {directory} already; name another directory, or remove this one"
            ) from error
        pki = DevelopmentPki.open(directory / "pki")
        log_token = TokenStore.create(directory / "log-token").new_token("namak-log", _pin())
        card_token = TokenStore.create(directory / "card").new_token("citizen-card", _pin())
        other_card_token = TokenStore.create(directory / "other-card").new_token("other-citizen-card", _pin())
        log_public_key = log_token.generate_log_key(LOG_KEY)
        world = cls(
            directory,
            pki,
            log_token,
            log_public_key,
            card_token,
            other_card_token,
            server=pki.server_identity(),
            operator=pki.machine("operator", organisation="Operator", common_name="operator"),
            agency=pki.machine("agency", organisation=example.agency, common_name="src"),
            other_agency=pki.machine("other-agency", organisation="Police", common_name="police"),
            portal=pki.machine("portal", organisation="Portal", common_name=PORTAL_NAME),
            clerk=pki.machine("clerk", organisation="Post", common_name="desk-1"),
            print_house=pki.machine("print-house", organisation=PRINT_HOUSE_NAME, common_name="press-1"),
            stranger=pki.machine("stranger", organisation="Nobody", common_name="nobody"),
            seal=pki.seal("seal", organisation="Operator", public_key=log_token.generate_card_key(SEAL_KEY)),
            citizen=pki.card("citizen", example.citizen, signing_key=card_token.generate_card_key(CARD_KEY)),
            other_citizen=pki.card("other-citizen", example.other_citizen),
            profile=profile,
        )
        for token, card in ((card_token, world.citizen), (other_card_token, world.other_citizen)):
            token.store_keys(
                [
                    _stored(AUTHENTICATION_KEY, card.authentication),
                    _stored(CARD_KEY, card.signing),
                ]
            )
        world.log_policy.write_text(f"log {world.log_vkey}\nquorum none\n", encoding="utf-8")
        return world

    @property
    def example(self) -> Example:
        """The people and the agency of its jurisdiction."""
        return EXAMPLES[self.profile]

    @property
    def log_vkey(self) -> str:
        """The log's verifier key."""
        return vkey(ORIGIN, self.log_public_key)

    @property
    def log_policy(self) -> Path:
        """The C2SP tlog-policy that trusts this log, without witnesses."""
        return self.directory / "log-policy.txt"

    @property
    def witnessed_policy(self) -> Path:
        """The policy that asks for a quorum of the world's witnesses, where it has any."""
        return self.directory / "witnessed-policy.txt"

    @property
    def tsa_roots(self) -> Path:
        """The root of the world's time-stamping authority, where it has one."""
        return self.directory / "tsa-roots.pem"

    @property
    def seal_roots(self) -> Path:
        """The authority that vouches for the post's seal, PEM."""
        return self.pki.seal_authority().path

    @property
    def guard(self) -> Path:
        """The guard of the log."""
        return self.directory / "guard" / "checkpoint.note"

    def write_settings(
        self,
        name: str = "namak-server",
        *,
        listen: str = "127.0.0.1:0",
        database_url: str = "embedded",
        guard: Path | None = None,
    ) -> Path:
        """Writes a replica's settings and returns the file. All replicas share database, token and guard.

        Another `guard` than the world's own belongs to another database.
        """
        guard = guard or self.guard
        guard.parent.mkdir(exist_ok=True)
        path = self.directory / f"{name}.toml"
        sections: Mapping[str, Mapping[str, str]] = {
            "server": {
                "listen": listen,
                "health_listen": "127.0.0.1:0",
                "certificate": str(self.server.cert_path),
                "key": str(self.server.key_path),
                "client_authorities": str(self.pki.client_roots_path),
            },
            "database": {"url": database_url, "directory": str(self.directory / "database")},
            "log": {"origin": ORIGIN, "guard": str(guard)},
            "log.key": {
                "module": str(self.log_token.module),
                "token": self.log_token.label,
                "label": LOG_KEY,
                "pin_file": str(self.log_token.pin_file),
                "softhsm_config": str(self.log_token.configuration),
            },
            "seal": {
                "module": str(self.log_token.module),
                "token": self.log_token.label,
                "label": SEAL_KEY,
                "pin_file": str(self.log_token.pin_file),
                "softhsm_config": str(self.log_token.configuration),
                "certificate": str(self.seal.cert_path),
            },
            "citizens": {
                "roots": str(self.pki.citizen_roots_path),
                "intermediates": str(self.pki.citizen_authority.path),
                "revocation_lists": str(self.pki.citizen_crl_paths[0].parent),
            },
        }
        top = f'profile = "{self.profile}"\ndevelopment = true\n'
        path.write_text(top + _toml(sections), encoding="utf-8")
        return path

    def write_client(self, name: str, identity: Identity, address: str, *, signs: bool = False) -> Path:
        """Writes a caller's configuration for the `namak` command and returns the file. Who `signs` does so
        with their card: the other citizen with their own, everybody else with the citizen's.
        """
        path = self.directory / f"{name}.toml"
        top = {
            "address": address,
            "ca": str(self.pki.server_root_path),
            "certificate": str(identity.cert_path),
            "key": str(identity.key_path),
        }
        sections: dict[str, Mapping[str, str]] = {
            "trust": {
                "log_policy": str(self.log_policy),
                "citizen_roots": str(self.pki.citizen_roots_path),
                "seal_roots": str(self.seal_roots),
            }
        }
        if self.tsa_roots.exists():
            sections["trust"] = {**sections["trust"], "tsa_roots": str(self.tsa_roots)}
        if signs:
            other = identity is self.other_citizen.authentication
            card = self.other_card_token if other else self.card_token
            sections["signing"] = {
                "module": str(card.module),
                "config": str(card.configuration),
                "token": card.label,
                "pin_file": str(card.pin_file),
                "label": CARD_KEY,
                "certificate": str((self.other_citizen if other else self.citizen).signing.cert_path),
            }
        path.write_text(_lines(top) + _toml(sections), encoding="utf-8")
        return path

    def write_handover(self, path: Path, address: str) -> None:
        """Writes what somebody needs to go on with a running demo: addresses, certificates, keys, trust."""
        handover = {
            "address": address,
            "ca": str(self.pki.server_root_path),
            "operator": _pair(self.operator),
            "agency": _pair(self.agency),
            "other_agency": _pair(self.other_agency),
            "clerk": _pair(self.clerk),
            "print_house": {**_pair(self.print_house), "name": PRINT_HOUSE_NAME},
            "portal": {**_pair(self.portal), "name": PORTAL_NAME},
            "citizen": _with_card(self.citizen, self.card_token),
            "other_citizen": _with_card(self.other_citizen, self.other_card_token),
            "entity": {
                "address": self.example.entity_address,
                "signatory": "citizen",
                "delegate": "other_citizen",
            },
            "log_vkey": self.log_vkey,
            "log_policy": str(self.log_policy),
            "citizen_roots": str(self.pki.citizen_roots_path),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(handover, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _pair(identity: Identity) -> Mapping[str, str]:
    return {"cert": str(identity.cert_path), "key": str(identity.key_path)}


def _with_card(card: Card, token: SoftToken) -> Mapping[str, object]:
    signing = {
        "module": str(token.module),
        "config": str(token.configuration),
        "token": token.label,
        "pin": token.pin,
        "label": CARD_KEY,
        "authentication_label": AUTHENTICATION_KEY,
        "cert": str(card.signing.cert_path),
    }
    return {**_pair(card.authentication), "signing": signing}


def _stored(label: str, identity: Identity) -> StoredKey:
    return StoredKey(label, identity.certificate.public_bytes(Encoding.DER), identity.key)


def _pin() -> str:
    return f"{secrets.randbelow(10**8):08d}"


def _toml(sections: Mapping[str, Mapping[str, str]]) -> str:
    return "".join(f"\n[{name}]\n{_lines(values)}" for name, values in sections.items())


def _lines(values: Mapping[str, str]) -> str:
    # A JSON string of these values is a TOML basic string too.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
