"""The post with two-way letters: Ani, whose profile is confirmed, and a committee that has a mailbox."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from server.domain.caller import Assurance, Holder, ViaPortal
from server.domain.deliveries import Delivery, Part, PartInfo
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.profile import Profile
from server.domain.sessions import Method, Session
from server.jurisdictions.am import AM
from server.usecases.administration import Administration
from server.usecases.correspondence import CorrespondenceDesk, SendLetter
from server.usecases.delivery import DeliveryDesk
from server.usecases.paper_answers import PaperAnswers
from server.usecases.submission import Accepted, Outcome
from server.usecases.withdrawal import Withdrawal
from tests.unit.usecases.world import ANI, START, World

SRC_ADDRESS = "11223344@e-citizen.am"
LETTERS_A_DAY = 3
TWO_WAY = replace(
    AM,
    correspondence=replace(
        AM.correspondence, confirmed_profile=True, two_way=True, letters_a_day=LETTERS_A_DAY
    ),
)


class LetterWorld(World):
    """See the module."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.src_box = self.mailbox(SRC_ADDRESS, HolderKind.ENTITY)
        for each in (self.ani_box, self.bob_box, self.src_box, self.entity_box):
            self.confirm(each)
        self.letters = self.new_letters(TWO_WAY)

    def new_letters(self, profile: Profile, *, prints: bool = True) -> CorrespondenceDesk:
        self.submissions = self.new_submissions(profile=profile)
        return CorrespondenceDesk(
            uow=self.uow,
            submissions=self.submissions,
            deliveries=DeliveryDesk(uow=self.uow),
            withdrawal=Withdrawal(
                uow=self.uow, clock=self.clock, entropy=self.entropy, log=self.log, profile=profile
            ),
            profile=profile,
            answers=PaperAnswers(
                uow=self.uow,
                administration=Administration(
                    uow=self.uow,
                    clock=self.clock,
                    entropy=self.entropy,
                    wake_log=self.log.wake,
                    profile=profile,
                ),
                clock=self.clock,
                profile=profile,
                prints=prints,
            ),
        )

    def confirm(self, mailbox: Mailbox) -> None:
        self.uow.committed.mailboxes[mailbox.id] = replace(mailbox, confirmed_at=START)

    def at_portal(self, assurance: Assurance) -> Holder:
        """Returns Ani, signed in at a portal."""
        session = Session(
            id=self.entropy.new_id(),
            sign_in_id=self.entropy.new_id(),
            person_number=ANI,
            portal_sha256=self.ani.connection.certificate_sha256,
            portal_name="post.am",
            method=Method.PASSWORD,
            assurance=assurance,
            started_at=START,
            expires_at=START,
        )
        self.uow.committed.sessions[session.id] = session
        return replace(self.ani, via=ViaPortal("post.am", session.id, assurance))

    async def write(
        self,
        request_id: str = "1",
        *,
        to: str | None = SRC_ADDRESS,
        reply_to: UUID | None = None,
        by: Holder | None = None,
        subject: str = "Question",
        wait: float = 0,
        printed: bool = False,
        media_type: str = "text/plain",
    ) -> Outcome:
        return await self.letters.send(
            SendLetter(
                holder=by or self.ani,
                request_id=request_id,
                recipient=None if reply_to else to,
                in_reply_to=reply_to,
                subject=subject,
                parts=parts(b"Where is my refund?", media_type=media_type),
                receipt_wait_seconds=wait,
                print_and_post=printed,
            )
        )

    async def written(self, request_id: str = "1", *, reply_to: UUID | None = None) -> Delivery:
        outcome = await self.write(request_id, reply_to=reply_to)
        assert isinstance(outcome, Accepted), outcome
        return outcome.delivery


def parts(*contents: bytes, media_type: str = "text/plain") -> Sequence[Part]:
    return [
        Part(PartInfo(f"{number}.txt", media_type, len(each), hashlib.sha256(each).digest()), each)
        for number, each in enumerate(contents, 1)
    ]
