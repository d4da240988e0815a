"""What a holder must have proved to open official letters (BOX-8)."""

from server.domain.caller import Assurance, Holder
from server.domain.refusals import SignatureRequired
from server.usecases.ports import Transaction


async def check_signed(tx: Transaction, holder: Holder) -> None:
    """Checks that the holder came by a signature: with their own certificate, or in a session that began with
    one or was raised by one since.

    What the door remembers may be half a second older than the step-up, so the session is looked at again.

    Raises:
        SignatureRequired.
    """
    if holder.via is None or holder.via.assurance is Assurance.SIGNATURE:
        return
    session = await tx.sessions.get(holder.via.session_id)
    if session is None or session.assurance is not Assurance.SIGNATURE:
        raise SignatureRequired
