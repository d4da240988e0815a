"""What the office's counter does not do: commands about it are tried on the whole server (tests/system)."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

from collections.abc import AsyncIterator
from typing import Any

import grpc

from namak.v1 import evidence_pb2_grpc, mailbox_pb2_grpc, sender_admin_pb2_grpc
from tests.client.desk import Context


async def elsewhere(context: Context) -> Any:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "not at this counter")


class AdminElsewhere(sender_admin_pb2_grpc.SenderAdminServiceServicer):
    async def GetOrganisation(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ListOrganisations(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def UpdateOrganisation(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def EnableAdministrator(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def DisableAdministrator(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ListAdministrators(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def RequestDomainProof(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ProveDomain(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ListDomains(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def DeleteDomain(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ListSenderAddresses(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def DeleteSenderAddress(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ListCertificateBindings(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)


class MailboxElsewhere(mailbox_pb2_grpc.MailboxServiceServicer):
    async def CloseMailbox(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ReopenMailbox(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ListMailboxLinks(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def ResumeMailbox(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def SuspendMailbox(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def WatchMailbox(self, request: Any, context: Context) -> AsyncIterator[Any]:
        yield await elsewhere(context)


class EvidenceElsewhere(evidence_pb2_grpc.EvidenceServiceServicer):
    async def GetConsistencyProof(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)

    async def GetTile(self, request: Any, context: Context) -> Any:
        return await elsewhere(context)
