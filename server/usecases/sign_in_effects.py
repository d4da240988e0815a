"""What a sign-in means for the deliveries that are open then (LADDER-1)."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from namak.evidence import events
from namak.evidence.notification_policy import POLICIES
from server.domain import evidence_building
from server.domain.caller import Assurance
from server.domain.facts import Fact
from server.domain.profile import Profile
from server.domain.sessions import Method, Session, SignIn
from server.usecases.ports import Entropy, Transaction
from server.usecases.stamps import Stamps

ASKING: Final[Collection[str]] = frozenset(
    key for key, policy in POLICIES.items() if policy.asks_for(events.HOLDER_SIGNED_IN)
)
"""The policies under which a sign-in is a fact. Under all others it is nobody's business but the holder's."""

_AT_ONCE = 4


class SignInEffects:
    """Records sign-ins as facts of deliveries."""

    def __init__(self, entropy: Entropy, profile: Profile, asking: Collection[str] = ASKING) -> None:
        self._stamps = Stamps(profile, entropy)
        self._asking = asking

    async def record(
        self, tx: Transaction, session: Session, sign_in: SignIn, now: datetime
    ) -> Sequence[Fact]:
        """Records HolderSignedIn for every delivery that is consigned, and not yet notified or withdrawn,
        under a policy that asks for it, and what follows from it. A password is no fact: it proves too
        little of who came.
        """
        if session.assurance is not Assurance.SIGNATURE or sign_in.method is Method.PASSWORD:
            return ()
        deliveries = await tx.open_deliveries.lock_consigned(session.person_number, self._asking)
        if not deliveries:
            return ()
        earlier = await tx.evidence.of_deliveries(deliveries)
        recorded: list[Fact] = []
        for number, delivery in enumerate(deliveries, 1):
            facts = earlier[delivery.id]
            at = evidence_building.recording_time(now, facts)
            consignment = evidence_building.fact_of(facts, events.CONTENT_CONSIGNMENT)
            fact = evidence_building.holder_signed_in(
                self._stamps.at(at), delivery, consignment, sign_in.method.value, sign_in.text
            )
            recorded.append(fact)
            effect = evidence_building.effect_after(fact, facts)
            if effect is not None and await tx.deliveries.set_notified(
                delivery.mailbox_id, delivery.id, effect.effective_time
            ):
                stamp = self._stamps.at(fact.recorded_at)
                recorded.append(evidence_building.notification_effected(stamp, delivery, effect))
            if number % _AT_ONCE == 0:
                # Others are served meanwhile: a mailbox may have gathered many.
                await asyncio.sleep(0)
        await tx.evidence.record(recorded)
        return recorded
