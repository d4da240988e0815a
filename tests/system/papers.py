"""A clerk's desk, and letters on paper as it hands them in."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from namak.client import Client, compose_part
from namak.evidence.custody import CustodyAct, CustodyStep
from namak.v1 import delivery_pb2
from server import bootstrap, config
from server.dev.pki import Identity
from server.domain.administration import CommandLine
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests import scans
from tests.signing import files
from tests.system.post import RECEIPTS, Post, der

_desks = itertools.count(1)

SENDER = "Գոհար Սարգսյան"
ADDRESS = ("Մաշտոցի 5, բն. 12", "3101 Գյումրի")
ORIGINAL = "Երևան 10, դարան 4, գործ 2026/118"
TRACKING = "RR473124829AM"
PAGE = files.pdf()


@dataclass(frozen=True)
class Clerk:
    """A clerk, whose certificate is bound as the server's command does."""

    identity: Identity
    client: Client

    async def submit(self, recipient: str, **changes: Any) -> delivery_pb2.Accepted:
        """Hands in an ordinary letter, but for what is changed."""
        return await self.client.paper.submit(**letter(recipient, **changes), max_receipt_wait=RECEIPTS)


async def clerk_of(post: Post) -> Clerk:
    """Returns a new clerk."""
    number = next(_desks)
    identity = post.pki.machine(f"paper-desk-{number}", organisation="Post", common_name=f"paper-{number}")
    database = Database(post.database_url, pool_size=2)
    try:
        path = post.world.write_settings(f"paper-desk-{number}", database_url=post.database_url)
        admin = bootstrap.sender_admin(config.load(path, {}), SqlUnitOfWork(database))
        await admin.certificates.bind_clerk(der(identity), CommandLine())
    finally:
        await database.dispose()
    return Clerk(identity, await post.client(identity))


def steps(*acts: CustodyAct) -> tuple[CustodyStep, ...]:
    """Returns steps without digests, the last one a minute ago; by default those of an ordinary letter."""
    acts = acts or (CustodyAct.RECEIVED, CustodyAct.OPENED, CustodyAct.SCANNED, CustodyAct.STORED)
    began = datetime.now(UTC) - timedelta(minutes=len(acts))
    return tuple(
        CustodyStep(act, began + timedelta(minutes=number), "Երևան 10, Սարյան 22", "գործավար 17")
        for number, act in enumerate(acts)
    )


def letter(recipient: str, **changes: Any) -> Mapping[str, Any]:
    """Returns what a clerk says of an ordinary letter, but for what is changed."""
    said: dict[str, Any] = {
        "recipient": recipient,
        "subject": "Նամակ թղթով",
        "scans": [
            compose_part("page-1.pdf", PAGE),
            compose_part("envelope.jpg", scans.jpeg(), "image/jpeg"),
        ],
        "custody": steps(),
        "original": ORIGINAL,
        "statement_version": "true-copy@1",
        "sender_name": SENDER,
        "sender_address": ADDRESS,
        "tracking_number": TRACKING,
    }
    return said | changes
