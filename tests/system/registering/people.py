"""Who registers in these tests, and what they show in the DNS."""

import contextlib
from collections.abc import Awaitable

from namak.client import NamakError
from namak.v1 import sender_admin_pb2, sender_admin_pb2_grpc
from tests.dns_server import DnsServer
from tests.system.post import Agency, Citizen, Post


async def operators(post: Post) -> sender_admin_pb2_grpc.SenderAdminServiceStub:
    """Returns the operator's plain stub, which repeats nothing."""
    return sender_admin_pb2_grpc.SenderAdminServiceStub(await post.channel(post.world.operator))


async def administrator(post: Post, agency: Agency) -> Citizen:
    """Returns a person whom the operator enabled for the agency."""
    person = await post.citizen(mailbox=False)
    await (await post.operator()).admin.enable_administrator(
        agency.organisation_id, person_number=person.person.personal_number, display_name="Անի"
    )
    return person


def show_proof(dns_server: DnsServer, proof: sender_admin_pb2.RequestDomainProofResponse) -> None:
    before = dns_server.records.get(proof.record_name, [])
    dns_server.records[proof.record_name] = [*before, f'{proof.record_name}. 60 TXT "{proof.record_text}"']


async def refuses(call: Awaitable[object]) -> bool:
    """Tells whether a call is refused, for whatever reason."""
    with contextlib.suppress(NamakError):
        await call
        return False
    return True


async def by_name(post: Post, agency: Agency, *names: str) -> None:
    """Lets the agency's address send from host names only."""
    admin = (await post.operator()).admin
    await admin.update_sender_address(agency.sender_id, networks=[], host_names=list(names))
