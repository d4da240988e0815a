"""A citizen with a card on SoftHSM, and what others find of their signatures."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.signatures.report import Report
from namak.signatures.trust import Trust, TrustPolicy
from namak.signatures.verify import BytesDocument, verify
from server.dev.tokens import SoftToken, TokenStore
from tests.client.cards import Issuer, der

ROOT = Issuer("Citizens' root")
BELOW = Issuer("Citizens' authority", ROOT)
ROOT_CERTIFICATE = ROOT.certificate()
PIN = "739182"


@dataclass(frozen=True)
class Holder:
    """A citizen with a card and a configuration that names only the card's module."""

    token: SoftToken
    config: Path
    signing: x509.Certificate
    authentication: x509.Certificate

    def asks(self, *arguments: object) -> list[object]:
        return ["--config", self.config, "token", *arguments]


def store_for(directory: Path, *, end: timedelta = timedelta(days=1)) -> Holder:
    token = TokenStore.create(directory / "store").new_token("citizen", PIN)
    start = end - timedelta(days=2)
    issued = {}
    for label in ("sign", "auth"):
        key = token.generate_card_key(label)
        issued[label] = BELOW.issue(
            f"ANI {label}", key, signing=label == "sign", authentication=label == "auth", start=start, end=end
        )
        token.store_certificate(label, label, der(issued[label]))
    roots = directory / "roots.pem"
    roots.write_bytes(ROOT_CERTIFICATE.public_bytes(Encoding.PEM))
    config = directory / "namak.toml"
    config.write_text(
        f'[signing]\nmodule = "{token.module}"\nconfig = "{token.configuration}"\n'
        f'[trust]\ncitizen_roots = "{roots}"\n',
        "utf-8",
    )
    return Holder(token, config, issued["sign"], issued["auth"])


def signed(holder: Holder) -> tuple[str, str]:
    return "--pin-file", str(holder.token.pin_file)


def looked_at(document: bytes, signature: bytes | None) -> Report:
    """Returns what the verifier finds; it knows nothing of revocation, so at best nothing is wrong."""
    trust = Trust((TrustPolicy("citizens", (der(ROOT_CERTIFICATE),)),))
    return verify(BytesDocument(document), signature, trust, datetime.now(UTC))


def issuer_der(path: Path) -> bytes:
    return der(x509.load_pem_x509_certificate(path.read_bytes()))
