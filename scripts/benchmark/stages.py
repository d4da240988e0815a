"""What each stage of a message costs a processor: `python -m scripts.benchmark.stages`.

No network, no database, one thread: processor time for each message. Each round is measured between two runs
of a yardstick, and the median of the ratios counts, so that the figures hold where others use the machine
too. It tells where time goes; how fast the whole is, only `scripts/bench` can say.
"""

import asyncio
import gc
import hashlib
import os
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID, uuid4

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client.letters import compose, compose_part
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier, note_from, signature_line
from namak.evidence.tiles import TileId, extend
from namak.evidence.tree import leaf_hash
from namak.v1 import delivery_pb2
from server.domain import evidence_building
from server.domain.caller import Caller, Connection, IpAddress, Sender
from server.domain.deliveries import Delivery, Submission
from server.domain.evidence_building import Stamp
from server.domain.facts import Fact
from server.grpc_server import interceptor_chain
from server.interceptors.chain import Chain
from server.interceptors.deadline import STREAM, UNARY
from server.interceptors.streams import StreamLimits
from server.jurisdictions.am import AM
from server.log_lines import write_json_lines
from server.services import delivery_wire
from server.services.call import Call, begin_call
from server.transparency.news import News
from server.transparency.ports import Leaf, Signal
from server.transparency.proofs import ProofFinder
from server.transparency.receipts import TransparencyLog
from server.transparency.shard_directory import ShardDirectory
from server.transparency.waker import Waker
from server.usecases.records import PublishedCheckpoint
from server.usecases.submission import Accepted

ROUNDS = 60
YARDSTICK = 6000
"""Steps of the yardstick; the figures are those of a processor that takes a millisecond for them."""
MESSAGES = 100
OLDER_ENTRIES = 100_000
ORIGIN = "log.example.am/2026"
METHOD = "/namak.v1.DeliveryService/Submit"
NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
CALLER = Sender(Connection(bytes(32), ip_address("127.0.0.1")), uuid4(), None, (ip_network("127.0.0.1/32"),))

Stage = Callable[[], Awaitable[object]]
"""Does one stage of all messages."""


class FilledLog:
    """A log in memory, as its readers see it: many older entries, then those of the facts."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        key = Ed25519PrivateKey.generate()
        self.verifier = Verifier(ORIGIN, key.public_key().public_bytes_raw())
        older = extend({}, 0, [leaf_hash(number.to_bytes(32, "big")) for number in range(OLDER_ENTRIES)])
        newer = extend(older.changed, OLDER_ENTRIES, [leaf_hash(fact.entry) for fact in facts])
        self.stored = {**older.changed, **newer.changed}
        checkpoint = Checkpoint(ORIGIN, newer.new_size, newer.root)
        line = signature_line(ORIGIN, self.verifier.key_id, key.sign(checkpoint.text()))
        note = note_from(checkpoint.text(), [line])
        self._checkpoint = PublishedCheckpoint(ORIGIN, newer.new_size, newer.root, note)
        places = enumerate(facts, OLDER_ENTRIES)
        self._leaves = {fact.id: Leaf(fact.id, ORIGIN, place, fact.entry) for place, fact in places}

    async def leaves(self, evidence_ids: Collection[UUID]) -> Sequence[Leaf]:
        """See `LogReader`."""
        return [self._leaves[each] for each in evidence_ids]

    async def newest(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        """See `LogReader`."""
        return dict.fromkeys(origins, self._checkpoint)

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        """See `LogReader`."""
        return {(origin, tile): self.stored[tile] for origin, tile in wanted if tile in self.stored}

    async def close(self) -> None:
        """See `LogReader`."""
        self.stored.clear()

    def receipts(self) -> TransparencyLog:
        """Returns the log as use cases see it."""
        reader: Any = self  # as much of one as receipts need
        return TransparencyLog(
            directory=(directory := ShardDirectory([self.verifier], reader)),
            reader=reader,
            proofs=ProofFinder(reader, directory.verifier),
            published=News(),
            waker=Waker(_Deaf(), interval=1.0),
            poll=1.0,
        )


class _Deaf:
    async def send(self, signal: Signal) -> None:
        """See `SignalSender`."""

    async def close(self) -> None:
        """See `SignalSender`."""


class _Register:
    """Knows every certificate."""

    async def identify(
        self,
        certificate: bytes,
        address: IpAddress,
        *,
        session_token: str | None = None,  # noqa: ARG002 - it knows no sessions
        remembered_seconds: float | None = None,  # noqa: ARG002 - it forgets nothing
    ) -> Caller:
        """See `CallerIdentity`."""
        digest = hashlib.sha256(certificate).digest()
        return Sender(Connection(digest, address), CALLER.organisation_id, None, CALLER.networks)


class _Context:
    """What the interceptors ask of a call's context."""

    def __init__(self, pem: bytes) -> None:
        self._auth = {"x509_pem_cert": [pem]}

    def auth_context(self) -> Mapping[str, Sequence[bytes]]:
        return self._auth

    def peer(self) -> str:
        return "ipv4:127.0.0.1:43180"

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        return (("user-agent", "stages"),)

    def time_remaining(self) -> float:
        return 10.0

    def set_trailing_metadata(self, trailing: object) -> None:
        """Forgets it."""


def _letter() -> delivery_pb2.Submission:
    return compose(
        sender="notices@src.am",
        recipient="5001950015@e-citizen.am",
        subject="Հարկային ծանուցում",
        parts=[compose_part("letter.txt", secrets.token_bytes(2000))],
    )


def _delivery(asked: Submission) -> Delivery:
    return Delivery(
        id=uuid4(),
        mailbox_id=uuid4(),
        organisation_id=CALLER.organisation_id,
        sender_address_id=uuid4(),
        organisation_code="00000701",
        organisation_name="State Revenue Committee",
        sender=asked.sender,
        recipient=asked.recipient,
        subject=asked.subject,
        parts=tuple(part.info for part in asked.parts),
        notification_policy=AM.notification_policy,
        sequence=1,
        submitted_at=NOW,
    )


def _evidence(delivery: Delivery) -> tuple[Fact, Fact]:
    acceptance, consignment = (Stamp(uuid4(), secrets.token_bytes(16), NOW, AM) for _ in range(2))
    address = CALLER.connection.address
    return (
        evidence_building.submission_acceptance(acceptance, delivery, delivery.id.hex, address),
        evidence_building.content_consignment(consignment, delivery, bytes(32)),
    )


def _certificate_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "agency")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def _served() -> Callable[[], Awaitable[Any]]:
    """Returns what looks up a method that does nothing, behind the interceptors of the post."""
    limits = StreamLimits()
    chain = Chain(interceptor_chain(_Register(), unary=UNARY, stream=STREAM, stream_limits=limits))

    async def method(request: object, _context: object) -> object:
        return request

    async def lookup(_details: object) -> Any:
        return grpc.unary_unary_rpc_method_handler(method)

    details: Any = _Details
    return lambda: chain.intercept_service(lookup, details)


class _Details:
    method = METHOD


class Stages:
    """Some messages, and what is done with them, stage by stage."""

    def __init__(self) -> None:
        """Makes the messages."""
        begin_call(Call("0", METHOD))
        letters = [_letter() for _ in range(MESSAGES)]
        self._wire = [delivery_pb2.SubmitRequest(submission=letter).SerializeToString() for letter in letters]
        self._deliveries = [_delivery(_read(data)) for data in self._wire]
        self._evidence = [_evidence(delivery) for delivery in self._deliveries]
        self._filled = FilledLog([fact for facts in self._evidence for fact in facts])
        self._hashes = [leaf_hash(fact.entry) for facts in self._evidence for fact in facts]
        self._accepted: list[Accepted] = []
        self._lookup, self._context = _served(), _Context(_certificate_pem())

    async def prepare(self) -> None:
        """Makes the receipts that replies hold."""
        log = self._filled.receipts()
        for delivery, facts in zip(self._deliveries, self._evidence, strict=True):
            receipts = await log.receipts({fact.id: fact.data for fact in facts}, wait_seconds=10)
            found = tuple(receipts[fact.id] for fact in facts)
            self._accepted.append(Accepted(delivery.id.hex, delivery, facts, found))

    async def reading(self) -> None:
        """From the request's bytes to values of the domain."""
        for data in self._wire:
            _read(data)

    async def documents(self) -> None:
        """Both documents of each message."""
        for delivery in self._deliveries:
            _evidence(delivery)

    async def integrating(self) -> None:
        """All entries in one tree."""
        extend(self._filled.stored, OLDER_ENTRIES, self._hashes)

    async def receipts(self) -> None:
        """Both receipts of each message, asked for by as many callers at once."""
        log = self._filled.receipts()
        asked = ({fact.id: fact.data for fact in facts} for facts in self._evidence)
        await asyncio.gather(*(log.receipts(each, wait_seconds=10) for each in asked))

    async def replying(self) -> None:
        """From values of the domain to the reply's bytes."""
        for each in self._accepted:
            response = delivery_pb2.SubmitResponse()
            delivery_wire.write_accepted(response.accepted, each)
            response.SerializeToString()

    async def intercepting(self) -> None:
        """A call of a method that does nothing."""
        for data in self._wire:
            handler = await self._lookup()
            await asyncio.create_task(handler.unary_unary(data, self._context))

    def all(self) -> Mapping[str, Stage]:
        """Returns the stages by what they are called in the table."""
        return {
            "request: parsing, checking": self.reading,
            "evidence: two documents": self.documents,
            "log: integrating two entries": self.integrating,
            "receipts: two, asked for message by message": self.receipts,
            "reply: building, serialising": self.replying,
            "call: interceptors and their log line": self.intercepting,
        }


def _read(data: bytes) -> Submission:
    request = delivery_pb2.SubmitRequest.FromString(data)
    return delivery_wire.submit_from_proto(request, CALLER, AM).submissions[0]


def _yardstick() -> float:
    began = time.process_time()
    kept: dict[int, str] = {}
    for step in range(YARDSTICK):
        kept[step & 255] = str(step)
    return time.process_time() - began


async def _yardsticks(stage: Stage) -> float:
    """Returns how many yardsticks the stage takes."""
    before = _yardstick()
    began = time.process_time()
    await stage()
    took = time.process_time() - began
    return 2 * took / (before + _yardstick())


async def measure() -> Mapping[str, float]:
    """Returns microseconds a message for each stage."""
    stages = Stages()
    await stages.prepare()
    gc.collect()
    found = {}
    for name, stage in stages.all().items():
        rounds = [await _yardsticks(stage) for _ in range(ROUNDS)]
        found[name] = statistics.median(rounds) / MESSAGES * 1000
    return found


def main() -> int:
    """Measures and prints."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the log lines' cost, not they
    write_json_lines()
    found = asyncio.run(measure())
    for name, microseconds in found.items():
        print(f"{name:46}{microseconds:8.1f} µs")
    print(f"{'together':46}{sum(found.values()):8.1f} µs")
    print(f"{'the yardstick itself, at best':46}{1e6 * min(_yardstick() for _ in range(200)):8.1f} µs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
