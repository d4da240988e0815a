"""Confirmations on somebody's behalf: the verifier judges from the acts whether the signer was entitled."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from namak.evidence import delegation, events, verify_right
from namak.evidence.administrative_act import ActDetails, Actor, ActorKind, RecordedAct, Resource
from namak.evidence.delegation import (
    DELEGATION,
    GRANT,
    REVOKE,
    SIGNATORY,
    DelegationTerms,
    Right,
    SignatoryEntry,
)
from namak.evidence.details import AccessDetails, ConfirmationDetails
from namak.evidence.document import RecordedFact
from namak.evidence.report import FileReport, Outcome, Receipt
from namak.evidence.times import format_time
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.acts import act
from tests.unit.evidence_documents.documents import START, document
from tests.unit.evidence_documents.pki import Card
from tests.unit.evidence_documents.reading import failures, outcomes
from tests.unit.evidence_documents.world import Story

HOLDER, DELEGATE, BYSTANDER = "5001950015", "5001950016", "5001950017"
MAILBOX = f"{HOLDER}@e-citizen.am"
RESOURCE = Resource(DELEGATION, "0192f0c3-0000-7000-8000-0000000000de")
TERMS = DelegationTerms(
    MAILBOX, DELEGATE, Right.READ_AND_CONFIRM, START - timedelta(hours=1), START + timedelta(days=30)
)


@dataclass
class Deed:
    """A story in whose log acts stand too."""

    story: Story = field(default_factory=Story)
    acts: list[RecordedAct] = field(default_factory=list)

    def record(self, details: ActDetails, at: datetime) -> RecordedAct:
        document = replace(act(details, number=len(self.acts) + 1), event_time=at)
        recorded = RecordedAct.parse(document.encode())
        self.story.world.log.entries.append(recorded.entry)
        self.acts.append(recorded)
        return recorded

    def grant(self, terms: DelegationTerms = TERMS, *, by: str = HOLDER, **changes: Any) -> RecordedAct:
        granted = ActDetails(
            act=GRANT,
            actor=Actor(ActorKind.HOLDER, "ab" * 32, by),
            acted_from=None,
            organisation=None,
            resource=RESOURCE,
            before=None,
            after=terms.fields(),
            request_id=None,
        )
        return self.record(replace(granted, **changes), START + timedelta(minutes=1))

    def revoke(self, granted: RecordedAct, after: timedelta) -> RecordedAct:
        fields = granted.document.details.after or {}
        at = START + after
        details = replace(
            granted.document.details,
            act=REVOKE,
            before=fields,
            after={**fields, "revoke_time": format_time(at)},
        )
        return self.record(details, at)

    def enter(self, person: str = HOLDER, mailbox: str = MAILBOX) -> RecordedAct:
        details = ActDetails(
            act="ApproveApplication",
            actor=Actor(ActorKind.OPERATOR, "cd" * 32),
            acted_from=ip_address("198.51.100.9"),
            organisation=None,
            resource=Resource(SIGNATORY, mailbox),
            before=None,
            after=SignatoryEntry(mailbox, person, START - timedelta(days=1)).fields(),
            request_id="r-9",
        )
        return self.record(details, START + timedelta(seconds=30))

    def confirm(
        self, right: RecordedAct | str, *, by: str = DELEGATE, stated: str | None = None
    ) -> RecordedFact:
        digest = right if isinstance(right, str) else right.digest
        card = self.story.world.issuer.card(f"PNOAM-{by}")
        statement = replace(self.story.statement(), right=stated or digest).encode()
        details = self.story.confirmation_details(statement=statement, card=card)
        return self.story.world.record(self.story.confirmation(replace(details, right=digest)))

    def judged(self, confirmed: RecordedFact, *acts: RecordedAct) -> FileReport:
        world = self.story.world
        files = self.story.files(self.story.consignment, self.story.access, confirmed)
        for number, each in enumerate(acts):
            files[f"act-{number}"] = world.log.proof(each.data, world.log.entries.index(each.entry)).encode()
        report = verify_receipts(files, world.trust())
        (found,) = [file for file in report.files if file.fact and file.fact.digest == confirmed.digest]
        return found


@pytest.fixture
def deed() -> Deed:
    return Deed()


def test_accepts_a_delegates_signature_with_the_receipt_of_the_grant(deed: Deed) -> None:
    granted = deed.grant()

    file = deed.judged(deed.confirm(granted), granted)

    assert failures(file) == {}
    assert outcomes(file)["right"] is Outcome.PASSED
    assert f"on behalf of {MAILBOX}" in file.proves


def test_refuses_it_without_the_receipt_of_the_grant(deed: Deed) -> None:
    granted = deed.grant()

    assert failures(deed.judged(deed.confirm(granted))).keys() == {"right"}


def test_refuses_it_when_no_such_act_is_in_the_log(deed: Deed) -> None:
    granted = deed.grant()
    confirmed = deed.confirm("ef" * 32)

    assert failures(deed.judged(confirmed, granted)).keys() == {"right"}


WRONG: Mapping[str, tuple[DelegationTerms, str]] = {
    "another mailbox": (replace(TERMS, mailbox="5001950099@e-citizen.am"), "another mailbox"),
    "another delegate": (replace(TERMS, delegate=BYSTANDER), "somebody else's"),
    "reading only": (replace(TERMS, right=Right.READ), "not to confirm"),
    "not begun": (replace(TERMS, start=START + timedelta(minutes=15, seconds=1)), "not in force"),
    "over at that moment": (replace(TERMS, expire=START + timedelta(minutes=15)), "not in force"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refuses_a_right_that_is_not_this_one(deed: Deed, case: str) -> None:
    terms, words = WRONG[case]
    granted = deed.grant(terms)

    assert words in failures(deed.judged(deed.confirm(granted), granted))["right"]


def test_accepts_a_right_to_its_last_microsecond(deed: Deed) -> None:
    granted = deed.grant(replace(TERMS, expire=START + timedelta(minutes=15, microseconds=1)))

    assert failures(deed.judged(deed.confirm(granted), granted)) == {}


def test_refuses_what_was_granted_afterwards(deed: Deed) -> None:
    ahead = Deed()
    promised = ahead.grant()
    confirmed = deed.confirm(promised)
    granted = deed.grant()
    assert granted.digest == promised.digest

    assert "afterwards" in failures(deed.judged(confirmed, granted))["right"]


def test_refuses_what_was_revoked_before_and_not_what_was_revoked_later(deed: Deed) -> None:
    granted = deed.grant()
    early = deed.revoke(granted, timedelta(minutes=2))
    confirmed = deed.confirm(granted)
    late = deed.revoke(granted, timedelta(minutes=20))

    assert "taken back" in failures(deed.judged(confirmed, granted, early))["right"]
    assert failures(deed.judged(confirmed, granted, late)) == {}


def test_a_revocation_of_another_delegation_changes_nothing(deed: Deed) -> None:
    granted = deed.grant()
    other = deed.grant(resource=Resource(DELEGATION, "0192f0c3-0000-7000-8000-0000000000df"))
    revoked = deed.revoke(other, timedelta(minutes=2))

    assert failures(deed.judged(deed.confirm(granted), granted, revoked)) == {}


def test_refuses_what_somebody_else_than_the_holder_granted(deed: Deed) -> None:
    by_the_delegate = deed.grant(by=DELEGATE)

    assert "than the holder" in failures(deed.judged(deed.confirm(by_the_delegate), by_the_delegate))["right"]


@pytest.mark.parametrize("kind", [ActorKind.SERVER, ActorKind.COMMAND_LINE])
def test_refuses_what_the_operator_granted(deed: Deed, kind: ActorKind) -> None:
    granted = deed.grant(actor=Actor(kind))

    assert "nobody who could" in failures(deed.judged(deed.confirm(granted), granted))["right"]


@pytest.mark.parametrize(
    "changes",
    [
        {"act": "UpdateSenderAddress"},
        {"resource": Resource("MAILBOX", MAILBOX)},
        {"before": {"mailbox": MAILBOX}},
        {"after": {**TERMS.fields(), "right": "EVERYTHING"}},
        {"after": {**TERMS.fields(), "expire_time": "2099"}},
        {"after": {**TERMS.fields(), "delegate": (DELEGATE, BYSTANDER)}},
        {"after": {**TERMS.fields(), "under": "an act"}},
        {"after": {"mailbox": MAILBOX, "delegate": DELEGATE, "right": "READ_AND_CONFIRM"}},
    ],
)
def test_refuses_an_act_that_grants_nothing(deed: Deed, changes: dict[str, Any]) -> None:
    granted = deed.grant(**changes)

    assert failures(deed.judged(deed.confirm(granted), granted)).keys() == {"right"}


def test_refuses_a_statement_that_names_another_right_or_none(deed: Deed) -> None:
    granted = deed.grant()

    assert failures(deed.judged(deed.confirm(granted, stated="ef" * 32), granted)).keys() == {"statement"}

    own = replace(deed.story.confirmation_details(), right=granted.digest)
    confirmed = deed.story.world.record(deed.story.confirmation(own))
    assert "statement" in failures(deed.judged(confirmed, granted))


def test_a_signature_on_behalf_does_not_pass_for_the_holders_own(deed: Deed) -> None:
    granted = deed.grant()
    statement = replace(deed.story.statement(), right=granted.digest).encode()
    details = deed.story.confirmation_details(statement=statement)
    assert details.right is None
    confirmed = deed.story.world.record(deed.story.confirmation(details))

    assert failures(deed.judged(confirmed, granted)).keys() == {"statement"}


def test_accepts_the_registered_signatory_with_the_receipt_of_the_entry(deed: Deed) -> None:
    entered = deed.enter(DELEGATE)

    assert failures(deed.judged(deed.confirm(entered), entered)) == {}
    assert failures(deed.judged(deed.confirm(entered, by=BYSTANDER), entered)).keys() == {"right"}


def test_refuses_the_signatory_of_another_entity_and_one_who_is_signatory_no_longer(deed: Deed) -> None:
    elsewhere = deed.enter(DELEGATE, "5001950099@e-citizen.am")
    assert "another mailbox" in failures(deed.judged(deed.confirm(elsewhere), elsewhere))["right"]

    entered = deed.enter(DELEGATE)
    fields = entered.document.details.after
    ended = replace(entered.document.details, before=fields, after=None)
    gone = deed.record(ended, START + timedelta(minutes=2))
    assert "taken back" in failures(deed.judged(deed.confirm(entered), entered, gone))["right"]


def test_staff_needs_the_receipts_of_the_grant_and_of_the_signatory_who_granted(deed: Deed) -> None:
    entered = deed.enter(BYSTANDER)
    granted = deed.grant(replace(TERMS, under=entered.digest), by=BYSTANDER)
    confirmed = deed.confirm(granted)

    assert failures(deed.judged(confirmed, entered, granted)) == {}
    assert "made the grantor signatory" in failures(deed.judged(confirmed, granted))["right"]
    assert failures(deed.judged(confirmed, entered)).keys() == {"right"}


def test_refuses_what_was_granted_by_somebody_who_is_not_the_signatory(deed: Deed) -> None:
    entered = deed.enter(BYSTANDER)
    granted = deed.grant(replace(TERMS, under=entered.digest), by=DELEGATE)

    file = deed.judged(deed.confirm(granted), entered, granted)

    assert "signatory is somebody else" in failures(file)["right"]


def test_what_a_signatory_granted_outlives_the_entry(deed: Deed) -> None:
    entered = deed.enter(BYSTANDER)
    granted = deed.grant(replace(TERMS, under=entered.digest), by=BYSTANDER)
    ended = replace(entered.document.details, before=entered.document.details.after, after=None)
    gone = deed.record(ended, START + timedelta(minutes=2))

    assert failures(deed.judged(deed.confirm(granted), entered, granted, gone)) == {}


def test_a_delegate_cannot_delegate_further(deed: Deed) -> None:
    granted = deed.grant()
    further = deed.grant(
        replace(TERMS, delegate=BYSTANDER, under=granted.digest),
        by=DELEGATE,
        resource=Resource(DELEGATION, "0192f0c3-0000-7000-8000-0000000000df"),
    )

    assert "right" in failures(deed.judged(deed.confirm(further, by=BYSTANDER), granted, further))


def test_an_opening_on_somebodys_behalf_names_the_right_and_is_checked_where_the_act_is_given(
    deed: Deed,
) -> None:
    granted = deed.grant(replace(TERMS, right=Right.READ))
    details = AccessDetails(deed.story.consignment.digest, granted.digest)
    opened = deed.story.world.record(
        document(events.CONTENT_ACCESS_TRACKING, details, after=timedelta(minutes=6), number=9)
    )

    assert outcomes(deed.judged(opened))["right"] is Outcome.NOT_GIVEN
    file = deed.judged(opened, granted)
    assert outcomes(file)["right"] is Outcome.PASSED
    assert "on its recipient's behalf" in file.proves
    elsewhere = deed.grant(replace(TERMS, mailbox="5001950099@e-citizen.am"))
    wrong = replace(details, right=elsewhere.digest)
    opened = deed.story.world.record(
        document(events.CONTENT_ACCESS_TRACKING, wrong, after=timedelta(minutes=6), number=10)
    )
    assert failures(deed.judged(opened, elsewhere)).keys() == {"right"}


def test_what_holders_do_for_themselves_is_written_as_it_always_was(deed: Deed) -> None:
    card: Card = deed.story.world.card
    details = deed.story.confirmation_details(card=card)
    assert isinstance(details, ConfirmationDetails)

    written = deed.story.confirmation(details).encode()

    assert b'"right"' not in written
    assert b"on behalf of" not in written


def test_the_end_of_a_right_is_looked_for_once_among_acts_on_the_same_thing(
    deed: Deed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = []
    for number in range(20):
        resource = replace(RESOURCE, identifier=f"0192f0c3-0000-7000-8000-{number:012}")
        rights.append(deed.grant(resource=resource))
        deed.revoke(rights[-1], timedelta(minutes=5))
    looked = []

    def is_ended_by(act: RecordedAct, other: RecordedAct) -> bool:
        looked.append((act.digest, other.digest))
        return delegation.is_ended_by(act, other)

    monkeypatch.setattr(verify_right, "is_ended_by", is_ended_by)
    acts = verify_right.Acts.among(Receipt(str(number), act=each) for number, each in enumerate(deed.acts))
    ends = [acts.ends_of(right) for right in [*rights, *rights]]

    assert [[end.act for end in each] for each in ends] == [[each] for each in deed.acts[1::2]] * 2
    assert len(looked) == 2 * len(rights)


def test_of_an_act_given_twice_the_first_sound_receipt_counts(deed: Deed) -> None:
    granted = deed.grant()
    first, second, unsound = Receipt("1", act=granted), Receipt("2", act=granted), Receipt("0", act=granted)
    unsound.failed("log", "no log that you trust signed the checkpoint")

    acts = verify_right.Acts.among([unsound, first, second])

    assert acts.get(granted.digest) is first
    assert acts.get("ef" * 32) is None
