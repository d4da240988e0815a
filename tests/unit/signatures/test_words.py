"""Reports in words: nothing is missing in any language, and what is printed says what was found."""

import json
import string

import pytest

from namak.client.signing import sign_cms, sign_pdf
from namak.signatures.json_form import report_document
from namak.signatures.printed import WIDTH, report_lines
from namak.signatures.report import (
    SUB_INDICATIONS,
    TOTAL_FAILED,
    Check,
    CheckId,
    CheckResult,
    Finding,
    RevocationStatus,
    SubIndication,
    TimeBasis,
    Verdict,
    concluded,
    verdict_of,
)
from namak.signatures.words import (
    BASES,
    CHECKS,
    FINDINGS,
    LANGUAGES,
    RESULTS,
    STATUSES,
    VERDICTS,
    Words,
)
from scripts.catalogue import SIGNATURES, problems
from tests.signing import files
from tests.signing.world import DOCUMENT, SIGNED, World, judged


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("language", SIGNATURES.languages)
def test_every_text_is_translated_and_compiled(language: str) -> None:
    assert list(problems(SIGNATURES, language)) == []


def test_the_languages_are_those_of_the_catalogues_and_of_the_code() -> None:
    assert {*SIGNATURES.languages, "en"} == set(LANGUAGES)


def test_every_constant_has_its_words() -> None:
    assert set(CHECKS) == set(CheckId)
    assert set(FINDINGS) == set(Finding)
    assert set(VERDICTS) == set(Verdict)
    assert set(RESULTS) == set(CheckResult)
    assert set(STATUSES) == set(RevocationStatus)
    assert set(BASES) == set(TimeBasis)


@pytest.mark.parametrize("finding", Finding)
def test_each_language_says_a_finding_in_its_own_words(finding: Finding) -> None:
    check = Check(CheckId.FORMAT, CheckResult.FAILED, finding)

    assert len({Words(language).check(check) for language in LANGUAGES}) == len(LANGUAGES)


def test_a_language_that_is_not_spoken_is_answered_in_english() -> None:
    check = Check(CheckId.FORMAT, CheckResult.FAILED, Finding.EMPTY)

    assert Words("fr").check(check) == Words("en").check(check) == "The file is empty."


def test_facts_stand_in_the_sentence_and_times_are_told_in_utc() -> None:
    facts = (("certificate", "CN=Aram"), ("revoked", "2026-11-20T12:00:00+04:00"))
    check = Check(CheckId.REVOCATION, CheckResult.PASSED, Finding.REVOKED_SINCE, facts)

    assert "CN=Aram was revoked on 2026-11-20 08:00:00 UTC" in Words("en").check(check)


def test_a_fact_that_is_missing_does_not_take_the_sentence_away() -> None:
    check = Check(CheckId.REVOCATION, CheckResult.NOT_CHECKED, Finding.NO_ANSWER)

    assert Words("en").check(check) == "Nothing at hand says whether ? was revoked."


def test_words_fill_in_nothing_that_a_certificate_says() -> None:
    facts = (("certificate", "CN={revoked.__class__}"), ("revoked", "x"))
    check = Check(CheckId.REVOCATION, CheckResult.PASSED, Finding.REVOKED_SINCE, facts)

    assert "CN={revoked.__class__}" in Words("en").check(check)


def test_findings_name_only_plain_facts() -> None:
    named = [name for text in FINDINGS.values() for _, name, _, _ in string.Formatter().parse(text) if name]

    assert all(name.isidentifier() for name in named)


def test_every_sub_indication_of_a_finding_has_a_verdict() -> None:
    assert {verdict_of(each) for each in SUB_INDICATIONS.values()} == {Verdict.INVALID, Verdict.INDETERMINATE}
    assert set(SubIndication) > TOTAL_FAILED


def test_what_failed_weighs_more_than_what_is_open() -> None:
    open_one = Check(CheckId.REVOCATION, CheckResult.NOT_CHECKED, Finding.NO_ANSWER)
    broken = Check(CheckId.DOCUMENT_DIGEST, CheckResult.FAILED, Finding.DIGEST_DIFFERS)
    told = Check(CheckId.REVOCATION, CheckResult.PASSED, Finding.REVOKED_SINCE)

    assert concluded((told,)) is None
    assert concluded((open_one,)) is SubIndication.TRY_LATER
    assert concluded((open_one, broken)) is SubIndication.HASH_FAILURE


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_printed_report_fits_a_page_and_names_the_signer(world: World, language: str) -> None:
    stamp = world.authority_of_time(SIGNED)
    signed = sign_pdf(files.pdf(), world.aram.signer, at=SIGNED, timestamps=stamp)

    lines = list(report_lines(judged(signed, None, world.trust()), language, name="որոշում.pdf"))

    assert max(map(len, lines)) <= WIDTH
    printed = "\n".join(lines)
    assert "Արամ Պետրոսյան" in printed
    assert "PNOAM 5001950015" in printed
    assert "{" not in printed
    assert all(Words(language)(title) in " ".join(printed.split()) for title in (CHECKS[CheckId.CHAIN],))


def test_a_report_for_programs_is_json_with_every_check(world: World) -> None:
    report = judged(DOCUMENT + b"x", sign_cms(DOCUMENT, world.aram.signer, at=SIGNED), world.trust())

    document = json.loads(json.dumps(report_document(report, "ru")))

    assert (document["verdict"], document["sub_indication"]) == ("INVALID", "HASH_FAILURE")
    (signature,) = document["signatures"]
    assert signature["signer"]["number"] == "5001950015"
    assert [check["id"] for check in signature["checks"]] == [each.id for each in report.signatures[0].checks]
    digest = next(check for check in signature["checks"] if check["id"] == "DOCUMENT_DIGEST")
    assert (digest["result"], digest["finding"]) == ("FAILED", "DIGEST_DIFFERS")
    assert digest["words"] == "Документ изменён, или подписан был другой."
    assert [each["trusted"] for each in signature["chain"]] == [False, False, False, True]
    assert signature["chain"][0]["revocation"]["source"] == "CRL"
