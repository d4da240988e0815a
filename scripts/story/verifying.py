"""A stranger verifies the receipts, offline; forged ones are refused."""

import asyncio
import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier, note_from, parse_note, signature_line
from namak.evidence.tlog_proof import TlogProof
from scripts.story import forging
from scripts.story.post import namak
from scripts.story.stage import Stage, StoryFailed
from server.dev.world import ORIGIN, World
from tests.independent.go_verifier import build_go_verifier, independent_verifier_missing

_EXIT_NOT_VERIFIED = 4
_MEANS = {
    "inclusion": "it is not in the log that was signed",
    "log": "no key signed it that is trusted",
    "signer": "the signer is not the recipient",
    "signature": "there is no valid signature",
    "fact": "it does not follow from that fact",
}
"""What it is that the checks of `namak verify` found, by their names."""


@dataclasses.dataclass(frozen=True)
class Chain:
    """The receipts of the confirmed delivery that build on one another."""

    consignment: Path
    access: Path
    confirmation: Path
    effect: Path

    @classmethod
    def of(cls, receipts: Path, delivery_id: str) -> "Chain":
        """Finds them among the saved ones."""

        def named(event: str) -> Path:
            (found,) = receipts.glob(f"{delivery_id}-*-{event}.tlog-proof")
            return found

        return cls(
            named("ContentConsignment"),
            named("ContentAccessTracking"),
            named("ReadingConfirmed"),
            named("NotificationEffected"),
        )

    @property
    def before(self) -> tuple[Path, Path]:
        """What the confirmation builds on."""
        return self.consignment, self.access


async def accepted(stage: Stage, world: World, receipts: Path) -> None:
    """Everything that was saved verifies, with `namak verify` and with a verifier that nobody here wrote."""
    stage.act(
        "A stranger verifies, without any server",
        "The server is stopped: the receipts must hold without it, also for a verifier that others wrote.",
    )
    files = _saved(receipts)
    await stage.step(
        "stranger",
        "namak verify, offline, all receipts",
        _verify(world, files),
        lambda _: f"{len(files)} valid",
    )
    if missing := independent_verifier_missing():
        stage.note(f"skipped: {missing}")
        return
    await stage.step(
        "stranger",
        "golang.org/x/mod/sumdb verifies them too",
        asyncio.to_thread(_independent, world, files),
        lambda text: text,
    )


async def refused(stage: Stage, world: World, receipts: Path, delivery_id: str) -> None:
    """What was tampered with or forged is refused."""
    stage.act(
        "What was tampered with or forged is refused",
        "A proof is worth what forgeries it withstands; each row says what gave one away.",
    )
    chain = Chain.of(receipts, delivery_id)
    confirmation = TlogProof.parse(chain.confirmation.read_bytes())
    other = next(
        proof
        for file in _saved(receipts)
        if _head(proof := TlogProof.parse(file.read_bytes())) != _head(confirmation)
    )
    changed = bytearray(confirmation.extra or b"")
    changed[changed.index(b"5001950015")] ^= 1
    tampered = (
        ("one byte of the evidence changed", dataclasses.replace(confirmation, extra=bytes(changed))),
        ("another index", dataclasses.replace(confirmation, index=confirmation.index - 1)),
        ("another checkpoint", dataclasses.replace(confirmation, checkpoint=other.checkpoint)),
        ("the checkpoint by another key", _signed_anew(confirmation)),
    )
    await stage.at_once(
        "stranger", [(what, _refuse(world, proof.encode(), *chain.before)) for what, proof in tampered]
    )
    await _refuse_forged(stage, world, chain)


def _saved(receipts: Path) -> list[Path]:
    return sorted(receipts.glob("*.tlog-proof"))


async def _refuse_forged(stage: Stage, world: World, chain: Chain) -> None:
    evidence = {
        name: TlogProof.parse(path.read_bytes()).extra or b""
        for name, path in dataclasses.asdict(chain).items()
    }
    by_another = forging.signed_by(world.other_citizen.signing, evidence["confirmation"])
    by_nobody = forging.signed_by_nobody(evidence["confirmation"])
    forged = await forging.logged(
        world,
        [
            by_another,
            by_nobody,
            forging.effect_of(evidence["effect"], by_another),
            forging.effect_of(evidence["effect"], evidence["access"]),
        ],
    )
    stage.note(
        "the following stand in a log signed with the true log's key, as a dishonest operator could do"
    )
    before = chain.before
    await stage.at_once(
        "stranger",
        [
            ("a confirmation signed by somebody else", _refuse(world, forged[0], *before)),
            ("a confirmation signed by nobody", _refuse(world, forged[1], *before)),
            ("an effect of that forged confirmation", _refuse(world, forged[2], *before, extra=forged[0])),
            ("an effect of the mere opening", _refuse(world, forged[3], *before)),
        ],
    )


def _head(proof: TlogProof) -> bytes:
    """Returns the tree head that was signed: the same one may have been cosigned by more witnesses later."""
    return parse_note(proof.checkpoint).text


def _signed_anew(proof: TlogProof) -> TlogProof:
    text = parse_note(proof.checkpoint).text
    Checkpoint.parse(text)
    key = Ed25519PrivateKey.generate()
    verifier = Verifier(ORIGIN, key.public_key().public_bytes_raw())
    note = note_from(text, [signature_line(ORIGIN, verifier.key_id, key.sign(text))])
    return dataclasses.replace(proof, checkpoint=note)


async def _verify(world: World, files: Sequence[Path]) -> None:
    code, output = await namak("verify", *map(str, files), config=world.directory / "citizen.toml")
    if code != 0:
        raise StoryFailed(f"namak verify ended with {code}:\n{output}")


async def _refuse(world: World, forged: bytes, *given: Path, extra: bytes | None = None) -> str:
    """Has `namak verify` refuse this receipt, given those that it builds on, which it must accept.

    Returns which check failed. Raises StoryFailed.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        suspect = place / "forged.tlog-proof"
        suspect.write_bytes(forged)
        files = [suspect, *given]
        if extra is not None:
            files.append(place / "its-fact.tlog-proof")
            files[-1].write_bytes(extra)
        config = world.directory / "citizen.toml"
        code, output = await namak("verify", *map(str, files), "--json", config=config)
    if code != _EXIT_NOT_VERIFIED:
        raise StoryFailed(f"namak verify ended with {code}, not {_EXIT_NOT_VERIFIED}:\n{output}")
    found = {file["name"]: file for file in json.loads(output)["files"]}
    if any(found[str(path)]["verdict"] != "VALID" for path in given):
        raise StoryFailed(f"namak verify refused a true receipt:\n{output}")
    failed = [check["name"] for check in found[str(suspect)]["checks"] if check["outcome"] == "failed"]
    if not failed:
        raise StoryFailed(f"namak verify did not refuse the forged receipt:\n{output}")
    # The first that failed; the others follow from it.
    return f"refused: {_MEANS.get(failed[0], failed[0])}"


def _independent(world: World, files: Sequence[Path]) -> str:
    with tempfile.TemporaryDirectory() as name:
        verdict = build_go_verifier(Path(name)).verify(world.log_vkey, files)
    if not verdict.accepted:
        raise StoryFailed(verdict.text)
    return f"{len(files)} valid"
