import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence.details import AccessDetails, ConfirmationDetails, NamedList
from namak.evidence.report import FileReport, Outcome, Verdict
from namak.evidence.signature import build_confirmation_signature
from namak.evidence.statement import SIGNED_IN, StatedPart, Statement
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.pki import Authority
from tests.unit.evidence_documents.reading import failures, last, only
from tests.unit.evidence_documents.world import Story


def confirming(story: Story, details: ConfirmationDetails) -> FileReport:
    """Verifies a confirmation with these details, logged as if nothing was wrong with it."""
    fact = story.world.record(story.confirmation(details))
    return last(story.verify(story.consignment, story.access, fact))


def test_refuses_a_signature_by_somebody_else(story: Story) -> None:
    neighbour = story.world.issuer.card("PNOAM-5001950016")

    file = confirming(story, story.confirmation_details(card=neighbour))

    assert failures(file) == {"signer": "the signer is not the recipient"}
    assert file.proves == "Proves nothing: failed on signer."


def test_refuses_a_signature_by_an_agencys_certificate_with_the_recipients_number(story: Story) -> None:
    agencies = Authority.root("Agency root")
    impostor = agencies.card("PNOAM-5001950015")

    file = confirming(story, story.confirmation_details(card=impostor, crls=(agencies.crl(),)))

    assert failures(file).keys() == {"certificate"}


@pytest.mark.parametrize("cms", [b"\x00", b"\x30\x00", b"garbage", bytes(1000)])
def test_refuses_a_signature_by_nobody(story: Story, cms: bytes) -> None:
    file = confirming(story, story.confirmation_details(cms=cms))

    assert failures(file).keys() == {"signature"}
    assert file.verdict is Verdict.INVALID


def test_an_empty_signature_is_not_even_evidence(story: Story) -> None:
    data = story.confirmation().encode()
    written = story.confirmation_details()
    start = data.index(b'"cms":"') + 7
    emptied = data[:start] + data[data.index(b'"', start) :]
    assert written.cms
    story.world.log.entries.append(hashlib.sha256(emptied).digest())
    proof = story.world.log.proof(emptied, len(story.world.log.entries) - 1)

    assert failures(only(verify_receipts({"x": proof.encode()}, story.world.trust()))).keys() == {"evidence"}


def test_refuses_a_signature_over_another_statement(story: Story) -> None:
    card = story.world.card
    other = replace(story.statement(), statement_id=UUID(int=9)).encode()

    file = confirming(
        story,
        story.confirmation_details(cms=build_confirmation_signature(other, card.der, card.chain, card.sign)),
    )

    assert failures(file).keys() == {"signature"}


Change = Callable[[Statement], Statement]

MISSTATED: dict[str, tuple[Change, str]] = {
    "another delivery": (lambda statement: replace(statement, delivery_id=UUID(int=9)), "statement"),
    "another sender": (lambda statement: replace(statement, sender="info@src.am"), "statement"),
    "another recipient": (
        lambda statement: replace(statement, recipient="22335588@e-citizen.am"),
        "statement",
    ),
    "a part fewer": (lambda statement: replace(statement, parts=statement.parts[:1]), "statement"),
    "a part more": (
        lambda statement: replace(statement, parts=(*statement.parts, StatedPart("2", bytes(32)))),
        "statement",
    ),
    "another part": (
        lambda statement: replace(statement, parts=(statement.parts[0], StatedPart("1", bytes(32)))),
        "statement",
    ),
    "the sentence of another state": (lambda statement: replace(statement, language="kk"), "statement"),
    "an expiry before the confirmation": (
        lambda statement: replace(statement, expires=statement.issued + timedelta(seconds=1)),
        "statement time",
    ),
    "an issue after the confirmation": (
        lambda statement: replace(statement, issued=statement.expires - timedelta(seconds=1)),
        "statement time",
    ),
}


@pytest.mark.parametrize(("change", "check"), MISSTATED.values(), ids=MISSTATED.keys())
def test_refuses_a_statement_with(story: Story, change: Change, check: str) -> None:
    statement = change(story.statement()).encode()

    assert failures(confirming(story, story.confirmation_details(statement=statement))).keys() == {check}


@pytest.mark.parametrize(("policy_id", "language"), SIGNED_IN.items())
@pytest.mark.parametrize("signed", ["hy", "kk", "az"])
def test_asks_for_the_sentence_of_the_policy(
    story: Story, policy_id: str, language: str, signed: str
) -> None:
    details = story.confirmation_details(statement=replace(story.statement(), language=signed).encode())
    fact = story.world.record(replace(story.confirmation(details), policy_id=policy_id))

    (statement,) = [check for check in only(story.verify(fact)).checks if check.name == "statement"]

    assert statement.outcome is (Outcome.PASSED if signed == language else Outcome.FAILED)
    if signed != language:
        assert statement.words == "the statement's sentence is not the one of the evidence's policy"


def test_refuses_a_signature_over_what_is_no_statement(story: Story) -> None:
    assert failures(confirming(story, story.confirmation_details(statement=b"I confirm.\n"))).keys() == {
        "statement"
    }


def test_refuses_an_authentication_certificate(story: Story) -> None:
    card = story.world.issuer.card(usages=("digital_signature",))

    assert failures(confirming(story, story.confirmation_details(card=card))).keys() == {"certificate"}


def test_refuses_an_expired_certificate(story: Story) -> None:
    card = story.world.issuer.card(days=-1)

    assert failures(confirming(story, story.confirmation_details(card=card))).keys() == {"certificate"}


def test_refuses_a_revoked_certificate_and_accepts_one_revoked_afterwards() -> None:
    for minutes, expected in ((14, {"revocation"}), (16, set())):
        story = Story()
        story.world.issuer.revoke(story.world.card, story.opening_time + timedelta(minutes=minutes - 5))

        assert failures(confirming(story, story.confirmation_details())).keys() == expected


def test_refuses_revocation_lists_that_are_not_those_of_the_path(story: Story) -> None:
    of_issuer, of_root = story.world.crls()
    other = Authority.root("Agency root").crl()

    for lists in ((of_issuer,), (of_root, of_issuer), (of_issuer, of_root, other), (other, other)):
        file = confirming(story, story.confirmation_details(crls=lists))
        assert failures(file).keys() == {"revocation"}


def test_a_list_that_is_only_named_must_be_given(story: Story) -> None:
    of_issuer, of_root = story.world.crls()
    named = NamedList(hashlib.sha256(of_issuer).hexdigest())
    details = story.confirmation_details(crls=(of_issuer, of_root))
    details = replace(details, revocation=(named, details.revocation[1]))
    fact = story.world.record(story.confirmation(details))

    def verify(crls: Mapping[str, bytes]) -> FileReport:
        return only(verify_receipts(story.files(fact), story.world.trust(crls=crls)))

    assert verify({named.digest: of_issuer}).verdict is Verdict.VALID
    assert named.digest in failures(verify({}))["revocation"]
    assert named.digest in failures(verify({named.digest: of_root}))["revocation"]


def test_refuses_a_confirmation_for_an_entitys_mailbox(story: Story) -> None:
    entity = story.world.issuer.card("PNOAM-22335588")
    recipient = replace(story.consignment.document.recipient, identifier="22335588@e-citizen.am")
    statement = replace(story.statement(), recipient=recipient.identifier).encode()
    for card in (entity, story.world.card):
        details = story.confirmation_details(statement=statement, card=card)
        fact = story.world.record(replace(story.confirmation(details), recipient=recipient))

        file = only(story.verify(fact))

        assert file.verdict is Verdict.INVALID
        if card is story.world.card:
            assert failures(file) == {"signer": "the mailbox is not a person's"}


def test_refuses_what_it_names_when_that_is_something_else(story: Story) -> None:
    right = story.confirmation_details()
    other_consignment = story.world.record(
        replace(story.consignment.document, delivery_id=UUID(int=9), evidence_id=UUID(int=8))
    )
    late_access = story.world.record(
        replace(
            story.access.document,
            evidence_id=UUID(int=10),
            event_time=story.opening_time + timedelta(minutes=11),
        )
    )
    other_access = story.world.record(
        replace(
            story.access.document,
            evidence_id=UUID(int=11),
            details=AccessDetails(other_consignment.digest),
        )
    )
    facts = (story.consignment, story.access, other_consignment, late_access, other_access)

    for details, check in (
        (replace(right, consignment=story.access.digest), "consignment"),
        (replace(right, consignment=other_consignment.digest), "consignment"),
        (replace(right, access=story.consignment.digest), "access"),
        (replace(right, access=late_access.digest), "access"),
        (replace(right, access=other_access.digest), "access"),
    ):
        fact = story.world.record(story.confirmation(details))
        files = {f"{number}": story.world.receipt(given) for number, given in enumerate((*facts, fact))}

        assert check in failures(last(verify_receipts(files, story.world.trust())))


def test_refuses_a_confirmation_logged_before_the_opening_it_names() -> None:
    story = Story()
    early = story.world.log.entries.pop()
    fact = story.world.record(story.confirmation())
    story.world.log.entries.append(early)

    assert failures(last(story.verify(story.consignment, story.access, fact))).keys() == {"access"}
