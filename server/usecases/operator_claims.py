"""Request ids of the operator's own requests: each stands for one change, for ever (AIP-155)."""

import hashlib
from uuid import UUID

from server.domain.ids import OPERATOR_ID
from server.domain.refusals import RequestIdReused
from server.usecases.ports import Transaction
from server.usecases.records import Claim


async def claim_request(
    tx: Transaction, request_id: str, subject_id: UUID, method: str, *content: str
) -> UUID | None:
    """Claims a request id for a method with this content; the first step of every administrative change.

    Returns None when it is new, and otherwise the identifier of what came of it the first time: then the
    caller changes nothing. A refusal raised afterwards rolls the claim back with everything else.

    Raises:
        RequestIdReused: it was claimed for something else.
    """
    claim = Claim(request_id, _digest(method, *content), subject_id)
    earlier = (await tx.claims.claim(OPERATOR_ID, [claim])).get(request_id)
    if earlier is None:
        return None
    if earlier.digest != claim.digest:
        raise RequestIdReused(request_id)
    return earlier.subject_id


def _digest(*fields: str) -> bytes:
    # Each field is preceded by its length: moving characters between fields makes another digest.
    digest = hashlib.sha256(b"namak-operator-request/1\x00")
    for field in fields:
        data = field.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.digest()
