"""Parts of the measurement about the log: verifying its receipts, filling it, proving from it, and memory."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from scripts.benchmark import integrating, long_log, verifying
from scripts.benchmark.archive import Archive
from scripts.benchmark.log_place import database_beside, token_signer
from scripts.benchmark.parts import Bench, Figures

DELIVERIES_A_SECOND: Final = 100
LEAVES_A_SECOND: Final = 40_000
"""So much for each second that is to be measured."""


async def verify(bench: Bench) -> Figures:
    """Receipts verified by one process on one processor: each kind, all together, and by `namak verify`."""
    with tempfile.TemporaryDirectory(prefix="archive-", dir=bench.place) as place:
        archive = Archive(Path(place))
        await asyncio.to_thread(archive.fill, max(50, round(DELIVERIES_A_SECOND * bench.seconds)))
        return await asyncio.to_thread(_verified, archive)


def _verified(archive: Archive) -> Figures:
    files = verifying.files_of(archive)
    trust = verifying.trust_of(archive)
    kinds = verifying.kinds(files, trust)
    seconds = verifying.seconds_of(files, trust)
    found = {f"verify_{name}_per_s": round(kinds[kind], 1) for name, kind in _KINDS.items()}
    command = verifying.by_command(archive)
    return {
        **found,
        "verify_per_s": round(len(files) / seconds, 1),
        "verify_command_per_s": round(len(files) / command.processor, 1),
        "verify_command_mib": round(command.mib, 1),
    }


_KINDS: Mapping[str, str] = {
    "acceptance": "SubmissionAcceptance",
    "consignment": "ContentConsignment",
    "access": "ContentAccessTracking",
    "confirmation": "ReadingConfirmed",
    "effect": "NotificationEffected",
}


async def integration(bench: Bench) -> Figures:
    """From a full queue to signed, published checkpoints, with a token's key and the usual pace."""
    leaves = round(LEAVES_A_SECOND * bench.seconds)
    with tempfile.TemporaryDirectory(prefix="integration-", dir=bench.place) as place:
        async with (
            token_signer(Path(place) / "token") as signer,
            database_beside(bench.office.database_url) as url,
        ):
            await integrating.fill_queue(url, leaves)
            found = await integrating.integrate_all(url, signer, Path(place) / "guard" / "note", leaves)
    return {"integration_per_s": round(found.per_s, 1), "integration_checkpoints": found.checkpoints}


async def proofs(bench: Bench) -> Figures:
    """Proofs from logs of 10^4, 10^5 … leaves up to what `--leaves` says, and their maker's memory."""
    with tempfile.TemporaryDirectory(prefix="long-log-", dir=bench.place) as place:
        found = await long_log.measure(bench.office.database_url, Path(place), bench.leaves)
    figures: Figures = {}
    for one in found:
        for name, cost in (("proof", one.cold), ("proof_kept", one.kept), ("consistency", one.consistency)):
            figures[f"{name}_{one.size}_p50_ms"] = round(cost.p50_ms, 2)
            figures[f"{name}_{one.size}_p99_ms"] = round(cost.p99_ms, 2)
            figures[f"{name}_{one.size}_processor_ms"] = round(cost.processor_ms, 2)
            figures[f"{name}_{one.size}_tiles"] = round(cost.tiles, 2)
        figures[f"log_{one.size}_mib"] = round(one.mib[1], 1)
        figures[f"log_{one.size}_mib_led"] = round(one.mib[2], 1)
    return figures


WORDS: Mapping[str, str] = {
    "verify_acceptance": "receipts of an acceptance, verified on one processor",
    "verify_consignment": "receipts of a consignment",
    "verify_access": "receipts of an opening",
    "verify_confirmation": "receipts of a confirmation, each by another card",
    "verify_effect": "receipts of an effect",
    "verify": "receipts of whole deliveries, one of each of these",
    "verify_command": "the same by `namak verify DIR`, its start and output included",
    "integration": "leaves from a full queue to published checkpoints",
}


def sentences(figures: Figures) -> Sequence[str]:
    """Returns what no column holds."""
    said = []
    for size in long_log.SIZES:
        if (p50 := figures.get(f"proof_{size}_p50_ms")) is None:
            continue
        said.append(
            f"A proof from {size:,} leaves: p50 {p50:.1f}, p99 {figures[f'proof_{size}_p99_ms']:.1f} ms with "
            f"nothing kept, {figures[f'proof_{size}_processor_ms']:.1f} ms of a processor, "
            f"{figures[f'proof_{size}_tiles']:.1f} tiles (the aim: less than 5 ms, O(log n) tiles); "
            f"consistency p50 {figures[f'consistency_{size}_p50_ms']:.1f} ms. The process: "
            f"{figures[f'log_{size}_mib']:.0f} MiB, "
            f"{figures[f'log_{size}_mib_led']:.0f} after leading (flat)."
        )
    return said
