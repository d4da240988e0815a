"""A world whose people give each other rights."""

from datetime import timedelta
from uuid import uuid4

from namak.evidence import events
from namak.evidence.administrative_act import RecordedAct
from namak.evidence.delegation import Right
from server.domain.caller import Holder
from server.domain.delegations import Delegation, Signatory
from server.domain.deliveries import Delivery
from server.jurisdictions.am import AM
from server.usecases.administration import Administration
from server.usecases.delegations import DelegationDesk, GrantDelegation, RevokeDelegation
from server.usecases.mailboxes import Mailboxes
from server.usecases.reading import ConfirmedReading, ConfirmReading, IssueStatement, OpenMessage
from server.usecases.standing import Standings
from tests.unit.usecases.world import BOB, START, World

DIRECTOR = "5001950077"
LONG = timedelta(days=30)


class Scene(World):
    """A world whose people give each other rights. Ani and Bob hold mailboxes; the director may sign for
    the entity.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        administration = Administration(
            uow=self.uow, clock=self.clock, entropy=self.entropy, wake_log=self.log.wake, profile=AM
        )
        self.delegations = DelegationDesk(
            administration=administration, clock=self.clock, entropy=self.entropy
        )
        self.mailboxes = Mailboxes(uow=self.uow, clock=self.clock)
        self.standings = Standings(uow=self.uow, clock=self.clock)
        self.director = self.holder(DIRECTOR)
        self.entry = Signatory(self.entity_box.id, DIRECTOR, START, uuid4(), bytes([7] * 32))
        self.uow.committed.signatories[self.entity_box.id] = self.entry
        self.requests = 0

    async def grant(
        self,
        by: Holder,
        delegate: str = BOB,
        *,
        mailbox: str | None = None,
        right: Right = Right.READ_AND_CONFIRM,
        request_id: str | None = None,
        starts_in: timedelta | None = None,
        ends_in: timedelta = LONG,
    ) -> Delegation:
        self.requests += 1
        now = self.clock.now()
        return await self.delegations.grant(
            GrantDelegation(
                by,
                request_id or f"r-{self.requests}",
                mailbox,
                delegate,
                right,
                None if starts_in is None else now + starts_in,
                now + ends_in,
            )
        )

    async def revoke(self, by: Holder, granted: Delegation, request_id: str | None = None) -> Delegation:
        self.requests += 1
        return await self.delegations.revoke(
            RevokeDelegation(by, request_id or f"r-{self.requests}", granted.id)
        )

    async def confirm(self, who: Holder, delivery: Delivery, mailbox: str | None) -> ConfirmedReading:
        await self.reading.open_message(OpenMessage(who, delivery.id, mailbox))
        issued = await self.reading.issue_statement(IssueStatement(who, delivery.id, mailbox))
        cms = self.cards.sign(who.person_number, issued.text)
        return await self.reading.confirm_reading(ConfirmReading(who, delivery.id, issued.id, cms, mailbox))

    def acts(self) -> list[RecordedAct]:
        facts = [fact for fact in self.uow.committed.queue if fact.event == events.ADMINISTRATIVE_ACT]
        return [RecordedAct.parse(fact.data) for fact in facts]
