"""`namak policy`: the policies in words, played and drawn, without any server."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from namak.cli import policies, policy_words
from namak.cli.policy_pictures import drawn, of_policy, svg
from namak.cli.texts import speaking
from namak.evidence.notification_policy import POLICIES
from namak.evidence.simulation import POSSIBLE
from tests.client.conftest import Namak, Printed
from tests.unit.usecases.nudge_world import POLICIES as INVENTED

CONSIGNED = ("--fact", "ContentConsignment@2026-11-22T10:00")
PUBLISHED = ("--fact", "NoticePublished@2026-12-03T09:00")
EFFECTIVE = "2026-12-10T20:00:00.000000Z"

Policy = Callable[..., Printed]


@pytest.fixture
def policy(namak: Namak) -> Policy:
    """Runs `namak policy` with no configuration at all."""
    return lambda *arguments: namak(None, "policy", *arguments)


def test_lists_every_policy(policy: Policy) -> None:
    found = json.loads(policy("list", "--json").out)

    assert [each["key"] for each in found["policies"]] == list(POLICIES)
    assert "am-2025@2" in policy("list").out


@pytest.mark.parametrize("key", POLICIES)
def test_explains_every_policy_with_its_rules_steps_and_sources(policy: Policy, key: str) -> None:
    text = policy("explain", key).out

    shown = POLICIES[key]
    for named in (*(rule.id for rule in shown.rules), *(step.id for step in shown.steps)):
        assert named in text
    assert all(source.where in text for source in shown.sources)
    assert all(assumed in text for assumed in shown.assumed)


def test_says_the_same_in_armenian_and_russian(policy: Policy) -> None:
    for lang in ("hy", "ru"):
        text = policy("explain", "am-2025@2", "--lang", lang).out
        assert "properly notified" not in text
        assert "LADDER-1-NOTICE" in text


def test_plays_the_ladder_to_its_end(policy: Policy) -> None:
    found = json.loads(policy("simulate", "am-2025@2", "--json", *CONSIGNED, *PUBLISHED).out)

    assert [(each["kind"], each.get("step"), each["time"]) for each in found["timeline"]] == [
        ("fact", None, "2026-11-22T06:00:00.000000Z"),
        ("step", "LETTER", "2026-11-25T20:00:00.000000Z"),
        ("step", "NOTICE", "2026-12-02T20:00:00.000000Z"),
        ("fact", None, "2026-12-03T05:00:00.000000Z"),
        ("effect", None, EFFECTIVE),
    ]
    assert found["timeline"][-1]["rule"] == "LADDER-1-NOTICE"
    wait = found["outcome"].pop("wait")
    assert found["outcome"] == {
        "notified": True,
        "since": EFFECTIVE,
        "rule": "LADDER-1-NOTICE",
        "because": {"event": "NoticePublished", "time": "2026-12-03T05:00:00.000000Z"},
    }
    assert wait.startswith("7 whole days after ")
    told = policy("simulate", "am-2025@2", *CONSIGNED, *PUBLISHED).out
    assert wait in " ".join(told.split())


def test_draws_the_timeline_in_the_terminal_in_civil_time(policy: Policy) -> None:
    text = policy("simulate", "am-2025@2", *CONSIGNED, *PUBLISHED).out

    assert "2026-11-26 00:00  ▲" in text
    assert "2026-12-11 00:00  ◆" in text


def test_says_that_nobody_is_notified(policy: Policy) -> None:
    assert "is not notified" in policy("simulate", "am-2025@2", *CONSIGNED).out
    found = json.loads(policy("simulate", "am-2025@2", *CONSIGNED, "--json").out)
    assert found["outcome"] == {"notified": False}


def test_a_fact_after_the_effect_is_late_and_a_withdrawal_ends_everything(policy: Policy) -> None:
    late = ("--fact", "HolderSignedIn@2026-12-20")
    kinds = _kinds(policy, "am-2025@2", *CONSIGNED, *PUBLISHED, *late)
    withdrawn = _kinds(policy, "am-2025@2", *CONSIGNED, "--fact", "Withdrawn@2026-11-23", *PUBLISHED)

    assert kinds[-2:] == ["effect", "late"]
    assert withdrawn == ["fact", "withdrawn", "late"]


@pytest.mark.parametrize(
    ("facts", "event", "why", "told"),
    [
        ([CONSIGNED[1], "LetterPosted@2026-11-27"], "LetterPosted", "no-rule", "no rule of this policy"),
        (["HolderSignedIn@2026-11-21", CONSIGNED[1]], "HolderSignedIn", "required-missing", "lies in the"),
        ([CONSIGNED[1], "NoticePublished@2026-11-23"], "NoticePublished", "before-rule", "LETTER is due"),
        (
            [CONSIGNED[1], PUBLISHED[1], "HolderSignedIn@2026-12-05"],
            "NoticePublished",
            "overtaken",
            "something else notified before",
        ),
        (
            [CONSIGNED[1], PUBLISHED[1], "Withdrawn@2026-12-05"],
            "NoticePublished",
            "withdrawn-first",
            "was withdrawn before",
        ),
        (
            [CONSIGNED[1], "HolderSignedIn@2026-11-23", "ContentAccessTracking@2026-11-24"],
            "ContentAccessTracking",
            "after-effect",
            "changes nothing any more",
        ),
        (
            [CONSIGNED[1], "Withdrawn@2026-11-23", "ContentAccessTracking@2026-11-24"],
            "ContentAccessTracking",
            "after-withdrawal",
            "changes nothing any more",
        ),
    ],
)
def test_says_why_a_fact_did_not_notify(
    policy: Policy, facts: list[str], event: str, why: str, told: str
) -> None:
    given = [word for fact in facts for word in ("--fact", fact)]

    found = json.loads(policy("simulate", "am-2025@2", "--json", *given).out)["timeline"]

    assert {each["event"]: each["why"] for each in found if "why" in each} == {event: why}
    assert told in " ".join(policy("simulate", "am-2025@2", *given).out.replace("│", " ").split())


def test_a_reported_time_stands_after_a_slash(policy: Policy) -> None:
    handed = ("--fact", "LetterHandedOver@2026-12-01T10:00/2026-11-28T09:00+04:00")
    found = json.loads(policy("simulate", "am-2025@2", "--json", *CONSIGNED, *handed).out)

    effect = next(each for each in found["timeline"] if each["kind"] == "effect")
    assert (effect["rule"], effect["time"]) == ("LADDER-1-LETTER", "2026-11-28T05:00:00.000000Z")


def test_facts_come_from_a_file_too_and_pictures_go_to_one(policy: Policy, tmp_path: Path) -> None:
    facts, picture = tmp_path / "facts.json", tmp_path / "timeline.svg"
    facts.write_text(
        json.dumps(
            [
                {"event": "ContentConsignment", "time": "2026-11-22T10:00"},
                {"event": "NoticePublished", "time": "2026-12-03T09:00", "reported_time": "2026-12-03"},
            ]
        )
    )

    found = policy(
        "simulate", "am-2025@2", "--json", "--facts", str(facts), "--svg", str(picture), "--profile", "az"
    )

    assert json.loads(found.out)["profile"] == "namak:az:1"
    ElementTree.fromstring(picture.read_text("utf-8"))
    again = policy("explain", "am-2025@2", "--svg", str(picture))
    assert again.code != 0, "a file is not overwritten unasked"


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "am-2025@9"),
        ("simulate", "am-2025@2"),
        ("simulate", "am-2025@2", "--fact", "ContentConsignment"),
        ("simulate", "am-2025@2", "--fact", "NotificationEffected@2026-11-22"),
        ("simulate", "am-2025@2", "--fact", "ContentConsignment@yesterday"),
        ("simulate", "am-2025@2", "--fact", "ContentConsignment@9999-12-31"),
        ("simulate", "am-2025@2", "--fact", "ContentConsignment@2001-01-01"),
        ("simulate", "am-2025@2", *CONSIGNED, "--profile", "xx"),
        ("simulate", "am-2025@2", *(CONSIGNED * 101)),
    ],
)
def test_what_it_cannot_play_is_refused_in_words(policy: Policy, arguments: tuple[str, ...]) -> None:
    refused = policy(*arguments)

    assert refused.code == 2
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(
    "text", ["{", "{}", "[1]", '[{"event": "Withdrawn"}]', '[{"event": 1, "time": "x"}]']
)
def test_a_file_that_holds_no_facts_is_refused(policy: Policy, tmp_path: Path, text: str) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(text)

    assert policy("simulate", "am-2025@2", "--facts", str(facts)).code == 2


def test_every_possible_event_and_all_that_policies_say_has_words() -> None:
    assert {event.name for event in POSSIBLE} == set(policy_words.EVENTS)
    said = {text for each in POLICIES.values() for text in (*(s.says for s in each.sources), *each.assumed)}
    assert said == set(policy_words.SAID)


@pytest.mark.parametrize("key", POLICIES)
@pytest.mark.parametrize("lang", ["hy", "ru", "en"])
def test_pictures_are_well_formed_in_every_language(key: str, lang: str) -> None:
    with speaking(lang):
        moments = of_policy(POLICIES[key])
        root = ElementTree.fromstring(svg(f"<{key}>", moments))

    assert root.tag.endswith("svg")
    assert len(drawn(moments)) >= len(moments)


def _kinds(policy: Policy, *arguments: str) -> list[str]:
    found = json.loads(policy("simulate", *arguments, "--json").out)
    return [each["kind"] for each in found["timeline"]]


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "tell the holder by e-mail or SMS"), ("hy", "SMS"), ("ru", "SMS")]
)
def test_an_invented_policy_that_nudges_is_explained_and_played(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, lang: str, words: str
) -> None:
    monkeypatch.setattr(policies, "POLICIES", INVENTED)
    told = " ".join(policy("explain", "am-nudged@1", "--lang", lang).out.split())
    reminder = told[told.index("REMINDER:") : told.index("LETTER:")]
    assert words in reminder

    arguments = (*CONSIGNED, "--fact", "ConsignmentNotificationFailure@2026-11-23T10:30")
    found = json.loads(policy("simulate", "am-nudged@1", "--json", *arguments).out)
    assert [(each["kind"], each.get("step") or each.get("event")) for each in found["timeline"]] == [
        ("fact", "ContentConsignment"),
        ("step", "REMINDER"),
        ("fact", "ConsignmentNotificationFailure"),
        ("step", "AFTER-FAILURE"),
        ("step", "LETTER"),
    ]
    assert found["timeline"][1]["time"] == "2026-11-23T06:00:00.000000Z"
    assert found["outcome"] == {"notified": False}
