"""Who may write letters to whom (BOX-9)."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from server.domain.deliveries import Part, PartInfo, Submission
from server.domain.letters import check_offered, day_began, judge_recipient, judge_writer, reply_address
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.reasons import Reason
from server.domain.refusals import LettersNotOffered
from server.jurisdictions.am import AM
from server.jurisdictions.az import AZ
from server.jurisdictions.kz import KZ

AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
OWN = Mailbox(
    UUID(int=1), "900101000016@post.kz", HolderKind.PERSON, "900101000016", MailboxState.OPEN, AT, AT
)
RULES = KZ.correspondence


def test_letters_are_written_where_the_profile_has_them_and_nowhere_else() -> None:
    check_offered(KZ.correspondence)
    for profile in (AM, AZ):
        with pytest.raises(LettersNotOffered):
            check_offered(profile.correspondence)
    assert KZ.correspondence.letters_a_day > 0


def test_an_open_mailbox_with_a_confirmed_profile_may_write() -> None:
    assert judge_writer(OWN, OWN.address, RULES) is None


@pytest.mark.parametrize("state", [MailboxState.SUSPENDED, MailboxState.CLOSED])
def test_who_can_not_receive_may_not_write(state: MailboxState) -> None:
    refused = judge_writer(replace(OWN, state=state), OWN.address, RULES)
    assert refused is not None
    assert refused.reason is Reason.OWN_MAILBOX_NOT_OPEN
    assert refused.metadata == {"sender": OWN.address, "state": state.value}


def test_a_mailbox_that_is_not_there_may_not_write() -> None:
    refused = judge_writer(None, OWN.address, RULES)
    assert refused is not None
    assert refused.reason is Reason.OWN_MAILBOX_NOT_OPEN


def test_an_unconfirmed_profile_may_not_write_where_the_profile_asks_for_it() -> None:
    unconfirmed = replace(OWN, confirmed_at=None)
    refused = judge_writer(unconfirmed, OWN.address, RULES)
    assert refused is not None
    assert refused.reason is Reason.PROFILE_NOT_CONFIRMED
    assert judge_writer(unconfirmed, OWN.address, replace(RULES, confirmed_profile=False)) is None


def test_letters_go_to_entities_and_to_no_person() -> None:
    assert judge_recipient(replace(OWN, holder_kind=HolderKind.ENTITY)) is None
    refused = judge_recipient(OWN)
    assert refused is not None
    assert refused.reason is Reason.RECIPIENT_NOT_OFFICIAL


def test_an_organisation_is_replied_to_at_its_official_address() -> None:
    assert reply_address("991240000012", "post.kz") == "991240000012@post.kz"


def test_a_day_begins_at_the_zones_midnight() -> None:
    zone = ZoneInfo("Asia/Almaty")
    assert day_began(datetime(2026, 11, 22, 20, tzinfo=UTC), zone) == datetime(2026, 11, 22, 19, tzinfo=UTC)
    assert day_began(datetime(2026, 11, 22, 18, tzinfo=UTC), zone) == datetime(2026, 11, 21, 19, tzinfo=UTC)


def test_what_a_reply_answers_is_part_of_its_content() -> None:
    part = Part(PartInfo("1.txt", "text/plain", 3, bytes(32)), b"one")
    letter = Submission("1", OWN.address, "991240000012@post.kz", "Reply", (part,))
    first, second = (replace(letter, in_reply_to=UUID(int=number)) for number in (1, 2))
    assert len({letter.digest(), first.digest(), second.digest()}) == 3


def test_the_digest_of_what_senders_submit_is_what_it_was() -> None:
    part = Part(PartInfo("1.txt", "text/plain", 3, bytes(32)), b"one")
    submission = Submission("1", "notices@src.am", "5001950015@e-citizen.am", "Notice", (part,))
    assert submission.digest().hex() == "2ac027a6fb7f36e65de8865a2740716ccda4e7e19af61446d005da4ac17d4bfa"
