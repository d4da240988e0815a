"""Letters on paper among other receipts: what holds of them, and what a forger gets caught by."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from namak.evidence import events
from namak.evidence.copy_statement import STATEMENTS, TRUE_COPY, CopyStatement, copy_statement
from namak.evidence.custody import CustodyAct, chained
from namak.evidence.details_paper import PaperDetails, PaperSender
from namak.evidence.document import RecordedFact
from namak.evidence.errors import EvidenceError
from namak.evidence.report import Outcome, Verdict
from tests.unit.evidence_documents.documents import LETTER, PAPER, document
from tests.unit.evidence_documents.papers import SCANS, paper_details, steps
from tests.unit.evidence_documents.reading import failures, last, outcomes
from tests.unit.evidence_documents.world import Story

_numbers = itertools.count(300)


def told(story: Story, details: PaperDetails | None = None) -> RecordedFact:
    """Logs evidence of a letter on paper, whatever it says."""
    said = details or paper_details(story.consignment.digest)
    return story.world.record(document(events.RECEIVED_FROM_NON_ERDS, said, number=next(_numbers)))


def test_the_parts_of_the_documents_are_the_scans_of_the_chain() -> None:
    assert (LETTER.digest,) == SCANS


def test_a_copy_of_paper_holds_and_claims_nobody_as_its_sender(story: Story) -> None:
    report = story.verify(story.acceptance, story.consignment, told(story))

    assert report.verdict is Verdict.VALID
    file = last(report)
    assert {name: outcomes(file)[name] for name in ("custody", "copy", "consignment")} == {
        "custody": Outcome.PASSED,
        "copy": Outcome.PASSED,
        "consignment": Outcome.PASSED,
    }
    assert file.proves == (
        "ReceivedFromNonERDS: at 2026-11-21T20:00:00.123456Z message "
        "0192f0c3-0000-7000-8000-000000000001 from notices@src.am to 5001950015@e-citizen.am was delivered "
        "as the copy of a letter on paper that names Գոհար Սարգսյան as its sender; nobody has proved that."
    )


def test_a_letter_that_names_nobody_is_told_so(story: Story) -> None:
    nobody = replace(paper_details(story.consignment.digest), paper_sender=None)
    for details in (nobody, replace(nobody, paper_sender=PaperSender(None, ("Մաշտոցի 5",)))):
        assert last(story.verify(told(story, details))).proves.endswith("who wrote it is not known.")


def test_the_consignment_may_be_missing_among_the_files(story: Story) -> None:
    file = last(story.verify(told(story)))
    assert (file.verdict, outcomes(file)["consignment"]) == (Verdict.VALID, Outcome.NOT_GIVEN)


def test_another_thing_named_as_the_consignment_is_caught(story: Story) -> None:
    fact = told(story, paper_details(story.acceptance.digest))
    assert set(failures(last(story.verify(story.acceptance, fact)))) == {"consignment"}


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        (
            lambda made: (replace(made[0], place="elsewhere"), *made[1:]),
            "step 1 of the chain of custody has another digest than what it says",
        ),
        (
            lambda made: chained(made, [bytes(32)]),
            "step 3 of the chain of custody has another digest than what it says",
        ),
        (lambda made: made[1:], "the chain of custody does not begin with the paper's receipt"),
        (lambda made: made[:2], "the chain of custody has no scanning"),
        (
            lambda made: chained([*made, made[-1]], SCANS),
            "step 5 of the chain of custody is out of place",
        ),
        (
            lambda made: chained([*made[:2], replace(made[2], time=made[0].time)], SCANS),
            "step 3 of the chain of custody is earlier than the one before it",
        ),
        (
            lambda made: chained([*made[:3], replace(made[3], time=made[3].time + timedelta(days=9))], SCANS),
            "step 4 of the chain of custody is later than its recording",
        ),
    ],
)
def test_a_forged_chain_of_custody_proves_nothing(
    story: Story, forged: Callable[[Any], Any], words: str
) -> None:
    custody = forged(chained(steps(), SCANS))
    file = last(story.verify(told(story, paper_details(story.consignment.digest, custody))))
    assert (file.verdict, list(failures(file))) == (Verdict.INVALID, ["custody"])
    assert words in failures(file)["custody"]


def test_scans_that_were_exchanged_are_caught(story: Story) -> None:
    exchanged = replace(LETTER, digest=bytes(32))
    genuine = document(
        events.RECEIVED_FROM_NON_ERDS, paper_details(story.consignment.digest), number=next(_numbers)
    )
    fact = story.world.record(replace(genuine, parts=(genuine.parts[0], exchanged)))
    assert set(failures(last(story.verify(story.consignment, fact)))) == {"custody", "consignment"}


@pytest.mark.parametrize(
    "statement",
    [
        CopyStatement(TRUE_COPY, "hy", "Some other sentence."),
        CopyStatement(TRUE_COPY, "ru", STATEMENTS[TRUE_COPY]["hy"]),
        CopyStatement("true-copy@9", "hy", STATEMENTS[TRUE_COPY]["hy"]),
        CopyStatement(TRUE_COPY, "fr", "Copie conforme."),
    ],
)
def test_another_sentence_than_the_operators_is_caught(story: Story, statement: CopyStatement) -> None:
    file = last(story.verify(told(story, paper_details(story.consignment.digest, statement=statement))))
    assert (file.verdict, list(failures(file))) == (Verdict.INVALID, ["copy"])


@pytest.mark.parametrize("language", ["hy", "ru", "en", "kk", "az"])
def test_the_statement_is_the_same_in_each_language(story: Story, language: str) -> None:
    details = paper_details(story.consignment.digest, statement=copy_statement(TRUE_COPY, language))
    assert last(story.verify(told(story, details))).verdict is Verdict.VALID


def _mutations() -> list[Callable[[dict[str, Any]], None]]:
    return [
        lambda said: said.pop("custody"),
        lambda said: said.update(custody=[]),
        lambda said: said.update(custody=said["custody"] * 6),
        lambda said: said["custody"][0].update(act="FOUND"),
        lambda said: said["custody"][0].update(note="more"),
        lambda said: said["custody"][0].pop("person"),
        lambda said: said["custody"][0].update(time="2026-11-20T07:15:00Z"),
        lambda said: said["custody"][0].update(digest=said["custody"][0]["digest"].upper()),
        lambda said: said["custody"][0].update(place="two\nlines"),
        lambda said: said.pop("copyStatement"),
        lambda said: said["copyStatement"].update(version="true copy"),
        lambda said: said.pop("original"),
        lambda said: said.update(original=""),
        lambda said: said.pop("clerk"),
        lambda said: said.update(clerk="17"),
        lambda said: said.update(paperSender={}),
        lambda said: said.update(paperSender={"name": "A", "number": "5001950015"}),
        lambda said: said.update(paperSender={"address": []}),
        lambda said: said.update(paperSender={"address": ["A"] * 6}),
        lambda said: said.update(tracking="rr 1"),
        lambda said: said.update(right="0" * 64),
    ]


@pytest.mark.parametrize("mutate", _mutations())
def test_the_format_permits_nothing_else(mutate: Callable[[dict[str, Any]], None]) -> None:
    genuine = json.loads(PAPER.encode())
    assert RecordedFact.parse(json.dumps(genuine).encode()).document == PAPER
    mutate(genuine["Extensions"])
    with pytest.raises(EvidenceError):
        RecordedFact.parse(json.dumps(genuine).encode())


def test_what_was_done_with_paper_is_told_in_words_of_the_format() -> None:
    assert [act.value for act in CustodyAct] == ["RECEIVED", "HANDED_ON", "OPENED", "SCANNED", "STORED"]
