"""Plays agency and citizen with whatever grpcio and protobuf it finds; `test_floors` runs it with the oldest.

Arguments: the agency's and the citizen's configuration, the addresses of sender and recipient, the citizen's
signing certificate (PEM, with its authorities) and key, a directory for the receipts.
"""

import asyncio
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from namak.client import Client, Connection, compose, compose_part
from namak.client.confirmation import check_statement
from namak.client.receipts import save_receipts
from namak.errors import Refused
from namak.evidence.signature import build_confirmation_signature


def sign(statement: bytes, certificate: str, key: str) -> bytes:
    """Returns the CMS by the certificate's key."""
    signer, *authorities = x509.load_pem_x509_certificates(Path(certificate).read_bytes())
    private = load_pem_private_key(Path(key).read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return build_confirmation_signature(
        statement,
        signer.public_bytes(Encoding.DER),
        [one.public_bytes(Encoding.DER) for one in authorities],
        lambda data: private.sign(data, ec.ECDSA(SHA256())),
    )


async def main(agency: str, citizen: str, sender: str, to: str, certificate: str, key: str, out: str) -> None:
    """Prints the names of the receipts, and the reason for which the citizen may not submit."""
    async with (
        Client(Connection.load(Path(agency))) as office,
        Client(Connection.load(Path(citizen))) as home,
    ):
        letter = compose(
            sender=sender, recipient=to, subject="Նամակ", parts=[compose_part("letter.txt", b"a letter")]
        )
        accepted = await office.deliveries.submit(letter)
        delivery_id = accepted.delivery.delivery_id
        opened = await home.mailbox.open(delivery_id)
        await home.mailbox.download(delivery_id, 1, Path(out))
        issued = await home.mailbox.issue_statement(delivery_id)
        check_statement(issued, opened)
        signature = sign(issued.statement, certificate, key)
        await home.mailbox.confirm(delivery_id, issued.statement_id, signature)
        async for saved in save_receipts(office.evidence, delivery_id, Path(out) / "receipts"):
            sys.stdout.write(f"{saved.path.name}\n")
        try:
            await home.deliveries.submit(letter)
        except Refused as refusal:
            sys.stdout.write(f"{refusal.reason}\n")


asyncio.run(main(*sys.argv[1:]))
