"""The receipts of a delivery, and what verifiers say of them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Client
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.verify import Report, Trust, verify_receipts
from server.dev.world import World


async def events_of(client: Client, delivery_id: str) -> list[str]:
    """Returns the names of the facts that a caller sees of a delivery, in order."""
    return [fact.event.rpartition("/")[2] async for fact in client.evidence.facts(delivery_id)]


async def receipts_of(client: Client, delivery_id: str) -> dict[str, bytes]:
    """Returns the receipts of all facts that a caller sees of a delivery, by the name of the event."""
    facts = [fact async for fact in client.evidence.facts(delivery_id)]
    receipts = await asyncio.gather(*(client.evidence.receipt(fact.evidence_id) for fact in facts))
    return {
        fact.event.rpartition("/")[2]: receipt.tlog_proof
        for fact, receipt in zip(facts, receipts, strict=True)
    }


def trust(world: World) -> Trust:
    """What a stranger trusts who knows the log's key and the citizens' root, from elsewhere."""
    roots = x509.load_pem_x509_certificates(world.pki.citizen_roots_path.read_bytes())
    return Trust(
        log_policy=TlogPolicy.parse(world.log_policy.read_bytes()),
        citizen_roots=[root.public_bytes(Encoding.DER) for root in roots],
    )


def verified(world: World, receipts: Mapping[str, bytes]) -> Report:
    return verify_receipts(receipts, trust(world))


def saved(directory: Path, receipts: Mapping[str, bytes]) -> list[Path]:
    """Writes receipts into files and returns them."""
    files = [directory / f"{name}.tlog-proof" for name in receipts]
    for file, receipt in zip(files, receipts.values(), strict=True):
        file.write_bytes(receipt)
    return files
