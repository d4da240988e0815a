"""The settings of what keeps seals for the long term: what can't work is told before anything starts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError

from namak.signatures.cades import SignerCertificates
from namak.signatures.prepared import LongTermPdf
from server.bootstrap_long_term import LongTermUnusable, long_term_seal
from server.config import Settings
from server.config_long_term import LongTermSettings
from server.config_seal import SealSettings
from server.config_timestamps import TimestampsSettings
from server.gateways.long_term_seal import LongTermSeal, WayNotFound
from tests.signing.authority import Authority, named

ROOT = Authority("Seal root")
SEAL = ROOT.issue(named("E-Post seal"))
ANY = {"roots": __file__}


async def extend(kept: LongTermPdf) -> bytes:
    return kept.pdf


async def wired(
    place: Path, *, long_term: bool = True, roots: bytes | None = None, stamped: bool = True
) -> LongTermSeal | None:
    path = place / "roots.pem"
    path.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM) if roots is None else roots)
    chosen = {"roots": path, "revocation_lists": place} if long_term else None
    authority = {"name": "tsa", "url": "http://tsa.example/", "roots": path}
    settings = SimpleNamespace(
        seal=SealSettings.model_validate({"long_term": chosen}),
        timestamps=TimestampsSettings.model_validate({"authorities": [authority] if stamped else []}),
    )
    certificates = SignerCertificates(SEAL.der)
    async with long_term_seal(cast(Settings, settings), certificates, extend) as made:
        return made


async def test_without_the_section_seals_are_not_kept(tmp_path: Path) -> None:
    assert await wired(tmp_path, long_term=False) is None
    assert isinstance(await wired(tmp_path), LongTermSeal)


async def test_it_needs_timestamps(tmp_path: Path) -> None:
    with pytest.raises(LongTermUnusable, match=r"\[seal.long_term\] needs \[timestamps\]"):
        await wired(tmp_path, stamped=False)


async def test_roots_that_hold_nothing_or_another_authority_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"roots .*roots\.pem: .*no certificates to read"):
        await wired(tmp_path, roots=b"none")
    other = Authority("Other").certificate.public_bytes(Encoding.PEM)
    with pytest.raises(WayNotFound, match=r"\[seal\] certificate .* does not lead to the roots"):
        await wired(tmp_path, roots=other)


@pytest.mark.parametrize(
    "wrong",
    [
        *({}, {"revocation_lists": "absent"}, {"hosts": "a/b"}, {"hosts": "u@a"}, {"hosts": "a:x"}),
        *({"hosts": "a", "timeout": "1m"}, {"hosts": "a", "refresh": "1s"}, {"hosts": "a", "price": "1"}),
    ],
)
def test_wrong_sources_and_times_are_told(wrong: dict[str, Any]) -> None:
    assert LongTermSettings.model_validate({**ANY, "hosts": "crl.example, ocsp.example:8080"}).hosts
    with pytest.raises(ValidationError):
        LongTermSettings.model_validate({**ANY, **wrong})
