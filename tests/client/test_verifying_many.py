"""Receipts verified some at a time come out as if they were verified all together."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.cli import verifying_many
from namak.cli.verifying_many import Result, verify_many
from namak.evidence.document import EvidenceDocument, RecordedFact
from namak.evidence.verify import verify_receipts
from tests.unit.evidence_documents.test_verify_right import Deed
from tests.unit.evidence_documents.world import Story, World

Files = Mapping[str, bytes]


def together(files: Files, world: World) -> list[Result]:
    return [Result.of(found) for found in verify_receipts(files, world.trust()).files]


def in_parts(files: Files, world: World) -> list[Result]:
    found = verify_many(list(files), files.__getitem__, world.trust(), {})
    listed = list(found)
    assert (found.count, found.valid) == (len(listed), sum(each.verdict == "VALID" for each in listed))
    return listed


def of_other_delivery(fact: EvidenceDocument, number: int) -> EvidenceDocument:
    delivery = fact.delivery_id
    assert delivery is not None
    return replace(
        fact,
        delivery_id=UUID(int=delivery.int + number),
        evidence_id=UUID(int=fact.evidence_id.int + number * 1000),
        salt=bytes([number]) * 16,
    )


@pytest.fixture(scope="module")
def told() -> tuple[World, dict[str, RecordedFact]]:
    """One whole delivery, one that names the other's evidence, one that only begins, and a second effect."""
    story = Story()
    world = story.world
    confirmed = world.record(story.confirmation())
    effect = world.record(story.effect(confirmed))
    second = world.record(replace(story.effect(confirmed), evidence_id=UUID(int=77), salt=b"2" * 16))
    # It says the other delivery's consignment and opening.
    crossed = world.record(of_other_delivery(story.confirmation(), 1))
    begun = world.record(of_other_delivery(story.acceptance.document, 2))
    late = world.record(
        replace(
            of_other_delivery(story.access.document, 3), event_time=story.opening_time + timedelta(hours=1)
        )
    )
    facts = {
        "a-1": story.acceptance, "a-2": story.consignment, "a-3": story.access, "a-4": confirmed,
        "a-5": effect, "a-6": second, "b-4": crossed, "c-1": begun, "d-3": late,
    }  # fmt: skip
    return world, facts


def test_what_lies_in_one_part(told: tuple[World, dict[str, RecordedFact]]) -> None:
    world, facts = told
    files = {name: world.receipt(fact) for name, fact in facts.items()}
    assert in_parts(files, world) == together(files, world)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_strewn_about(
    told: tuple[World, dict[str, RecordedFact]], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, facts = told
    chance = random.Random(seed)
    monkeypatch.setattr(verifying_many, "AT_ONCE", chance.choice([1, 2, 3]))
    names = chance.sample(sorted(facts), chance.randint(3, len(facts)))
    files = {name: world.receipt(facts[name]) for name in names}
    # The same evidence twice, and what is no receipt.
    files["z"] = files[names[0]]
    files["broken"] = files[names[1]][:-1]
    files["nothing"] = b""
    assert in_parts(files, world) == together(files, world)


def test_a_second_effect_far_away_spoils_the_first(
    told: tuple[World, dict[str, RecordedFact]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, facts = told
    monkeypatch.setattr(verifying_many, "AT_ONCE", 5)
    names = ["a-1", "a-2", "a-3", "a-4", "a-5", "b-4", "c-1", "d-3", "a-6"]
    found = {each.name: each for each in in_parts({n: world.receipt(facts[n]) for n in names}, world)}
    assert [found[name].verdict for name in ("a-4", "a-5", "a-6")] == ["VALID", "INVALID", "INVALID"]


def test_evidence_of_another_delivery_is_found_out_wherever_it_lies(
    told: tuple[World, dict[str, RecordedFact]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, facts = told
    monkeypatch.setattr(verifying_many, "AT_ONCE", 1)
    found = in_parts({name: world.receipt(facts[name]) for name in ("b-4", "c-1", "a-2")}, world)
    checks = {name: words for name, _outcome, words in found[0].checks}
    assert "is of another delivery" in checks["consignment"]
    assert "is not among the files" in checks["access"]


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("is_strewn", [False, True])
def test_acts_count_wherever_they_lie(
    revoked: bool, is_strewn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    deed = Deed()
    world, granted = deed.story.world, deed.grant()
    acts = [deed.revoke(granted, timedelta(minutes=2))] if revoked else []
    confirmed = deed.confirm(granted)
    files = {"confirmed": world.receipt(confirmed), **deed.story.files(deed.story.consignment)}
    # The delivery in one part, or each of its files in one of its own; the acts in others either way.
    monkeypatch.setattr(verifying_many, "AT_ONCE", 1 if is_strewn else len(files))
    for number, each in enumerate((granted, *acts)):
        proof = world.log.proof(each.data, world.log.entries.index(each.entry))
        files[f"act-{number}"] = proof.encode()
    found = in_parts(files, world)
    assert found == together(files, world)
    assert found[0].verdict == ("INVALID" if revoked else "VALID")


def test_results_beyond_memory_come_back_from_the_disk(
    told: tuple[World, dict[str, RecordedFact]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, facts = told
    monkeypatch.setattr(verifying_many, "_IN_MEMORY", 1)
    files = {name: world.receipt(fact) for name, fact in facts.items()}
    assert in_parts(files, world) == together(files, world)


def test_progress_is_told_part_by_part(
    told: tuple[World, dict[str, RecordedFact]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, facts = told
    monkeypatch.setattr(verifying_many, "AT_ONCE", 4)
    files = {name: world.receipt(fact) for name, fact in facts.items()}
    told_of: list[int] = []
    verify_many(list(files), files.__getitem__, world.trust(), {}, told_of.append).close()
    assert told_of == [4, 8, 9]
